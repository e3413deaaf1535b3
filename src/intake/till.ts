import {
  type CancelAnswer,
  type CancelRequest,
  cancelPaid,
  cancelUnpaid,
  type UnpaidCancel,
} from '../db/cancel';
import { type Booking, bookPayments, type PaymentNotice } from '../db/payment';
import type { Database } from '../db/transaction';
import type { BatchKind, Batcher } from './batcher';

export interface TillOptions {
  /** Shared with new orders: who writes a hot SKU in this process takes turns instead of fighting for its lock. */
  batcher: Batcher;
  /** For batches. */
  lanes: Database;
  /** For what goes by itself. */
  db: Database;
}

/** Where orders are paid and given back. */
export interface Till {
  /** Books a signed word of a provider, once however often it is told. */
  book(notice: PaymentNotice): Promise<Booking>;
  /** Cancels an order; null when there is none. */
  cancel(request: CancelRequest): Promise<CancelAnswer | null>;
}

/**
 * Both are urgent: money that came must be booked, and what is given back is what the next buyer can have. A paid
 * order's cancel asks where its goods are, in a transaction of its own, and keeps no lane from others meanwhile.
 */
export function createTill({ batcher, lanes, db }: TillOptions): Till {
  const payments: BatchKind<PaymentNotice, Booking> = {
    name: 'payment',
    urgent: true,
    run: (tenant, notices) => bookPayments(lanes, tenant, notices),
  };
  const cancels: BatchKind<CancelRequest, UnpaidCancel> = {
    name: 'cancel',
    urgent: true,
    run: (tenant, requests) => cancelUnpaid(lanes, tenant, requests),
  };
  return {
    book: (notice) => batcher.submit(payments, notice.tenant, notice),
    async cancel(request) {
      const answer = await batcher.submit(cancels, request.tenant, request);
      return answer === 'paid' ? cancelPaid(db, request) : answer;
    },
  };
}
