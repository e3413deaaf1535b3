import type { OrderState } from '../domain/order/model';
import type { Movement } from '../domain/inventory/model';
import { raiseAttention } from './attention';
import { markExpired } from './expiry';
import { lockOrders, lockOrdersWithStock } from './holds';
import { writeMovements } from './inventory';
import { insertOrderEvent } from './order';
import { insertOutbox } from './outbox';
import { wakeReserved } from './presaleReserve';
import { requestRefund } from './refund';
import { reholdOrder } from './rehold';
import { type Database, Rollback, type TenantTx } from './transaction';

/** One signed word of a provider: money came for an order. */
export interface PaymentNotice {
  tenant: string;
  provider: string;
  notificationId: string;
  transactionId: string;
  orderId: string;
  amountFen: number;
  paidAt: Date;
  /** Digest of the body, to tell a repeat from another body under the same id. */
  bodyDigest: Buffer;
}

/**
 * booked: the order is paid · repeated: known already · late: the hold had ended, to be decided · surplus: nobody
 * owes it, to be refunded · parked: not believed, shown, not applied · conflict: the same notification id with
 * another body, shown · unknownTenant, unknownOrder: nothing stored, the caller parks it with the platform.
 */
export type Booking = {
  kind: 'booked' | 'repeated' | 'late' | 'surplus' | 'parked' | 'conflict' | 'unknownTenant' | 'unknownOrder';
};

/**
 * Books money in one transaction: the payment, the hold's commit, the order's state and the word to its workflow.
 * Late is judged by database time under the locks, never by `paidAt`. Works while no worker and no Temporal runs.
 */
export async function bookPayment(db: Database, notice: PaymentNotice): Promise<Booking> {
  return db.inTenant(notice.tenant, async (tx) => {
    const tenant = await tx.query('SELECT 1 FROM tenant WHERE tenant = $1', [tx.tenant]);
    if (tenant.rowCount === 0) return { kind: 'unknownTenant' };
    const repeat = await noteNotification(tx, notice);
    if (repeat) return repeat;
    const exists = await tx.query('SELECT 1 FROM orders WHERE tenant = $1 AND order_id = $2', [
      tx.tenant,
      notice.orderId,
    ]);
    if (exists.rowCount === 0) throw new Rollback<Booking>({ kind: 'unknownOrder' });
    await lockOrdersWithStock(tx, [notice.orderId]);
    const order = await readOrder(tx, notice.orderId);
    return (await findTold(tx, notice)) ?? applyNotice(tx, notice, order);
  });
}

/** Stores the notification's id; answers when it was told before. */
async function noteNotification(tx: TenantTx, notice: PaymentNotice): Promise<Booking | null> {
  const inserted = await tx.query(
    `INSERT INTO payment_notification (tenant, provider, notification_id, body_digest) VALUES ($1, $2, $3, $4)
     ON CONFLICT DO NOTHING`,
    [tx.tenant, notice.provider, notice.notificationId, notice.bodyDigest],
  );
  if (inserted.rowCount === 1) return null;
  const { rows } = await tx.query<{ body_digest: Buffer }>(
    'SELECT body_digest FROM payment_notification WHERE tenant = $1 AND provider = $2 AND notification_id = $3',
    [tx.tenant, notice.provider, notice.notificationId],
  );
  if (rows[0]?.body_digest.equals(notice.bodyDigest)) return { kind: 'repeated' };
  await parkConflict(tx, notice, notice.notificationId);
  return { kind: 'conflict' };
}

async function parkConflict(tx: TenantTx, notice: PaymentNotice, subject: string): Promise<void> {
  const { transactionId, orderId, amountFen, notificationId } = notice;
  await raiseAttention(tx, {
    reason: 'conflictingNotice',
    subject,
    detail: { provider: notice.provider, notificationId, transactionId, orderId, amountFen },
  });
}

/** The same transaction under another notification id is one payment; with other facts it is shown, not applied. */
async function findTold(tx: TenantTx, notice: PaymentNotice): Promise<Booking | null> {
  const { rows } = await tx.query<{ order_id: string; amount_fen: number }>(
    'SELECT order_id, amount_fen FROM payment WHERE tenant = $1 AND provider = $2 AND transaction_id = $3',
    [tx.tenant, notice.provider, notice.transactionId],
  );
  const told = rows[0];
  if (!told) return null;
  if (told.order_id === notice.orderId && told.amount_fen === notice.amountFen) return { kind: 'repeated' };
  await parkConflict(tx, notice, notice.transactionId);
  return { kind: 'parked' };
}

interface OrderToPay {
  state: OrderState;
  totalFen: number;
  run: number;
  due: boolean;
}

/** Read under its lock; whether it is due is judged by the database's clock, now that nobody can change it. */
async function readOrder(tx: TenantTx, orderId: string): Promise<OrderToPay> {
  const { rows } = await tx.query<OrderToPay>(
    `SELECT state, total_fen AS "totalFen", run, coalesce(expires_at <= clock_timestamp(), false) AS due
       FROM orders WHERE tenant = $1 AND order_id = $2`,
    [tx.tenant, orderId],
  );
  if (!rows[0]) throw new Error('the order was there a moment ago');
  return rows[0];
}

async function applyNotice(tx: TenantTx, notice: PaymentNotice, order: OrderToPay): Promise<Booking> {
  if (notice.amountFen !== order.totalFen) return parkAmount(tx, notice, order);
  switch (order.state) {
    case 'awaitingPayment':
      if (!order.due && (await commitHolds(tx, notice.orderId))) return applyPayment(tx, notice, order);
      await markExpired(tx, [notice.orderId]);
      return keepForDecision(tx, notice, 'late');
    case 'expired':
      return keepForDecision(tx, notice, 'late');
    case 'waiting':
    case 'paid':
    case 'fulfilling':
    case 'delivered':
    case 'cancelled':
      return keepForDecision(tx, notice, 'surplus');
  }
}

