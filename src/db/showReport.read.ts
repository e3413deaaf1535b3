import type {
  AttentionCount,
  LateOutcome,
  OrderCount,
  ParcelCount,
  PlanningBucket,
  PresaleCount,
  PromiseCount,
  RefundCount,
  ShowFacts,
  ShowWindow,
  TimelineBucket,
  TimeSpan,
  UnkeptPromise,
  WaitingListCount,
} from '../domain/live/showFacts';
import { planBuckets } from '../domain/live/showWindow';
import { chooseHotSkus } from '../domain/live/soldOut';
import { isoUtc } from './isoUtc';
import { countStock, readSellablePoints, readSellableTurns } from './showStock.read';
import type { TenantTx } from './transaction';

/** Whose orders: `$1` the tenant, `$2` the live session. */
const ofShow = 'o.tenant = $1 AND o.live_session_id = $2';
/** An order whose promise the buyer relies on: paid, and not undone since. */
const isPromised = `o.paid_at IS NOT NULL AND o.state NOT IN ('expired', 'cancelled')`;
const mostUnkept = 100;

interface Show {
  tenant: string;
  liveSessionId: string;
  timeZone: string;
  window: ShowWindow;
}

/**
 * All that the books know of a live session, in one snapshot: its orders, what they did to the stock, and how their
 * promises ended. A few set-wise queries, whatever the number of orders. Null when no order names the session.
 */
export async function findShowFacts(tx: TenantTx, liveSessionId: string): Promise<ShowFacts | null> {
  // one snapshot, so that the parts agree with each other while the session goes on
  await tx.query('SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY');
  // the journal of a big show is sorted in memory; two reports a process may run at once
  await tx.query(`SET LOCAL work_mem = '64MB'`);
  const found = await findWindow(tx, liveSessionId);
  if (!found) return null;
  const show: Show = { tenant: tx.tenant, liveSessionId, timeZone: found.timeZone, window: found.window };
  const { goods, stock, mayRunOut } = await countStock(tx, show);
  const turns = await readSellableTurns(tx, show, mayRunOut);
  return {
    ...found,
    liveSessionId,
    goods,
    stock,
    turns,
    hot: await readSellablePoints(tx, show, chooseHotSkus(goods, turns)),
    orders: await readOrderCounts(tx, show),
    timeline: await readTimeline(tx, show),
    parcels: await readParcelCounts(tx, show),
    shipments: await readShipmentCounts(tx, show),
    promises: await readPromiseCounts(tx, show),
    unkept: await readUnkeptPromises(tx, show),
    spans: await readTimeSpans(tx, show),
    planning: await readPlanningBuckets(tx, show),
    attention: await readAttentionCounts(tx, show),
    refunds: await readRefundCounts(tx, show),
    lateMoney: await readLateMoney(tx, show),
    waitingList: await readWaitingList(tx, show),
    presale: await readPresaleCounts(tx, show),
  };
}

/** Whether any order names the session. */
export async function isShowKnown(tx: TenantTx, liveSessionId: string): Promise<boolean> {
  const { rowCount } = await tx.query(`SELECT 1 FROM orders o WHERE ${ofShow} LIMIT 1`, [
    tx.tenant,
    liveSessionId,
  ]);
  return rowCount === 1;
}

const anHour = `interval '1 hour'`;

/** An order's own instants come a moment before the movements of the same transaction. */
const afterTheEnd = `interval '1 second'`;

async function findWindow(
  tx: TenantTx,
  liveSessionId: string,
): Promise<{ madeAt: string; timeZone: string; window: ShowWindow } | null> {
  const { rows } = await tx.query<{
    madeAt: Date;
    timeZone: string;
    first: Date | null;
    salesEnd: Date;
    countedUntil: Date;
  }>(
    `SELECT now() AS "madeAt", (SELECT time_zone FROM tenant WHERE tenant = $1) AS "timeZone",
            min(o.created_at) AS first,
            least(max(greatest(o.created_at, o.paid_at)), max(o.created_at) + ${anHour}) + ${afterTheEnd} AS "salesEnd",
            CASE WHEN bool_and(o.ended_at IS NOT NULL) THEN least(now(), max(o.ended_at) + ${afterTheEnd})
                 ELSE now() END AS "countedUntil"
       FROM orders o WHERE ${ofShow}`,
    [tx.tenant, liveSessionId],
  );
  const row = rows[0];
  if (!row?.first) return null;
  const { fromMs, ...cut } = planBuckets({ firstMs: row.first.getTime(), lastMs: row.salesEnd.getTime() });
  return {
    madeAt: row.madeAt.toISOString(),
    timeZone: row.timeZone,
    window: {
      startedAt: row.first.toISOString(),
      from: new Date(fromMs).toISOString(),
      salesEnd: row.salesEnd.toISOString(),
      countedUntil: row.countedUntil.toISOString(),
      ...cut,
    },
  };
}

