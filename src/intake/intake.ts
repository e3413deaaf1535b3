import { type Batcher, createBatcher } from './batcher';
import type { IntakeAnswer, IntakeRequest } from './model';
import { createOrderKind, type OrderBatchNeeds } from './orderBatch';

export interface IntakeOptions extends OrderBatchNeeds {
  /** Shared with whatever else writes stock in this process, so that they take turns; its own when left out. */
  batcher?: Batcher;
}

export interface Intake {
  /**
   * Hands in one order: it is accepted whole, repeated (the first answer again) or refused, and a refusal stores
   * nothing. One transaction, shared with whoever asks at the same time, holds the stock and writes order, lines,
   * holds, journal and outbox. Throws when the database is away (the caller may then ask again with the same body and
   * learns the truth), and `Overloaded` when too many wait already.
   */
  place(tenant: string, request: IntakeRequest, actor: string): Promise<IntakeAnswer>;
}

/**
 * Two batches of a tenant at once, because one is prepared while the other is written; 256 orders in one hold a hot
 * SKU's lock for about 15 ms where they were planned ahead, else for 40 (docs/performance.md).
 */
export const usualBatching = { lanes: 8, lanesOfTenant: 2, mostInBatch: 256, mostWaiting: 5000 };

export function createIntake({ batcher = createBatcher(usualBatching), ...needs }: IntakeOptions): Intake {
  const orders = createOrderKind(needs);
  return {
    place: (tenant, request, actor) => batcher.submit(orders, tenant, { request, actor }),
  };
}
