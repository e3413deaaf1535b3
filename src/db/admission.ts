import type { Movement } from '../domain/inventory/model';
import { localDateOf } from '../domain/network/calendar';
import type { LocalDate, PointZone } from '../domain/network/model';
import type { Admitted, AdmissionSku, AdmissionState } from '../domain/order/admission';
import type { Destination, PlannedLine } from '../domain/order/model';
import {
  findPickupPoint,
  lockPointLoad,
  type PurchaseScope,
  readBought,
  readCampaigns,
  readCarriers,
  readClockAndDue,
  readLots,
  readSites,
} from './admission.read';
import { expireDueHolds } from './expiry';
import { lockPools, writeMovements } from './inventory';
import { wakeReserved } from './presaleReserve';
import type { TenantTx } from './transaction';

/** Who asks for what, with every SKU of the cart (bundles and their components) already read. */
export interface AdmissionSubject {
  lines: PlannedLine[];
  skus: Map<string, AdmissionSku>;
  destination: Destination;
  buyerRef: string;
  liveSessionId: string | null;
  /** The day the purchase limit counts in; today when not given. */
  placedOn?: LocalDate;
  /** An order that is asked for again does not count against its own limit. */
  exceptOrderId?: string;
}

/**
 * Takes the locks of an admission in the house's order (pools, quotas, the point's litres) and reads the state the
 * planner decides on. Past-due holds of the locked SKUs are expired here, so that their units can be sold again.
 * Database time is read once, after the locks: it, and not the caller's clock, decides what is due.
 */
export async function lockAdmission(tx: TenantTx, subject: AdmissionSubject): Promise<AdmissionState> {
  const skuIds = [...subject.skus.keys()];
  const campaignIds = subject.lines.flatMap((line) => (line.campaignId === null ? [] : [line.campaignId]));
  // what rarely changes is read before the locks, so that they are held for as few round trips as can be
  const sites = await readSites(tx);
  const carriers = await readCarriers(tx);
  await lockPools(tx, skuIds);
  if (campaignIds.length > 0) await lockQuotas(tx, campaignIds);
  const { now, timeZone, due } = await readClockAndDue(tx, { skus: skuIds, campaignIds });
  if (due) await expireDueHolds(tx, { skus: skuIds, campaignIds, now });
  const placedOn = subject.placedOn ?? localDateOf(now, timeZone);
  const { pickupPointId } = subject.destination;
  const goods = [...new Set(subject.lines.flatMap((line) => line.components.map((part) => part.sku)))];
  return {
    now,
    timeZone,
    skus: subject.skus,
    sites,
    carriers,
    // the counters first: whoever changes a point or its leader's certificate waits for this lock
    pointLoad:
      pickupPointId === null || subject.destination.deliveryMethod !== 'pickup'
        ? { ambient: 0, chilled: 0, frozen: 0 }
        : await lockPointLoad(tx, pickupPointId),
    pickupPoint: pickupPointId === null ? null : await findPickupPoint(tx, pickupPointId),
    lots: await readLots(tx, goods, now),
    campaigns: new Map(
      campaignIds.length === 0
        ? []
        : (await readCampaigns(tx, { ids: campaignIds, skus: [] }, now)).map((campaign) => [
            campaign.campaignId,
            campaign,
          ]),
    ),
    bought: await boughtWhereLimited(tx, subject, placedOn),
  };
}

/** Most SKUs have no limit; then the buyer's orders need not be read at all. */
async function boughtWhereLimited(
  tx: TenantTx,
  subject: AdmissionSubject,
  placedOn: LocalDate,
): Promise<Map<string, number>> {
  const skus = subject.lines
    .map((line) => line.sku)
    .filter((sku) => (subject.skus.get(sku)?.purchaseLimitUnits ?? null) !== null);
  if (skus.length === 0) return new Map();
  const scope: PurchaseScope = {
    buyerRef: subject.buyerRef,
    liveSessionId: subject.liveSessionId,
    placedOn,
    skus,
    exceptOrderId: subject.exceptOrderId,
  };
  return readBought(tx, scope);
}

async function lockQuotas(tx: TenantTx, campaignIds: string[]): Promise<void> {
  await tx.query(
    `SELECT 1 FROM presale_quota WHERE tenant = $1 AND campaign_id = ANY($2::text[])
      ORDER BY campaign_id COLLATE "C", region COLLATE "C" FOR UPDATE`,
    [tx.tenant, campaignIds],
  );
}

export interface AdmissionWrite {
  orderId: string;
  run: number;
  admitted: Admitted;
  /** When the holds end if unpaid; null commits them in the same step (the order is paid). */
  expiresAt: Date | null;
  /** Litres belong to the order's pickup point. */
  pickupPointId: string | null;
  actor: string;
}

/** Writes what the planner admitted: holds, quota, litres and the journal. The order and its lines are there already. */
export async function writeAdmission(tx: TenantTx, write: AdmissionWrite): Promise<void> {
  await insertHolds(tx, write);
  await insertQuotaHolds(tx, write);
  const { orderId, pickupPointId, admitted } = write;
  if (pickupPointId !== null)
    await takeCapacity(
      tx,
      admitted.capacity.map((part) => ({ ...part, orderId, pickupPointId })),
    );
  const movements: Movement[] = write.admitted.holds.flatMap(({ sku, siteId, lotId, quantity }) => {
    const held: Movement = {
      kind: 'held',
      sku,
      siteId,
      lotId,
      quantity,
      causeKind: 'order',
      causeId: write.orderId,
    };
    return write.expiresAt === null ? [held, { ...held, kind: 'committed' }] : [held];
  });
  await writeMovements(tx, { actor: write.actor, movements });
  if (write.expiresAt === null)
    await wakeReserved(
      tx,
      admitted.quotaHolds.map((hold) => hold.campaignId),
    );
}