async function readOrderCounts(tx: TenantTx, show: Show): Promise<OrderCount[]> {
  const { rows } = await tx.query<OrderCount>(
    `SELECT o.state, o.channel, o.delivery_method AS "deliveryMethod", count(*) AS orders,
            count(*) FILTER (WHERE o.paid_at IS NOT NULL OR o.paid_fen > 0) AS "paidOrders", sum(o.total_fen)::bigint AS "totalFen",
            sum(o.paid_fen)::bigint AS "paidFen", sum(o.refunded_fen)::bigint AS "refundedFen"
       FROM orders o WHERE ${ofShow}
      GROUP BY 1, 2, 3 ORDER BY o.state COLLATE "C", o.channel COLLATE "C", o.delivery_method COLLATE "C"`,
    [show.tenant, show.liveSessionId],
  );
  return rows;
}

/** SQL of the bucket an instant falls into; `$3` is the window's start, `$4` a bucket's width in seconds. */
function bucketOf(column: string): string {
  return `floor(extract(epoch FROM ${column} - $3::timestamptz) / $4::bigint)::integer`;
}

function bucketValues({ tenant, liveSessionId, window }: Show): unknown[] {
  return [tenant, liveSessionId, window.from, window.bucketSeconds, window.salesEnd];
}

async function readTimeline(tx: TenantTx, show: Show): Promise<TimelineBucket[]> {
  const { rows } = await tx.query<TimelineBucket>(
    `SELECT bucket, sum(placed)::bigint AS placed, sum(paid)::bigint AS paid
       FROM (SELECT ${bucketOf('o.created_at')} AS bucket, 1 AS placed, 0 AS paid FROM orders o
              WHERE ${ofShow} AND o.created_at < $5::timestamptz
             UNION ALL
             SELECT ${bucketOf('o.paid_at')}, 0, 1 FROM orders o WHERE ${ofShow} AND o.paid_at < $5::timestamptz) t
      GROUP BY bucket ORDER BY bucket`,
    bucketValues(show),
  );
  return rows;
}

async function readParcelCounts(tx: TenantTx, show: Show): Promise<ParcelCount[]> {
  const { rows } = await tx.query<ParcelCount>(
    `SELECT s.site_id AS "siteId", t.name AS "siteName", s.zone,
            CASE WHEN s.carrier_id IS NULL THEN 'leader' ELSE 'carrier' END AS by, count(*) AS shipments,
            sum(p.parcels)::bigint AS parcels, sum(s.cost_fen)::bigint AS "costFen"
       FROM orders o JOIN shipment s ON s.tenant = o.tenant AND s.order_id = o.order_id
       JOIN site t ON t.tenant = s.tenant AND t.site_id = s.site_id
       CROSS JOIN LATERAL (SELECT count(*) AS parcels FROM parcel p
                            WHERE p.tenant = s.tenant AND p.shipment_id = s.shipment_id) p
      WHERE ${ofShow} AND s.state <> 'cancelled'
      GROUP BY 1, 2, 3, 4 ORDER BY s.site_id COLLATE "C", s.zone COLLATE "C", 4`,
    [show.tenant, show.liveSessionId],
  );
  return rows;
}

