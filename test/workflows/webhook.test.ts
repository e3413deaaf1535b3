import { randomUUID } from 'node:crypto';
import type { temporal } from '@temporalio/proto';
import { createWebhookSecret } from '../../src/clients/webhook/signature';
import { createEnvelope } from '../../src/db/envelope';
import { emitEvent } from '../../src/db/event';
import { enableEndpoint, putEndpoint } from '../../src/db/webhookEndpoint';
import { addWebhookSecret } from '../../src/db/webhookSecret';
import type { RunningWorker } from '../../src/worker/run';
import { webhookWorkflowId } from '../../src/workflows/webhook/messages';
import { expectCoherent } from '../support/expectCoherent';
import { givenPlannedOrder } from '../support/fixtures';
import { openReceiver, type Receiver } from './support/receiver';
import { eventually, openStage, type Stage } from './support/stage';
import { startWorkerChild } from './support/workerChild';

let stage: Stage;
let worker: RunningWorker;
const receivers: Receiver[] = [];
let endpoints = 0;

beforeAll(async () => {
  // 5 s become 25 ms, three days 22 minutes, five failing days 36 minutes
  stage = await openStage({ WEBHOOK_TIME_SCALE: '0.005' });
  worker = await stage.startWorker();
  await stage.startDispatch();
});
afterAll(async () => {
  await expectCoherent(stage.database, { sealerRuns: true, atLeast: { 16: 10 } });
  await Promise.all(receivers.map((receiver) => receiver.close()));
  await stage.close();
});

interface GivenEndpoint {
  receiver: Receiver;
  endpointId: string;
  workflowId: string;
}

const inTenant = stageTenant();
function stageTenant() {
  return <T>(work: Parameters<ReturnType<Stage['database']['as']>['inTenant']>[1]) =>
    stage.database.as('xianda_app').inTenant(stage.tenant, work) as Promise<T>;
}

async function addSecret(endpointId: string, secret = createWebhookSecret()): Promise<string> {
  const envelope = createEnvelope(stage.config.personalDataKeys);
  await inTenant((tx) =>
    addWebhookSecret(tx, envelope, { endpointId, secretId: randomUUID(), secret }).then(() => undefined),
  );
  return secret;
}

async function givenEndpoint({
  types = ['forecast.published'],
  withSecret = true,
} = {}): Promise<GivenEndpoint> {
  endpoints += 1;
  const endpointId = `hook-${endpoints}`;
  const receiver = await openReceiver();
  receivers.push(receiver);
  await inTenant((tx) => putEndpoint(tx, endpointId, { url: receiver.url, types }));
  if (withSecret) receiver.secret = await addSecret(endpointId);
  return { receiver, endpointId, workflowId: webhookWorkflowId({ tenant: stage.tenant, endpointId }) };
}

/** Every endpoint of this file hears of it, so subjects tell apart. */
const emit = (subject: string) =>
  inTenant((tx) => emitEvent(tx, { type: 'forecast.published', subject, data: { forecastId: subject } }));

async function delivery(endpointId: string, subject: string) {
  const [row] = await stage.database.query<{ state: string; attempts: number; event_id: string }>(
    `SELECT d.state, d.attempts, d.event_id FROM webhook_delivery d JOIN event e USING (tenant, event_id)
      WHERE d.tenant = $1 AND d.endpoint_id = $2 AND e.subject = $3`,
    [stage.tenant, endpointId, subject],
  );
  return row;
}

async function parkedBecause(endpointId: string): Promise<string[]> {
  const rows = await stage.database.query<{ because: string }>(
    `SELECT detail ->> 'because' AS because FROM attention
      WHERE tenant = $1 AND reason = 'webhookDisabled' AND subject = $2 AND resolved_at IS NULL`,
    [stage.tenant, endpointId],
  );
  return rows.map(({ because }) => because);
}

const isDelivered = async (endpointId: string, subject: string) =>
  (await delivery(endpointId, subject))?.state === 'delivered';

const closed = (workflowId: string) => stage.client.workflow.getHandle(workflowId).result();

/** Not started yet counts as not closed. */
const isClosed = (workflowId: string) =>
  stage
    .isRunning(workflowId)
    .then((runs) => !runs)
    .catch(() => false);

