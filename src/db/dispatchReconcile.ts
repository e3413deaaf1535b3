import type { OrderState } from '../domain/order/model';
import type { OutboxMessage } from './outbox';
import type { Database } from './transaction';

export interface OpenOrder {
  tenant: string;
  orderId: string;
  run: number;
}

/** A place in a list sorted by tenant and id, to go on from in the next round. */
export interface Place {
  tenant: string;
  id: string;
}

/** Older than this and nobody about to tell: then something was lost. */
const settledAfter = `interval '60 seconds'`;

/**
 * Orders that are still going on, have stood for a minute and have nothing to be told, after `after` in the order
 * of their ids. Role xianda_dispatch, as everything here.
 */
export async function findSettledOpenOrders(
  db: Database,
  { after, limit }: { after: Place; limit: number },
): Promise<OpenOrder[]> {
  return db.inTransaction(async (tx) => {
    const { rows } = await tx.query<OpenOrder>(
      // by state, and never along all orders there ever were
      `WITH open AS MATERIALIZED (
         SELECT o.* FROM tenant t CROSS JOIN LATERAL (
           SELECT tenant, order_id, run FROM orders
            WHERE tenant = t.tenant AND state IN ('awaitingPayment', 'paid', 'fulfilling')
              AND greatest(created_at, paid_at) < clock_timestamp() - ${settledAfter}
              AND NOT (state = 'awaitingPayment' AND expires_at <= clock_timestamp())) o
          WHERE t.tenant >= $1)
       SELECT o.tenant, o.order_id AS "orderId", o.run FROM open o
        WHERE (o.tenant, o.order_id) > ($1, $2)
          AND NOT EXISTS (SELECT 1 FROM outbox b
                           WHERE b.tenant = o.tenant AND b.subject = o.order_id AND b.done_at IS NULL)
        ORDER BY o.tenant, o.order_id LIMIT $3`,
      [after.tenant, after.id, limit],
    );
    return rows;
  });
}

/** Of these orders, those that ended more than a minute ago, with their state and run. */
export async function findEndedOrders(
  db: Database,
  orders: { tenant: string; orderId: string }[],
): Promise<(OpenOrder & { state: OrderState })[]> {
  if (orders.length === 0) return [];
  return db.inTransaction(async (tx) => {
    const { rows } = await tx.query<OpenOrder & { state: OrderState }>(
      `SELECT o.tenant, o.order_id AS "orderId", o.run, o.state
         FROM unnest($1::text[], $2::text[]) AS w(tenant, order_id)
         JOIN orders o ON o.tenant = w.tenant AND o.order_id = w.order_id
        WHERE o.state IN ('delivered', 'expired', 'cancelled')
          AND o.ended_at < clock_timestamp() - ${settledAfter}`,
      [orders.map((order) => order.tenant), orders.map((order) => order.orderId)],
    );
    return rows;
  });
}

/** Of these orders, those that a tenant of ours does not have: a backup older than they are was restored. */
export async function findMissingOrders(
  db: Database,
  orders: { tenant: string; orderId: string }[],
): Promise<{ tenant: string; orderId: string }[]> {
  if (orders.length === 0) return [];
  return db.inTransaction(async (tx) => {
    const { rows } = await tx.query<{ tenant: string; orderId: string }>(
      `SELECT w.tenant, w.order_id AS "orderId"
         FROM unnest($1::text[], $2::text[]) AS w(tenant, order_id)
         JOIN tenant t ON t.tenant = w.tenant
        WHERE NOT EXISTS (SELECT 1 FROM orders o WHERE o.tenant = w.tenant AND o.order_id = w.order_id)`,
      [orders.map((order) => order.tenant), orders.map((order) => order.orderId)],
    );
    return rows;
  });
}

export interface OpenRefund {
  tenant: string;
  refundId: string;
}

/** Refunds the tenant has to pay that were requested over a minute ago and are not confirmed. */
export async function findSettledOpenRefunds(
  db: Database,
  { after, limit }: { after: Place; limit: number },
): Promise<OpenRefund[]> {
  return db.inTransaction(async (tx) => {
    const { rows } = await tx.query<OpenRefund>(
      `SELECT r.tenant, r.refund_id AS "refundId" FROM refund r
         JOIN payment p ON p.tenant = r.tenant AND p.provider = r.provider AND p.transaction_id = r.transaction_id
        WHERE (r.tenant, r.refund_id) > ($1, $2) AND r.state = 'requested' AND p.held_by = 'tenant'
          AND r.requested_at < clock_timestamp() - ${settledAfter}
          AND NOT EXISTS (SELECT 1 FROM outbox b
                           WHERE b.tenant = r.tenant AND b.subject = r.refund_id AND b.done_at IS NULL)
        ORDER BY r.tenant, r.refund_id LIMIT $3`,
      [after.tenant, after.id, limit],
    );
    return rows;
  });
}

