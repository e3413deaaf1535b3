import type { Movement } from '../domain/inventory/model';
import type { OrderState } from '../domain/order/model';
import { lockPools, writeMovements } from './inventory';
import { withdrawOffers } from './offer';
import { addToReserve, findServedCampaigns, wakeConversion, wakeReserved } from './presaleReserve';
import type { TenantTx } from './transaction';

/** A presale line (quota_hold `q`) that was paid for and still stands as a promise: no goods are bound to it yet. */
export const unconverted = `q.state = 'committed' AND q.uncommitted_at IS NULL AND NOT EXISTS (
  SELECT 1 FROM hold h WHERE h.tenant = q.tenant AND h.order_id = q.order_id AND h.line_id = q.line_id)`;

export interface LockedOrder {
  orderId: string;
  state: OrderState;
  run: number;
  /** Null: came already paid. */
  expiresAt: Date | null;
  deliverBy: Date;
  pickupPointId: string | null;
}

/** Of `orders o`. */
export const lockedOrderColumns = `o.order_id AS "orderId", o.state, o.run, o.expires_at AS "expiresAt",
  o.deliver_by AS "deliverBy", o.pickup_point_id AS "pickupPointId"`;

/**
 * Locks all that ending an order's promises may touch, in the house's lock order: pools of every SKU the orders
 * were sold (bundles and components, as an admission locks them), then their presale quotas, then the orders by id.
 * What was sold never changes, so the list need not be checked again under the locks. Orders that do not exist are left out of the answer.
 */
export async function lockOrdersWithStock(tx: TenantTx, orderIds: string[]): Promise<LockedOrder[]> {
  const { rows } = await tx.query<{ sku: string }>(
    `SELECT DISTINCT part ->> 'sku' AS sku FROM order_line, jsonb_array_elements(components) part
      WHERE tenant = $1 AND order_id = ANY($2::text[])
      UNION SELECT sku FROM order_line WHERE tenant = $1 AND order_id = ANY($2::text[])
      UNION SELECT sku FROM hold WHERE tenant = $1 AND order_id = ANY($2::text[])`,
    [tx.tenant, orderIds],
  );
  await lockPools(
    tx,
    rows.map((row) => row.sku),
  );
  const [, orders] = await Promise.all([lockQuotas(tx, orderIds), lockOrders(tx, orderIds)]);
  return orders;
}

/** Locks the presale quotas that orders hold units of; after the pools, before the orders. */
async function lockQuotas(tx: TenantTx, orderIds: string[]): Promise<void> {
  await tx.query(
    `SELECT 1 FROM presale_quota
      WHERE tenant = $1 AND (campaign_id, region) IN
            (SELECT campaign_id, region FROM quota_hold WHERE tenant = $1 AND order_id = ANY($2::text[]))
      ORDER BY campaign_id COLLATE "C", region COLLATE "C" FOR NO KEY UPDATE`,
    [tx.tenant, orderIds],
  );
}

/** Locks orders by id. Alone (without stock) it serves what moves no stock: planning, booking, later scans. */
export async function lockOrders(tx: TenantTx, orderIds: string[]): Promise<LockedOrder[]> {
  const { rows } = await tx.query<LockedOrder>(
    `SELECT ${lockedOrderColumns}
       FROM orders o WHERE tenant = $1 AND order_id = ANY($2::text[]) ORDER BY order_id COLLATE "C" FOR NO KEY UPDATE`,
    [tx.tenant, orderIds],
  );
  return rows;
}

interface EndedHold {
  order_id: string;
  sku: string;
  site_id: string;
  lot_id: string;
  units: number;
}

function movementsOf(kind: Movement['kind'], ended: EndedHold[]): Movement[] {
  return ended.map((hold) => ({
    kind,
    sku: hold.sku,
    siteId: hold.site_id,
    lotId: hold.lot_id,
    quantity: hold.units,
    causeKind: 'order',
    causeId: hold.order_id,
  }));
}

export interface HoldsEnd {
  orderIds: string[];
  to: 'released' | 'expired';
  actor: string;
}

/**
 * Gives back what unpaid orders hold: stock, presale quota and litres of pickup points, set-wise for any number of
 * orders. Only open holds move, so a second call changes nothing (I4). The caller has locked with
 * `lockOrdersWithStock`, and names all its orders in one call, since litres are locked in order.
 */
export async function releaseHolds(tx: TenantTx, ...ends: HoldsEnd[]): Promise<void> {
  const orderIds = ends.flatMap((end) => end.orderIds);
  if (orderIds.length === 0) return;
  for (const end of ends) await releaseStock(tx, end);
  await releaseCapacity(tx, { orderIds });
}

