import { lockOrders, releaseHolds } from './holds';
import { endOrders } from './orderEnd';
import type { TenantTx } from './transaction';

/**
 * Cancels unpaid orders whose units their buyer takes with a newer one, in that one's transaction and before it takes
 * them: goods, quota and litres come back, the workflow hears of it. Money that is on its way is surplus, and goes
 * back. The caller holds the locks of every pool and quota they hold of.
 */
export async function giveWay(tx: TenantTx, given: { orderId: string; replacedBy: string }[]): Promise<void> {
  if (given.length === 0) return;
  const locked = await lockOrders(
    tx,
    given.map(({ orderId }) => orderId),
  );
  await releaseHolds(tx, { orderIds: locked.map(({ orderId }) => orderId), to: 'released', actor });
  const takers = new Map(given.map(({ orderId, replacedBy }) => [orderId, replacedBy]));
  await endOrders(
    tx,
    'cancelled',
    locked.map((order) => ({
      order,
      detail: { reason: 'replacedByBuyer', by: actor, replacedBy: takers.get(order.orderId) },
    })),
  );
}

const actor = 'system:intake';