export interface UndecidedMoney {
  tenant: string;
  provider: string;
  transactionId: string;
}

/** Late and surplus money that came over a minute ago and is neither applied nor being refunded (I8). */
export async function findUndecidedMoney(
  db: Database,
  { after, limit }: { after: Place; limit: number },
): Promise<UndecidedMoney[]> {
  return db.inTransaction(async (tx) => {
    const { rows } = await tx.query<UndecidedMoney>(
      `SELECT p.tenant, p.provider, p.transaction_id AS "transactionId" FROM payment p
        WHERE (p.tenant, p.transaction_id) > ($1, $2) AND p.state IN ('late', 'surplus')
          AND p.received_at < clock_timestamp() - ${settledAfter}
          AND NOT EXISTS (SELECT 1 FROM refund r WHERE r.tenant = p.tenant AND r.provider = p.provider
                             AND r.transaction_id = p.transaction_id)
          AND NOT EXISTS (SELECT 1 FROM outbox b
                           WHERE b.tenant = p.tenant AND b.subject = p.transaction_id AND b.done_at IS NULL)
        ORDER BY p.tenant, p.transaction_id LIMIT $3`,
      [after.tenant, after.id, limit],
    );
    return rows;
  });
}

export interface ReservingCampaign {
  tenant: string;
  campaignId: string;
}

/** Campaigns with goods set aside that nobody is about to hand out. */
export async function findReservingCampaigns(
  db: Database,
  { after, limit }: { after: Place; limit: number },
): Promise<ReservingCampaign[]> {
  return db.inTransaction(async (tx) => {
    const { rows } = await tx.query<ReservingCampaign>(
      `SELECT DISTINCT r.tenant, r.campaign_id AS "campaignId" FROM campaign_reserve r
        WHERE (r.tenant, r.campaign_id) > ($1, $2) AND r.units > 0
          AND NOT EXISTS (SELECT 1 FROM outbox b
                           WHERE b.tenant = r.tenant AND b.subject = r.campaign_id AND b.done_at IS NULL)
        ORDER BY r.tenant, r.campaign_id LIMIT $3`,
      [after.tenant, after.id, limit],
    );
    return rows;
  });
}

export interface IdleEndpoint {
  tenant: string;
  endpointId: string;
}

/** Endpoints that may be told, whose deliveries were due a minute ago, and that nobody is about to wake. */
export async function findIdleEndpoints(
  db: Database,
  { after, limit }: { after: Place; limit: number },
): Promise<IdleEndpoint[]> {
  return db.inTransaction(async (tx) => {
    const { rows } = await tx.query<IdleEndpoint>(
      `SELECT w.tenant, w.endpoint_id AS "endpointId" FROM webhook_endpoint w
        WHERE (w.tenant, w.endpoint_id) > ($1, $2) AND w.removed_at IS NULL AND w.disabled_at IS NULL
          AND EXISTS (SELECT 1 FROM webhook_secret s WHERE s.tenant = w.tenant AND s.endpoint_id = w.endpoint_id
                         AND s.retired_at IS NULL)
          AND EXISTS (SELECT 1 FROM webhook_delivery d WHERE d.tenant = w.tenant AND d.endpoint_id = w.endpoint_id
                         AND d.state = 'pending' AND d.next_attempt_at < clock_timestamp() - ${settledAfter})
          AND NOT EXISTS (SELECT 1 FROM outbox b WHERE b.tenant = w.tenant AND b.subject = w.endpoint_id
                             AND b.kind = 'wakeWebhook' AND b.done_at IS NULL)
        ORDER BY w.tenant, w.endpoint_id LIMIT $3`,
      [after.tenant, after.id, limit],
    );
    return rows;
  });
}

export interface Remedy {
  tenant: string;
  kind: OutboxMessage['kind'];
  subject: string;
  payload: object;
}

/** Has it told again. Several reconcilers may write the same: what is told twice is told once. */
export async function insertRemedies(db: Database, remedies: Remedy[]): Promise<void> {
  if (remedies.length === 0) return;
  await db.inTransaction((tx) =>
    tx.query(
      `INSERT INTO outbox (tenant, kind, subject, payload)
       SELECT m.tenant, m.kind, m.subject, m.payload::jsonb
         FROM unnest($1::text[], $2::text[], $3::text[], $4::text[]) AS m(tenant, kind, subject, payload)
        WHERE NOT EXISTS (SELECT 1 FROM outbox b WHERE b.tenant = m.tenant AND b.subject = m.subject
                             AND b.kind = m.kind AND b.done_at IS NULL)`,
      [
        remedies.map((remedy) => remedy.tenant),
        remedies.map((remedy) => remedy.kind),
        remedies.map((remedy) => remedy.subject),
        remedies.map((remedy) => JSON.stringify(remedy.payload)),
      ],
    ),
  );
}