async function releaseStock(tx: TenantTx, { orderIds, to, actor }: HoldsEnd): Promise<void> {
  if (orderIds.length === 0) return;
  const ended = await tx.query<EndedHold>(
    `WITH ended AS (
       UPDATE hold SET state = $3, remaining = 0, ended_at = clock_timestamp()
        WHERE tenant = $1 AND order_id = ANY($2::text[]) AND state = 'held'
        RETURNING hold_id, order_id, sku, site_id, lot_id, quantity AS units)
     SELECT order_id, sku, site_id, lot_id, units FROM ended ORDER BY order_id, hold_id`,
    [tx.tenant, orderIds, to],
  );
  await Promise.all([
    writeMovements(tx, { actor, movements: movementsOf(to, ended.rows) }),
    tx.query(
      `WITH ended AS (
       UPDATE quota_hold SET state = $3, ended_at = clock_timestamp()
        WHERE tenant = $1 AND order_id = ANY($2::text[]) AND state = 'held'
        RETURNING campaign_id, region, quantity)
     UPDATE presale_quota q SET held = q.held - e.units
       FROM (SELECT campaign_id, region, sum(quantity)::bigint AS units FROM ended GROUP BY 1, 2) e
      WHERE q.tenant = $1 AND q.campaign_id = e.campaign_id AND q.region = e.region`,
      [tx.tenant, orderIds, to],
    ),
  ]);
}

/**
 * held → committed for every open hold of paid orders, and their presale quota from held to sold. The caller has locked
 * with `lockOrdersWithStock` and has seen every hold open (I3: a sale that commits no unit is an oversell in waiting).
 */
export async function commitHolds(
  tx: TenantTx,
  { orderIds, actor }: { orderIds: string[]; actor: string },
): Promise<void> {
  if (orderIds.length === 0) return;
  const ended = await tx.query<EndedHold>(
    `WITH ended AS (
       UPDATE hold SET state = 'committed', ended_at = clock_timestamp()
        WHERE tenant = $1 AND order_id = ANY($2::text[]) AND state = 'held'
        RETURNING hold_id, order_id, sku, site_id, lot_id, quantity AS units)
     SELECT order_id, sku, site_id, lot_id, units FROM ended ORDER BY order_id, hold_id`,
    [tx.tenant, orderIds],
  );
  const [, quotas] = await Promise.all([
    writeMovements(tx, { actor, movements: movementsOf('committed', ended.rows) }),
    tx.query<{ campaign_id: string }>(
      `WITH taken AS (
       UPDATE quota_hold SET state = 'committed', ended_at = clock_timestamp()
        WHERE tenant = $1 AND order_id = ANY($2::text[]) AND state = 'held' RETURNING campaign_id, region, quantity)
     UPDATE presale_quota q SET held = q.held - t.units, sold = q.sold + t.units
       FROM (SELECT campaign_id, region, sum(quantity)::bigint AS units FROM taken GROUP BY 1, 2) t
      WHERE q.tenant = $1 AND q.campaign_id = t.campaign_id AND q.region = t.region
      RETURNING q.campaign_id`,
      [tx.tenant, orderIds],
    ),
  ]);
  // the goods may have come before the money
  await wakeReserved(
    tx,
    quotas.rows.map((row) => row.campaign_id),
  );
}

interface UncommittedHold extends EndedHold {
  /** Of a presale line, whose goods came out of a campaign's reserve. */
  campaign_id: string | null;
}

/**
 * Takes back what a paid order was committed and has not left: presale units that have no goods yet return to their
 * quota, goods to the shelf's free units, or to their campaign's reserve while it is open or others wait. The holds
 * stay `committed`: they ended once (I4). The caller has locked with `lockOrdersWithStock` and has cancelled the
 * shipments that carried the goods.
 */
export async function uncommitHolds(
  tx: TenantTx,
  { orderId, actor }: { orderId: string; actor: string },
): Promise<void> {
  const ended = await tx.query<UncommittedHold>(
    `WITH standing AS (
       SELECT hold_id, remaining FROM hold
        WHERE tenant = $1 AND order_id = $2 AND state = 'committed' AND remaining > 0),
     ended AS (
       UPDATE hold h SET remaining = 0 FROM standing s WHERE h.tenant = $1 AND h.hold_id = s.hold_id
       RETURNING h.hold_id, h.order_id, h.line_id, h.sku, h.site_id, h.lot_id, s.remaining AS units)
     SELECT e.order_id, e.sku, e.site_id, e.lot_id, e.units, l.campaign_id
       FROM ended e JOIN order_line l ON l.tenant = $1 AND l.order_id = e.order_id AND l.line_id = e.line_id
      ORDER BY e.hold_id`,
    [tx.tenant, orderId],
  );
  await uncommitQuota(tx, { orderIds: [orderId] });
  const returned = await returnToReserve(tx, ended.rows);
  await writeMovements(tx, { actor, movements: [...movementsOf('uncommitted', ended.rows), ...returned] });
}

