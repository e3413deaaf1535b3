import { addDays, endOfDay } from '../domain/network/calendar';
import type { LocalDate } from '../domain/network/model';
import { planSplit, type ShipmentPlan, type SplitHold, type SplitPlan } from '../domain/fulfilment/split';
import { isEnded } from '../domain/order/lifecycle';
import type { DeliveryMethod, OrderState } from '../domain/order/model';
import { findPickupPoint, readCarriers, readClock, readSites, readSkus } from './admission.read';
import { clearAttention, raiseAttention } from './attention';
import { unconverted } from './holds';
import { insertOrderEvent } from './order';
import type { Database, TenantTx } from './transaction';

export { findBookingRequest, recordBooking } from './booking';
export { recordShipmentEvent } from './shipmentEvent';

export interface PlannedShipment {
  shipmentId: string;
  zone: string;
  carrierId: string | null;
  leaderId: string | null;
  siteId: string;
  /** ISO 8601. */
  deliverBy: string;
}

/** `until`, `unconvertedUntil`: ISO end of the first day on which presale goods still to come were promised. */
export type PlanOutcome =
  | { kind: 'planned'; shipments: PlannedShipment[]; unconvertedUntil: string | null }
  | { kind: 'waitingForGoods'; until: string }
  | { kind: 'parked'; reason: 'noRoute' | 'paidShort' }
  | { kind: 'ended'; state: OrderState };

/**
 * Turns what a paid order has committed into shipments and parcels, in one transaction, and moves it to
 * `fulfilling`. Plans only units that no live shipment carries, so a second call answers the stored plan. What
 * cannot be routed raises `noRoute`; a paid order without goods stays parked in `paidShort`. A leader run needs
 * nobody's consent and is `booked` at once (its litres were taken at intake); a carrier's shipment is `planned`
 * until the carrier has taken it. Picking may start either way. Locks the order only: no balance moves here.
 */
export async function planFulfilment(
  db: Database,
  { tenant, orderId }: { tenant: string; orderId: string },
): Promise<PlanOutcome> {
  return db.inTenant(tenant, async (tx) => {
    const order = await lockOrder(tx, orderId);
    if (isEnded(order.state)) return { kind: 'ended', state: order.state };
    if (order.state !== 'paid' && order.state !== 'fulfilling')
      throw new Error('I5 only a paid order is planned');
    const holds = await readUnplanned(tx, orderId);
    if (holds.length > 0) {
      const plan = await planGoods(tx, order, holds);
      if (plan.kind === 'noRoute') return park(tx, orderId, 'noRoute', { ...plan });
      await insertPlan(tx, order, plan.shipments);
    }
    return readPlan(tx, orderId);
  });
}

interface PlannableOrder {
  order_id: string;
  state: OrderState;
  pickup_point_id: string | null;
  lat: number | null;
  lng: number | null;
  delivery_method: DeliveryMethod;
  window_from: Date | null;
  window_to: Date | null;
  deliver_by: Date;
}

async function lockOrder(tx: TenantTx, orderId: string): Promise<PlannableOrder> {
  const { rows } = await tx.query<PlannableOrder>(
    `SELECT order_id, state, pickup_point_id, lat, lng, delivery_method, window_from, window_to, deliver_by
       FROM orders WHERE tenant = $1 AND order_id = $2 FOR NO KEY UPDATE`,
    [tx.tenant, orderId],
  );
  if (!rows[0]) throw new Error('the order does not exist');
  return rows[0];
}

interface UnplannedHold {
  hold_id: string;
  sku: string;
  site_id: string;
  expires_on: LocalDate;
  units: number;
}

/** Committed units that stand and travel in no live shipment. */
async function readUnplanned(tx: TenantTx, orderId: string): Promise<UnplannedHold[]> {
  const { rows } = await tx.query<UnplannedHold>(
    `SELECT * FROM (
       SELECT h.hold_id, h.sku, h.site_id, l.expires_on,
              h.remaining - coalesce((SELECT sum(pl.quantity) FROM parcel_lot pl
                JOIN parcel p ON p.tenant = pl.tenant AND p.parcel_id = pl.parcel_id
                JOIN shipment s ON s.tenant = p.tenant AND s.shipment_id = p.shipment_id
               WHERE pl.tenant = h.tenant AND pl.hold_id = h.hold_id AND s.state = ANY($3::text[])), 0)::bigint AS units
         FROM hold h JOIN lot l ON l.tenant = h.tenant AND l.sku = h.sku AND l.lot_id = h.lot_id
        WHERE h.tenant = $1 AND h.order_id = $2 AND h.state = 'committed' AND h.remaining > 0) u
      WHERE units > 0 ORDER BY hold_id`,
    // shipments that have left have already taken their units out of `remaining`
    [tx.tenant, orderId, ['planned', 'booked', 'picking', 'packed']],
  );
  return rows;
}

