import type { Database, Tx } from './transaction';

/** One offending row of a check. Subjects are ids, never personal data. */
export interface Finding {
  invariant: number;
  tenant: string;
  subject: string;
  detail: Record<string, unknown>;
}

/** How many rows a check looked at: an empty answer of a check that saw nothing proves nothing. */
export interface CheckRows {
  invariant: number;
  rowsSeen: number;
}

export interface RefundRow {
  tenant: string;
  refundId: string;
  orderId: string;
  transactionId: string;
  amountFen: number;
  state: 'requested' | 'confirmed';
  /** Changed within the last minute: partner and database may still disagree. */
  young: boolean;
  /** A person closed it by hand, so the partner may never have heard of it. */
  settledByHand: boolean;
}

export interface BookingRow {
  tenant: string;
  shipmentId: string;
  baseUrl: string;
  state: string;
  booked: boolean;
  waybills: string[];
  young: boolean;
  /** Something about the shipment or its order waits for a person. */
  parked: boolean;
}

export interface OpenOrderRow {
  tenant: string;
  orderId: string;
  state: string;
  run: number;
  open: boolean;
  young: boolean;
  startPending: boolean;
  /** Something about it waits for a person, so its workflow may outlive it or have given up. */
  parked: boolean;
}

/** An endpoint that may be told and whose deliveries are overdue by minutes: somebody should be at them. */
export interface DueEndpointRow {
  tenant: string;
  endpointId: string;
}

/** All that the doctor knows from the database, read in one snapshot. */
export interface CoherenceSnapshot {
  tenants: string[];
  findings: Finding[];
  checks: CheckRows[];
  /** Tables the reader cannot see whole: then silence means nothing. */
  blindSpots: string[];
  refunds: RefundRow[];
  bookings: BookingRow[];
  orders: OpenOrderRow[];
  dueEndpoints: DueEndpointRow[];
}

/** The checks that are SQL views; 10 and 12 reach outside of the database and are code in src/doctor. */
const viewName = /^check_(\d\d)_/;

/** At most so many rows of one view are told: a broken table has as many as it has rows. */
const findingsPerCheck = 200;

/** Runs every check view as the caller's role in one read-only snapshot. */
export async function readCoherence(db: Database): Promise<CoherenceSnapshot> {
  return db.inTransaction(async (tx) => {
    await tx.query('SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY');
    // compiling these long queries takes seconds, running them a fraction of one
    await tx.query('SET LOCAL jit = off');
    const findings: Finding[] = [];
    for (const view of await listViews(tx)) findings.push(...(await readView(tx, view)));
    return {
      tenants: (await tx.query<{ tenant: string }>('SELECT tenant FROM tenant ORDER BY tenant')).rows.map(
        (row) => row.tenant,
      ),
      findings,
      checks: (
        await tx.query<CheckRows>(
          'SELECT invariant, rows_seen::bigint AS "rowsSeen" FROM check_rows ORDER BY invariant',
        )
      ).rows,
      blindSpots: await readBlindSpots(tx),
      refunds: await readRefunds(tx),
      bookings: await readBookings(tx),
      orders: await readOrders(tx),
      dueEndpoints: await readDueEndpoints(tx),
    };
  });
}

async function listViews(tx: Tx): Promise<string[]> {
  const { rows } = await tx.query<{ relname: string }>(
    `SELECT relname::text FROM pg_class WHERE relkind = 'v' AND relnamespace = current_schema()::regnamespace
        AND relname ~ '^check_[0-9]{2}_' ORDER BY relname`,
  );
  return rows.map((row) => row.relname);
}

async function readView(tx: Tx, view: string): Promise<Finding[]> {
  const invariant = Number(viewName.exec(view)?.[1]);
  const { rows } = await tx.query<Omit<Finding, 'invariant'>>(
    `SELECT tenant, subject, detail FROM ${view} ORDER BY tenant, subject LIMIT ${findingsPerCheck}`,
  );
  return rows.map((row) => ({ invariant, ...row }));
}

