import type { OrderState } from '../domain/order/model';
import type { Language } from '../domain/tenant/model';
import type { OutboxMessage } from './outbox';
import type { Database } from './transaction';

/** One thing that Temporal has to be told, with what the order's row says about it now. */
export interface ClaimedMessage {
  tenant: string;
  outboxId: number;
  kind: OutboxMessage['kind'];
  subject: string;
  payload: Record<string, unknown>;
  attempts: number;
  /** The tenant's own, and the database's now. */
  language: Language;
  timeZone: string;
  now: Date;
  /** Of startOrder and signalOrder; null for the others, or when the row is gone. */
  order: ClaimedOrder | null;
}

export interface ClaimedOrder {
  state: OrderState;
  run: number;
  /** Awaits payment, and its hold is past its end: the sweeper is about to expire it. */
  pastDue: boolean;
  deliverBy: Date;
  liveSessionId: string | null;
  pickupPointId: string | null;
  region: string | null;
  /** Of its presale lines. */
  campaignIds: string[];
}

interface ClaimedRow {
  tenant: string;
  outbox_id: number;
  kind: OutboxMessage['kind'];
  subject: string;
  payload: Record<string, unknown>;
  attempts: number;
  language: Language;
  time_zone: string;
  now: Date;
  state: OrderState | null;
  run: number;
  past_due: boolean;
  deliver_by: Date;
  live_session_id: string | null;
  pickup_point_id: string | null;
  region: string | null;
  campaign_ids: string[] | null;
}

/**
 * Takes due messages for `leaseSeconds`, urgent ones first, then in the order they were written. Another dispatcher
 * passes over them; whoever dies with them loses them to the next when the lease ends. Role xianda_dispatch.
 */
export async function claimMessages(
  db: Database,
  { limit, leaseSeconds }: { limit: number; leaseSeconds: number },
): Promise<ClaimedMessage[]> {
  const rows = await db.inTransaction(async (tx) => {
    const claimed = await tx.query<ClaimedRow>(
      `WITH claimed AS (
         UPDATE outbox b SET due_at = clock_timestamp() + make_interval(secs => $2), attempts = b.attempts + 1
           FROM (SELECT tenant, outbox_id FROM outbox
                  WHERE done_at IS NULL AND due_at <= clock_timestamp()
                  ORDER BY urgent DESC, outbox_id LIMIT $1 FOR UPDATE SKIP LOCKED) due
          WHERE b.tenant = due.tenant AND b.outbox_id = due.outbox_id
         RETURNING b.tenant, b.outbox_id, b.kind, b.subject, b.payload, b.attempts, b.urgent)
       SELECT c.*, o.state, o.run, o.state = 'awaitingPayment' AND o.expires_at <= clock_timestamp() AS past_due,
              o.deliver_by, o.live_session_id, o.pickup_point_id, o.region, t.language, t.time_zone,
              clock_timestamp() AS now,
              CASE WHEN c.kind = 'startOrder' THEN
                (SELECT array_agg(DISTINCT l.campaign_id) FROM order_line l
                  WHERE l.tenant = c.tenant AND l.order_id = c.subject AND l.campaign_id IS NOT NULL) END AS campaign_ids
         FROM claimed c
         JOIN tenant t ON t.tenant = c.tenant
         LEFT JOIN orders o ON c.kind IN ('startOrder', 'signalOrder') AND o.tenant = c.tenant AND o.order_id = c.subject
        ORDER BY c.urgent DESC, c.outbox_id`,
      [limit, leaseSeconds],
    );
    return claimed.rows;
  });
  return rows.map(toMessage);
}

function toMessage(row: ClaimedRow): ClaimedMessage {
  const { tenant, outbox_id: outboxId, kind, subject, payload, attempts, state } = row;
  const { language, time_zone: timeZone, now } = row;
  const order =
    state === null
      ? null
      : {
          state,
          run: row.run,
          pastDue: row.past_due,
          deliverBy: row.deliver_by,
          liveSessionId: row.live_session_id,
          pickupPointId: row.pickup_point_id,
          region: row.region,
          campaignIds: row.campaign_ids ?? [],
        };
  return { tenant, outboxId, kind, subject, payload, attempts, language, timeZone, now, order };
}

