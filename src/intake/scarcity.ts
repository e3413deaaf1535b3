import type { Shortfall } from '../domain/order/model';

/**
 * Which SKUs were short when they were last asked for. A hint only: it chooses whether a batch looks at the stock
 * before it locks anything, and never the answer.
 */
export interface Scarcity {
  mayBeShort(tenant: string, skus: Iterable<string>): boolean;
  noteShort(tenant: string, shortfall: readonly Shortfall[]): void;
  noteSold(tenant: string, skus: Iterable<string>): void;
}

const mostNoted = 10_000;

export function createScarcity(): Scarcity {
  const short = new Set<string>();
  const keyOf = (tenant: string, sku: string) => `${tenant} ${sku}`;
  return {
    mayBeShort(tenant, skus) {
      if (short.size === 0) return false;
      for (const sku of skus) if (short.has(keyOf(tenant, sku))) return true;
      return false;
    },
    noteShort(tenant, shortfall) {
      if (short.size > mostNoted) short.clear();
      for (const { sku } of shortfall) short.add(keyOf(tenant, sku));
    },
    noteSold(tenant, skus) {
      if (short.size === 0) return;
      for (const sku of skus) short.delete(keyOf(tenant, sku));
    },
  };
}
