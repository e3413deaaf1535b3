import { clearAttention, raiseAttention } from './attention';
import { lockOrders } from './holds';
import { computedId, insertOrderEvent } from './order';
import { insertOutbox } from './outbox';
import type { Database, TenantTx } from './transaction';

export interface RefundRequest {
  orderId: string;
  provider: string;
  transactionId: string;
  amountFen: number;
  /** The cause, in the house's words: part of the refund's identity, so one cause is refunded once. */
  reason: string;
}

/** One payment refunded for one cause always has the same id: the idempotency key at the provider (I10). */
function refundIdOf(request: RefundRequest): string {
  return computedId('r', [request.orderId, request.provider, request.transactionId, request.reason]);
}

/**
 * Orders a refund in the caller's transaction, which holds the order's lock; a workflow then carries it out. Where
 * the channel holds the money it is asked for in `attention` instead, never paid twice. The same request again
 * changes nothing. Throws when all refunds of a payment would pass what was paid (I7): the caller has computed the
 * amount under the same lock. Answers the refund's id.
 */
export async function requestRefund(tx: TenantTx, request: RefundRequest): Promise<string> {
  const { orderId, provider, transactionId, amountFen, reason } = request;
  const refundId = refundIdOf(request);
  const payment = await lockPayment(tx, request);
  const known = await tx.query('SELECT 1 FROM refund WHERE tenant = $1 AND refund_id = $2', [
    tx.tenant,
    refundId,
  ]);
  if (known.rowCount === 1) return refundId;
  if (amountFen > payment.restFen) throw new Error('I7 a refund would pass what was paid');
  await tx.query(
    `INSERT INTO refund (tenant, refund_id, order_id, provider, transaction_id, amount_fen, reason, state)
     VALUES ($1, $2, $3, $4, $5, $6, $7, 'requested')`,
    [tx.tenant, refundId, orderId, provider, transactionId, amountFen, reason],
  );
  await insertOrderEvent(tx, orderId, 'refundRequested', { refundId, amountFen });
  if (payment.heldBy === 'channel') {
    const detail = { refundId, provider, transactionId, amountFen };
    await raiseAttention(tx, { reason: 'channelRefund', subject: refundId, orderId, detail });
  } else {
    await insertOutbox(tx, [{ kind: 'startRefund', subject: refundId, payload: {}, urgent: true }]);
  }
  return refundId;
}

interface LockedPayment {
  provider: string;
  transactionId: string;
  heldBy: 'tenant' | 'channel';
  /** Paid and not yet asked back. */
  restFen: number;
}

/** Payments that count in the order's `paid_fen`; what is parked or settled by hand lies outside of its books. */
const lockPayments = `
  SELECT p.provider, p.transaction_id AS "transactionId", p.held_by AS "heldBy",
         p.amount_fen - coalesce((SELECT sum(r.amount_fen) FROM refund r
           WHERE r.tenant = p.tenant AND r.provider = p.provider AND r.transaction_id = p.transaction_id), 0)::bigint
           AS "restFen"
    FROM payment p WHERE p.tenant = $1 AND p.order_id = $2`;

async function lockPayment(
  tx: TenantTx,
  { orderId, provider, transactionId }: RefundRequest,
): Promise<LockedPayment> {
  const { rows } = await tx.query<LockedPayment>(
    `${lockPayments} AND p.provider = $3 AND p.transaction_id = $4 AND p.state IN ('applied', 'late', 'surplus') FOR UPDATE`,
    [tx.tenant, orderId, provider, transactionId],
  );
  if (!rows[0]) throw new Error('I7 a refund for money that is not in the books of its order');
  return rows[0];
}

/**
 * Asks back what an order's own payments still have to give, up to `limitFen` (all of it when not given), under one
 * cause. Late and surplus money is not touched: its own workflow decides it. Answers the fen asked for.
 */
export async function refundPayments(
  tx: TenantTx,
  {
    orderId,
    reason,
    limitFen = Number.MAX_SAFE_INTEGER,
  }: { orderId: string; reason: string; limitFen?: number },
): Promise<number> {
  const { rows } = await tx.query<LockedPayment>(
    `${lockPayments} AND p.state = 'applied' ORDER BY p.provider, p.transaction_id FOR UPDATE`,
    [tx.tenant, orderId],
  );
  let askedFen = 0;
  for (const { provider, transactionId, restFen } of rows) {
    const amountFen = Math.min(restFen, limitFen - askedFen);
    if (amountFen <= 0) continue;
    await requestRefund(tx, { orderId, provider, transactionId, amountFen, reason });
    askedFen += amountFen;
  }
  return askedFen;
}

