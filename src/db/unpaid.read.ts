import type { Instant } from '../domain/network/model';
import type { Holder } from '../domain/order/admissionLedger';
import { mostOwnOrders, type UnpaidOrder } from '../domain/order/givingWay';
import type { TenantTx } from './transaction';

/** Orders of the buyers in `$2` (channels) and `$3` (their names for them) that hold goods unpaid. */
const openOfHolders = `(SELECT DISTINCT channel, ref FROM unnest($2::text[], $3::text[]) AS b(channel, ref)) b
       JOIN orders o ON o.tenant = $1 AND o.buyer_ref = b.ref AND o.channel = b.channel AND o.state = 'awaitingPayment'`;

/** Units of each SKU that buyers hold unpaid at `now`, set-wise; nobody who holds none. Read under the pools' locks. */
export async function readUnpaidUnits(
  tx: TenantTx,
  { holders, skus, now }: { holders: Holder[]; skus: string[]; now: Instant },
): Promise<(Holder & { sku: string; units: number })[]> {
  const { rows } = await tx.query<Holder & { sku: string; units: number }>(
    `SELECT o.channel, o.buyer_ref AS "buyerRef", l.sku, sum(l.quantity)::bigint AS units
       FROM ${openOfHolders} AND o.expires_at > $5
       JOIN order_line l ON l.tenant = o.tenant AND l.order_id = o.order_id AND l.sku = ANY($4::text[])
      GROUP BY o.channel, o.buyer_ref, l.sku`,
    [...buyersOf(tx, holders), skus, new Date(now)],
  );
  return rows;
}

/** Which of the buyers hold anything unpaid, in as few orders as may give way: by their positions in the list. */
export async function findHolders(tx: TenantTx, holders: Holder[]): Promise<Set<number>> {
  if (holders.length === 0) return new Set();
  const { rows } = await tx.query<Holder>(
    `SELECT o.channel, o.buyer_ref AS "buyerRef" FROM ${openOfHolders} AND o.expires_at > clock_timestamp()
      GROUP BY o.channel, o.buyer_ref HAVING count(*) <= $4`,
    [...buyersOf(tx, holders), mostOwnOrders],
  );
  const found = new Set(rows.map(({ channel, buyerRef }) => JSON.stringify([channel, buyerRef])));
  const positions = holders.flatMap(({ channel, buyerRef }, position) =>
    found.has(JSON.stringify([channel, buyerRef])) ? [position] : [],
  );
  return new Set(positions);
}

function buyersOf(tx: TenantTx, holders: Holder[]): [string, string[], string[]] {
  return [tx.tenant, holders.map((holder) => holder.channel), holders.map((holder) => holder.buyerRef)];
}

/** An unpaid order of some buyer. */
export interface OwnUnpaid extends UnpaidOrder {
  /** Every SKU whose pool must be locked to end it. */
  skus: string[];
}

/**
 * What a buyer holds unpaid of some SKUs, the oldest order first. Read under the pools' locks it stands still, as far as
 * the orders' SKUs are locked.
 */
export async function readOwnUnpaid(
  tx: TenantTx,
  { holder, skus }: { holder: Holder; skus: string[] },
): Promise<OwnUnpaid[]> {
  const { rows } = await tx.query<Omit<OwnUnpaid, 'placedAt'> & { placedAt: Date }>(
    `SELECT o.order_id AS "orderId", o.live_session_id AS "liveSessionId", o.placed_on AS "placedOn",
            o.pickup_point_id AS "pickupPointId", o.created_at AS "placedAt", s.skus,
            (SELECT json_agg(json_build_object('sku', l.sku, 'quantity', l.quantity))
               FROM order_line l WHERE l.tenant = $1 AND l.order_id = o.order_id) AS lines,
            (SELECT coalesce(json_agg(json_build_object('sku', h.sku, 'siteId', h.site_id, 'lotId', h.lot_id,
                                                        'quantity', h.remaining)), '[]')
               FROM hold h WHERE h.tenant = $1 AND h.order_id = o.order_id AND h.state = 'held') AS holds,
            (SELECT coalesce(json_agg(json_build_object('campaignId', q.campaign_id, 'region', q.region,
                                                        'quantity', q.quantity)), '[]')
               FROM quota_hold q WHERE q.tenant = $1 AND q.order_id = o.order_id AND q.state = 'held') AS "quotaHolds",
            (SELECT coalesce(json_agg(json_build_object('zone', c.zone, 'millilitres', c.millilitres)), '[]')
               FROM capacity_hold c
              WHERE c.tenant = $1 AND c.order_id = o.order_id AND c.released_at IS NULL) AS capacity
       FROM ${openOfHolders} AND o.expires_at > clock_timestamp()
       CROSS JOIN LATERAL (
         SELECT array_agg(DISTINCT l.sku) || array_agg(DISTINCT part ->> 'sku') AS skus
           FROM order_line l, jsonb_array_elements(l.components) part
          WHERE l.tenant = $1 AND l.order_id = o.order_id) s
      WHERE s.skus && $4::text[]
      ORDER BY o.created_at, o.order_id`,
    [...buyersOf(tx, [holder]), skus],
  );
  return rows.map((row) => ({ ...row, placedAt: row.placedAt.getTime() }));
}
