import type {
  CountedSku,
  SellablePoint,
  SellableTurn,
  ShowWindow,
  SoldGoods,
} from '../domain/live/showFacts';
import { isoUtc } from './isoUtc';
import type { TenantTx } from './transaction';

interface Show {
  tenant: string;
  liveSessionId: string;
  window: ShowWindow;
}

/**
 * Every movement of the SKUs that the session's orders took, once: what came before the session summed up by lot,
 * what came within it by lot and transaction, what came afterwards summed up again (`part` 0, 1, 2). `here` says
 * which movements this session's orders and shipments caused.
 */
const counted = `here AS (
  SELECT 'order' AS kind, o.order_id AS id FROM orders o WHERE o.tenant = $1 AND o.live_session_id = $2
  UNION ALL
  SELECT 'shipment', s.shipment_id FROM orders o JOIN shipment s ON s.tenant = o.tenant AND s.order_id = o.order_id
   WHERE o.tenant = $1 AND o.live_session_id = $2),
wanted AS (
  SELECT DISTINCT h.sku FROM orders o JOIN hold h ON h.tenant = o.tenant AND h.order_id = o.order_id
   WHERE o.tenant = $1 AND o.live_session_id = $2),
moved AS (
  SELECT m.sku, m.site_id, m.lot_id, (m.at >= $3::timestamptz)::int + (m.at >= $4::timestamptz)::int AS part,
         CASE WHEN m.at >= $3::timestamptz AND m.at < $4::timestamptz THEN m.batch_id END AS batch_id,
         count(*) AS movements, sum(m.on_hand) AS on_hand, sum(m.held) AS held, sum(m.committed) AS committed,
         sum(m.quarantined) AS quarantined,
         sum(least(0, m.on_hand - m.held - m.committed - m.quarantined)) AS given,
         sum(m.on_hand) FILTER (WHERE m.kind = 'received') AS arrived,
         -sum(m.on_hand) FILTER (WHERE m.kind = 'pickedUp') AS sold,
         -sum(m.on_hand) FILTER (WHERE m.kind = 'pickedUp' AND here.id IS NOT NULL) AS sold_here,
         sum(m.held) FILTER (WHERE m.kind = 'held' AND here.id IS NOT NULL) AS taken,
         -sum(m.held) FILTER (WHERE m.kind = 'expired' AND here.id IS NOT NULL) AS expired,
         -sum(m.held) FILTER (WHERE m.kind = 'released' AND here.id IS NOT NULL) AS released,
         sum(m.committed) FILTER (WHERE m.kind = 'committed' AND here.id IS NOT NULL) AS committed_here,
         -sum(m.committed) FILTER (WHERE m.kind = 'uncommitted' AND here.id IS NOT NULL) AS uncommitted
    FROM stock_movement m JOIN wanted w ON w.sku = m.sku
    LEFT JOIN here ON here.kind = m.cause_kind AND here.id = m.cause_id
   WHERE m.tenant = $1 GROUP BY 1, 2, 3, 4, 5)`;

/**
 * The books keep the order of the transactions by their seals, even when a clock steps back; what is not sealed yet
 * came last.
 */
const inOrder = 'position NULLS LAST, at, batch_id';

/**
 * Counts the session's SKUs through the journal: opening + arrivals − sold − waste against the balances (less what
 * came afterwards), the worst overdraft of each lot at the end of any transaction, and what the session's orders
 * took and gave back. `mayRunOut`: SKUs that would have run out had nothing come back or arrived; the others cannot
 * have sold out, so that nobody need look. `soldAgain`: of a lot's units that came back, those that no longer lie free at the end.
 */
