import type { OrderState } from '../domain/order/model';
import { lockOrders } from './holds';
import { insertOrderEvent } from './order';
import { insertOutbox } from './outbox';
import { requestRefund } from './refund';
import { reholdOrder } from './rehold';
import { type Database, Rollback, type TenantTx } from './transaction';

export type LateMoneyDecision =
  | { outcome: 'reheld'; orderId: string; run: number }
  | { outcome: 'refunding'; refundId: string }
  | { outcome: 'alreadyDecided' };

/**
 * Decides money that came late or that nobody owes, in one transaction and exactly once (I8): held again if the
 * goods are still there under the same promise, else refunded.
 */
export async function decideLateMoney(
  db: Database,
  money: { tenant: string; provider: string; transactionId: string },
): Promise<LateMoneyDecision> {
  return db.inTenant(money.tenant, async (tx) => {
    const payment = await findUndecided(tx, money);
    if (!payment) return { outcome: 'alreadyDecided' };
    if (payment.state === 'late' && payment.orderState === 'expired') {
      const rehold = await reholdOrder(tx, { orderId: payment.orderId, mode: 'late' });
      if (rehold.kind === 'movedOn') return { outcome: 'alreadyDecided' };
      if (rehold.kind === 'reheld') return takeLate(tx, money, { orderId: payment.orderId, run: rehold.run });
    }
    // under the order's lock, so that a repeat of this decision waits and then finds the refund
    await lockOrders(tx, [payment.orderId]);
    if (!(await findUndecided(tx, money))) return { outcome: 'alreadyDecided' };
    const refundId = await requestRefund(tx, {
      orderId: payment.orderId,
      provider: money.provider,
      transactionId: money.transactionId,
      amountFen: payment.amountFen,
      reason: payment.state === 'late' ? 'latePayment' : 'surplusPayment',
    });
    return { outcome: 'refunding', refundId };
  });
}

async function takeLate(
  tx: TenantTx,
  money: { provider: string; transactionId: string },
  { orderId, run }: { orderId: string; run: number },
): Promise<LateMoneyDecision> {
  const taken = await tx.query(
    `UPDATE orders SET state = 'paid', paid_at = clock_timestamp(), ended_at = NULL, late_outcome = 'reheld',
                       late_at = clock_timestamp()
      WHERE tenant = $1 AND order_id = $2 AND state = 'expired'`,
    [tx.tenant, orderId],
  );
  const applied = await tx.query(
    `UPDATE payment SET state = 'applied' WHERE tenant = $1 AND provider = $2 AND transaction_id = $3 AND state = 'late'`,
    [tx.tenant, money.provider, money.transactionId],
  );
  // somebody decided between our read and our locks: take nothing, their decision stands
  if (taken.rowCount !== 1 || applied.rowCount !== 1)
    throw new Rollback<LateMoneyDecision>({ outcome: 'alreadyDecided' });
  await insertOrderEvent(tx, orderId, 'reheld');
  await insertOutbox(tx, [{ kind: 'startOrder', subject: orderId, payload: { run }, urgent: true }]);
  return { outcome: 'reheld', orderId, run };
}

interface UndecidedPayment {
  orderId: string;
  amountFen: number;
  state: 'late' | 'surplus';
  orderState: OrderState;
}

async function findUndecided(
  tx: TenantTx,
  money: { provider: string; transactionId: string },
): Promise<UndecidedPayment | null> {
  const { rows } = await tx.query<UndecidedPayment>(
    `SELECT p.order_id AS "orderId", p.amount_fen AS "amountFen", p.state, o.state AS "orderState"
       FROM payment p JOIN orders o ON o.tenant = p.tenant AND o.order_id = p.order_id
      WHERE p.tenant = $1 AND p.provider = $2 AND p.transaction_id = $3 AND p.state IN ('late', 'surplus')
        AND NOT EXISTS (SELECT 1 FROM refund r WHERE r.tenant = p.tenant AND r.provider = p.provider
                           AND r.transaction_id = p.transaction_id)`,
    [tx.tenant, money.provider, money.transactionId],
  );
  return rows[0] ?? null;
}
