import { hasLeft } from '../domain/fulfilment/lifecycle';
import { type PricedGoods, refundShareFen } from '../domain/order/refundShare';
import { cancelShipments, cancelWhole, lockShipments } from './cancel';
import { type LockedOrder, uncommitHolds, unconverted } from './holds';
import { insertOrderEvent } from './order';
import { finishOrder } from './orderEnd';
import { refundPayments } from './refund';
import type { TenantTx } from './transaction';

export interface RestCancel {
  /** Why, in the house's words. */
  reason: string;
  /** Makes the refund of the rest one of a kind; the attention's id. */
  cause: string;
  actor: string;
  /** A shipment that has left and is given up: its worth is paid back although the goods are away. */
  lostShipmentId?: string;
}

interface Part {
  lineId: string;
  units: number;
}

/**
 * Cancels what of a paid order has not left, and pays it back. Nothing has left: the whole order ends. Else the
 * worth of the cancelled goods, of unconverted presale lines and of the lost shipment goes back; freight only when
 * the buyer keeps nothing at all. What is on its way goes on. The caller has locked with `lockOrdersWithStock`.
 */
export async function cancelRest(tx: TenantTx, order: LockedOrder, rest: RestCancel): Promise<void> {
  if (order.state !== 'paid' && order.state !== 'fulfilling') return;
  const { orderId } = order;
  const left = (await lockShipments(tx, orderId)).filter((shipment) => hasLeft(shipment.state));
  if (left.length === 0) return cancelWhole(tx, order, rest);
  const lostIds = left.map(({ shipmentId }) => shipmentId).filter((id) => id === rest.lostShipmentId);
  const restParts = await readStandingParts(tx, orderId);
  const cancelled = await cancelShipments(tx, orderId);
  await uncommitHolds(tx, { orderId, actor: rest.actor });
  await insertOrderEvent(tx, orderId, 'partlyCancelled', {
    reason: rest.reason,
    by: rest.actor,
    shipments: cancelled,
    lost: lostIds,
  });
  const givenUp = new Set([...(await readRefundedShipments(tx, orderId)), ...lostIds]);
  if (left.every(({ shipmentId }) => givenUp.has(shipmentId))) {
    await refundPayments(tx, { orderId, reason: 'undelivered' });
  } else {
    const goods = await readGoods(tx, orderId);
    await refundPayments(tx, {
      orderId,
      reason: `rest:${rest.cause}`,
      limitFen: refundShareFen(goods, restParts),
    });
    for (const id of lostIds) {
      const limitFen = refundShareFen(goods, await readShipmentParts(tx, id));
      await refundPayments(tx, { orderId, reason: lostReason(id), limitFen });
    }
  }
  await finishOrder(tx, order);
}

/** One shipment's worth is paid back once, whoever gives it up how often. */
function lostReason(shipmentId: string): string {
  return `shipment:${shipmentId}`;
}

async function readRefundedShipments(tx: TenantTx, orderId: string): Promise<string[]> {
  const { rows } = await tx.query<{ shipment_id: string }>(
    `SELECT s.shipment_id FROM shipment s
       JOIN refund r ON r.tenant = s.tenant AND r.order_id = s.order_id AND r.reason = 'shipment:' || s.shipment_id
      WHERE s.tenant = $1 AND s.order_id = $2`,
    [tx.tenant, orderId],
  );
  return rows.map((row) => row.shipment_id);
}

/** Units that stand committed, and presale lines (one share each) that no goods have replaced. */
async function readStandingParts(tx: TenantTx, orderId: string): Promise<Part[]> {
  const { rows } = await tx.query<Part>(
    `SELECT line_id AS "lineId", sum(remaining)::bigint AS units FROM hold
      WHERE tenant = $1 AND order_id = $2 AND state = 'committed' AND remaining > 0 GROUP BY line_id
      UNION ALL
     SELECT q.line_id, 1::bigint FROM quota_hold q WHERE q.tenant = $1 AND q.order_id = $2 AND ${unconverted}`,
    [tx.tenant, orderId],
  );
  return rows;
}

async function readShipmentParts(tx: TenantTx, shipmentId: string): Promise<Part[]> {
  const { rows } = await tx.query<Part>(
    `SELECT h.line_id AS "lineId", sum(l.quantity)::bigint AS units FROM parcel p
       JOIN parcel_lot l ON l.tenant = p.tenant AND l.parcel_id = p.parcel_id
       JOIN hold h ON h.tenant = l.tenant AND h.hold_id = l.hold_id
      WHERE p.tenant = $1 AND p.shipment_id = $2 GROUP BY h.line_id`,
    [tx.tenant, shipmentId],
  );
  return rows;
}

/** Every line with its price and the units it was committed with; a line without goods counts as one share. */
export async function readGoods(tx: TenantTx, orderId: string): Promise<PricedGoods[]> {
  const { rows } = await tx.query<PricedGoods>(
    `SELECT l.line_id AS "lineId", l.unit_price_fen AS "unitPriceFen", l.quantity, l.discount_fen AS "discountFen",
            coalesce((SELECT sum(h.quantity) FROM hold h WHERE h.tenant = l.tenant AND h.order_id = l.order_id
                         AND h.line_id = l.line_id AND h.state = 'committed'), 1)::bigint AS units
       FROM order_line l WHERE l.tenant = $1 AND l.order_id = $2 ORDER BY l.position`,
    [tx.tenant, orderId],
  );
  return rows;
}