async function readShipmentCounts(tx: TenantTx, show: Show): Promise<ShowFacts['shipments']> {
  const { rows } = await tx.query<ShowFacts['shipments']>(
    `WITH sent AS (
       SELECT s.tenant, s.order_id, s.shipment_id, s.zone
         FROM orders o JOIN shipment s ON s.tenant = o.tenant AND s.order_id = o.order_id
        WHERE ${ofShow} AND s.state <> 'cancelled')
     SELECT (SELECT count(*) FROM (SELECT 1 FROM sent GROUP BY order_id HAVING count(*) > 1) q) AS "ordersInSeveral",
            (SELECT count(DISTINCT p.parcel_id)
               FROM sent s JOIN parcel p ON p.tenant = s.tenant AND p.shipment_id = s.shipment_id
               JOIN parcel_lot l ON l.tenant = p.tenant AND l.parcel_id = p.parcel_id
               JOIN hold h ON h.tenant = l.tenant AND h.hold_id = l.hold_id
               JOIN sku k ON k.tenant = h.tenant AND k.sku = h.sku
              WHERE k.zone <> s.zone) AS "mixedParcels"`,
    [show.tenant, show.liveSessionId],
  );
  return rows[0] ?? { ordersInSeveral: 0, mixedParcels: 0 };
}

/**
 * Each promised order with its outcome; an order is handed over when the last of its shipments is. Judged at now(),
 * the snapshot's own instant.
 */
const judged = `judged AS (
  SELECT o.order_id, o.channel, o.external_id, o.deliver_by, d.delivered_at, d.sites, d.via,
         CASE WHEN o.state = 'delivered' AND d.delivered_at IS NULL THEN 'returned'
              WHEN o.state = 'delivered' AND d.delivered_at <= o.deliver_by THEN 'kept'
              WHEN o.state = 'delivered' THEN 'late'
              WHEN o.deliver_by < now() THEN 'overdue' ELSE 'due' END AS outcome
    FROM orders o
    LEFT JOIN LATERAL (
      SELECT max(s.delivered_at) AS delivered_at, array_agg(DISTINCT s.site_id) AS sites,
             array_agg(DISTINCT coalesce(s.carrier_id, s.leader_id)) AS via
        FROM shipment s WHERE s.tenant = o.tenant AND s.order_id = o.order_id AND s.state <> 'cancelled') d ON true
   WHERE ${ofShow} AND ${isPromised})`;

async function readPromiseCounts(tx: TenantTx, show: Show): Promise<PromiseCount[]> {
  const { rows } = await tx.query<PromiseCount>(
    `WITH ${judged}
     SELECT to_char(deliver_by AT TIME ZONE $3, 'YYYY-MM-DD HH24') AS hour, outcome, count(*) AS orders
       FROM judged GROUP BY 1, 2 ORDER BY 1, 2`,
    [show.tenant, show.liveSessionId, show.timeZone],
  );
  return rows;
}

async function readUnkeptPromises(tx: TenantTx, show: Show): Promise<UnkeptPromise[]> {
  const { rows } = await tx.query<UnkeptPromise>(
    `WITH ${judged}
     SELECT order_id AS "orderId", channel, external_id AS "externalId", outcome, ${isoUtc('deliver_by')} AS "deliverBy",
            ${isoUtc('delivered_at')} AS "deliveredAt", coalesce(sites, '{}') AS sites, coalesce(via, '{}') AS via
       FROM judged WHERE outcome NOT IN ('kept', 'due')
      ORDER BY coalesce(delivered_at, now()) - deliver_by DESC, order_id COLLATE "C" LIMIT ${mostUnkept}`,
    [show.tenant, show.liveSessionId],
  );
  return rows;
}

/** When the plan that an order is fulfilled by was made: its first after the payment. */
const plans = `plans AS (
  SELECT o.order_id, o.paid_at, min(e.at) AS planned_at
    FROM orders o JOIN order_event e ON e.tenant = o.tenant AND e.order_id = o.order_id
   WHERE ${ofShow} AND e.kind = 'planned' AND e.at >= o.paid_at GROUP BY o.order_id, o.paid_at)`;

/**
 * Orders that came paid never held unpaid goods, and late money waited for no hold: neither counts as a wait for payment.
 * Who stood in line could pay from their turn on.
 */