async function insertHolds(
  tx: TenantTx,
  { orderId, run, admitted, expiresAt }: AdmissionWrite,
): Promise<void> {
  const { holds } = admitted;
  if (holds.length === 0) return;
  await tx.query(
    `INSERT INTO hold (tenant, hold_id, order_id, line_id, sku, site_id, lot_id, quantity, remaining, state,
                       hand_over_on, expires_at, ended_at)
     SELECT $1, $2 || ':' || $3::text || ':' || position, $2, line_id, sku, site_id, lot_id, quantity, quantity,
            CASE WHEN $4::timestamptz IS NULL THEN 'committed' ELSE 'held' END, hand_over_on, $4::timestamptz,
            CASE WHEN $4::timestamptz IS NULL THEN clock_timestamp() END
       FROM unnest($5::text[], $6::text[], $7::text[], $8::text[], $9::bigint[], $10::date[])
            WITH ORDINALITY AS h(line_id, sku, site_id, lot_id, quantity, hand_over_on, position)`,
    [
      tx.tenant,
      orderId,
      run,
      expiresAt,
      holds.map((hold) => hold.lineId),
      holds.map((hold) => hold.sku),
      holds.map((hold) => hold.siteId),
      holds.map((hold) => hold.lotId),
      holds.map((hold) => hold.quantity),
      holds.map((hold) => hold.handOverOn),
    ],
  );
}

async function insertQuotaHolds(
  tx: TenantTx,
  { orderId, run, admitted, expiresAt }: AdmissionWrite,
): Promise<void> {
  const { quotaHolds } = admitted;
  if (quotaHolds.length === 0) return;
  const values = [
    tx.tenant,
    orderId,
    run,
    expiresAt,
    quotaHolds.map((hold) => hold.lineId),
    quotaHolds.map((hold) => hold.campaignId),
    quotaHolds.map((hold) => hold.region),
    quotaHolds.map((hold) => hold.quantity),
  ];
  await tx.query(
    `INSERT INTO quota_hold (tenant, order_id, run, line_id, campaign_id, region, quantity, state, expires_at, ended_at,
                             promised_on)
     SELECT $1, $2, $3::integer, h.line_id, h.campaign_id, h.region, h.quantity,
            CASE WHEN $4::timestamptz IS NULL THEN 'committed' ELSE 'held' END, $4::timestamptz,
            CASE WHEN $4::timestamptz IS NULL THEN clock_timestamp() END, c.deliver_by
       FROM unnest($5::text[], $6::text[], $7::text[], $8::bigint[]) AS h(line_id, campaign_id, region, quantity)
       JOIN presale_campaign c ON c.tenant = $1 AND c.campaign_id = h.campaign_id`,
    values,
  );
  await tx.query(
    `UPDATE presale_quota q
        SET held = q.held + CASE WHEN $2::boolean THEN 0 ELSE h.units END,
            sold = q.sold + CASE WHEN $2::boolean THEN h.units ELSE 0 END
       FROM (SELECT campaign_id, region, sum(quantity)::bigint AS units
               FROM unnest($3::text[], $4::text[], $5::bigint[]) AS u(campaign_id, region, quantity)
              GROUP BY campaign_id, region) h
      WHERE q.tenant = $1 AND q.campaign_id = h.campaign_id AND q.region = h.region`,
    [tx.tenant, expiresAt === null, values[5], values[6], values[7]],
  );
}

interface TakenCapacity {
  orderId: string;
  pickupPointId: string;
  zone: PointZone;
  millilitres: number;
}

/** Takes litres of pickup points for orders, whose counters the caller has locked (I15). */
export async function takeCapacity(tx: TenantTx, taken: TakenCapacity[]): Promise<void> {
  if (taken.length === 0) return;
  const values = [
    tx.tenant,
    taken.map((part) => part.orderId),
    taken.map((part) => part.pickupPointId),
    taken.map((part) => part.zone),
    taken.map((part) => part.millilitres),
  ];
  const parts =
    'unnest($2::text[], $3::text[], $4::text[], $5::bigint[]) AS c(order_id, point, zone, millilitres)';
  await tx.query(
    `UPDATE point_load p SET millilitres = p.millilitres + t.millilitres
       FROM (SELECT point, zone, sum(millilitres)::bigint AS millilitres FROM ${parts} GROUP BY point, zone) t
      WHERE p.tenant = $1 AND p.pickup_point_id = t.point AND p.zone = t.zone`,
    values,
  );
  // a re-held order takes its litres again; goods that come later to an order add to what it has there
  await tx.query(
    `INSERT INTO capacity_hold (tenant, order_id, zone, pickup_point_id, millilitres)
     SELECT $1, order_id, zone, min(point), sum(millilitres) FROM ${parts} GROUP BY order_id, zone
     ON CONFLICT (tenant, order_id, zone) DO UPDATE
       SET millilitres = excluded.millilitres
             + CASE WHEN capacity_hold.released_at IS NULL THEN capacity_hold.millilitres ELSE 0 END,
           released_at = NULL, pickup_point_id = excluded.pickup_point_id`,
    values,
  );
}