/** Tables without the checker's policy, and a tenant table that has pages but shows no row. */
async function readBlindSpots(tx: Tx): Promise<string[]> {
  const { rows } = await tx.query<{ name: string }>(
    `SELECT table_name AS name FROM check_blind_spots
      UNION SELECT 'tenant' WHERE pg_relation_size('tenant') > 0 AND NOT EXISTS (SELECT 1 FROM tenant)
      ORDER BY name`,
  );
  return rows.map((row) => row.name);
}

/** Refunds that the provider should know: money the tenant holds. */
async function readRefunds(tx: Tx): Promise<RefundRow[]> {
  const { rows } = await tx.query<RefundRow>(
    `SELECT r.tenant, r.refund_id AS "refundId", r.order_id AS "orderId", r.transaction_id AS "transactionId",
            r.amount_fen AS "amountFen", r.state,
            coalesce(r.confirmed_at, r.requested_at) > now() - interval '60 seconds' AS young,
            EXISTS (SELECT 1 FROM attention a WHERE a.tenant = r.tenant AND a.reason = 'refundFailed'
                      AND strpos(a.subject, r.refund_id) > 0) AS "settledByHand"
       FROM refund r JOIN payment p USING (tenant, provider, transaction_id)
      WHERE p.held_by = 'tenant' ORDER BY r.tenant, r.refund_id`,
  );
  return rows;
}

async function readBookings(tx: Tx): Promise<BookingRow[]> {
  const { rows } = await tx.query<BookingRow>(
    `SELECT s.tenant, s.shipment_id AS "shipmentId", c.base_url AS "baseUrl", s.state, s.booked_at IS NOT NULL AS booked,
            coalesce((SELECT array_agg(p.waybill_no ORDER BY p.waybill_no) FROM parcel p WHERE p.tenant = s.tenant
                       AND p.shipment_id = s.shipment_id AND p.waybill_no IS NOT NULL), '{}') AS waybills,
            greatest(s.created_at, s.booked_at, s.ended_at) > now() - interval '60 seconds' AS young,
            EXISTS (SELECT 1 FROM attention a WHERE a.tenant = s.tenant
                      AND (a.shipment_id = s.shipment_id OR a.subject = s.shipment_id OR a.order_id = s.order_id)) AS parked
       FROM shipment s JOIN carrier c ON c.tenant = s.tenant AND c.carrier_id = s.carrier_id
      ORDER BY s.tenant, s.shipment_id`,
  );
  return rows;
}

async function readOrders(tx: Tx): Promise<OpenOrderRow[]> {
  const { rows } = await tx.query<OpenOrderRow>(
    `SELECT o.tenant, o.order_id AS "orderId", o.state, o.run,
            o.state IN ('awaitingPayment', 'paid', 'fulfilling') AS open,
            greatest(o.created_at, o.paid_at, o.ended_at, o.late_at,
                     CASE WHEN o.state = 'awaitingPayment' THEN o.expires_at END) > now() - interval '60 seconds' AS young,
            EXISTS (SELECT 1 FROM outbox b WHERE b.tenant = o.tenant AND b.subject = o.order_id AND b.done_at IS NULL
                      AND b.created_at > now() - interval '60 seconds') AS "startPending",
            EXISTS (SELECT 1 FROM attention a WHERE a.tenant = o.tenant AND a.order_id = o.order_id AND a.resolved_at IS NULL) AS parked
       FROM orders o ORDER BY o.tenant, o.order_id`,
  );
  return rows;
}

/** Two minutes: the reconciler has had its chance to wake them. */
async function readDueEndpoints(tx: Tx): Promise<DueEndpointRow[]> {
  const { rows } = await tx.query<DueEndpointRow>(
    `SELECT w.tenant, w.endpoint_id AS "endpointId" FROM webhook_endpoint w
      WHERE w.removed_at IS NULL AND w.disabled_at IS NULL
        AND EXISTS (SELECT 1 FROM webhook_secret s WHERE s.tenant = w.tenant AND s.endpoint_id = w.endpoint_id
                       AND s.retired_at IS NULL)
        AND EXISTS (SELECT 1 FROM webhook_delivery d WHERE d.tenant = w.tenant AND d.endpoint_id = w.endpoint_id
                       AND d.state = 'pending' AND d.next_attempt_at < now() - interval '120 seconds')
      ORDER BY w.tenant, w.endpoint_id`,
  );
  return rows;
}
