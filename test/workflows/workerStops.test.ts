import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { drawPort } from '../../src/dev/ports';
import { askReadiness } from '../../src/metrics';
import { orderWorkflowId } from '../../src/workflows/order/messages';
import { expectCoherent } from '../support/expectCoherent';
import { givenPaidOrder } from '../support/fixtures';
import { type Stage, countEvents, eventually, openStage } from './support/stage';

const entry = join(__dirname, '..', '..', 'dist', 'main.js');

let stage: Stage;
let port: number;
const children: ChildProcess[] = [];

beforeAll(async () => {
  stage = await openStage();
  port = await drawPort();
  await stage.startDispatch();
});
afterAll(async () => {
  for (const child of children) child.kill('SIGKILL');
  await expectCoherent(stage.database);
  await stage.close();
});

/** The role itself, in a process of its own, as a container runs it. */
async function startWorkerProcess(): Promise<ChildProcess> {
  const env = { ...process.env, ...stage.environment, METRICS_PORT: String(port), STOP_GRACE_SECONDS: '20' };
  const child = spawn(process.execPath, [entry, 'worker'], { env, stdio: ['ignore', 'ignore', 'inherit'] });
  children.push(child);
  await eventually(async () => (await askReadiness(port)).ok, 60_000);
  return child;
}

async function isBeingBooked(orderId: string): Promise<boolean> {
  const workflowId = orderWorkflowId({ tenant: stage.tenant, orderId, run: 1 });
  const { raw } = await stage.client.workflow.getHandle(workflowId).describe();
  // STARTED: a worker has it in its hands
  return raw.pendingActivities?.some(({ state }) => state === 2) ?? false;
}

test('a worker that is told to stop finishes what it has in its hands, and takes nothing new', async () => {
  const child = await startWorkerProcess();
  await stage.misbehave(stage.carrier, { route: 'booking', behaviour: 'slow', delayMs: 4000, count: 1 });
  const { orderId } = await givenPaidOrder(stage.database, stage.tenant, { lines: { apple: 1 } });
  await eventually(async () => isBeingBooked(orderId).catch(() => false), 30_000);

  const ended = new Promise<number | null>((exit) => child.once('exit', exit));
  child.kill('SIGTERM');
  await eventually(async () => !(await askReadiness(port)).ok);
  const late = await givenPaidOrder(stage.database, stage.tenant, { lines: { apple: 1 } });
  expect(await ended).toBe(0);
  expect(await stage.bookings()).toHaveLength(1);
  expect(await eventsOf(orderId)).toContain('ACTIVITY_TASK_COMPLETED');
  expect(await stage.shipments(late.orderId)).toEqual([]);

  await stage.startWorker();
  for (const each of [orderId, late.orderId]) {
    await eventually(async () => (await stage.shipments(each)).some(({ state }) => state === 'booked'));
    await stage.deliver(each);
    expect(await stage.outcome(each)).toEqual({ state: 'delivered' });
  }
  // a first try that is lost would have been made a second time
  expect((await eventsOf(orderId)).filter((kind) => kind === 'ACTIVITY_TASK_STARTED')).toHaveLength(1);
  expect(await stage.bookings()).toHaveLength(2);
}, 120_000);

const eventsOf = async (orderId: string) =>
  (await countEvents(stage.client, { tenant: stage.tenant, orderId, run: 1 })).kinds;

test('one scrape of a worker shows the engine’s metrics and ours', async () => {
  const child = await startWorkerProcess();
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  expect(text).toMatch(/^xianda_worker_polling 1$/m);
  expect(text).toMatch(/^xianda_database_connections_max\{pool="app"\} 20$/m);
  expect(text).toMatch(/^temporal_worker_task_slots_available\{/m);
  const ended = new Promise<number | null>((exit) => child.once('exit', exit));
  child.kill('SIGTERM');
  expect(await ended).toBe(0);
}, 120_000);