type MessageKey = Pick<ClaimedMessage, 'tenant' | 'outboxId'>;

/** Told, or nothing to tell any more. Marking twice is marking once. */
export async function completeMessages(db: Database, messages: MessageKey[]): Promise<void> {
  if (messages.length === 0) return;
  await db.inTransaction((tx) =>
    tx.query(
      `UPDATE outbox b SET done_at = clock_timestamp()
         FROM unnest($1::text[], $2::bigint[]) AS m(tenant, outbox_id)
        WHERE b.tenant = m.tenant AND b.outbox_id = m.outbox_id AND b.done_at IS NULL`,
      [messages.map((each) => each.tenant), messages.map((each) => each.outboxId)],
    ),
  );
}

/** Gives messages back, each to be due again after its own while. */
export async function postponeMessages(
  db: Database,
  messages: (MessageKey & { seconds: number })[],
): Promise<void> {
  if (messages.length === 0) return;
  await db.inTransaction((tx) =>
    tx.query(
      `UPDATE outbox b SET due_at = clock_timestamp() + make_interval(secs => m.seconds)
         FROM unnest($1::text[], $2::bigint[], $3::float8[]) AS m(tenant, outbox_id, seconds)
        WHERE b.tenant = m.tenant AND b.outbox_id = m.outbox_id AND b.done_at IS NULL`,
      [
        messages.map((each) => each.tenant),
        messages.map((each) => each.outboxId),
        messages.map((each) => each.seconds),
      ],
    ),
  );
}

/** Removes what was told more than `days` ago, at most `limit` rows; answers how many. */
export async function deleteToldMessages(
  db: Database,
  { days, limit }: { days: number; limit: number },
): Promise<number> {
  return db.inTransaction(async (tx) => {
    const { rowCount } = await tx.query(
      `DELETE FROM outbox WHERE (tenant, outbox_id) IN (
         SELECT tenant, outbox_id FROM outbox
          WHERE done_at < clock_timestamp() - make_interval(days => $1) LIMIT $2)`,
      [days, limit],
    );
    return rowCount;
  });
}

/** Tenants with orders whose hold is past its end. Role xianda_dispatch. */
export async function findTenantsWithDueOrders(db: Database): Promise<string[]> {
  return db.inTransaction(async (tx) => {
    const { rows } = await tx.query<{ tenant: string }>(
      `SELECT t.tenant FROM tenant t WHERE EXISTS (
         SELECT 1 FROM orders o
          WHERE o.tenant = t.tenant AND o.state = 'awaitingPayment' AND o.expires_at <= clock_timestamp())`,
    );
    return rows.map((row) => row.tenant);
  });
}

/** Every tenant with its clock and its language. Role xianda_dispatch. */
export async function readTenants(
  db: Database,
): Promise<{ tenant: string; timeZone: string; language: Language }[]> {
  return db.inTransaction(async (tx) => {
    const { rows } = await tx.query<{ tenant: string; timeZone: string; language: Language }>(
      'SELECT tenant, time_zone AS "timeZone", language FROM tenant ORDER BY tenant',
    );
    return rows;
  });
}

/** Tenants with offers that nobody answered in time. Role xianda_dispatch. */
export async function findTenantsWithDueOffers(db: Database): Promise<string[]> {
  return db.inTransaction(async (tx) => {
    const { rows } = await tx.query<{ tenant: string }>(
      `SELECT t.tenant FROM tenant t WHERE EXISTS (
         SELECT 1 FROM offer f WHERE f.tenant = t.tenant AND f.state = 'open' AND f.until <= clock_timestamp())`,
    );
    return rows.map((row) => row.tenant);
  });
}
