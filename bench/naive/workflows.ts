// What an ordinary team writes first: an activity for every step, a child workflow for every zone's shipment, a
// signal for every scan of the carrier. It does the same work with the same activities as the product.
import {
  condition,
  defineSignal,
  executeChild,
  proxyActivities,
  setHandler,
  upsertSearchAttributes,
} from '@temporalio/workflow';
import type { OrderWorkflowInput, StageName } from '../../src/workflows/order/messages';
import {
  type NaiveActivities,
  type Scan,
  type ShipmentInput,
  scanSignalName,
  shipmentWorkflowId,
} from './messages';

const steps = proxyActivities<NaiveActivities>({
  startToCloseTimeout: '15 s',
  retry: { initialInterval: '1 s', maximumAttempts: 8 },
});

const paidSignal = defineSignal('paid' satisfies StageName);
const scanSignal = defineSignal<[Scan]>(scanSignalName);

/** Started and told of the payment by the product's own dispatcher, so it bears the same name. */
export async function orderWorkflow(order: OrderWorkflowInput): Promise<{ state: string }> {
  let paid = false;
  setHandler(paidSignal, () => {
    paid = true;
  });
  const { tenant, orderId } = order;
  const { state, expiresAt } = await steps.adoptHold(order);
  if (state !== 'paid') {
    const leftMs = expiresAt === null ? 1 : new Date(expiresAt).getTime() - Date.now();
    if (!(await condition(() => paid, Math.max(1, leftMs)))) return { state: 'expired' };
  }
  const plan = await steps.planFulfilment({ tenant, orderId });
  if (plan.kind !== 'planned') throw new Error(`the bench's orders can be planned: ${plan.kind}`);
  upsertSearchAttributes({ OrderStage: ['fulfilling'], Site: [plan.shipments[0]?.siteId ?? ''] });
  await Promise.all(
    plan.shipments.map(({ shipmentId }) =>
      executeChild(shipmentWorkflow, {
        workflowId: shipmentWorkflowId({ tenant, shipmentId }),
        args: [{ tenant, orderId, shipmentId }],
      }),
    ),
  );
  const closed = await steps.closeOrder(order);
  upsertSearchAttributes({ OrderStage: [closed.state] });
  return { state: closed.state };
}

/** One zone's shipment: booked, then told of every scan until it is delivered. */
export async function shipmentWorkflow(shipment: ShipmentInput): Promise<void> {
  const scans: Scan[] = [];
  setHandler(scanSignal, (scan) => {
    scans.push(scan);
  });
  await steps.bookShipment(shipment);
  for (let delivered = false; !delivered; ) {
    await condition(() => scans.length > 0);
    const scan = scans.shift() as Scan;
    await steps.recordScan({ ...shipment, ...scan });
    delivered = scan.kind === 'delivered';
  }
}