export async function countStock(
  tx: TenantTx,
  { tenant, liveSessionId, window }: Show,
): Promise<{ goods: SoldGoods[]; stock: CountedSku[]; mayRunOut: string[] }> {
  const { rows } = await tx.query<SoldGoods & CountedSku & { mayRunOut: boolean }>(
    `WITH ${counted},
     running AS (
       SELECT sku, site_id, lot_id, sum(on_hand) OVER w AS on_hand, sum(held) OVER w AS held,
              sum(committed) OVER w AS committed, sum(quarantined) OVER w AS quarantined
         FROM (SELECT m.*, s.position, b.at
                 FROM moved m
                 LEFT JOIN stock_batch b ON b.tenant = $1 AND b.batch_id = m.batch_id
                 LEFT JOIN stock_seal s ON s.tenant = $1 AND s.batch_id = m.batch_id
                WHERE m.part < 2) m
       WINDOW w AS (PARTITION BY sku, site_id, lot_id ORDER BY part, ${inOrder})),
     worst AS (
       SELECT sku, site_id, lot_id,
              max(greatest(0, greatest(0, held) + greatest(0, committed) + greatest(0, quarantined) - greatest(0, on_hand))
                  + greatest(0, -on_hand) + greatest(0, -held) + greatest(0, -committed) + greatest(0, -quarantined)) AS oversold
         FROM running GROUP BY sku, site_id, lot_id),
     by_lot AS (
       SELECT sku, site_id, lot_id, coalesce(sum(movements) FILTER (WHERE part < 2), 0) AS movements,
              coalesce(sum(on_hand) FILTER (WHERE part = 0), 0) AS opening,
              coalesce(sum(on_hand) FILTER (WHERE part = 1), 0) AS changed,
              coalesce(sum(on_hand) FILTER (WHERE part = 2), 0) AS afterwards,
              coalesce(sum(on_hand - held - committed - quarantined) FILTER (WHERE part < 2), 0) AS free,
              coalesce(sum(CASE part WHEN 0 THEN on_hand - held - committed - quarantined WHEN 1 THEN given ELSE 0 END), 0)
                AS least,
              coalesce(sum(arrived) FILTER (WHERE part = 1), 0) AS arrived,
              coalesce(sum(sold) FILTER (WHERE part = 1), 0) AS sold,
              coalesce(sum(sold_here) FILTER (WHERE part = 1), 0) AS sold_here,
              coalesce(sum(taken), 0) AS taken, coalesce(sum(expired), 0) AS expired,
              coalesce(sum(released), 0) AS released, coalesce(sum(committed_here), 0) AS committed_here,
              coalesce(sum(uncommitted), 0) AS uncommitted
         FROM moved GROUP BY sku, site_id, lot_id)
     SELECT l.sku, k.name, k.zone,
            sum(l.taken)::bigint AS taken, sum(l.expired)::bigint AS expired, sum(l.released)::bigint AS released,
            sum(l.uncommitted)::bigint AS uncommitted, sum(l.committed_here - l.uncommitted)::bigint AS kept,
            sum(greatest(0, l.expired + l.released + l.uncommitted - greatest(0, l.free)))::bigint AS "soldAgain",
            sum(l.opening)::bigint AS opening, sum(l.arrived)::bigint AS arrived, sum(l.sold)::bigint AS sold,
            sum(l.sold_here)::bigint AS "soldHere", sum(l.arrived - l.sold - l.changed)::bigint AS waste,
            sum(coalesce(b.on_hand, 0) - l.afterwards)::bigint AS closing,
            sum(l.least) <= k.safety_stock + (SELECT coalesce(sum(safety_stock), 0) FROM site WHERE tenant = $1) AS "mayRunOut",
            sum(l.movements)::bigint AS movements, count(*) AS lots, sum(coalesce(w.oversold, 0))::bigint AS oversold
       FROM by_lot l JOIN sku k ON k.tenant = $1 AND k.sku = l.sku
       LEFT JOIN worst w ON w.sku = l.sku AND w.site_id = l.site_id AND w.lot_id = l.lot_id
       LEFT JOIN stock_balance b ON b.tenant = $1 AND b.sku = l.sku AND b.site_id = l.site_id AND b.lot_id = l.lot_id
      GROUP BY l.sku, k.name, k.zone, k.safety_stock ORDER BY l.sku COLLATE "C"`,
    [tenant, liveSessionId, window.startedAt, window.countedUntil],
  );
  const mayRunOut = rows.filter((row) => row.mayRunOut).map(({ sku }) => sku);
  return { goods: rows.map(goodsOf), stock: rows.map(countOf), mayRunOut };
}

function goodsOf(row: SoldGoods): SoldGoods {
  const { sku, name, zone, taken, expired, released, uncommitted, kept, soldAgain } = row;
  return { sku, name, zone, taken, expired, released, uncommitted, kept, soldAgain };
}

