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
 * Two batches of a tenant at once, because one is planned and written while the other has the locks. A small one waits
 * for the other instead: beside it, it costs three times as much an order, and everybody waits for the processor
 * (docs/performance.md).
 */
export const usualBatching = {
  lanes: 8,
  lanesOfTenant: 2,
  leastBeside: 24,
  mostInBatch: 256,
  mostWaiting: 5000,
};

export function createIntake({ batcher = createBatcher(usualBatching), ...needs }: IntakeOptions): Intake {
  const orders = createOrderKind(needs);
  return {
    place: (tenant, request, actor) => batcher.submit(orders, tenant, { request, actor }),
  };
}
