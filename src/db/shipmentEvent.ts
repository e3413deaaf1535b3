import { hasLeft, isTerminal, nextShipmentState, rankOf } from '../domain/fulfilment/lifecycle';
import type { ShipmentRank, ShipmentState } from '../domain/fulfilment/model';
import type { Movement } from '../domain/inventory/model';
import type { AttentionReason } from '../domain/order/attention';
import { clearAttention, raiseAttention } from './attention';
import { type LockedOrder, lockedOrderColumns } from './holds';
import { lockPools, writeMovements } from './inventory';
import { insertOrderEvent } from './order';
import { finishOrder } from './orderEnd';
import type { Database, TenantTx } from './transaction';

/** One scan or report about a shipment, by a carrier's callback or by people. */
export interface ShipmentEvent {
  tenant: string;
  /** Who numbers the events; `eventId` is unique within it. */
  source: string;
  eventId: string;
  shipmentId?: string;
  waybillNo?: string;
  parcelId?: string;
  /** Given for a carrier's callback: only its own shipments, and what it gets wrong is shown to people. */
  carrierId?: string;
  kind: ShipmentRank;
  at: Date;
  place?: string;
  temperatureC?: number;
  note?: string;
  /** Digest of the body, to tell a repeat from another body under the same id. */
  bodyDigest: Buffer;
}

export type ShipmentEventAnswer =
  | { kind: 'recorded'; state: ShipmentState }
  | { kind: 'repeated' }
  | { kind: 'conflict' }
  | { kind: 'unknownShipment' }
  /** Nothing stored: a carrier's word about somebody who is not here, for the platform to park. */
  | { kind: 'unknownTenant' };

/**
 * Records an event and what follows from it, in one transaction. The shipment's state is the highest rank seen in
 * whatever order events come, also when they name one of several parcels (the contract ranks shipments, not
 * parcels). The first rank at or above `pickedUp` takes the goods off the balance; a terminal rank gives litres
 * back; the last shipment's end ends the order. Goods that were `returned` do not come back to stock by themselves.
 * Events of a cancelled shipment are kept and, if goods moved, shown.
 */
export async function recordShipmentEvent(db: Database, event: ShipmentEvent): Promise<ShipmentEventAnswer> {
  const record = () => db.inTenant(event.tenant, (tx) => recordEventIn(tx, event));
  // a waybill that was stored while we looked for it is there for good: the second look finds it
  return (await record()) ?? (await record()) ?? { kind: 'unknownShipment' };
}

/** Null: the waybill has just become known, look again in a new transaction. */
async function recordEventIn(tx: TenantTx, event: ShipmentEvent): Promise<ShipmentEventAnswer | null> {
  const target = await findTarget(tx, event);
  if (!target) return (await findRepeat(tx, event)) ?? parkUnknown(tx, event);
  // goods can only leave once: when they have left by now, the pools need no lock
  const mayLeave = isLeaving(event.kind) && !hasLeft(target.state);
  if (mayLeave) await lockPools(tx, await readSkusOf(tx, target.shipmentId));
  const locked = await lockTarget(tx, target);
  if (!(await insertEvent(tx, event, target))) return (await findRepeat(tx, event)) ?? { kind: 'conflict' };
  return { kind: 'recorded', state: await applyEvent(tx, event, locked) };
}

function isLeaving(kind: ShipmentRank): boolean {
  return rankOf(kind) >= rankOf('pickedUp');
}

async function findRepeat(tx: TenantTx, event: ShipmentEvent): Promise<ShipmentEventAnswer | null> {
  const { rows } = await tx.query<{ digest: string }>(
    `SELECT encode(body_digest, 'hex') AS digest FROM shipment_event
      WHERE tenant = $1 AND source = $2 AND event_id = $3`,
    [tx.tenant, event.source, event.eventId],
  );
  return rows[0] ? compareBodies(tx, event, rows[0].digest) : null;
}