function countOf(row: CountedSku): CountedSku {
  const { sku, opening, arrived, sold, soldHere, waste, closing, movements, lots, oversold } = row;
  return { sku, opening, arrived, sold, soldHere, waste, closing, movements, lots, oversold };
}

/**
 * Sellable units of the pool after every transaction of the sales, as the journal tells them: free units of each site
 * above its safety stock, summed, less the SKU's own. Safety stock is that of now; remaining life is not judged.
 * `$2` SKUs, `$3` and `$4` start and end of the sales. What lay there before them is one row (`live` false).
 */
const sellable = `moved AS (
  SELECT m.sku, m.site_id, m.at >= $3::timestamptz AS live,
         CASE WHEN m.at >= $3::timestamptz THEN m.batch_id END AS batch_id,
         sum(m.on_hand - m.held - m.committed - m.quarantined) AS change
    FROM stock_movement m WHERE m.tenant = $1 AND m.sku = ANY($2::text[]) AND m.at < $4::timestamptz
   GROUP BY 1, 2, 3, 4),
at_site AS (
  SELECT m.sku, m.site_id, m.live, s.position, b.at, m.batch_id, t.safety_stock,
         sum(m.change) OVER (PARTITION BY m.sku, m.site_id ORDER BY m.live, s.position NULLS LAST, b.at, m.batch_id) AS free
    FROM moved m JOIN site t ON t.tenant = $1 AND t.site_id = m.site_id
    LEFT JOIN stock_batch b ON b.tenant = $1 AND b.batch_id = m.batch_id
    LEFT JOIN stock_seal s ON s.tenant = $1 AND s.batch_id = m.batch_id),
offered AS (
  SELECT *, greatest(0, free - safety_stock)
            - lag(greatest(0, free - safety_stock), 1, 0::numeric) OVER (PARTITION BY sku, site_id ORDER BY live, ${inOrder}) AS change
    FROM at_site),
pool AS (
  SELECT DISTINCT o.sku, o.live, o.position, o.at, o.batch_id,
         (sum(o.change) OVER (PARTITION BY o.sku ORDER BY o.live, o.position NULLS LAST, o.at, o.batch_id)
           - k.safety_stock)::bigint AS sellable
    FROM offered o JOIN sku k ON k.tenant = $1 AND k.sku = o.sku)`;

/** When each SKU's sellable units reached zero within the sales, and when they rose above it again, in order. */
export async function readSellableTurns(
  tx: TenantTx,
  { tenant, window }: Show,
  skus: string[],
): Promise<SellableTurn[]> {
  const { rows } = await tx.query<SellableTurn>(
    `WITH ${sellable},
     turns AS (
       SELECT *, lag(sellable, 1, 0::bigint) OVER (PARTITION BY sku ORDER BY live, ${inOrder}) AS before FROM pool)
     SELECT sku, ${isoUtc('at')} AS at, greatest(0, sellable) AS sellable FROM turns
      WHERE live AND (sellable <= 0) <> (before <= 0)
      ORDER BY sku COLLATE "C", ${inOrder}`,
    [tenant, skus, window.startedAt, window.salesEnd],
  );
  return rows;
}

/** Sellable units at the end of each bucket in which they moved; bucket −1 is what there was before. */
export async function readSellablePoints(
  tx: TenantTx,
  { tenant, window }: Show,
  skus: string[],
): Promise<SellablePoint[]> {
  const { rows } = await tx.query<SellablePoint>(
    `WITH ${sellable}
     SELECT DISTINCT ON (sku, bucket) sku, bucket, greatest(0, sellable) AS sellable
       FROM (SELECT *, CASE WHEN live THEN least($6::integer - 1, greatest(0,
                                floor(extract(epoch FROM at - $7::timestamptz) / $5::bigint)::integer)) ELSE -1 END AS bucket
               FROM pool) p
      ORDER BY sku, bucket, position DESC NULLS FIRST, at DESC, batch_id DESC`,
    [tenant, skus, window.startedAt, window.salesEnd, window.bucketSeconds, window.buckets, window.from],
  );
  return rows;
}
