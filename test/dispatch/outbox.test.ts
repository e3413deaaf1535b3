import { cancelOrder } from '../../src/db/cancel';
import { type Claim, claimMessages } from '../../src/db/dispatch';
import { expireDueOrders } from '../../src/db/expiry';
import { dispatchBatch, leaseSeconds } from '../../src/dispatch/outbox';
import { createPace } from '../../src/dispatch/pace';
import { type Temporal, connectTemporal } from '../../src/dispatch/temporal';
import { expectCoherent } from '../support/expectCoherent';
import { givenOrder, givenPaidOrder } from '../support/fixtures';
import { testTemporal } from '../support/servers';
import { type DispatchStage, openDispatchStage, openDoor } from './support';

let stage: DispatchStage;
beforeAll(async () => {
  stage = await openDispatchStage();
});
afterEach(async () => {
  await stage.database.query('UPDATE outbox SET done_at = clock_timestamp() WHERE done_at IS NULL');
});
afterAll(async () => {
  await expectCoherent(stage.database);
  await stage.close();
});

const order = (paymentWindowSeconds?: number) =>
  givenOrder(stage.database, stage.tenant, { paymentWindowSeconds });

const claimOf = (each: number): Claim => ({
  most: { urgent: each, soon: each, patient: each },
  total: 3 * each,
  leaseSeconds,
});

test('what a dispatcher died with after claiming is told by the next when the lease has ended', async () => {
  const { orderId } = await order();
  const { messages } = await claimMessages(stage.database.as('xianda_dispatch'), claimOf(10));
  expect(messages.map((message) => message.subject)).toEqual([orderId]);
  await stage.drain();
  expect(await stage.standing(orderId)).toBe('none');
  await stage.endLeases();
  await stage.drain();
  expect(await stage.standing(orderId)).toBe('running');
  expect(await stage.pending()).toBe(0);
});

test('what a dispatcher died with after starting is started once', async () => {
  const { orderId } = await order();
  const needs = stage.dispatcher();
  // the start goes through, and then the process is gone
  const dying: Temporal = {
    ...stage.temporal,
    async startOrder(...call) {
      await stage.temporal.startOrder(...call);
      throw new Error('killed');
    },
  };
  await dispatchBatch(stage.dispatcher(dying));
  const handle = stage.client.workflow.getHandle(`order:${stage.tenant}/${orderId}`);
  const { runId } = await handle.describe();
  expect(await stage.pending()).toBe(1);
  await stage.endLeases();
  await stage.drain(needs);
  expect(await stage.pending()).toBe(0);
  expect((await handle.describe()).runId).toBe(runId);
  // and again after it has closed
  await handle.terminate();
  await stage.database.query(
    'UPDATE outbox SET done_at = NULL, due_at = clock_timestamp() WHERE subject = $1',
    [orderId],
  );
  await stage.drain(needs);
  expect((await handle.describe()).runId).toBe(runId);
});

test('a dispatcher that is told to stop gives back at once what it has claimed and not told', async () => {
  const orders = await Promise.all(Array.from({ length: 12 }, () => order()));
  const stop = new AbortController();
  const started: string[] = [];
  const stopping: Temporal = {
    ...stage.temporal,
    async startOrder(...call) {
      await stage.temporal.startOrder(...call);
      started.push(call[0].orderId);
      stop.abort();
    },
  };
  const needs = { ...stage.dispatcher(stopping), pace: createPace({ start: 3, most: 3 }), stop: stop.signal };
  await dispatchBatch(needs);
  expect(started).toHaveLength(3);
  expect(await stage.pending()).toBe(9);
  // nobody waits for a lease to end
  await stage.drain();
  expect(await stage.pending()).toBe(0);
  for (const { orderId } of orders) expect(await stage.standing(orderId)).toBe('running');
});

/** Four dispatchers at once on what waits; answers which orders were started, once for each time. */
async function startTogether(leaseSeconds?: number): Promise<string[]> {
  const starts: string[] = [];
  const counting: Temporal = {
    ...stage.temporal,
    async startOrder(...call) {
      starts.push(call[0].orderId);
      await stage.temporal.startOrder(...call);
    },
  };
  const work = async () => {
    const needs = { ...stage.dispatcher(counting), leaseSeconds };
    while ((await stage.pending()) > 0) await dispatchBatch(needs);
  };
  await Promise.all([work(), work(), work(), work()]);
  return starts.sort();
}

const givenOrders = async (count: number) =>
  (await Promise.all(Array.from({ length: count }, () => order()))).map(({ orderId }) => orderId).sort();

async function listRuns(orderId: string): Promise<string[]> {
  const runs: string[] = [];
  const query = `WorkflowId = 'order:${stage.tenant}/${orderId}'`;
  for await (const { runId } of stage.client.workflow.list({ query })) runs.push(runId);
  return runs;
}