export interface Refund {
  refundId: string;
  orderId: string;
  provider: string;
  transactionId: string;
  amountFen: number;
  reason: string;
  state: 'requested' | 'confirmed';
  heldBy: 'tenant' | 'channel';
}

/** A refund as its workflow needs it; null when there is none with that id. */
export async function findRefund(
  db: Database,
  refund: { tenant: string; refundId: string },
): Promise<Refund | null> {
  return db.inTenant(refund.tenant, (tx) => findRefundIn(tx, refund.refundId));
}

async function findRefundIn(tx: TenantTx, refundId: string): Promise<Refund | null> {
  const { rows } = await tx.query<Refund>(
    `SELECT r.refund_id AS "refundId", r.order_id AS "orderId", r.provider, r.transaction_id AS "transactionId",
            r.amount_fen AS "amountFen", r.reason, r.state, p.held_by AS "heldBy"
       FROM refund r JOIN payment p
         ON p.tenant = r.tenant AND p.provider = r.provider AND p.transaction_id = r.transaction_id
      WHERE r.tenant = $1 AND r.refund_id = $2`,
    [tx.tenant, refundId],
  );
  return rows[0] ?? null;
}

/** Books a refund that the provider (or the channel) has carried out. Told again, it is `repeated`. */
export async function confirmRefund(
  db: Database,
  refund: { tenant: string; refundId: string },
): Promise<'confirmed' | 'repeated' | 'unknown'> {
  return db.inTenant(refund.tenant, (tx) => confirmRefundIn(tx, refund.refundId));
}

/** `confirmRefund` inside a caller's transaction. Takes the order's lock, then the refund's. */
export async function confirmRefundIn(
  tx: TenantTx,
  refundId: string,
): Promise<'confirmed' | 'repeated' | 'unknown'> {
  const refund = await findRefundIn(tx, refundId);
  if (!refund) return 'unknown';
  await lockOrders(tx, [refund.orderId]);
  const confirmed = await tx.query(
    `UPDATE refund SET state = 'confirmed', confirmed_at = clock_timestamp()
      WHERE tenant = $1 AND refund_id = $2 AND state = 'requested'`,
    [tx.tenant, refundId],
  );
  if (confirmed.rowCount === 0) return 'repeated';
  const { orderId, amountFen, provider, transactionId } = refund;
  // late money that went back has found its one end (I8); a second late payment does not rewrite the first's
  await tx.query(
    `UPDATE orders o SET refunded_fen = o.refunded_fen + $3,
            late_outcome = CASE WHEN p.state = 'late' AND o.late_outcome IS NULL THEN 'refunded' ELSE o.late_outcome END,
            late_at = CASE WHEN p.state = 'late' AND o.late_outcome IS NULL THEN clock_timestamp() ELSE o.late_at END
       FROM payment p
      WHERE o.tenant = $1 AND o.order_id = $2 AND p.tenant = $1 AND p.provider = $4 AND p.transaction_id = $5`,
    [tx.tenant, orderId, amountFen, provider, transactionId],
  );
  await insertOrderEvent(tx, orderId, 'refunded', { refundId, amountFen });
  await clearAttention(tx, 'refundFailed', refundId);
  await clearAttention(tx, 'channelRefund', refundId);
  return 'confirmed';
}

/** Shows finance a refund that the provider refuses or does not answer. One that went through meanwhile stays quiet. */
export async function parkRefund(
  db: Database,
  { tenant, refundId, detail }: { tenant: string; refundId: string; detail?: Record<string, unknown> },
): Promise<void> {
  await db.inTenant(tenant, async (tx) => {
    const refund = await findRefundIn(tx, refundId);
    if (refund) await lockOrders(tx, [refund.orderId]);
    const now = await findRefundIn(tx, refundId);
    if (now?.state !== 'requested') return;
    const { orderId, amountFen, provider, transactionId } = now;
    await raiseAttention(tx, {
      reason: 'refundFailed',
      subject: refundId,
      orderId,
      detail: { ...detail, refundId, provider, transactionId, amountFen },
    });
  });
}