async function readTimeSpans(tx: TenantTx, show: Show): Promise<TimeSpan[]> {
  const { rows } = await tx.query<TimeSpan>(
    `WITH ${plans}, ${judged},
     span AS (
       SELECT 1 AS rank, 'holdToPayment' AS kind, o.paid_at - coalesce(w.ended_at, o.created_at) AS length
         FROM orders o LEFT JOIN waiting_order w ON w.tenant = o.tenant AND w.order_id = o.order_id
        WHERE ${ofShow} AND o.paid_at IS NOT NULL AND o.expires_at IS NOT NULL AND o.late_outcome IS NULL
       UNION ALL SELECT 2, 'paymentToPlan', planned_at - paid_at FROM plans
       UNION ALL SELECT 3, 'planToBooking', s.booked_at - s.created_at
         FROM orders o JOIN shipment s ON s.tenant = o.tenant AND s.order_id = o.order_id
        WHERE ${ofShow} AND s.carrier_id IS NOT NULL AND s.booked_at IS NOT NULL
       UNION ALL SELECT 4, 'paymentToDelivery', j.delivered_at - o.paid_at
         FROM judged j JOIN orders o ON o.tenant = $1 AND o.order_id = j.order_id WHERE j.outcome IN ('kept', 'late')),
     seconds AS (SELECT rank, kind, greatest(0, round(extract(epoch FROM length)::numeric, 3))::float8 AS s FROM span)
     SELECT kind, count(*) AS count, percentile_disc(0.5) WITHIN GROUP (ORDER BY s) AS p50,
            percentile_disc(0.9) WITHIN GROUP (ORDER BY s) AS p90,
            percentile_disc(0.99) WITHIN GROUP (ORDER BY s) AS p99, max(s) AS longest
       FROM seconds GROUP BY rank, kind ORDER BY rank`,
    [show.tenant, show.liveSessionId],
  );
  return rows;
}

async function readPlanningBuckets(tx: TenantTx, show: Show): Promise<PlanningBucket[]> {
  const { rows } = await tx.query<PlanningBucket>(
    `WITH ${plans},
     seconds AS (SELECT ${bucketOf('paid_at')} AS bucket,
                        round(extract(epoch FROM planned_at - paid_at)::numeric, 3)::float8 AS s
                   FROM plans WHERE paid_at < $5::timestamptz)
     SELECT bucket, percentile_disc(0.5) WITHIN GROUP (ORDER BY s) AS p50,
            percentile_disc(0.99) WITHIN GROUP (ORDER BY s) AS p99
       FROM seconds WHERE bucket >= 0 GROUP BY bucket ORDER BY bucket`,
    bucketValues(show),
  );
  return rows;
}

async function readAttentionCounts(tx: TenantTx, show: Show): Promise<AttentionCount[]> {
  const { rows } = await tx.query<AttentionCount>(
    `WITH parked AS (
       SELECT a.reason, a.resolved_at, a.action, a.deadline,
              extract(epoch FROM a.resolved_at - a.created_at)::numeric / 60 AS minutes
         FROM orders o JOIN attention a ON a.tenant = o.tenant AND a.order_id = o.order_id WHERE ${ofShow})
     SELECT reason, count(*) FILTER (WHERE resolved_at IS NULL) AS open,
            count(*) FILTER (WHERE resolved_at IS NULL AND deadline < now()) AS "pastDeadline",
            count(*) FILTER (WHERE action = 'cleared') AS cleared,
            count(*) FILTER (WHERE action <> 'cleared') AS decided,
            round(percentile_disc(0.5) WITHIN GROUP (ORDER BY minutes), 2)::float8 AS "p50Minutes",
            round(max(minutes), 2)::float8 AS "longestMinutes"
       FROM parked GROUP BY reason ORDER BY count(*) DESC, reason COLLATE "C"`,
    [show.tenant, show.liveSessionId],
  );
  return rows;
}

async function readRefundCounts(tx: TenantTx, show: Show): Promise<RefundCount[]> {
  const { rows } = await tx.query<RefundCount>(
    `SELECT r.reason, count(*) AS refunds, count(r.confirmed_at) AS confirmed, sum(r.amount_fen)::bigint AS "amountFen",
            coalesce(sum(r.amount_fen) FILTER (WHERE r.confirmed_at IS NOT NULL), 0)::bigint AS "confirmedFen"
       FROM orders o JOIN refund r ON r.tenant = o.tenant AND r.order_id = o.order_id
      WHERE ${ofShow} GROUP BY r.reason ORDER BY r.reason COLLATE "C"`,
    [show.tenant, show.liveSessionId],
  );
  return rows;
}