/** The same event again, or another one under its id: then a carrier's is shown to people. */
async function compareBodies(
  tx: TenantTx,
  event: ShipmentEvent,
  digest: string,
): Promise<ShipmentEventAnswer> {
  if (digest === event.bodyDigest.toString('hex')) return { kind: 'repeated' };
  if (event.carrierId !== undefined) {
    const { source, eventId, kind } = event;
    const detail = { source, eventId, kind };
    await raiseAttention(tx, { reason: 'conflictingNotice', subject: subjectOf(event), detail });
  }
  return { kind: 'conflict' };
}

function subjectOf({ source, eventId }: ShipmentEvent): string {
  return `${source}/${eventId}`;
}

interface Target {
  shipmentId: string;
  orderId: string;
  parcelId: string | null;
  state: ShipmentState;
}

/** By shipment, by waybill, or by both when they agree; a named parcel must be the shipment's own. */
async function findTarget(tx: TenantTx, event: ShipmentEvent): Promise<Target | null> {
  const { rows } = await tx.query<Target>(
    `SELECT s.shipment_id AS "shipmentId", s.order_id AS "orderId", p.parcel_id AS "parcelId", s.state
       FROM shipment s LEFT JOIN parcel p ON p.tenant = s.tenant AND p.shipment_id = s.shipment_id
        AND (p.waybill_no = $3 OR p.parcel_id = $4)
      WHERE s.tenant = $1
        AND s.shipment_id = coalesce($2, (SELECT w.shipment_id FROM parcel w WHERE w.tenant = $1 AND w.waybill_no = $3))
        AND ($3::text IS NULL OR p.waybill_no = $3) AND ($4::text IS NULL OR p.parcel_id = $4)
        AND ($5::text IS NULL OR s.carrier_id = $5)`,
    [
      tx.tenant,
      event.shipmentId ?? null,
      event.waybillNo ?? null,
      event.parcelId ?? null,
      event.carrierId ?? null,
    ],
  );
  return rows[0] ?? null;
}

/** What a parked event needs to be recorded later; `place` is the partner's word and stays out. */
interface ParkedEvent {
  source: string;
  eventId: string;
  carrierId: string;
  shipmentId?: string;
  waybillNo?: string;
  kind: ShipmentRank;
  at: string;
  temperatureC?: number;
  bodyDigest: string;
}

/**
 * A carrier's event about nobody we know is shown to people, once. One by a waybill may only have overtaken the
 * booking: it waits here until the waybill is stored (`recordBooking`), under a lock that both take.
 */
async function parkUnknown(tx: TenantTx, event: ShipmentEvent): Promise<ShipmentEventAnswer | null> {
  const { carrierId, source, eventId, shipmentId, waybillNo, kind, temperatureC } = event;
  if (carrierId === undefined) return { kind: 'unknownShipment' };
  const tenant = await tx.query('SELECT 1 FROM tenant WHERE tenant = $1', [tx.tenant]);
  if (tenant.rowCount === 0) return { kind: 'unknownTenant' };
  if (waybillNo !== undefined) {
    await lockWaybills(tx, [waybillNo]);
    if (await findTarget(tx, event)) return null;
  }
  const subject = subjectOf(event);
  const { rows } = await tx.query<{ digest: string }>(
    `SELECT detail ->> 'bodyDigest' AS digest FROM attention
      WHERE tenant = $1 AND reason = 'unknownShipment' AND subject = $2 LIMIT 1`,
    [tx.tenant, subject],
  );
  if (rows[0]) {
    const told = await compareBodies(tx, event, rows[0].digest);
    return told.kind === 'conflict' ? told : { kind: 'unknownShipment' };
  }
  const [at, bodyDigest] = [event.at.toISOString(), event.bodyDigest.toString('hex')];
  const facts: ParkedEvent = {
    source,
    eventId,
    carrierId,
    shipmentId,
    waybillNo,
    kind,
    at,
    temperatureC,
    bodyDigest,
  };
  await raiseAttention(tx, { reason: 'unknownShipment', subject, detail: { ...facts } });
  return { kind: 'unknownShipment' };
}