/** What came for a campaign that has not served everybody goes back to it, and is handed out again. */
async function returnToReserve(tx: TenantTx, ended: UncommittedHold[]): Promise<Movement[]> {
  const campaignIds = [...new Set(ended.flatMap((hold) => hold.campaign_id ?? []))];
  if (campaignIds.length === 0) return [];
  const served = await findServedCampaigns(tx, campaignIds);
  const returned = ended.flatMap(({ campaign_id: campaignId, sku, site_id: siteId, lot_id: lotId, units }) =>
    campaignId === null || served.includes(campaignId) ? [] : [{ campaignId, sku, siteId, lotId, units }],
  );
  await addToReserve(tx, returned);
  await wakeConversion(
    tx,
    returned.map((part) => part.campaignId),
  );
  return returned.map(({ campaignId, units, ...lot }) => ({
    ...lot,
    kind: 'reserved',
    quantity: units,
    causeKind: 'campaign',
    causeId: campaignId,
  }));
}

/**
 * Presale units that no goods have replaced yet go back to their quota: of whole orders, or of one line of one. What
 * was offered about them is withdrawn. The caller has locked with `lockOrdersWithStock`.
 */
export async function uncommitQuota(
  tx: TenantTx,
  { orderIds, lineId }: { orderIds: string[]; lineId?: string },
): Promise<void> {
  const ended = await tx.query<{ order_id: string; line_id: string; campaign_id: string }>(
    `WITH ended AS (
       UPDATE quota_hold q SET uncommitted_at = clock_timestamp()
        WHERE q.tenant = $1 AND q.order_id = ANY($2::text[]) AND ($3::text IS NULL OR q.line_id = $3) AND ${unconverted}
        RETURNING order_id, line_id, campaign_id, region, quantity),
     given_back AS (
       UPDATE presale_quota q SET sold = q.sold - e.units
         FROM (SELECT campaign_id, region, sum(quantity)::bigint AS units FROM ended GROUP BY 1, 2) e
        WHERE q.tenant = $1 AND q.campaign_id = e.campaign_id AND q.region = e.region)
     SELECT order_id, line_id, campaign_id FROM ended`,
    [tx.tenant, orderIds, lineId ?? null],
  );
  await withdrawOffers(
    tx,
    ended.rows.map((row) => ({ orderId: row.order_id, lineId: row.line_id })),
  );
  // somebody may have been the last to wait: then what is left in reserve is a surplus
  await wakeReserved(
    tx,
    ended.rows.map((row) => row.campaign_id),
  );
}

/** Gives back the litres that orders took at pickup points: of one zone, or of all. Each at most once (I15). */
export async function releaseCapacity(
  tx: TenantTx,
  { orderIds, zone }: { orderIds: string[]; zone?: string },
): Promise<void> {
  const values = [tx.tenant, orderIds, zone ?? null];
  const locked = await tx.query(
    `SELECT 1 FROM point_load
      WHERE tenant = $1 AND (pickup_point_id, zone) IN
            (SELECT pickup_point_id, zone FROM capacity_hold
              WHERE tenant = $1 AND order_id = ANY($2::text[]) AND released_at IS NULL AND ($3::text IS NULL OR zone = $3))
      ORDER BY pickup_point_id COLLATE "C", zone FOR NO KEY UPDATE`,
    values,
  );
  if (locked.rowCount === 0) return;
  await tx.query(
    `WITH released AS (
       UPDATE capacity_hold SET released_at = clock_timestamp()
        WHERE tenant = $1 AND order_id = ANY($2::text[]) AND released_at IS NULL AND ($3::text IS NULL OR zone = $3)
        RETURNING pickup_point_id, zone, millilitres)
     UPDATE point_load p SET millilitres = p.millilitres - r.millilitres
       FROM (SELECT pickup_point_id, zone, sum(millilitres)::bigint AS millilitres FROM released GROUP BY 1, 2) r
      WHERE p.tenant = $1 AND p.pickup_point_id = r.pickup_point_id AND p.zone = r.zone`,
    values,
  );
}
