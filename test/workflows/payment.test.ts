import { cancelOrder } from '../../src/db/cancel';
import { expectCoherent } from '../support/expectCoherent';
import { givenOrder, givenPayment } from '../support/fixtures';
import { type Stage, countEvents, eventually, openStage } from './support/stage';

let stage: Stage;
beforeAll(async () => {
  stage = await openStage();
  await stage.startWorker();
  await stage.startDispatch();
});
afterAll(async () => {
  await expectCoherent(stage.database);
  await stage.close();
});

const started = async (orderId: string) => {
  const workflowId = `order:${stage.tenant}/${orderId}`;
  await eventually(() => stage.isRunning(workflowId).catch(() => false));
  return workflowId;
};

test('an unpaid order expires and its workflow closes', async () => {
  const { orderId } = await givenOrder(stage.database, stage.tenant, { paymentWindowSeconds: 1 });
  await started(orderId);
  expect(await stage.outcome(orderId)).toEqual({ state: 'expired' });
  await stage.keepHistory(`order:${stage.tenant}/${orderId}`, 'expired');
  expect(
    (await countEvents(stage.client, { tenant: stage.tenant, orderId, run: 1 })).events,
  ).toBeLessThanOrEqual(16);
});

test('a cancelled order that awaited payment closes at once', async () => {
  const { orderId } = await givenOrder(stage.database, stage.tenant);
  const workflowId = await started(orderId);
  await cancelOrder(stage.database.as('xianda_app'), {
    tenant: stage.tenant,
    orderId,
    reason: 'test',
    actor: 'test',
  });
  expect(await stage.outcome(orderId)).toEqual({ state: 'cancelled' });
  await stage.keepHistory(workflowId, 'cancelledUnpaid');
});

test('payments at the very end of the hold are applied or late, and every workflow agrees with its row', async () => {
  const window = 2;
  const orders = await Promise.all(
    Array.from({ length: 12 }, () =>
      givenOrder(stage.database, stage.tenant, { paymentWindowSeconds: window }),
    ),
  );
  const rows = await Promise.all(orders.map(({ orderId }) => stage.order(orderId)));
  const bookings = await Promise.all(
    orders.map(async ({ orderId, totalFen }, index) => {
      const expiresAt = (rows[index]?.expires_at as Date).getTime();
      // from 60 ms before the end to 60 ms after it
      await new Promise((resume) => setTimeout(resume, expiresAt - Date.now() - 60 + index * 10));
      return givenPayment(stage.database, stage.tenant, { orderId, amountFen: totalFen });
    }),
  );
  expect(new Set([...bookings, 'booked', 'late'])).toEqual(new Set(['booked', 'late']));
  for (const [index, { orderId }] of orders.entries()) {
    await eventually(async () => {
      const { state, late_outcome } = await stage.order(orderId);
      return state === 'fulfilling' && late_outcome === (bookings[index] === 'late' ? 'reheld' : null);
    });
    await eventually(async () =>
      (await stage.shipments(orderId)).every((shipment) => shipment.state === 'booked'),
    );
    await stage.deliver(orderId);
    const { run } = await stage.order(orderId);
    expect(await stage.outcome(orderId, run as number)).toEqual({ state: 'delivered' });
  }
});