async function lockWaybills(tx: TenantTx, waybillNos: string[]): Promise<void> {
  await tx.query(
    `SELECT pg_advisory_xact_lock(hashtextextended($1 || ' ' || w, 0))
       FROM (SELECT w FROM unnest($2::text[]) w ORDER BY w) sorted`,
    [tx.tenant, waybillNos],
  );
}

/**
 * Events that came before the waybills they name were stored, with all the locks that recording them needs: call
 * it before the order is locked, store the waybills, then `recordParkedEvents`.
 */
export async function lockParkedEvents(
  tx: TenantTx,
  { shipmentId, waybillNos }: { shipmentId: string; waybillNos: string[] },
): Promise<ShipmentEvent[]> {
  await lockWaybills(tx, waybillNos);
  const { rows } = await tx.query<{ detail: ParkedEvent }>(
    `SELECT detail FROM attention
      WHERE tenant = $1 AND reason = 'unknownShipment' AND resolved_at IS NULL AND detail ->> 'waybillNo' = ANY($2::text[])
      ORDER BY created_at, attention_id`,
    [tx.tenant, waybillNos],
  );
  if (rows.length > 0) await lockPools(tx, await readSkusOf(tx, shipmentId));
  return rows.map(({ detail }) => ({
    ...detail,
    tenant: tx.tenant,
    at: new Date(detail.at),
    bodyDigest: Buffer.from(detail.bodyDigest, 'hex'),
  }));
}

/** Records them now that they are known; what is still not (another carrier's word) stays with people. */
export async function recordParkedEvents(tx: TenantTx, events: ShipmentEvent[]): Promise<void> {
  for (const event of events) {
    const answer = await recordEventIn(tx, event);
    if (answer?.kind === 'recorded') await clearAttention(tx, 'unknownShipment', subjectOf(event));
  }
}

async function readSkusOf(tx: TenantTx, shipmentId: string): Promise<string[]> {
  const { rows } = await tx.query<{ sku: string }>(
    `SELECT DISTINCT h.sku FROM parcel p
       JOIN parcel_lot l ON l.tenant = p.tenant AND l.parcel_id = p.parcel_id
       JOIN hold h ON h.tenant = l.tenant AND h.hold_id = l.hold_id
      WHERE p.tenant = $1 AND p.shipment_id = $2`,
    [tx.tenant, shipmentId],
  );
  return rows.map((row) => row.sku);
}

interface LockedTarget extends Target {
  order: LockedOrder;
}

/** The order first, then its shipment, in one round trip: rows are locked in the order of the tables named. */
async function lockTarget(tx: TenantTx, target: Target): Promise<LockedTarget> {
  const { rows } = await tx.query<LockedOrder & { shipmentState: ShipmentState }>(
    `SELECT ${lockedOrderColumns}, s.state AS "shipmentState"
       FROM orders o JOIN shipment s ON s.tenant = o.tenant AND s.order_id = o.order_id
      WHERE o.tenant = $1 AND s.shipment_id = $2 FOR NO KEY UPDATE OF o, s`,
    [tx.tenant, target.shipmentId],
  );
  if (!rows[0]) throw new Error('the shipment was there a moment ago');
  const { shipmentState, ...order } = rows[0];
  return { ...target, state: shipmentState, order };
}

async function insertEvent(tx: TenantTx, event: ShipmentEvent, target: Target): Promise<boolean> {
  const { rowCount } = await tx.query(
    `INSERT INTO shipment_event (tenant, source, event_id, shipment_id, parcel_id, kind, at, place, temperature_c, note,
                                 body_digest)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT DO NOTHING`,
    [
      tx.tenant,
      event.source,
      event.eventId,
      target.shipmentId,
      target.parcelId,
      event.kind,
      event.at,
      event.place ?? null,
      event.temperatureC ?? null,
      event.note ?? null,
      event.bodyDigest,
    ],
  );
  return rowCount === 1;
}

