import { followSellable } from '../../sdk/followSellable';
import type { Stage } from './stage';

/** What the host had before their eyes during the show. */
export interface HostSight {
  /** Numbers told, those at the beginning too. */
  told: number;
  /** SKUs that were told as gone at least once. */
  soldOut: number;
}

export interface Host {
  leave(): Promise<HostSight>;
}

/** The host follows what can be sold of the hot SKUs, as a page of theirs would. */
export function seatHost({ apiUrl, keys }: Pick<Stage, 'apiUrl' | 'keys'>, skus: readonly string[]): Host {
  const end = new AbortController();
  const soldOut = new Set<string>();
  let told = 0;
  const watching = (async () => {
    for await (const { sku, sellable } of followSellable({
      baseUrl: apiUrl,
      key: keys.host,
      skus,
      signal: end.signal,
    })) {
      told += 1;
      if (sellable === 0) soldOut.add(sku);
    }
  })();
  watching.catch(() => undefined);
  return {
    async leave() {
      end.abort();
      await watching;
      return { told, soldOut: soldOut.size };
    },
  };
}
