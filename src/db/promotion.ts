import type { Admitted } from '../domain/order/admission';
import { keepForAhead, openLedger } from '../domain/order/admissionLedger';
import { lockAdmissions, writeAdmissions } from './admission';
import { lockOrders } from './holds';
import { insertOrderEvents } from './order';
import { insertOutbox } from './outbox';
import { type PlacedOrder, readPlacedOrder } from './placedOrder.read';
import type { Database, TenantTx } from './transaction';
import { cancelWaiting, findNextInLine, leaveWaitingList, passOver, readAhead } from './waitingList';

/**
 * promoted: it has its units and a fresh window to pay in · ended: it would be refused for another reason now, so it
 * waits no longer · passed: it keeps its place, and those behind it may have what does not serve it · movedOn: somebody
 * else has decided.
 */
export type Turn = 'promoted' | 'ended' | 'passed' | 'movedOn';

interface Promoting {
  tenant: string;
  /** The default hold, as intake's. */
  paymentWindowSeconds: number;
}

const actor = 'system:waitingList';

/**
 * Gives free units to those who are next in line, at most `limit` orders, in the order of their places. Each turn is a
 * transaction of its own under the locks of all that the order asks for, and looks at everything again: any number of
 * callers may do this at once, or die in between, and every unit and every order is given once.
 */
export async function serveWaiting(
  db: Database,
  { limit, ...promoting }: Promoting & { limit: number },
): Promise<{ promoted: number; looked: number }> {
  const next = await db.inTenant(promoting.tenant, (tx) => findNextInLine(tx, limit));
  let promoted = 0;
  for (const orderId of next) {
    if ((await takeTurn(db, { ...promoting, orderId })) === 'promoted') promoted += 1;
  }
  return { promoted, looked: next.length };
}

/**
 * Decides one waiting order's turn, exactly once (I18): as a new order would be decided, with only those ahead of it in
 * line before it.
 */
export async function takeTurn(
  db: Database,
  { tenant, orderId, paymentWindowSeconds }: Promoting & { orderId: string },
): Promise<Turn> {
  return db.inTenant(tenant, async (tx) => {
    const order = await readPlacedOrder(tx, orderId);
    const { subject, facts } = order;
    const locked = await lockAdmissions(tx, { subjects: [subject], facts });
    // read before the locks: it may have been served, or cancelled, in between
    const [standing] = await lockOrders(tx, [orderId]);
    if (standing?.state !== 'waiting') return 'movedOn';
    const state = keepForAhead(locked, await readAhead(tx, orderId));
    const turn = openLedger(state).place(
      { ...subject, holder: order.holder, paid: order.totalFen === 0, mayWait: true },
      { paymentWindowSeconds, waitingSeconds: 0 },
    );
    switch (turn.kind) {
      case 'admitted':
        await promote(tx, order, { orderId, ...turn });
        return 'promoted';
      case 'waiting':
        await passOver(tx, orderId);
        return 'passed';
      default:
        // a new order would be refused like this whatever came free: nobody is kept waiting for it
        await cancelWaiting(tx, [standing], { reason: 'cannotBeServed', by: actor, refusal: turn });
        return 'ended';
    }
  });
}

interface Promotion {
  orderId: string;
  admitted: Admitted;
  payableUntil: number;
}

/** waiting → awaitingPayment with all that intake does for an order; what costs nothing is paid at once. */
async function promote(
  tx: TenantTx,
  { run, totalFen, pickupPointId }: PlacedOrder,
  { orderId, admitted, payableUntil }: Promotion,
): Promise<void> {
  const free = totalFen === 0;
  const expiresAt = new Date(payableUntil);
  const { shipBy, deliverBy } = admitted.promise;
  await tx.query(
    `UPDATE orders SET state = 'awaitingPayment', expires_at = $3, ship_by = $4, deliver_by = $5
      WHERE tenant = $1 AND order_id = $2`,
    [tx.tenant, orderId, expiresAt, new Date(shipBy), new Date(deliverBy)],
  );
  if (free) {
    await tx.query(
      `UPDATE orders SET state = 'paid', expires_at = NULL, paid_at = clock_timestamp()
        WHERE tenant = $1 AND order_id = $2`,
      [tx.tenant, orderId],
    );
  }
  const events = [{ orderId, kind: 'promoted' }, ...(free ? [{ orderId, kind: 'paid' }] : [])];
  await Promise.all([
    writeAdmissions(tx, [
      { orderId, run, admitted, expiresAt: free ? null : expiresAt, pickupPointId, actor },
    ]),
    leaveWaitingList(tx, { orderIds: [orderId], outcome: 'promoted' }),
    insertOrderEvents(tx, events),
    insertOutbox(tx, [{ kind: 'startOrder', subject: orderId, payload: { run }, urgent: free }]),
  ]);
}