async function planGoods(tx: TenantTx, order: PlannableOrder, holds: UnplannedHold[]): Promise<SplitPlan> {
  const { now, timeZone } = await readClock(tx);
  const skus = await readSkus(
    tx,
    holds.map((hold) => hold.sku),
  );
  return planSplit({
    holds: holds.map((hold): SplitHold => {
      const sku = skus.get(hold.sku);
      if (!sku) throw new Error('I11 a hold without its SKU');
      return {
        holdId: hold.hold_id,
        siteId: hold.site_id,
        zone: sku.zone,
        quantity: hold.units,
        weightGrams: sku.weightGrams,
        volumeMillilitres: sku.volumeMillilitres,
        keepsUntil: addDays(hold.expires_on, -sku.minimumLifeDays),
      };
    }),
    sites: await readSites(tx),
    carriers: await readCarriers(tx),
    deliveryMethod: order.delivery_method,
    location: order.lat === null || order.lng === null ? null : { lat: order.lat, lng: order.lng },
    pickupPoint: order.pickup_point_id === null ? null : await findPickupPoint(tx, order.pickup_point_id),
    window:
      order.window_from && order.window_to
        ? { from: order.window_from.getTime(), to: order.window_to.getTime() }
        : null,
    now,
    deliverBy: order.deliver_by.getTime(),
    timeZone,
  });
}

async function insertPlan(tx: TenantTx, order: PlannableOrder, plans: ShipmentPlan[]): Promise<void> {
  const orderId = order.order_id;
  const { rows } = await tx.query<{ shipments: number }>(
    'SELECT count(*) AS shipments FROM shipment WHERE tenant = $1 AND order_id = $2',
    [tx.tenant, orderId],
  );
  const before = rows[0]?.shipments ?? 0;
  const shipments = plans.map((plan, index) => ({ ...plan, shipmentId: `${orderId}.${before + index + 1}` }));
  await insertShipments(tx, orderId, shipments);
  await insertParcels(tx, shipments);
  await clearAttention(tx, 'noRoute', orderId);
  if (order.state === 'paid') {
    await tx.query(`UPDATE orders SET state = 'fulfilling' WHERE tenant = $1 AND order_id = $2`, [
      tx.tenant,
      orderId,
    ]);
    await insertOrderEvent(tx, orderId, 'fulfilling');
  }
  const told = shipments.map(({ shipmentId, zone, siteId }) => ({ shipmentId, zone, siteId }));
  await insertOrderEvent(tx, orderId, 'planned', { shipments: told });
}

type NewShipment = ShipmentPlan & { shipmentId: string };

async function insertShipments(tx: TenantTx, orderId: string, shipments: NewShipment[]): Promise<void> {
  const carriers = shipments.map(({ via }) => ('carrierId' in via ? via.carrierId : null));
  await tx.query(
    `INSERT INTO shipment (tenant, shipment_id, order_id, zone, site_id, carrier_id, leader_id, pickup_point_id, state,
                           booked_at, cost_fen, weight_grams, volume_millilitres, ship_by, deliver_by, hand_over_on)
     SELECT $1, shipment_id, $2, zone, site_id, carrier_id, leader_id, pickup_point_id,
            CASE WHEN leader_id IS NULL THEN 'planned' ELSE 'booked' END,
            CASE WHEN leader_id IS NOT NULL THEN clock_timestamp() END,
            cost_fen, weight_grams, volume_millilitres, ship_by, deliver_by, hand_over_on
       FROM unnest($3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::bigint[], $10::bigint[],
                   $11::bigint[], $12::timestamptz[], $13::timestamptz[], $14::date[])
         AS s(shipment_id, zone, site_id, carrier_id, leader_id, pickup_point_id, cost_fen, weight_grams,
              volume_millilitres, ship_by, deliver_by, hand_over_on)`,
    [
      tx.tenant,
      orderId,
      shipments.map((shipment) => shipment.shipmentId),
      shipments.map((shipment) => shipment.zone),
      shipments.map((shipment) => shipment.siteId),
      carriers,
      shipments.map(({ via }) => ('leaderId' in via ? via.leaderId : null)),
      shipments.map(({ via }) => ('leaderId' in via ? via.pickupPointId : null)),
      shipments.map((shipment) => shipment.costFen),
      shipments.map((shipment) => shipment.weightGrams),
      shipments.map((shipment) => shipment.volumeMillilitres),
      shipments.map((shipment) => new Date(shipment.shipBy)),
      shipments.map((shipment) => new Date(shipment.deliverBy)),
      shipments.map((shipment) => shipment.handOverOn),
    ],
  );
}

