import {
  type Notice,
  notificationKey,
  type PaymentDecision,
  type PaymentFacts,
  planPayments,
  transactionKey,
} from '../domain/order/payment';
import { lockOrdersWithStock } from './holds';
import { type OrderToPay, type ToldNotice, writeBookings } from './paymentWrite';
import type { Database, TenantTx } from './transaction';

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

/** Books one notice: a batch of one. */
export async function bookPayment(db: Database, notice: PaymentNotice): Promise<Booking> {
  const [booking] = await bookPayments(db, notice.tenant, [notice]);
  return booking as Booking;
}

/**
 * Books any number of notices of one tenant in one transaction: payments, commits of holds, the orders' states and the
 * word to their workflows, as if they had come one at a time in the order given. Late is judged by database time under
 * the locks, one reading for all, never by `paidAt`. Works while no worker and no Temporal runs. Safe to repeat under
 * the notifications' ids. Ids are taken before any stock is locked: whoever waits for a repeat keeps no buyer waiting.
 */
export async function bookPayments(
  db: Database,
  tenant: string,
  notices: readonly PaymentNotice[],
): Promise<Booking[]> {
  const told = notices.map((notice) => ({ ...notice, digest: notice.bodyDigest.toString('hex') }));
  return db.inTenant(tenant, async (tx) => {
    const existing = await findExisting(tx, told);
    if (existing.size === 0 && !(await tenantExists(tx))) return told.map(() => ({ kind: 'unknownTenant' }));
    const fresh = await noteNotifications(tx, firstOfEach(told, existing));
    const notifications = await readDigests(
      tx,
      told.filter((notice) => !fresh.has(notificationKey(notice))),
    );
    const orderIds = [...new Set(fresh.values())];
    if (orderIds.length > 0) await lockOrdersWithStock(tx, orderIds);
    const [orders, payments] = await Promise.all([readPayable(tx, orderIds), readPayments(tx, told)]);
    const decisions = planPayments(told, { orders, notifications, payments });
    await writeBookings(
      tx,
      told.map((notice, index) => ({
        notice,
        decision: decisions[index] as PaymentDecision,
        order: orders.get(notice.orderId),
      })),
    );
    return decisions.map(answerOf);
  });
}

function answerOf({ kind }: PaymentDecision): Booking {
  return { kind: kind === 'otherFacts' || kind === 'wrongAmount' ? 'parked' : kind };
}

async function tenantExists(tx: TenantTx): Promise<boolean> {
  const { rowCount } = await tx.query('SELECT 1 FROM tenant WHERE tenant = $1', [tx.tenant]);
  return rowCount === 1;
}

/** Which of the orders exist; no order is ever deleted. */
async function findExisting(tx: TenantTx, notices: readonly Notice[]): Promise<Set<string>> {
  const { rows } = await tx.query<{ order_id: string }>(
    'SELECT order_id FROM orders WHERE tenant = $1 AND order_id = ANY($2::text[])',
    [tx.tenant, [...new Set(notices.map(({ orderId }) => orderId))]],
  );
  return new Set(rows.map((row) => row.order_id));
}

/** The first notice under each id that names an order; sorted, so that two batches do not wait in a circle. */
function firstOfEach(notices: readonly ToldNotice[], existing: ReadonlySet<string>): ToldNotice[] {
  const first = new Map<string, ToldNotice>();
  for (const notice of notices) {
    const key = notificationKey(notice);
    if (existing.has(notice.orderId) && !first.has(key)) first.set(key, notice);
  }
  return [...first].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, notice]) => notice);
}

/** Stores ids of notifications; answers those that were not told before, with the order each is about. */
async function noteNotifications(tx: TenantTx, notices: ToldNotice[]): Promise<Map<string, string>> {
  if (notices.length === 0) return new Map();
  const { rows } = await tx.query<{ provider: string; notificationId: string }>(
    `INSERT INTO payment_notification (tenant, provider, notification_id, body_digest)
     SELECT $1, provider, notification_id, decode(digest, 'hex')
       FROM unnest($2::text[], $3::text[], $4::text[]) AS n(provider, notification_id, digest)
     ON CONFLICT DO NOTHING RETURNING provider, notification_id AS "notificationId"`,
    [
      tx.tenant,
      notices.map(({ provider }) => provider),
      notices.map(({ notificationId }) => notificationId),
      notices.map(({ digest }) => digest),
    ],
  );
  const noted = new Set(rows.map(notificationKey));
  return new Map(
    notices
      .map((notice) => [notificationKey(notice), notice.orderId] as const)
      .filter(([key]) => noted.has(key)),
  );
}

/** Digests of the bodies under which these notifications were told before. */
async function readDigests(tx: TenantTx, notices: readonly Notice[]): Promise<PaymentFacts['notifications']> {
  if (notices.length === 0) return new Map();
  const { rows } = await tx.query<{ provider: string; notificationId: string; digest: string }>(
    `SELECT provider, notification_id AS "notificationId", encode(body_digest, 'hex') AS digest
       FROM unnest($2::text[], $3::text[]) AS n(provider, notification_id)
       JOIN payment_notification USING (provider, notification_id) WHERE tenant = $1`,
    [tx.tenant, notices.map(({ provider }) => provider), notices.map(({ notificationId }) => notificationId)],
  );
  return new Map(rows.map((row) => [notificationKey(row), row.digest]));
}

/** Orders under their locks; what is due is judged by the database's clock, now that nobody can change it. */
async function readPayable(tx: TenantTx, orderIds: string[]): Promise<Map<string, OrderToPay>> {
  if (orderIds.length === 0) return new Map();
  const { rows } = await tx.query<OrderToPay>(
    `SELECT o.order_id AS "orderId", o.state, o.total_fen AS "totalFen", o.run,
            coalesce(o.expires_at <= (SELECT clock_timestamp()), false) OR coalesce(p.broken, true) AS ended
       FROM orders o LEFT JOIN (
            SELECT order_id, bool_or(state <> 'held') AS broken FROM (
              SELECT order_id, state FROM hold WHERE tenant = $1 AND order_id = ANY($2::text[])
              UNION ALL
              SELECT order_id, state FROM quota_hold WHERE tenant = $1 AND order_id = ANY($2::text[])) promised
             GROUP BY order_id) p ON p.order_id = o.order_id
      WHERE o.tenant = $1 AND o.order_id = ANY($2::text[])`,
    [tx.tenant, orderIds],
  );
  return new Map(rows.map((row) => [row.orderId, row]));
}

async function readPayments(tx: TenantTx, notices: readonly Notice[]): Promise<PaymentFacts['payments']> {
  const { rows } = await tx.query<{
    provider: string;
    transactionId: string;
    orderId: string;
    amountFen: number;
  }>(
    `SELECT provider, transaction_id AS "transactionId", order_id AS "orderId", amount_fen AS "amountFen"
       FROM unnest($2::text[], $3::text[]) AS n(provider, transaction_id)
       JOIN payment USING (provider, transaction_id) WHERE tenant = $1`,
    [tx.tenant, notices.map(({ provider }) => provider), notices.map(({ transactionId }) => transactionId)],
  );
  return new Map(rows.map((row) => [transactionKey(row), row]));
}