async function readLateMoney(tx: TenantTx, show: Show): Promise<ShowFacts['lateMoney']> {
  const { rows } = await tx.query<{ outcome: LateOutcome; orders: number }>(
    `SELECT o.late_outcome AS outcome, count(*) AS orders FROM orders o
      WHERE ${ofShow} AND o.late_outcome IS NOT NULL GROUP BY 1 ORDER BY 1`,
    [show.tenant, show.liveSessionId],
  );
  return rows;
}

/** How the waits of the session's orders ended. Why one ended unserved stands in the order's timeline alone. */
async function readWaitingList(tx: TenantTx, show: Show): Promise<WaitingListCount> {
  const { rows } = await tx.query<
    Omit<WaitingListCount, 'servedAfter'> & Record<'p50' | 'p95' | 'longest', number | null>
  >(
    `WITH waits AS (
       SELECT w.outcome, o.paid_at, e.reason,
              CASE w.outcome WHEN 'promoted'
                THEN round(extract(epoch FROM w.ended_at - w.since)::numeric, 3)::float8 END AS s
         FROM orders o JOIN waiting_order w ON w.tenant = o.tenant AND w.order_id = o.order_id
         LEFT JOIN LATERAL (
           SELECT c.detail->>'reason' AS reason FROM order_event c
            WHERE c.tenant = o.tenant AND c.order_id = o.order_id AND c.kind = 'cancelled'
              AND c.detail->>'by' = 'system:waitingList' LIMIT 1) e ON w.outcome = 'cancelled'
        WHERE ${ofShow})
     SELECT count(*) AS waited, count(*) FILTER (WHERE outcome = 'promoted') AS served,
            count(*) FILTER (WHERE outcome = 'promoted' AND paid_at IS NOT NULL) AS paid,
            count(*) FILTER (WHERE outcome = 'cancelled' AND reason IS NULL) AS left,
            count(*) FILTER (WHERE reason = 'waitEnded') AS "timedOut",
            count(*) FILTER (WHERE reason = 'cannotBeServed') AS unservable,
            count(*) FILTER (WHERE outcome IS NULL) AS "inLine",
            percentile_disc(0.5) WITHIN GROUP (ORDER BY s) AS p50,
            percentile_disc(0.95) WITHIN GROUP (ORDER BY s) AS p95, max(s) AS longest
       FROM waits`,
    [show.tenant, show.liveSessionId],
  );
  const { p50, p95, longest, ...counts } = rows[0] as (typeof rows)[number];
  return { ...counts, servedAfter: p50 === null ? null : { p50, p95: p95 ?? p50, longest: longest ?? p50 } };
}

async function readPresaleCounts(tx: TenantTx, show: Show): Promise<PresaleCount[]> {
  const { rows } = await tx.query<PresaleCount>(
    `SELECT q.campaign_id AS "campaignId", c.sku, k.name, q.region,
            coalesce(sum(q.quantity) FILTER (WHERE q.state = 'held'), 0)::bigint AS held,
            coalesce(sum(q.quantity) FILTER (WHERE q.state = 'committed' AND q.uncommitted_at IS NULL), 0)::bigint AS paid,
            coalesce(sum(q.quantity) FILTER (WHERE q.state IN ('released', 'expired') OR q.uncommitted_at IS NOT NULL), 0)::bigint
              AS gone
       FROM orders o JOIN quota_hold q ON q.tenant = o.tenant AND q.order_id = o.order_id
       JOIN presale_campaign c ON c.tenant = q.tenant AND c.campaign_id = q.campaign_id
       JOIN sku k ON k.tenant = c.tenant AND k.sku = c.sku
      WHERE ${ofShow} GROUP BY 1, 2, 3, 4 ORDER BY q.campaign_id COLLATE "C", q.region COLLATE "C"`,
    [show.tenant, show.liveSessionId],
  );
  return rows;
}