async function insertParcels(tx: TenantTx, shipments: NewShipment[]): Promise<void> {
  const parcels = shipments.flatMap(({ shipmentId, parcels: plans }) =>
    plans.map((parcel, index) => ({ ...parcel, shipmentId, parcelId: `${shipmentId}.${index + 1}` })),
  );
  await tx.query(
    `INSERT INTO parcel (tenant, parcel_id, shipment_id, weight_grams)
     SELECT $1, parcel_id, shipment_id, weight_grams
       FROM unnest($2::text[], $3::text[], $4::bigint[]) AS p(parcel_id, shipment_id, weight_grams)`,
    [
      tx.tenant,
      parcels.map((parcel) => parcel.parcelId),
      parcels.map((parcel) => parcel.shipmentId),
      parcels.map((parcel) => parcel.weightGrams),
    ],
  );
  const lots = parcels.flatMap((parcel) => parcel.lots.map((lot) => ({ ...lot, parcelId: parcel.parcelId })));
  await tx.query(
    `INSERT INTO parcel_lot (tenant, parcel_id, hold_id, quantity)
     SELECT $1, parcel_id, hold_id, quantity
       FROM unnest($2::text[], $3::text[], $4::bigint[]) AS l(parcel_id, hold_id, quantity)`,
    [
      tx.tenant,
      lots.map((lot) => lot.parcelId),
      lots.map((lot) => lot.holdId),
      lots.map((lot) => lot.quantity),
    ],
  );
}

async function readPlan(tx: TenantTx, orderId: string): Promise<PlanOutcome> {
  const { rows } = await tx.query<Omit<PlannedShipment, 'deliverBy'> & { deliverBy: Date }>(
    `SELECT shipment_id AS "shipmentId", zone, carrier_id AS "carrierId", leader_id AS "leaderId", site_id AS "siteId",
            deliver_by AS "deliverBy"
       FROM shipment WHERE tenant = $1 AND order_id = $2 AND state <> 'cancelled'
      ORDER BY created_at, length(shipment_id), shipment_id`,
    [tx.tenant, orderId],
  );
  const until = await findUnconvertedUntil(tx, orderId);
  if (rows.length > 0) {
    const shipments = rows.map((row) => ({ ...row, deliverBy: row.deliverBy.toISOString() }));
    return { kind: 'planned', shipments, unconvertedUntil: until };
  }
  if (until !== null) return { kind: 'waitingForGoods', until };
  return park(tx, orderId, 'paidShort', {});
}

/** The end of the first day on which presale lines that no goods have replaced yet were promised; null: none. */
async function findUnconvertedUntil(tx: TenantTx, orderId: string): Promise<string | null> {
  const { rows } = await tx.query<{ promised_on: LocalDate | null; time_zone: string }>(
    `SELECT min(q.promised_on) AS promised_on, min(t.time_zone) AS time_zone
       FROM quota_hold q JOIN tenant t ON t.tenant = q.tenant
      WHERE q.tenant = $1 AND q.order_id = $2 AND ${unconverted}`,
    [tx.tenant, orderId],
  );
  const row = rows[0];
  return row?.promised_on ? new Date(endOfDay(row.promised_on, row.time_zone)).toISOString() : null;
}

async function park(
  tx: TenantTx,
  orderId: string,
  reason: 'noRoute' | 'paidShort',
  detail: object,
): Promise<PlanOutcome> {
  await raiseAttention(tx, { reason, subject: orderId, orderId, detail: { ...detail } });
  return { kind: 'parked', reason };
}
