import type { OrderState } from '../domain/order/model';
import type { Language } from '../domain/tenant/model';
import { type OutboxMessage, type Precedence, precedences } from './outbox';
import type { Database } from './transaction';

/** One thing that Temporal has to be told, with what the order's row says about it now. */
export interface ClaimedMessage {
  tenant: string;
  outboxId: number;
  kind: OutboxMessage['kind'];
  subject: string;
  payload: Record<string, unknown>;
  attempts: number;
  precedence: Precedence;
  /** Since it was written. */
  waitedSeconds: number;
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
  /** Nobody has tried to start this run yet: its workflow will read a row that says all there is to tell. */
  unstarted: boolean;
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
  precedence: number;
  waited: number;
  cut: boolean;
  language: Language;
  time_zone: string;
  now: Date;
  state: OrderState | null;
  run: number;
  past_due: boolean;
  unstarted: boolean;
  deliver_by: Date;
  live_session_id: string | null;
  pickup_point_id: string | null;
  region: string | null;
  campaign_ids: string[] | null;
}

export interface Claim {
  /** Most of each kind; the patient ones also fit into what the others leave of `total`, but for one. */
  most: Record<Precedence, number>;
  total: number;
  leaseSeconds: number;
}

/** Everything below `waiting` is read by index, tenant by tenant, however many messages wait. */
const claimStatement = `
  WITH wanted (precedence, most) AS (VALUES (0, $1::integer), (1, $2::integer), (2, $3::integer)),
  waiting AS MATERIALIZED (
    SELECT t.tenant, w.precedence, w.most, random() AS turn,
           ceil(w.most::float8 / count(*) OVER (PARTITION BY w.precedence))::integer AS share
      FROM tenant t CROSS JOIN wanted w CROSS JOIN LATERAL (
        SELECT FROM outbox b
         WHERE b.tenant = t.tenant AND b.precedence = w.precedence AND b.done_at IS NULL AND b.due_at <= clock_timestamp()
         LIMIT 1) b
     WHERE w.most > 0),
  shared AS (
    SELECT b.outbox_id, w.*, row_number() OVER (PARTITION BY w.tenant, w.precedence ORDER BY b.outbox_id) AS place
      FROM waiting w CROSS JOIN LATERAL (
        SELECT b.outbox_id FROM outbox b
         WHERE b.tenant = w.tenant AND b.precedence = w.precedence AND b.done_at IS NULL AND b.due_at <= clock_timestamp()
         ORDER BY b.outbox_id LIMIT w.share) b),
  ranked AS (
    SELECT s.*, row_number() OVER (PARTITION BY precedence ORDER BY place, turn) AS rank,
           count(*) FILTER (WHERE precedence < 2) OVER () AS hurried
      FROM shared s),
  chosen AS (
    SELECT * FROM ranked
     WHERE rank <= CASE WHEN precedence < 2 THEN most ELSE least(most, greatest(1, $4::bigint - hurried)) END),
  locked AS (
    SELECT b.tenant, b.outbox_id, c.place, c.turn, c.place >= c.share AS cut
      FROM chosen c JOIN outbox b ON b.tenant = c.tenant AND b.outbox_id = c.outbox_id
     WHERE b.done_at IS NULL AND b.due_at <= clock_timestamp() FOR UPDATE OF b SKIP LOCKED),
  claimed AS (
    UPDATE outbox b SET due_at = clock_timestamp() + make_interval(secs => $5), attempts = b.attempts + 1
      FROM locked l WHERE b.tenant = l.tenant AND b.outbox_id = l.outbox_id
    RETURNING b.*, l.place, l.turn, l.cut)
  SELECT c.tenant, c.outbox_id, c.kind, c.subject, c.payload, c.attempts, c.precedence, c.cut,
         extract(epoch FROM clock_timestamp() - c.created_at)::float8 AS waited,
         o.state, o.run, o.state = 'awaitingPayment' AND o.expires_at <= clock_timestamp() AS past_due,
         EXISTS (SELECT 1 FROM outbox s WHERE s.tenant = c.tenant AND s.subject = c.subject AND s.done_at IS NULL
                    AND s.kind = 'startOrder' AND s.attempts = 0 AND s.payload -> 'run' = c.payload -> 'run'
                    AND NOT s.payload ? 'again') AS unstarted,
         o.deliver_by, o.live_session_id, o.pickup_point_id, o.region, t.language, t.time_zone, clock_timestamp() AS now,
         CASE WHEN c.kind = 'startOrder' THEN
           (SELECT array_agg(DISTINCT l.campaign_id) FROM order_line l
             WHERE l.tenant = c.tenant AND l.order_id = c.subject AND l.campaign_id IS NOT NULL) END AS campaign_ids
    FROM claimed c
    JOIN tenant t ON t.tenant = c.tenant
    LEFT JOIN orders o ON c.kind IN ('startOrder', 'signalOrder') AND o.tenant = c.tenant AND o.order_id = c.subject
   ORDER BY c.precedence, c.place, c.turn`;

