import type { Zone } from '../domain/catalogue/model';
import { nextShipmentState } from '../domain/fulfilment/lifecycle';
import type { ShipmentState } from '../domain/fulfilment/model';
import type { Location } from '../domain/network/model';
import { clearAttention } from './attention';
import type { PersonalData, Recipient } from './personalData';
import { lockParkedEvents, recordParkedEvents } from './shipmentEvent';
import type { Database, TenantTx } from './transaction';

/** What a carrier is asked for, in its own words, but for the address of its answers. Instants in ISO 8601. */
export interface BookingFacts {
  baseUrl: string;
  /** The shipment's id: the carrier's key of idempotency (I10). */
  bookingId: string;
  tenant: string;
  carrierId: string;
  shipmentId: string;
  zone: Zone;
  parcels: { parcelId: string; weightGrams: number }[];
  from: { siteId: string; location: Location };
  to: { pickupPointId?: string; location?: Location; recipient?: Omit<Recipient, 'notes'> };
  shipBy: string;
  deliverBy: string;
}

interface BookingRow {
  order_id: string;
  carrier_id: string;
  base_url: string;
  zone: Zone;
  site_id: string;
  site_lat: number;
  site_lng: number;
  pickup_point_id: string | null;
  lat: number | null;
  lng: number | null;
  ship_by: Date;
  deliver_by: Date;
  parcels: { parcelId: string; weightGrams: number }[];
  key_id: string | null;
  sealed: Buffer | null;
}

/**
 * What to ask the carrier of a shipment for; null when there is nothing to book: cancelled, booked already, a
 * leader's run, or unknown. A shipment whose events overtook its booking is still booked, for its waybills. With
 * `personalData` the label's name, phone and door are opened into the answer: never log it.
 */
export async function findBookingRequest(
  db: Database,
  { tenant, shipmentId }: { tenant: string; shipmentId: string },
  personalData?: PersonalData,
): Promise<BookingFacts | null> {
  const row = await db.inTenant(tenant, (tx) => findBookingRow(tx, shipmentId));
  if (!row) return null;
  const facts = toFacts({ tenant, shipmentId }, row);
  if (personalData && row.key_id !== null && row.sealed !== null) {
    const owner = { tenant, orderId: row.order_id };
    const { name, phone, address } = personalData.open(owner, { keyId: row.key_id, sealed: row.sealed });
    facts.to.recipient = { name, phone, address };
  }
  return facts;
}

async function findBookingRow(tx: TenantTx, shipmentId: string): Promise<BookingRow | undefined> {
  const { rows } = await tx.query<BookingRow>(
    `SELECT s.order_id, s.carrier_id, c.base_url, s.zone, s.site_id, i.lat AS site_lat, i.lng AS site_lng,
            CASE WHEN o.delivery_method = 'pickup' THEN o.pickup_point_id END AS pickup_point_id, o.lat, o.lng,
            s.ship_by, s.deliver_by, r.key_id, r.sealed,
            (SELECT json_agg(json_build_object('parcelId', p.parcel_id, 'weightGrams', p.weight_grams)
                      ORDER BY length(p.parcel_id), p.parcel_id)
               FROM parcel p WHERE p.tenant = s.tenant AND p.shipment_id = s.shipment_id) AS parcels
       FROM shipment s
       JOIN orders o ON o.tenant = s.tenant AND o.order_id = s.order_id
       JOIN carrier c ON c.tenant = s.tenant AND c.carrier_id = s.carrier_id
       JOIN site i ON i.tenant = s.tenant AND i.site_id = s.site_id
       LEFT JOIN recipient r ON r.tenant = s.tenant AND r.order_id = s.order_id
      WHERE s.tenant = $1 AND s.shipment_id = $2 AND s.state <> 'cancelled' AND s.booked_at IS NULL`,
    [tx.tenant, shipmentId],
  );
  return rows[0];
}

function toFacts(
  { tenant, shipmentId }: { tenant: string; shipmentId: string },
  row: BookingRow,
): BookingFacts {
  return {
    baseUrl: row.base_url,
    bookingId: shipmentId,
    tenant,
    carrierId: row.carrier_id,
    shipmentId,
    zone: row.zone,
    parcels: row.parcels,
    from: { siteId: row.site_id, location: { lat: row.site_lat, lng: row.site_lng } },
    to: {
      ...(row.pickup_point_id === null ? {} : { pickupPointId: row.pickup_point_id }),
      ...(row.lat === null || row.lng === null ? {} : { location: { lat: row.lat, lng: row.lng } }),
    },
    shipBy: row.ship_by.toISOString(),
    deliverBy: row.deliver_by.toISOString(),
  };
}

export interface Waybill {
  parcelId: string;
  waybillNo: string;
}

/**
 * Stores the carrier's waybills and marks the shipment booked, unless events have taken it further. A shipment that
 * was cancelled while the carrier was asked keeps its waybills too (its goods may still be seen moving) and answers
 * `cancelledMeanwhile`: the caller undoes the booking. Events that overtook their waybills are recorded now, and a
 * failed booking that people were shown has mended itself. Told again, it changes nothing.
 */
export async function recordBooking(
  db: Database,
  { tenant, shipmentId, waybills }: { tenant: string; shipmentId: string; waybills: Waybill[] },
): Promise<'booked' | 'cancelledMeanwhile'> {
  return db.inTenant(tenant, async (tx) => {
    const waybillNos = waybills.map((each) => each.waybillNo);
    const overtaken = await lockParkedEvents(tx, { shipmentId, waybillNos });
    const state = await lockShipment(tx, shipmentId);
    await tx.query(
      `WITH labelled AS (
         UPDATE parcel p SET waybill_no = w.waybill_no
           FROM unnest($3::text[], $4::text[]) AS w(parcel_id, waybill_no)
          WHERE p.tenant = $1 AND p.shipment_id = $2 AND p.parcel_id = w.parcel_id AND p.waybill_no IS NULL)
       UPDATE shipment SET state = $5, booked_at = coalesce(booked_at, clock_timestamp())
        WHERE tenant = $1 AND shipment_id = $2`,
      [
        tenant,
        shipmentId,
        waybills.map((each) => each.parcelId),
        waybillNos,
        nextShipmentState(state, 'booked'),
      ],
    );
    await recordParkedEvents(tx, overtaken);
    if (state === 'cancelled') return 'cancelledMeanwhile';
    await clearAttention(tx, 'bookingFailed', shipmentId);
    return 'booked';
  });
}

/** The order first, then the shipment: the order of locks that events and cancels use; rows are locked as named. */
async function lockShipment(tx: TenantTx, shipmentId: string): Promise<ShipmentState> {
  const { rows } = await tx.query<{ state: ShipmentState }>(
    `SELECT s.state FROM orders o JOIN shipment s ON s.tenant = o.tenant AND s.order_id = o.order_id
      WHERE o.tenant = $1 AND s.shipment_id = $2 FOR NO KEY UPDATE OF o, s`,
    [tx.tenant, shipmentId],
  );
  if (!rows[0]) throw new Error('the shipment does not exist');
  return rows[0].state;
}
