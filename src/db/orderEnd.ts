import type { AttentionReason } from '../domain/order/attention';
import type { LockedOrder } from './holds';
import { insertOrderEvent } from './order';
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
    await tx.query(`UPDATE orders SET state = 'fulfilling' WHERE tenant = $1 AND order_id = $2`, [tx.tenant, order.orderId]);
  }
  await tx.query('UPDATE orders SET state = $3, ended_at = clock_timestamp() WHERE tenant = $1 AND order_id = $2', [
    tx.tenant,
    order.orderId,
    end.to,
  ]);
  await insertOrderEvent(tx, order.orderId, end.to, end.detail);
  await tx.query(
    `UPDATE attention SET resolved_at = clock_timestamp(), resolved_by = 'system', action = 'cleared'
      WHERE tenant = $1 AND order_id = $2 AND reason = ANY($3::text[]) AND resolved_at IS NULL`,
    [tx.tenant, order.orderId, aboutGoods],
  );
  const stage = end.to === 'delivered' ? 'ended' : 'cancelled';
  await insertOutbox(tx, [{ kind: 'signalOrder', subject: order.orderId, payload: { stage, run: order.run } }]);
}
