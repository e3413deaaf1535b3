import { type ChildProcess, spawn } from 'node:child_process';
import { join, resolve } from 'node:path';
import { runWorker } from '../../src/worker/run';
import { openDoor } from '../dispatch/support';
import { expectCoherent } from '../support/expectCoherent';
import { givenOrder, givenPaidOrder } from '../support/fixtures';
import { type Stage, bundleFile, eventually, openStage } from './support/stage';

const root = resolve(__dirname, '../..');

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

/** A worker in a process of its own, so that it can be killed. */
async function startWorkerChild(): Promise<ChildProcess> {
  const script = `
    const { readConfig } = require(${JSON.stringify(join(root, 'src/config.ts'))});
    const { runWorker } = require(${JSON.stringify(join(root, 'src/worker/run.ts'))});
    runWorker(readConfig(process.env, { joinRunning: false }), { bundleFile: ${JSON.stringify(bundleFile)} })
      .then(() => console.log('polling'), (error) => { console.error(error); process.exit(1); });`;
  const register = join(root, 'test/sandbox/support/registerTypeScript.cjs');
  const child = spawn(process.execPath, ['--require', register, '--eval', script], {
    cwd: root,
    env: { ...process.env, ...stage.environment },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await new Promise<void>((polling, reject) => {
    child.stdout?.once('data', () => polling());
    child.once('exit', (code) => reject(new Error(`the worker ended with ${code}`)));
  });
  return child;
}

test('a second worker finishes what a killed one had begun, and books nothing twice', async () => {
  const child = await startWorkerChild();
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
