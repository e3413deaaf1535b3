import { chooseRules } from '../domain/catalogue/rules';
import type { LotBalance } from '../domain/inventory/model';
import type { LocalDate, PickupPoint } from '../domain/network/model';
import type { DeliveryMethod } from '../domain/order/model';
import type { ConversionState, WaitingLine } from '../domain/presale/convert';
import { findPickupPoint, readCarriers, readClock, readSites, readSkus } from './admission.read';
import { microsOf } from './isoUtc';
import { unconverted } from './holds';
import { lockPointLoads } from './pointLoad';
import type { TenantTx } from './transaction';

/** Where a hand-out has come to in the order of promises. Plain values: it crosses Temporal. */
export interface WaitingPlace {
  promisedOn: LocalDate;
  paidAtMicros: number;
  orderId: string;
  position: number;
}

/** A waiting line with what it is worth, should it have to be given up. */
export interface WaitingOrderLine extends WaitingLine {
  amountFen: number;
}

interface WaitingRow {
  orderId: string;
  lineId: string;
  position: number;
  sku: string;
  quantity: number;
  campaignId: string;
  components: { sku: string; quantity: number }[];
  amountFen: number;
  promisedOn: LocalDate;
  paidAtMicros: number;
  delivery_method: DeliveryMethod;
  lat: number | null;
  lng: number | null;
  community_id: string | null;
  region: string | null;
  pickup_point_id: string | null;
  window_from: Date | null;
  window_to: Date | null;
}

/**
 * Paid lines of a campaign that have no goods yet, after a place, by promised day, payment, order id: the order in
 * which they are served. When the buyer paid is what the provider or channel told, not when we heard of it.
 */
export async function readWaiting(
  tx: TenantTx,
  { campaignId, after, limit }: { campaignId: string; after: WaitingPlace | null; limit: number },
): Promise<WaitingOrderLine[]> {
  const { rows } = await tx.query<WaitingRow>(
    `SELECT * FROM (
       SELECT q.order_id AS "orderId", q.line_id AS "lineId", l.position, l.sku, l.quantity,
              q.campaign_id AS "campaignId", l.components,
              l.unit_price_fen * l.quantity - l.discount_fen AS "amountFen", q.promised_on AS "promisedOn",
              ${microsOf(`coalesce((SELECT min(p.paid_at) FROM payment p WHERE p.tenant = o.tenant
                AND p.order_id = o.order_id AND p.state = 'applied'), o.paid_at)`)} AS "paidAtMicros",
              o.delivery_method, o.lat, o.lng, o.community_id, o.region, o.pickup_point_id, o.window_from, o.window_to
         FROM quota_hold q JOIN orders o ON o.tenant = q.tenant AND o.order_id = q.order_id
         JOIN order_line l ON l.tenant = q.tenant AND l.order_id = q.order_id AND l.line_id = q.line_id
        WHERE q.tenant = $1 AND q.campaign_id = $2 AND ${unconverted} AND o.state IN ('paid', 'fulfilling')) w
      WHERE $3::date IS NULL OR ("promisedOn", "paidAtMicros", "orderId" COLLATE "C", position) > ($3, $4, $5, $6)
      ORDER BY "promisedOn", "paidAtMicros", "orderId" COLLATE "C", position LIMIT $7`,
    [
      tx.tenant,
      campaignId,
      after?.promisedOn ?? null,
      after?.paidAtMicros ?? null,
      after?.orderId ?? null,
      after?.position ?? null,
      limit,
    ],
  );
  return rows.map(toWaiting);
}

function toWaiting(row: WaitingRow): WaitingOrderLine {
  const {
    delivery_method,
    lat,
    lng,
    community_id,
    region,
    pickup_point_id,
    window_from,
    window_to,
    ...line
  } = row;
  return {
    ...line,
    supply: 'presale',
    destination: {
      deliveryMethod: delivery_method,
      location: lat === null || lng === null ? null : { lat, lng },
      communityId: community_id,
      region,
      pickupPointId: pickup_point_id,
      window: window_from && window_to ? { from: window_from.getTime(), to: window_to.getTime() } : null,
    },
  };
}

/**
 * What the hand-out decides on, read under the locks of the pools and orders; locks the counters of the pickup
 * points, in the order of their ids. Only goods whose pool is locked count: others came this very moment, and have
 * woken the hand-out again.
 */
export async function lockConversion(
  tx: TenantTx,
  { campaignId, lockedSkus, lines }: { campaignId: string; lockedSkus: string[]; lines: WaitingLine[] },
): Promise<ConversionState> {
  const pointIds = lines.flatMap(({ destination }) =>
    destination.pickupPointId === null ? [] : [destination.pickupPointId],
  );
  const points = new Map<string, PickupPoint>();
  const wanted = [...new Set(pointIds)].sort();
  // the counters first: whoever changes a point or its leader's certificate waits for this lock
  const pointLoads = await lockPointLoads(tx, wanted);
  for (const id of wanted) {
    const point = await findPickupPoint(tx, id);
    if (point) points.set(id, point);
  }
  return {
    ...(await readClock(tx)),
    skus: await readSkus(
      tx,
      lines.flatMap((line) => line.components.map((part) => part.sku)),
    ),
    sites: await readSites(tx),
    carriers: await readCarriers(tx),
    points,
    pointLoads,
    reserve: await readReserve(tx, { campaignId, skus: lockedSkus }),
  };
}

async function readReserve(
  tx: TenantTx,
  { campaignId, skus }: { campaignId: string; skus: string[] },
): Promise<LotBalance[]> {
  const { rows } = await tx.query<Omit<LotBalance, 'held' | 'committed' | 'quarantined'>>(
    `SELECT r.sku, r.site_id AS "siteId", r.lot_id AS "lotId", l.expires_on AS "expiresOn", r.units AS "onHand"
       FROM campaign_reserve r JOIN lot l ON l.tenant = r.tenant AND l.sku = r.sku AND l.lot_id = r.lot_id
      WHERE r.tenant = $1 AND r.campaign_id = $2 AND r.sku = ANY($3::text[]) AND r.units > 0
      ORDER BY r.sku, r.site_id, l.expires_on, r.lot_id`,
    [tx.tenant, campaignId, skus],
  );
  return rows.map((row) => ({ ...row, held: 0, committed: 0, quarantined: 0 }));
}

/** The days a new delivery of a campaign's SKU takes: of its suppliers (or its components') the slowest, and its rule. */
export async function readLeadDays(
  tx: TenantTx,
  sku: string,
): Promise<{ supplierLeadDays: number | null; presaleLeadDays: number | null }> {
  const skus = await readSkus(tx, [sku]);
  const { rows } = await tx.query<{ days: number | null }>(
    'SELECT max(lead_days) AS days FROM supplier WHERE tenant = $1 AND skus && $2::text[]',
    [tx.tenant, [...skus.keys()]],
  );
  const own = skus.get(sku);
  return {
    supplierLeadDays: rows[0]?.days ?? null,
    presaleLeadDays: (own && chooseRules(own, undefined).presaleLeadDays) ?? null,
  };
}