async function detailsOf(workflowId: string): Promise<string> {
  const handle = stage.client.workflow.getHandle(workflowId);
  const metadata = await handle.query<temporal.api.sdk.v1.IWorkflowMetadata>('__temporal_workflow_metadata');
  return metadata.currentDetails ?? '';
}

/** Nobody else hears what follows. */
async function silenceAll(): Promise<void> {
  await stage.database.query(`UPDATE webhook_endpoint SET removed_at = clock_timestamp() WHERE tenant = $1`, [
    stage.tenant,
  ]);
  await stage.database.query(
    `UPDATE webhook_delivery SET state = 'failed', next_attempt_at = NULL, ended_at = clock_timestamp()
      WHERE tenant = $1 AND state = 'pending'`,
    [stage.tenant],
  );
}
beforeEach(silenceAll);

test('an event is delivered, signed, once, and the workflow closes', async () => {
  const { receiver, endpointId, workflowId } = await givenEndpoint();
  await emit('delivered');
  await eventually(() => isDelivered(endpointId, 'delivered'));
  expect(await closed(workflowId)).toEqual({ standing: 'working' });
  const row = await delivery(endpointId, 'delivered');
  expect(receiver.messages).toMatchObject([
    { webhookId: row?.event_id, type: 'forecast.published', subject: 'delivered' },
  ]);
  await stage.keepHistory(workflowId, 'webhookDelivered');
});

test('an order is followed from the outside', async () => {
  const { receiver } = await givenEndpoint({ types: ['order.placed', 'order.paid', 'order.shipped'] });
  const { orderId } = await givenPlannedOrder(stage.database, stage.tenant);
  await eventually(async () => (await stage.shipments(orderId)).length > 0);
  await stage.deliver(orderId);
  await eventually(() => receiver.messages.length === 3);
  expect(receiver.messages.map(({ type, subject }) => [type, subject]).sort()).toEqual([
    ['order.paid', orderId],
    ['order.placed', orderId],
    ['order.shipped', orderId],
  ]);
});

test('a failing endpoint is tried again under the same id until it takes the event', async () => {
  const { receiver, endpointId, workflowId } = await givenEndpoint();
  receiver.answerWith = 500;
  await emit('retried');
  await eventually(() => receiver.messages.length >= 2);
  await stage.keepHistory(workflowId, 'webhookRetrying');
  receiver.answerWith = 200;
  await eventually(() => isDelivered(endpointId, 'retried'));
  expect(new Set(receiver.messages.map(({ webhookId }) => webhookId)).size).toBe(1);
  expect((await delivery(endpointId, 'retried'))?.attempts).toBe(receiver.messages.length);
  await closed(workflowId);
  await stage.keepHistory(workflowId, 'webhookRetried');
});

test('an endpoint that waits for its retry hears of news at once; one that hangs keeps nobody else waiting', async () => {
  const slow = await givenEndpoint();
  const quick = await givenEndpoint();
  slow.receiver.answerWith = 'never';
  await emit('hanging');
  await eventually(() => isDelivered(quick.endpointId, 'hanging'));
  expect(await isDelivered(slow.endpointId, 'hanging')).toBe(false);

  quick.receiver.answerWith = 500;
  await emit('first');
  await eventually(() => quick.receiver.messages.some(({ subject }) => subject === 'first'));
  quick.receiver.answerWith = 200;
  await emit('second');
  await eventually(() => isDelivered(quick.endpointId, 'second'));
  await eventually(() => isDelivered(quick.endpointId, 'first'));
  await closed(quick.workflowId);
  await stage.keepHistory(quick.workflowId, 'webhookWoken');
});

