import { openLedger } from '../domain/order/admissionLedger';
import { lockAdmissions, writeAdmissions } from './admission';
import { lockOrders } from './holds';
import { readPlacedOrder } from './placedOrder.read';
import type { TenantTx } from './transaction';

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
  const order = await readPlacedOrder(tx, orderId);
  const { subject, facts } = order;
  const state = await lockAdmissions(tx, { subjects: [subject], facts });
  const [locked] = await lockOrders(tx, [orderId]);
  // read before the locks: somebody may have decided in between
  if (locked?.state !== order.state || locked.run !== order.run) return { kind: 'movedOn' };
  const admitted = openLedger(state).decide({
    ...subject,
    payableUntil: state.now,
    arriveBy: mode === 'late' ? order.deliverBy.getTime() : null,
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
      pickupPointId: order.pickupPointId,
      actor: 'system:rehold',
    },
  ]);
  return { kind: 'reheld', run };
}