test('four dispatchers at once start every order once', async () => {
  const orders = await givenOrders(60);
  expect(await startTogether()).toEqual(orders);
});

test('without a lease they start orders twice: the count shows it, and Temporal has one workflow all the same', async () => {
  const orders = await givenOrders(40);
  const starts = await startTogether(0);
  expect(starts.length).toBeGreaterThan(orders.length);
  expect([...new Set(starts)]).toEqual(orders);
  for (const orderId of orders) {
    // visibility is a little behind
    while ((await listRuns(orderId)).length === 0);
    expect(await listRuns(orderId)).toHaveLength(1);
  }
});

test('an order paid before its start needs no word of it', async () => {
  const { orderId } = await givenPaidOrder(stage.database, stage.tenant);
  const calls: string[] = [];
  const noting: Temporal = {
    ...stage.temporal,
    startOrder: async (started) => void calls.push(`start ${started.state}`),
    signalOrder: async (_run, told) => void calls.push(`signal ${told}`),
  };
  await dispatchBatch(stage.dispatcher(noting));
  expect(calls).toEqual(['start paid']);
  expect(await stage.pending()).toBe(0);
  // a start that somebody has tried may have been read before the payment: then it is told
  await stage.database.query(
    `UPDATE outbox SET done_at = NULL, due_at = clock_timestamp() WHERE subject = $1`,
    [orderId],
  );
  await dispatchBatch(stage.dispatcher(noting));
  expect(calls.slice(1).sort()).toEqual(['signal paid', 'start paid']);
});

test('a burst of ended orders is struck out without a call', async () => {
  const orders = await givenOrders(30);
  await stage.database.query(
    `UPDATE orders SET expires_at = clock_timestamp() - interval '1 second' WHERE order_id = ANY($1)`,
    [orders],
  );
  await stage.database.query(
    `UPDATE hold SET expires_at = clock_timestamp() - interval '1 second' WHERE order_id = ANY($1)`,
    [orders],
  );
  await expireDueOrders(stage.database.as('xianda_app'), stage.tenant, 100);
  const needs = { ...stage.dispatcher(deaf), pace: createPace({ start: 1, most: 1 }) };
  expect(await dispatchBatch(needs)).toBe('more');
  expect(await stage.pending()).toBe(0);
});

/** A Temporal that must not be called. */
const deaf = new Proxy({} as Temporal, {
  get: (_, name) => () => Promise.reject(new Error(`${String(name)} was called`)),
});

test('paid orders go first', async () => {
  const unpaid = await order();
  const { orderId } = await givenPaidOrder(stage.database, stage.tenant);
  const claimed = await claimMessages(stage.database.as('xianda_dispatch'), claimOf(10));
  expect(claimed.messages.map(({ kind, subject }) => [kind, subject])).toEqual([
    ['startOrder', orderId],
    ['signalOrder', orderId],
    ['startOrder', unpaid.orderId],
  ]);
});

test('expired and cancelled orders are never started', async () => {
  const cancelled = await order();
  const expired = await order(1);
  const due = await order(1);
  const app = stage.database.as('xianda_app');
  await cancelOrder(app, { tenant: stage.tenant, orderId: cancelled.orderId, reason: 'test', actor: 'test' });
  await new Promise((resume) => setTimeout(resume, 1100));
  // past its hold and not swept yet: not started, and not forgotten either
  await dispatchBatch(stage.dispatcher());
  expect(await stage.standing(due.orderId)).toBe('none');
  expect(await stage.pending()).toBe(2);
  await expireDueOrders(app, stage.tenant, 10);
  await stage.endLeases();
  await stage.drain();
  expect(await stage.pending()).toBe(0);
  for (const { orderId } of [cancelled, expired, due]) expect(await stage.standing(orderId)).toBe('none');
});

test('telling a workflow that is not there is no fault', async () => {
  await stage.temporal.signalOrder({ tenant: stage.tenant, orderId: 'nobody', run: 1 }, 'paid');
  await stage.temporal.signalRefund({ tenant: stage.tenant, refundId: 'nothing' });
});

test('while Temporal is away orders wait in the outbox, and are started when it is back', async () => {
  const { address, namespace } = testTemporal();
  const door = await openDoor(address);
  await door.shut();
  const temporal = connectTemporal({ address: door.address, namespace, taskQueue: stage.taskQueue });
  const needs = stage.dispatcher(temporal);
  const orders = await Promise.all(Array.from({ length: 10 }, () => order()));
  await dispatchBatch(needs);
  expect(await stage.pending()).toBe(10);
  await door.open();
  const until = Date.now() + 30_000;
  while ((await stage.pending()) > 0 && Date.now() < until) {
    await dispatchBatch(needs);
    await new Promise((resume) => setTimeout(resume, 100));
  }
  for (const { orderId } of orders) expect(await stage.standing(orderId)).toBe('running');
  await door.shut();
  await temporal.close();
});
