import { hasLeft, pickingStarted } from '../domain/fulfilment/lifecycle';
import type { ShipmentState } from '../domain/fulfilment/model';
import { raiseAttention } from './attention';
import { type LockedOrder, lockOrdersWithStock, releaseCapacity, releaseHolds, uncommitHolds } from './holds';
import { endOrder } from './orderEnd';
import { refundPayments } from './refund';
import type { Database, TenantTx } from './transaction';

export interface CancelRequest {
  tenant: string;
  orderId: string;
  reason: string;
  actor: string;
}

/** asking: picking has started, and the warehouse is asked · tooLate: the goods are on their way or there. */
export interface CancelAnswer {
  outcome: 'done' | 'asking' | 'tooLate';
}

/**
 * Cancels an order in one transaction, so it works while no worker runs; the workflow learns through the outbox.
 * Undoes exactly what was done: holds, quota and litres of an unpaid order; shipments, committed goods and money of
 * a paid one. An unpaid order past its end is cancelled too: its goods count as expired, since database time ended
 * the hold. Null: no such order. Repeating gives the same answer.
 */
export async function cancelOrder(db: Database, request: CancelRequest): Promise<CancelAnswer | null> {
  return db.inTenant(request.tenant, async (tx) => {
    const [order] = await lockOrdersWithStock(tx, [request.orderId]);
    return order ? cancelLocked(tx, order, request) : null;
  });
}

async function cancelLocked(tx: TenantTx, order: LockedOrder, request: CancelRequest): Promise<CancelAnswer> {
  switch (order.state) {
    case 'waiting':
    case 'awaitingPayment':
      await cancelUnpaid(tx, order, request);
      return { outcome: 'done' };
    case 'paid':
    case 'fulfilling':
      return cancelPaid(tx, order, request);
    case 'cancelled':
      return { outcome: 'done' };
    case 'expired':
    case 'delivered':
      return { outcome: 'tooLate' };
  }
}

type Why = Pick<CancelRequest, 'reason' | 'actor'>;

async function cancelUnpaid(tx: TenantTx, order: LockedOrder, { reason, actor }: Why): Promise<void> {
  // asked after the locks: the time that counts is when nobody else can decide any more
  const { rows } = await tx.query<{ due: boolean }>(
    'SELECT coalesce($1 <= clock_timestamp(), false) AS due',
    [order.expiresAt],
  );
  await releaseHolds(tx, { orderIds: [order.orderId], to: rows[0]?.due ? 'expired' : 'released', actor });
  await endOrder(tx, order, { to: 'cancelled', detail: { reason, by: actor } });
}

async function cancelPaid(tx: TenantTx, order: LockedOrder, request: CancelRequest): Promise<CancelAnswer> {
  const shipments = await lockShipments(tx, order.orderId);
  if (shipments.some((shipment) => hasLeft(shipment.state))) return { outcome: 'tooLate' };
  if (shipments.some((shipment) => pickingStarted(shipment.state))) {
    const { orderId } = order;
    const detail = { reason: request.reason, by: request.actor };
    await raiseAttention(tx, { reason: 'cancelAsked', subject: orderId, orderId, detail });
    return { outcome: 'asking' };
  }
  await cancelWhole(tx, order, request);
  return { outcome: 'done' };
}

export interface LockedShipment {
  shipmentId: string;
  state: ShipmentState;
}

/** Locks an order's shipments, after the order. */
export async function lockShipments(tx: TenantTx, orderId: string): Promise<LockedShipment[]> {
  const { rows } = await tx.query<LockedShipment>(
    `SELECT shipment_id AS "shipmentId", state FROM shipment WHERE tenant = $1 AND order_id = $2
      ORDER BY shipment_id COLLATE "C" FOR NO KEY UPDATE`,
    [tx.tenant, orderId],
  );
  return rows;
}

/**
 * Ends a paid order none of whose goods have left: shipments cancelled, goods and quota un-committed, litres given
 * back, and all the money it still has asked back. The caller has locked with `lockOrdersWithStock`.
 */
export async function cancelWhole(tx: TenantTx, order: LockedOrder, { reason, actor }: Why): Promise<void> {
  const { orderId } = order;
  await cancelShipments(tx, orderId);
  await uncommitHolds(tx, { orderId, actor });
  await releaseCapacity(tx, { orderIds: [orderId] });
  await endOrder(tx, order, { to: 'cancelled', detail: { reason, by: actor } });
  await refundPayments(tx, { orderId, reason: 'cancelled' });
}

/** Cancels the order's shipments that have not left; answers which. */
export async function cancelShipments(tx: TenantTx, orderId: string): Promise<string[]> {
  const { rows } = await tx.query<{ shipment_id: string }>(
    `UPDATE shipment SET state = 'cancelled', ended_at = clock_timestamp()
      WHERE tenant = $1 AND order_id = $2 AND state IN ('planned', 'booked', 'picking', 'packed')
      RETURNING shipment_id`,
    [tx.tenant, orderId],
  );
  return rows.map((row) => row.shipment_id);
}
