import type { ShipmentState } from '../domain/fulfilment/model';
import { fromMicros, isoUtc, microsOf } from './isoUtc';
import { type Page, type Slice, sliceOf } from './page';
import type { TenantTx } from './transaction';

/** Units of order lines in a shipment or parcel, summed by line and lot. `scope` limits the parcels `p`. */
function lotsJson(scope: string): string {
  return `(SELECT coalesce(json_agg(json_build_object('lineId', x.line_id, 'sku', x.sku, 'lotId', x.lot_id,
                    'quantity', x.quantity, 'expiresOn', x.expires_on) ORDER BY x.line_id, x.sku, x.lot_id), '[]'::json)
     FROM (SELECT h.line_id, h.sku, h.lot_id, sum(pl.quantity) AS quantity, min(l.expires_on) AS expires_on
             FROM parcel p JOIN parcel_lot pl ON pl.tenant = p.tenant AND pl.parcel_id = p.parcel_id
             JOIN hold h ON h.tenant = pl.tenant AND h.hold_id = pl.hold_id
             JOIN lot l ON l.tenant = h.tenant AND l.sku = h.sku AND l.lot_id = h.lot_id
            WHERE p.tenant = s.tenant AND ${scope}
            GROUP BY h.line_id, h.sku, h.lot_id) x)`;
}

/** SQL fields of a shipment `s` in the contract's shape. Notes of people and carriers stay inside. */
export const shipmentFields = `'shipmentId', s.shipment_id, 'zone', s.zone, 'siteId', s.site_id,
  'via', CASE WHEN s.carrier_id IS NOT NULL THEN json_build_object('carrierId', s.carrier_id)
              ELSE json_build_object('leaderId', s.leader_id, 'pickupPointId', s.pickup_point_id) END,
  'state', s.state, 'costFen', s.cost_fen,
  'lots', ${lotsJson('p.shipment_id = s.shipment_id')},
  'parcels', (SELECT coalesce(json_agg(json_strip_nulls(json_build_object('parcelId', q.parcel_id,
                       'waybillNo', q.waybill_no, 'weightGrams', q.weight_grams,
                       'lots', ${lotsJson('p.parcel_id = q.parcel_id')})) ORDER BY q.parcel_id), '[]'::json)
                FROM parcel q WHERE q.tenant = s.tenant AND q.shipment_id = s.shipment_id),
  'events', (SELECT coalesce(json_agg(json_strip_nulls(json_build_object('at', ${isoUtc('e.at')}, 'kind', e.kind,
                      'place', e.place)) ORDER BY e.at, e.received_at, e.event_id), '[]'::json)
               FROM shipment_event e WHERE e.tenant = s.tenant AND e.shipment_id = s.shipment_id)`;

export interface ShipmentFilter {
  state?: ShipmentState;
  siteId?: string;
  leaderId?: string;
}

export interface ShipmentPosition {
  micros: number;
  shipmentId: string;
}

/** Shipments, newest first, with the order each belongs to and its promise. */
export async function listShipments(
  tx: TenantTx,
  filter: ShipmentFilter,
  page: Page<ShipmentPosition>,
): Promise<Slice<object, ShipmentPosition>> {
  const { rows } = await tx.query<{ id: string; micros: number; body: object }>(
    `SELECT s.shipment_id AS id, ${microsOf('s.created_at')} AS micros,
            json_build_object('orderId', s.order_id, ${shipmentFields},
                              'shipBy', ${isoUtc('s.ship_by')}, 'deliverBy', ${isoUtc('s.deliver_by')}) AS body
       FROM shipment s
      WHERE s.tenant = $1 AND ($2::text IS NULL OR s.state = $2) AND ($3::text IS NULL OR s.site_id = $3)
        AND ($4::text IS NULL OR s.leader_id = $4)
        AND ($5::bigint IS NULL OR (s.created_at, s.shipment_id) < (${fromMicros('$5')}, $6))
      ORDER BY s.created_at DESC, s.shipment_id DESC LIMIT $7 + 1`,
    [
      tx.tenant,
      filter.state ?? null,
      filter.siteId ?? null,
      filter.leaderId ?? null,
      page.after?.micros ?? null,
      page.after?.shipmentId ?? null,
      page.limit,
    ],
  );
  return sliceOf(rows, page.limit, {
    item: (row) => row.body,
    position: ({ micros, id }) => ({ micros, shipmentId: id }),
  });
}

/** Whose shipment it is; null when the tenant has no such shipment. */
export async function findShipmentOwner(
  tx: TenantTx,
  shipmentId: string,
): Promise<{ leaderId: string | null } | null> {
  const { rows } = await tx.query<{ leaderId: string | null }>(
    'SELECT leader_id AS "leaderId" FROM shipment WHERE tenant = $1 AND shipment_id = $2',
    [tx.tenant, shipmentId],
  );
  return rows[0] ?? null;
}