async function parkAmount(tx: TenantTx, notice: PaymentNotice, order: OrderToPay): Promise<Booking> {
  await insertPayment(tx, notice, 'parked');
  await raiseAttention(tx, {
    reason: 'wrongAmount',
    subject: notice.transactionId,
    orderId: notice.orderId,
    detail: {
      provider: notice.provider,
      transactionId: notice.transactionId,
      amountFen: notice.amountFen,
      totalFen: order.totalFen,
    },
  });
  return { kind: 'parked' };
}

async function applyPayment(tx: TenantTx, notice: PaymentNotice, order: OrderToPay): Promise<Booking> {
  await insertPayment(tx, notice, 'applied');
  await tx.query(
    `UPDATE orders SET state = 'paid', paid_fen = paid_fen + $3, paid_at = clock_timestamp()
      WHERE tenant = $1 AND order_id = $2`,
    [tx.tenant, notice.orderId, notice.amountFen],
  );
  await insertOrderEvent(tx, notice.orderId, 'paid');
  // a start that still waits in the outbox goes ahead of the unpaid ones
  await tx.query(
    `UPDATE outbox SET urgent = true WHERE tenant = $1 AND subject = $2 AND kind = 'startOrder' AND done_at IS NULL`,
    [tx.tenant, notice.orderId],
  );
  await insertOutbox(tx, [
    {
      kind: 'signalOrder',
      subject: notice.orderId,
      payload: { stage: 'paid', run: order.run },
      urgent: true,
    },
  ]);
  return { kind: 'booked' };
}

/** Money that nothing can take at once: its own workflow decides, within a minute of a worker being there. */
async function keepForDecision(
  tx: TenantTx,
  notice: PaymentNotice,
  state: 'late' | 'surplus',
): Promise<Booking> {
  await insertPayment(tx, notice, state);
  await tx.query('UPDATE orders SET paid_fen = paid_fen + $3 WHERE tenant = $1 AND order_id = $2', [
    tx.tenant,
    notice.orderId,
    notice.amountFen,
  ]);
  await insertOrderEvent(tx, notice.orderId, state === 'late' ? 'latePayment' : 'surplusPayment');
  await insertOutbox(tx, [
    {
      kind: 'startMoney',
      subject: notice.transactionId,
      payload: { provider: notice.provider, transactionId: notice.transactionId },
      urgent: true,
    },
  ]);
  return { kind: state };
}

async function insertPayment(
  tx: TenantTx,
  notice: PaymentNotice,
  state: 'applied' | 'late' | 'surplus' | 'parked',
): Promise<void> {
  await tx.query(
    `INSERT INTO payment (tenant, provider, transaction_id, order_id, amount_fen, state, held_by, paid_at)
     VALUES ($1, $2, $3, $4, $5, $6, 'tenant', $7)`,
    [
      tx.tenant,
      notice.provider,
      notice.transactionId,
      notice.orderId,
      notice.amountFen,
      state,
      notice.paidAt,
    ],
  );
}

/**
 * held → committed for every hold of the order; false when any of them has ended already, and then nothing may be
 * taken (the caller treats the money as late). A sale that commits no unit at all would be an oversell in waiting.
 */
async function commitHolds(tx: TenantTx, orderId: string): Promise<boolean> {
  const holds = await tx.query<{
    state: string;
    sku: string;
    site_id: string;
    lot_id: string;
    quantity: number;
  }>(
    `SELECT state, sku, site_id, lot_id, quantity FROM hold WHERE tenant = $1 AND order_id = $2 ORDER BY hold_id FOR UPDATE`,
    [tx.tenant, orderId],
  );
  const quotas = await tx.query<{ state: string }>(
    'SELECT state FROM quota_hold WHERE tenant = $1 AND order_id = $2 ORDER BY line_id FOR UPDATE',
    [tx.tenant, orderId],
  );
  const all = [...holds.rows, ...quotas.rows];
  if (all.length === 0 || all.some((row) => row.state !== 'held')) return false;
  await tx.query(
    `UPDATE hold SET state = 'committed', ended_at = clock_timestamp() WHERE tenant = $1 AND order_id = $2 AND state = 'held'`,
    [tx.tenant, orderId],
  );
  const movements = holds.rows.map(
    (row): Movement => ({
      kind: 'committed',
      sku: row.sku,
      siteId: row.site_id,
      lotId: row.lot_id,
      quantity: row.quantity,
      causeKind: 'order',
      causeId: orderId,
    }),
  );
  await writeMovements(tx, { actor: 'system:payment', movements });
  if (quotas.rows.length > 0) await commitQuotaHolds(tx, orderId);
  return true;
}

async function commitQuotaHolds(tx: TenantTx, orderId: string): Promise<void> {
  const { rows } = await tx.query<{ campaign_id: string }>(
    `WITH taken AS (
       UPDATE quota_hold SET state = 'committed', ended_at = clock_timestamp()
        WHERE tenant = $1 AND order_id = $2 AND state = 'held' RETURNING campaign_id, region, quantity)
     UPDATE presale_quota q SET held = q.held - t.units, sold = q.sold + t.units
       FROM (SELECT campaign_id, region, sum(quantity)::bigint AS units FROM taken GROUP BY campaign_id, region) t
      WHERE q.tenant = $1 AND q.campaign_id = t.campaign_id AND q.region = t.region
      RETURNING q.campaign_id`,
    [tx.tenant, orderId],
  );
  // its goods may have come before its money
  await wakeReserved(
    tx,
    rows.map((row) => row.campaign_id),
  );
}

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
