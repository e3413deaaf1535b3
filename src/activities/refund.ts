import type { PaymentClient } from '../clients/payment/client';
import { confirmRefund, findRefund, parkRefund } from '../db/refund';
import { findTransactionFen } from '../db/transactionAmount.read';
import type { Database } from '../db/transaction';
import { reportingFaults } from './faults';

export interface RefundKey {
  tenant: string;
  refundId: string;
}

/** `unknown`: the provider never got the request. */
export type RefundStanding = 'confirmed' | 'processing' | 'refused' | 'unknown';

export interface RefundActivities {
  /** Asks the provider under the refund's id, which moves the money once however often it is asked. */
  requestRefund(refund: RefundKey): Promise<RefundStanding>;
  queryRefund(refund: RefundKey): Promise<RefundStanding>;
  parkRefund(refund: RefundKey & { problem: string }): Promise<void>;
}

export interface RefundActivitiesNeeds {
  db: Database;
  payment: PaymentClient;
}

export function createRefundActivities({ db, payment }: RefundActivitiesNeeds): RefundActivities {
  async function load({ tenant, refundId }: RefundKey) {
    const refund = await findRefund(db, { tenant, refundId });
    if (refund === null) throw new Error(`I7 the refund ${refundId} has a workflow and no row`);
    return refund;
  }

  async function settle(key: RefundKey, kind: 'succeeded' | 'processing'): Promise<RefundStanding> {
    if (kind === 'processing') return 'processing';
    await confirmRefund(db, key);
    return 'confirmed';
  }

  return reportingFaults({
    async requestRefund({ tenant, refundId }) {
      const refund = await load({ tenant, refundId });
      if (refund.state === 'confirmed') return 'confirmed';
      const { orderId, provider, transactionId, amountFen, reason } = refund;
      const answer = await payment.requestRefund({
        refundId,
        transactionId,
        tenant,
        orderId,
        amountFen,
        transactionAmountFen: await findTransactionFen(db, { tenant, provider, transactionId }),
        reason,
      });
      return answer.kind === 'refused' ? 'refused' : settle({ tenant, refundId }, answer.kind);
    },

    async queryRefund({ tenant, refundId }) {
      const refund = await load({ tenant, refundId });
      if (refund.state === 'confirmed') return 'confirmed';
      const answer = await payment.queryRefund({ refundId });
      return answer.kind === 'unknown' ? 'unknown' : settle({ tenant, refundId }, answer.kind);
    },

    parkRefund: ({ tenant, refundId, problem }) => parkRefund(db, { tenant, refundId, detail: { problem } }),
  } satisfies RefundActivities);
}
