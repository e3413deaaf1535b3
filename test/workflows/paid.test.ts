import { givenPaidOrder, givenOrder, givenPayment } from '../support/fixtures';
import { expectCoherent } from '../support/expectCoherent';
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

test('a paid order of two zones is booked with the carrier, followed and closed, within its budget', async () => {
  const { tenant, database, client } = stage;
  const { orderId, totalFen } = await givenOrder(database, tenant, { lines: { apple: 1, milk: 2 } });
  const workflowId = `order:${tenant}/${orderId}`;
  await eventually(() => stage.isRunning(workflowId).catch(() => false));
  await stage.keepHistory(workflowId, 'awaitingPayment');
  await givenPayment(database, tenant, { orderId, amountFen: totalFen });
  await eventually(async () => {
    const shipments = await stage.shipments(orderId);
    return shipments.length === 2 && shipments.every((shipment) => shipment.state === 'booked');
  });
  await stage.keepHistory(workflowId, 'delivering');
  await stage.deliver(orderId);
  expect(await stage.outcome(orderId)).toEqual({ state: 'delivered' });
  await stage.keepHistory(workflowId, 'delivered');

  const { events, tasks, kinds } = await countEvents(client, { tenant, orderId, run: 1 });
  if (process.env.TEST_LOG_LEVEL) console.log(kinds.join('\n'));
  expect({ events, tasks, within: events <= 42 && tasks <= 6 }).toMatchObject({ within: true });
});

test('an order that was paid before its workflow began waits for nothing', async () => {
  const { tenant, database } = stage;
  const { orderId } = await givenPaidOrder(database, tenant, { lines: { fish: 1 } });
  await eventually(async () =>
    (await stage.shipments(orderId)).some((shipment) => shipment.state === 'booked'),
  );
  await stage.deliver(orderId);
  expect(await stage.outcome(orderId)).toEqual({ state: 'delivered' });
});