async function applyEvent(tx: TenantTx, event: ShipmentEvent, target: LockedTarget): Promise<ShipmentState> {
  const { shipmentId, orderId, state } = target;
  if (state === 'cancelled') {
    if (isLeaving(event.kind)) {
      const detail = { kind: event.kind, source: event.source };
      await raiseAttention(tx, {
        reason: 'movedAfterCancel',
        subject: shipmentId,
        orderId,
        shipmentId,
        detail,
      });
    }
    return state;
  }
  const next = nextShipmentState(state, event.kind);
  await updateShipment(tx, event, { shipmentId, next });
  if (!hasLeft(state) && hasLeft(next)) {
    await takeGoodsOff(tx, shipmentId, event.source);
    await insertOrderEvent(tx, orderId, 'shipped', { shipmentId });
  }
  if (event.kind === 'failed' && next === 'failed') {
    await raiseAttention(tx, { reason: 'deliveryFailed', subject: shipmentId, orderId, shipmentId });
  }
  if (next !== state && hasLeft(next)) await clearOvertaken(tx, shipmentId, next);
  if (!isTerminal(state) && isTerminal(next)) await finishOrder(tx, target.order);
  return next;
}

/** `delivered_at` is the earliest hand-over reported, whatever came first. */
async function updateShipment(
  tx: TenantTx,
  event: ShipmentEvent,
  { shipmentId, next }: { shipmentId: string; next: ShipmentState },
): Promise<void> {
  await tx.query(
    `UPDATE shipment
        SET state = $3,
            delivered_at = CASE WHEN $4 = 'delivered' THEN least(delivered_at, $5) ELSE delivered_at END,
            ended_at = CASE WHEN $6 THEN coalesce(ended_at, clock_timestamp()) ELSE ended_at END
      WHERE tenant = $1 AND shipment_id = $2`,
    [tx.tenant, shipmentId, next, event.kind, event.at, isTerminal(next)],
  );
}

/** The goods have left: on hand and committed fall together, for everything the shipment carries. */
async function takeGoodsOff(tx: TenantTx, shipmentId: string, actor: string): Promise<void> {
  const { rows } = await tx.query<{ sku: string; site_id: string; lot_id: string; units: number }>(
    `WITH gone AS (
       SELECT l.hold_id, sum(l.quantity)::bigint AS units FROM parcel p
         JOIN parcel_lot l ON l.tenant = p.tenant AND l.parcel_id = p.parcel_id
        WHERE p.tenant = $1 AND p.shipment_id = $2 GROUP BY l.hold_id),
     taken AS (
       UPDATE hold h SET remaining = h.remaining - g.units FROM gone g
        WHERE h.tenant = $1 AND h.hold_id = g.hold_id
        RETURNING h.hold_id, h.sku, h.site_id, h.lot_id, g.units)
     SELECT sku, site_id, lot_id, units FROM taken ORDER BY hold_id`,
    [tx.tenant, shipmentId],
  );
  const movements = rows.map(
    (row): Movement => ({
      kind: 'pickedUp',
      sku: row.sku,
      siteId: row.site_id,
      lotId: row.lot_id,
      quantity: row.units,
      causeKind: 'shipment',
      causeId: shipmentId,
    }),
  );
  await writeMovements(tx, { actor, movements });
}

/** What people were asked to look at and the shipment has answered by itself. */
async function clearOvertaken(tx: TenantTx, shipmentId: string, state: ShipmentState): Promise<void> {
  const reasons: AttentionReason[] = isTerminal(state)
    ? ['bookingFailed', 'deliveryFailed', 'overdue']
    : ['bookingFailed'];
  await tx.query(
    `UPDATE attention SET resolved_at = clock_timestamp(), resolved_by = 'system', action = 'cleared'
      WHERE tenant = $1 AND reason = ANY($2::text[]) AND subject = $3 AND resolved_at IS NULL`,
    [tx.tenant, reasons, shipmentId],
  );
}