/**
 * Takes due messages for `leaseSeconds`: urgent ones first, each tenant in turn (in an order drawn anew each time) and
 * each tenant's in the order they were written. Another dispatcher passes over them; whoever dies with them loses them
 * to the next when the lease ends. `cut`: a tenant had its share, and may have more. Role xianda_dispatch.
 */
export async function claimMessages(
  db: Database,
  { most, total, leaseSeconds }: Claim,
): Promise<{ messages: ClaimedMessage[]; cut: boolean }> {
  const { rows } = await db.inTransaction((tx) =>
    tx.query<ClaimedRow>(claimStatement, [most.urgent, most.soon, most.patient, total, leaseSeconds]),
  );
  return { messages: rows.map(toMessage), cut: rows.some((row) => row.cut) };
}

function toMessage(row: ClaimedRow): ClaimedMessage {
  const { tenant, outbox_id: outboxId, kind, subject, payload, attempts, state } = row;
  const { language, time_zone: timeZone, now, waited: waitedSeconds } = row;
  const order =
    state === null
      ? null
      : {
          state,
          run: row.run,
          pastDue: row.past_due,
          unstarted: row.unstarted,
          deliverBy: row.deliver_by,
          liveSessionId: row.live_session_id,
          pickupPointId: row.pickup_point_id,
          region: row.region,
          campaignIds: row.campaign_ids ?? [],
        };
  const precedence = precedences[row.precedence] as Precedence;
  return {
    ...{ tenant, outboxId, kind, subject, payload, attempts, precedence, waitedSeconds },
    ...{ language, timeZone, now, order },
  };
}

export interface ToldMessage extends Pick<ClaimedMessage, 'tenant' | 'outboxId'> {
  /** Null: told, or nothing to tell any more. Else it is given back, to be due again after so many seconds. */
  againInSeconds: number | null;
}

/**
 * What became of claimed messages. Marking twice is marking once. The rows are locked in the order of their ids, as a
 * payment locks those that it makes urgent.
 */
export async function settleMessages(db: Database, told: ToldMessage[]): Promise<void> {
  if (told.length === 0) return;
  await db.inTransaction((tx) =>
    tx.query(
      `WITH locked AS MATERIALIZED (
         SELECT b.tenant, b.outbox_id, m.seconds
           FROM unnest($1::text[], $2::bigint[], $3::float8[]) AS m(tenant, outbox_id, seconds)
           JOIN outbox b ON b.tenant = m.tenant AND b.outbox_id = m.outbox_id
          WHERE b.done_at IS NULL ORDER BY b.outbox_id FOR UPDATE OF b)
       UPDATE outbox b
          SET done_at = CASE WHEN l.seconds IS NULL THEN clock_timestamp() END,
              due_at = CASE WHEN l.seconds IS NULL THEN b.due_at ELSE clock_timestamp() + make_interval(secs => l.seconds) END
         FROM locked l WHERE b.tenant = l.tenant AND b.outbox_id = l.outbox_id`,
      [
        told.map((each) => each.tenant),
        told.map((each) => each.outboxId),
        told.map((each) => each.againInSeconds),
      ],
    ),
  );
}

/**
 * Strikes out starts of orders that have ended unpaid meanwhile, among each tenant's next `look`; answers how many.
 * After an outage thousands of them may wait, and none of them is Temporal's business. Role xianda_dispatch.
 */
export async function dropMootStarts(db: Database, look: number): Promise<number> {
  return db.inTransaction(async (tx) => {
    const { rowCount } = await tx.query(
      `WITH next AS MATERIALIZED (
         SELECT b.* FROM tenant t CROSS JOIN LATERAL (
           SELECT b.tenant, b.outbox_id, b.subject FROM outbox b
            WHERE b.tenant = t.tenant AND b.precedence = 2 AND b.done_at IS NULL AND b.due_at <= clock_timestamp()
            ORDER BY b.outbox_id LIMIT $1) b),
       moot AS MATERIALIZED (
         SELECT b.tenant, b.outbox_id FROM next n JOIN outbox b ON b.tenant = n.tenant AND b.outbox_id = n.outbox_id
          WHERE b.done_at IS NULL AND b.precedence = 2 AND (
            SELECT o.state IN ('delivered', 'expired', 'cancelled') FROM orders o
             WHERE o.tenant = n.tenant AND o.order_id = n.subject)
            FOR UPDATE OF b SKIP LOCKED)
       UPDATE outbox b SET done_at = clock_timestamp() FROM moot m WHERE b.tenant = m.tenant AND b.outbox_id = m.outbox_id`,
      [look],
    );
    return rowCount;
  });
}

/** How many messages were ever written, over all tenants; those of transactions that were rolled back count too. */
export async function countWritten(db: Database): Promise<number> {
  return db.inTransaction(async (tx) => {
    const { rows } = await tx.query<{ written: number }>(
      'SELECT last_value AS written FROM outbox_outbox_id_seq',
    );
    return rows[0]?.written ?? 0;
  });
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
      `SELECT t.tenant FROM tenant t CROSS JOIN LATERAL (
         SELECT o.expires_at FROM orders o
          WHERE o.tenant = t.tenant AND o.state = 'awaitingPayment' ORDER BY o.expires_at LIMIT 1) first
        WHERE first.expires_at <= clock_timestamp()`,
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