test('the page of an endpoint that is down says what waits, since when, when it is tried next and what to do', async () => {
  const { receiver, endpointId, workflowId } = await givenEndpoint();
  receiver.answerWith = 500;
  await inTenant(async (tx) => {
    for (let nth = 1; nth <= 6; nth += 1)
      await emitEvent(tx, { type: 'forecast.published', subject: `down-${nth}`, data: {} });
  });
  const isDown = async () => (await detailsOf(workflowId).catch(() => '')).includes('接收方不可用');
  await eventually(isDown);
  const details = await detailsOf(workflowId);
  await stage.keepHistory(workflowId, 'webhookDown');
  expect(details).toMatch(/^### 推送 hook-\d+：接收方不可用\n- \*\*在等\*\* 接收方恢复；6 条待推送\n/);
  expect(details).toMatch(/\n- \*\*自\*\* \d{4}-\d\d-\d\d \d\d:\d\d\n- \*\*至\*\* \d{4}/);
  expect(details).toMatch(/\n- \*\*原因\*\* 上一轮 \d+ 条未被接收，0 条送达\n/);
  expect(details).toContain(`\`GET /v1/webhook-endpoints/${endpointId}/deliveries\``);
  expect(details).toMatch(/\n\n时间均为 Asia\/Shanghai$/);
  receiver.answerWith = 200;
  await eventually(() => isDelivered(endpointId, 'down-6'), 30_000);
});

test('410 disables: people are shown, events wait, and enabling sends them', async () => {
  const { receiver, endpointId, workflowId } = await givenEndpoint();
  receiver.answerWith = 410;
  await emit('gone');
  await eventually(async () => (await parkedBecause(endpointId)).length > 0);
  expect(await closed(workflowId)).toEqual({ standing: 'disabled' });
  await stage.keepHistory(workflowId, 'webhookDisabled');
  expect(await detailsOf(workflowId)).toMatch(
    /^### 推送 .*：已停\n- \*\*在等\*\* 运营处理；1 条待推送\n- \*\*自\*\* /,
  );
  expect(await parkedBecause(endpointId)).toEqual(['gone']);
  await emit('meanwhile');
  receiver.answerWith = 200;
  await eventually(async () => (await delivery(endpointId, 'meanwhile')) !== undefined);
  expect(receiver.messages.map(({ subject }) => subject)).toEqual(['gone']);
  await inTenant((tx) => enableEndpoint(tx, endpointId).then(() => undefined));
  await eventually(() => isDelivered(endpointId, 'gone'));
  await eventually(() => isDelivered(endpointId, 'meanwhile'));
});

test('nothing unsigned leaves: without a secret events wait for the first one; the second signs beside it', async () => {
  const { receiver, endpointId, workflowId } = await givenEndpoint({ withSecret: false });
  await emit('unsigned');
  await eventually(async () => (await delivery(endpointId, 'unsigned')) !== undefined);
  await eventually(() => isClosed(workflowId));
  expect(await closed(workflowId)).toEqual({ standing: 'awaitingSecret' });
  expect(receiver.messages).toEqual([]);
  const first = await addSecret(endpointId);
  receiver.secret = first;
  await eventually(() => isDelivered(endpointId, 'unsigned'));
  receiver.secret = await addSecret(endpointId);
  await emit('either');
  await eventually(() => isDelivered(endpointId, 'either'));
  receiver.secret = first;
  await emit('still-first');
  await eventually(() => isDelivered(endpointId, 'still-first'));
  // a third retires the first
  await addSecret(endpointId);
  await emit('first-is-over');
  await eventually(async () => ((await delivery(endpointId, 'first-is-over'))?.attempts ?? 0) > 0);
  expect(receiver.messages.map(({ subject }) => subject)).toEqual(['unsigned', 'either', 'still-first']);
});

test('a worker killed between sending and writing down: another one sends again, with the same id', async () => {
  await worker.close();
  const child = await startWorkerChild(stage);
  const { receiver, endpointId, workflowId } = await givenEndpoint();
  receiver.answerWith = 'never';
  await emit('killed');
  await eventually(() => receiver.messages.length === 1);
  const ended = new Promise((exit) => child.once('exit', exit));
  child.kill('SIGKILL');
  await ended;
  expect((await delivery(endpointId, 'killed'))?.attempts).toBe(0);
  receiver.answerWith = 200;
  worker = await stage.startWorker();
  await eventually(() => isDelivered(endpointId, 'killed'), 60_000);
  expect(receiver.messages.map(({ webhookId }) => webhookId)).toEqual([
    receiver.messages[0]?.webhookId,
    receiver.messages[0]?.webhookId,
  ]);
  await closed(workflowId);
}, 90_000);
