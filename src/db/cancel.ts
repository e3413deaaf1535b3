import { hasLeft, pickingStarted } from '../domain/fulfilment/lifecycle';
import type { ShipmentState } from '../domain/fulfilment/model';
import type { OrderState } from '../domain/order/model';
import { raiseAttention } from './attention';
import {
  type HoldsEnd,
  type LockedOrder,
  lockOrdersWithStock,
  releaseCapacity,
  releaseHolds,
  uncommitHolds,
} from './holds';
import { endOrder, endOrders } from './orderEnd';
import { refundPayments } from './refund';
import type { Database, TenantTx } from './transaction';
import { leaveWaitingList } from './waitingList';

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

/** paid: the order is paid, and `cancelPaid` has to look at what became of its goods. */
export type UnpaidCancel = CancelAnswer | 'paid' | null;

/**
 * Cancels an order, so that it works while no worker runs; the workflow learns through the outbox. Undoes exactly what
 * was done: the place in line of a waiting order; holds, quota and litres of an unpaid one; shipments, committed goods and money of a paid one. Null: no
 * such order. Repeating gives the same answer.
 */
export async function cancelOrder(db: Database, request: CancelRequest): Promise<CancelAnswer | null> {
  const [answer = null] = await cancelUnpaid(db, request.tenant, [request]);
  return answer === 'paid' ? cancelPaid(db, request) : answer;
}

/**
 * Cancels those of a tenant's orders that are not paid, in one transaction for any number of them, and answers each
 * request, as if they had come one at a time in the order given. An order past its end is cancelled too: its goods
 * count as expired, since database time ended the hold. No stock is locked for orders that are paid or ended: they
 * never wait for payment again.
 */
export async function cancelUnpaid(
  db: Database,
  tenant: string,
  requests: readonly CancelRequest[],
): Promise<UnpaidCancel[]> {
  return db.inTenant(tenant, async (tx) => {
    const states = await readStates(tx, [...new Set(requests.map(({ orderId }) => orderId))]);
    const unpaid = [...states]
      .filter(([, state]) => answerTo(state) === 'unpaid')
      .map(([orderId]) => orderId);
    const locked = unpaid.length === 0 ? [] : await lockOrdersWithStock(tx, unpaid);
    for (const { orderId, state } of locked) states.set(orderId, state);
    const orders = new Map(locked.map((order) => [order.orderId, order]));
    const ends: UnpaidEnd[] = [];
    const answers = requests.map((request): UnpaidCancel => {
      const answer = answerTo(states.get(request.orderId));
      if (answer !== 'unpaid') return answer;
      ends.push({ order: orders.get(request.orderId) as LockedOrder, request });
      states.set(request.orderId, 'cancelled');
      return { outcome: 'done' };
    });
    await endUnpaid(tx, ends);
    return answers;
  });
}

/** What the state alone answers. */
function answerTo(state: OrderState | undefined): UnpaidCancel | 'unpaid' {
  switch (state) {
    case undefined:
      return null;
    case 'waiting':
    case 'awaitingPayment':
      return 'unpaid';
    case 'paid':
    case 'fulfilling':
      return 'paid';
    case 'cancelled':
      return { outcome: 'done' };
    case 'expired':
    case 'delivered':
      return { outcome: 'tooLate' };
  }
}

async function readStates(tx: TenantTx, orderIds: string[]): Promise<Map<string, OrderState>> {
  const { rows } = await tx.query<{ orderId: string; state: OrderState }>(
    'SELECT order_id AS "orderId", state FROM orders WHERE tenant = $1 AND order_id = ANY($2::text[])',
    [tx.tenant, orderIds],
  );
  return new Map(rows.map(({ orderId, state }) => [orderId, state]));
}

interface UnpaidEnd {
  order: LockedOrder;
  request: CancelRequest;
}

async function endUnpaid(tx: TenantTx, ends: UnpaidEnd[]): Promise<void> {
  if (ends.length === 0) return;
  const due = await findDue(
    tx,
    ends.map(({ order }) => order.orderId),
  );
  // the journal names who did it, and of due holds that they had ended
  const releases = new Map<string, HoldsEnd>();
  for (const { order, request } of ends) {
    const to = due.has(order.orderId) ? 'expired' : 'released';
    const key = `${to} ${request.actor}`;
    const release = releases.get(key) ?? { orderIds: [], to, actor: request.actor };
    release.orderIds.push(order.orderId);
    releases.set(key, release);
  }
  await releaseHolds(tx, ...releases.values());
  const waiting = ends.filter(({ order }) => order.state === 'waiting').map(({ order }) => order.orderId);
  await leaveWaitingList(tx, { orderIds: waiting, outcome: 'cancelled' });
  await endOrders(
    tx,
    'cancelled',
    ends.map(({ order, request }) => ({ order, detail: { reason: request.reason, by: request.actor } })),
  );
}

/** Asked after the locks: the time that counts is when nobody else can decide any more. */
async function findDue(tx: TenantTx, orderIds: string[]): Promise<Set<string>> {
  const { rows } = await tx.query<{ order_id: string }>(
    `SELECT order_id FROM orders
      WHERE tenant = $1 AND order_id = ANY($2::text[]) AND expires_at <= (SELECT clock_timestamp())`,
    [tx.tenant, orderIds],
  );
  return new Set(rows.map((row) => row.order_id));
}

/** Cancels an order that is paid, in a transaction of its own: what can be undone depends on where its goods are. */
export async function cancelPaid(db: Database, request: CancelRequest): Promise<CancelAnswer | null> {
  return db.inTenant(request.tenant, async (tx) => {
    const [order] = await lockOrdersWithStock(tx, [request.orderId]);
    const answer = answerTo(order?.state);
    if (order && answer === 'paid') return cancelGoods(tx, order, request);
    if (answer === 'paid' || answer === 'unpaid') throw new Error('I9 a paid order waits for payment again');
    return answer;
  });
}

async function cancelGoods(tx: TenantTx, order: LockedOrder, request: CancelRequest): Promise<CancelAnswer> {
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

type Why = Pick<CancelRequest, 'reason' | 'actor'>;

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
