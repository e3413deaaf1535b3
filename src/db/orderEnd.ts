import type { AttentionReason } from '../domain/order/attention';
import { type LockedOrder, releaseCapacity, unconverted } from './holds';
import { insertOrderEvents } from './order';
import { insertOutbox } from './outbox';
import type { TenantTx } from './transaction';

/** Reasons about goods still to come; money and goods gone astray stay open when an order ends. */
const aboutGoods: AttentionReason[] = [
  'paidShort',
  'noRoute',
  'bookingFailed',
  'overdue',
  'deliveryFailed',
  'cancelAsked',
  'presaleOverdue',
];

/**
 * The last step of an order that the caller has locked: state, timeline, what was open about its goods, and the
 * word to its workflow. Delivered from `paid` (events overtook the plan) goes through `fulfilling`, as the declared
 * graph wants (I9).
 */
export async function endOrder(
  tx: TenantTx,
  order: LockedOrder,
  end: { to: 'delivered' | 'cancelled'; detail?: object },
): Promise<void> {
  if (end.to === 'delivered' && order.state === 'paid') {
    await tx.query(`UPDATE orders SET state = 'fulfilling' WHERE tenant = $1 AND order_id = $2`, [
      tx.tenant,
      order.orderId,
    ]);
  }
  await endOrders(tx, end.to, [{ order, detail: end.detail }]);
}

/** The same last step for any number of orders that the caller has locked. */
export async function endOrders(
  tx: TenantTx,
  to: 'delivered' | 'cancelled',
  ends: { order: LockedOrder; detail?: object }[],
): Promise<void> {
  if (ends.length === 0) return;
  const orderIds = ends.map(({ order }) => order.orderId);
  const stage = to === 'delivered' ? 'ended' : 'cancelled';
  // a statement each, none of which waits for another's answer: one journey
  await Promise.all([
    tx.query(
      'UPDATE orders SET state = $3, ended_at = clock_timestamp() WHERE tenant = $1 AND order_id = ANY($2::text[])',
      [tx.tenant, orderIds, to],
    ),
    insertOrderEvents(
      tx,
      ends.map(({ order, detail }) => ({ orderId: order.orderId, kind: to, detail })),
    ),
    tx.query(
      `UPDATE attention SET resolved_at = clock_timestamp(), resolved_by = 'system', action = 'cleared'
        WHERE tenant = $1 AND order_id = ANY($2::text[]) AND reason = ANY($3::text[]) AND resolved_at IS NULL`,
      [tx.tenant, orderIds, aboutGoods],
    ),
    insertOutbox(
      tx,
      // one that never had its turn has no workflow
      ends
        .filter(({ order }) => order.state !== 'waiting')
        .map(({ order }) => ({
          kind: 'signalOrder',
          subject: order.orderId,
          payload: { stage, run: order.run },
        })),
    ),
  ]);
}

/** States after which nothing more is expected of a shipment. */
const terminal = ['delivered', 'returned', 'cancelled'];

/**
 * What the end of a shipment may end with it: litres of each zone of which nothing more comes to the point, and the
 * order itself when every unit is delivered, returned or cancelled. The caller has locked the order.
 */
export async function finishOrder(tx: TenantTx, order: LockedOrder): Promise<void> {
  const { rows } = await tx.query<{ zones: string[]; open: boolean }>(
    `SELECT ARRAY(SELECT c.zone FROM capacity_hold c
              WHERE c.tenant = $1 AND c.order_id = $2 AND c.released_at IS NULL
                AND NOT EXISTS (SELECT 1 FROM shipment s WHERE s.tenant = $1 AND s.order_id = $2 AND s.zone = c.zone
                                   AND s.state <> ALL ($3::text[]))
                AND NOT EXISTS (SELECT 1 FROM hold h JOIN sku k ON k.tenant = h.tenant AND k.sku = h.sku
                                 WHERE h.tenant = $1 AND h.order_id = $2 AND h.remaining > 0 AND k.zone = c.zone)
              ORDER BY c.zone) AS zones,
            EXISTS (SELECT 1 FROM shipment s WHERE s.tenant = $1 AND s.order_id = $2 AND s.state <> ALL ($3::text[]))
         OR EXISTS (SELECT 1 FROM hold h WHERE h.tenant = $1 AND h.order_id = $2 AND h.remaining > 0)
         OR EXISTS (SELECT 1 FROM quota_hold q WHERE q.tenant = $1 AND q.order_id = $2 AND ${unconverted}) AS open`,
    [tx.tenant, order.orderId, terminal],
  );
  for (const zone of rows[0]?.zones ?? []) await releaseCapacity(tx, { orderIds: [order.orderId], zone });
  if (rows[0]?.open || (order.state !== 'paid' && order.state !== 'fulfilling')) return;
  await endOrder(tx, order, { to: 'delivered' });
}
