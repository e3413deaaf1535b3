import { openLedger } from '../domain/order/admissionLedger';
import type { OrderState, PlannedLine } from '../domain/order/model';
import { type AdmissionSubject, lockAdmissions, writeAdmissions } from './admission';
import { readFacts } from './facts';
import { lockOrders } from './holds';
import type { TenantTx } from './transaction';

interface OrderRow {
  state: OrderState;
  buyer_ref: string;
  community_id: string | null;
  pickup_point_id: string | null;
  region: string | null;
  lat: number | null;
  lng: number | null;
  delivery_method: 'express' | 'pickup' | 'local';
  window_from: Date | null;
  window_to: Date | null;
  deliver_by: Date;
  live_session_id: string | null;
  placed_on: string;
  run: number;
}

/** reheld: held and committed · short: cannot be kept · movedOn: the order changed meanwhile, nothing was done. */
export type Rehold = { kind: 'reheld'; run: number } | { kind: 'short' } | { kind: 'movedOn' };

/**
 * Holds and commits a paid-for order's goods again, whole or not at all. `late`: the money came after the hold had
 * ended, and only the same promise will do. `paid`: the order came already paid and could not be kept then; any
 * date will do, and becomes its promise. Takes the admission's locks, so the caller holds none; leaves the order's
 * state to the caller. On success the order's run has risen by one in mode `late`.
 */
export async function reholdOrder(
  tx: TenantTx,
  { orderId, mode }: { orderId: string; mode: 'late' | 'paid' },
): Promise<Rehold> {
  const order = await findOrder(tx, orderId);
  const lines = await findLines(tx, orderId);
  const subject: AdmissionSubject = {
    lines,
    destination: {
      deliveryMethod: order.delivery_method,
      location: order.lat === null || order.lng === null ? null : { lat: order.lat, lng: order.lng },
      communityId: order.community_id,
      region: order.region,
      pickupPointId: order.pickup_point_id,
      window:
        order.window_from && order.window_to
          ? { from: order.window_from.getTime(), to: order.window_to.getTime() }
          : null,
    },
    purchase: { buyerRef: order.buyer_ref, liveSessionId: order.live_session_id },
    placedOn: order.placed_on,
    exceptOrderId: orderId,
  };
  const facts = await readFacts(
    tx,
    lines.flatMap((line) => [line.sku, ...line.components.map((part) => part.sku)]),
  );
  const state = await lockAdmissions(tx, { subjects: [subject], facts });
  const [locked] = await lockOrders(tx, [orderId]);
  // read before the locks: somebody may have decided in between
  if (locked?.state !== order.state || locked.run !== order.run) return { kind: 'movedOn' };
  const admitted = openLedger(state).decide({
    lines,
    destination: subject.destination,
    purchase: subject.purchase,
    payableUntil: state.now,
    arriveBy: mode === 'late' ? order.deliver_by.getTime() : null,
  });
  if (admitted.kind !== 'admitted') return { kind: 'short' };
  const run = mode === 'late' ? order.run + 1 : order.run;
  await tx.query(
    `UPDATE orders SET run = $3, ship_by = $4, deliver_by = CASE WHEN $6 THEN deliver_by ELSE $5 END
      WHERE tenant = $1 AND order_id = $2`,
    [
      tx.tenant,
      orderId,
      run,
      new Date(admitted.promise.shipBy),
      new Date(admitted.promise.deliverBy),
      mode === 'late',
    ],
  );
  await writeAdmissions(tx, [
    {
      orderId,
      run,
      admitted,
      expiresAt: null,
      pickupPointId: order.pickup_point_id,
      actor: 'system:rehold',
    },
  ]);
  return { kind: 'reheld', run };
}

async function findOrder(tx: TenantTx, orderId: string): Promise<OrderRow> {
  const { rows } = await tx.query<OrderRow>(
    `SELECT state, buyer_ref, community_id, pickup_point_id, region, lat, lng, delivery_method, window_from, window_to,
            deliver_by, live_session_id, placed_on, run
       FROM orders WHERE tenant = $1 AND order_id = $2`,
    [tx.tenant, orderId],
  );
  if (!rows[0]) throw new Error('the order does not exist');
  return rows[0];
}

async function findLines(tx: TenantTx, orderId: string): Promise<PlannedLine[]> {
  const { rows } = await tx.query<PlannedLine>(
    `SELECT line_id AS "lineId", sku, quantity, supply, campaign_id AS "campaignId", components
       FROM order_line WHERE tenant = $1 AND order_id = $2 ORDER BY position`,
    [tx.tenant, orderId],
  );
  return rows;
}
