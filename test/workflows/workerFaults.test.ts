import { runWorker } from '../../src/worker/run';
import { openDoor } from '../dispatch/support';
import { expectCoherent } from '../support/expectCoherent';
import { givenOrder, givenPaidOrder } from '../support/fixtures';
import { type Stage, bundleFile, eventually, openStage } from './support/stage';
import { startWorkerChild } from './support/workerChild';

let stage: Stage;
beforeAll(async () => {
  stage = await openStage();
  await stage.startDispatch();
});
afterEach(() => fetch(`${stage.carrier.url}/v1/control`, { method: 'DELETE' }));
afterAll(async () => {
  await expectCoherent(stage.database);
  await stage.close();
});

test('a second worker finishes what a killed one had begun, and books nothing twice', async () => {
  const child = await startWorkerChild(stage);
  await stage.misbehave(stage.carrier, { route: 'booking', behaviour: 'slow', delayMs: 800 });
  const orders = [];
  for (let count = 0; count < 6; count += 1) {
    orders.push(await givenPaidOrder(stage.database, stage.tenant, { lines: { apple: 1, fish: 1 } }));
  }
  await eventually(async () => (await stage.bookings()).length > 0);
  const ended = new Promise((exit) => child.once('exit', exit));
  child.kill('SIGKILL');
  await ended;
  await fetch(`${stage.carrier.url}/v1/control`, { method: 'DELETE' });
  await stage.startWorker();
  for (const { orderId } of orders) {
    await eventually(async () => {
      const shipments = await stage.shipments(orderId);
      return shipments.length === 2 && shipments.every((shipment) => shipment.state === 'booked');
    }, 50_000);
    await stage.deliver(orderId);
    expect(await stage.outcome(orderId)).toEqual({ state: 'delivered' });
  }
  expect(await stage.bookings()).toHaveLength(12);
}, 120_000);

test('a worker takes no work while the database is away, and goes on when it is back', async () => {
  const address = new URL(stage.database.url);
  const door = await openDoor(address.host);
  address.host = door.address;
  const taskQueue = `${stage.config.temporalTaskQueue}-away`;
  const worker = await runWorker(
    { ...stage.config, databaseUrl: address.href, temporalTaskQueue: taskQueue },
    { bundleFile },
  );
  const { orderId } = await givenOrder(stage.database, stage.tenant, { paymentWindowSeconds: 600 });
  await door.shut();
  await new Promise((resume) => setTimeout(resume, 5000));
  const handle = await stage.client.workflow.start('orderWorkflow', {
    taskQueue,
    workflowId: `away:${stage.tenant}/${orderId}`,
    args: [{ tenant: stage.tenant, orderId, run: 1 }],
  });
  await new Promise((resume) => setTimeout(resume, 3000));
  expect((await handle.fetchHistory()).events).toHaveLength(2);
  await door.open();
  await eventually(async () => ((await handle.fetchHistory()).events?.length ?? 0) >= 6);
  await handle.terminate();
  await worker.close();
  await door.shut();
}, 120_000);

test('a worker joins a Temporal server that went away and came back', async () => {
  const door = await openDoor(stage.config.temporalAddress as string);
  const temporalTaskQueue = `${stage.config.temporalTaskQueue}-gone`;
  const config = { ...stage.config, temporalAddress: door.address, temporalTaskQueue };
  const worker = await runWorker(config, { bundleFile });
  await door.shut();
  await new Promise((resume) => setTimeout(resume, 8000));
  const { orderId } = await givenOrder(stage.database, stage.tenant, { paymentWindowSeconds: 600 });
  const handle = await stage.client.workflow.start('orderWorkflow', {
    taskQueue: temporalTaskQueue,
    workflowId: `gone:${stage.tenant}/${orderId}`,
    args: [{ tenant: stage.tenant, orderId, run: 1 }],
  });
  await door.open();
  await eventually(async () => ((await handle.fetchHistory()).events?.length ?? 0) >= 6, 60_000);
  await handle.terminate();
  await worker.close();
  await door.shut();
}, 120_000);
