import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { historyToJSON } from '@temporalio/common/lib/proto-utils';
import { Runtime } from '@temporalio/worker';
import type { Patience } from '../../../src/activities/order';
import { createSandboxCarrierClient } from '../../../src/clients/carriers/client';
import { createSandboxPaymentClient } from '../../../src/clients/payment/client';
import { type Config, readConfig } from '../../../src/config';
import { recordShipmentEvent } from '../../../src/db/fulfilment';
import { type RunningDispatch, runDispatch } from '../../../src/dispatch/run';
import { runCarrierSandbox } from '../../../src/sandbox/carrier/server';
import { runPaymentSandbox } from '../../../src/sandbox/payment/server';
import type { RunningSandbox } from '../../../src/sandbox/server';
import { buildWorkflowBundle, isFresh } from '../../../src/worker/bundle';
import { type RunningWorker, runWorker } from '../../../src/worker/run';
import { type OrderWorkflowInput, orderWorkflowId } from '../../../src/workflows/order/messages';
import { type TestDatabase, createTestDatabase } from '../../support/database';
import { givenNetwork, givenSku, givenStock, givenTenant } from '../../support/fixtures';
import { poolFolder } from '../../support/serverPool';
import { removeSchedules } from '../../support/schedules';
import { testTemporal } from '../../support/servers';

const secret = 'test-only-secret-of-the-sandboxes';
export const bundleFile = join(poolFolder, 'workflows.bundle.js');
const historiesFolder = join(__dirname, '..', '..', 'replay', 'histories');

export interface Stage {
  database: TestDatabase;
  /** Known to no other stage on the same Temporal server. */
  tenant: string;
  config: Config;
  environment: NodeJS.ProcessEnv;
  client: Client;
  carrier: RunningSandbox;
  payment: RunningSandbox;
  startWorker(patience?: Partial<Patience>): Promise<RunningWorker>;
  /** Ends every worker that was started here. */
  stopWorkers(): Promise<void>;
  startDispatch(): Promise<RunningDispatch>;
  order(orderId: string): Promise<Record<string, unknown>>;
  shipments(orderId: string): Promise<{ shipment_id: string; state: string; carrier_id: string | null }[]>;
  /** Open attention on an order, by reason. */
  attention(orderId: string): Promise<string[]>;
  /** What people and carriers report, without their servers in between. */
  report(shipmentId: string, kind: string): Promise<void>;
  deliver(orderId: string): Promise<void>;
  /** Waits for the workflow's end. */
  outcome(orderId: string, run?: number): Promise<unknown>;
  isRunning(workflowId: string): Promise<boolean>;
  /** With SAVE_HISTORIES=1, keeps the history as it is now for the replay tests. */
  keepHistory(workflowId: string, name: string): Promise<void>;
  misbehave(partner: RunningSandbox, rule: object): Promise<void>;
  bookings(): Promise<{ bookingId: string; state: string }[]>;
  refunds(): Promise<{ refundId: string; amountFen: number; state: string }[]>;
  close(): Promise<void>;
}

let stages = 0;

/** A tenant with a network and stock, its partners, and the product's own worker and dispatcher, started on demand. */
export async function openStage(settings: NodeJS.ProcessEnv = {}): Promise<Stage> {
  stages += 1;
  const database = await createTestDatabase();
  const name = `t${process.pid.toString(36)}-${Date.now().toString(36)}-${stages}`;
  const folder = await mkdtemp(join(tmpdir(), 'xianda-stage-'));
  const payment = await runPaymentSandbox({ port: 0, secret, dataFile: join(folder, 'payment.jsonl') });
  const carrier = await runCarrierSandbox({
    port: 0,
    secret,
    dataFile: join(folder, 'carrier.jsonl'),
    auto: false,
  });
  const tenant = await givenTenant(database, { tenant: name });
  await givenNetwork(database, tenant, { carrierUrl: carrier.url });
  await givenSku(database, tenant, { sku: 'apple' });
  await givenSku(database, tenant, { sku: 'milk', zone: 'chilled' });
  await givenSku(database, tenant, { sku: 'fish', zone: 'frozen' });
  await givenStock(database, tenant, { sku: 'apple' });
  await givenStock(database, tenant, { sku: 'milk' });
  await givenStock(database, tenant, { sku: 'fish' });
  const { address, namespace } = testTemporal();
  const environment = {
    XIANDA_MODE: 'development',
    XIANDA_HOME: folder,
    DATABASE_URL: database.url,
    TEMPORAL_ADDRESS: address,
    TEMPORAL_NAMESPACE: namespace,
    TEMPORAL_TASK_QUEUE: name,
    SANDBOX_PAYMENT_SECRET: secret,
    SANDBOX_CARRIER_SECRET: secret,
    SANDBOX_PAYMENT_URL: payment.url,
    SANDBOX_CARRIER_URL: carrier.url,
    LOG_LEVEL: process.env.TEST_LOG_LEVEL ?? 'silent',
    // one key only, the fixtures' own
    PERSONAL_DATA_KEYS: `test:${Buffer.alloc(32, 'test').toString('base64')}`,
    ...settings,
  };
  const config = readConfig(environment, { joinRunning: false });
  const connection = await Connection.connect({ address: config.temporalAddress });
  const client = new Client({ connection, namespace: config.temporalNamespace });
  const toClose: { close(): Promise<void> }[] = [];
  const workers: RunningWorker[] = [];
  if (!(await isFresh(bundleFile))) await buildWorkflowBundle(bundleFile);

  const stage: Stage = {
    database,
    tenant,
    config,
    environment,
    client,
    carrier,
    payment,
    async startWorker(patience) {
      const worker = once(await runWorker(config, { bundleFile, patience }));
      toClose.push(worker);
      workers.push(worker);
      return worker;
    },
    async stopWorkers() {
      await Promise.all(workers.splice(0).map((worker) => worker.close()));
    },
    async startDispatch() {
      const dispatch = once(await runDispatch(config));
      toClose.push(dispatch);
      return dispatch;
    },
    async order(orderId) {
      const [row] = await database.query('SELECT * FROM orders WHERE tenant = $1 AND order_id = $2', [
        tenant,
        orderId,
      ]);
      return row ?? {};
    },
    shipments: (orderId) =>
      database.query('SELECT * FROM shipment WHERE tenant = $1 AND order_id = $2 ORDER BY shipment_id', [
        tenant,
        orderId,
      ]),
    async attention(orderId) {
      const rows = await database.query<{ reason: string }>(
        'SELECT reason FROM attention WHERE tenant = $1 AND order_id = $2 AND resolved_at IS NULL ORDER BY reason',
        [tenant, orderId],
      );
      return rows.map((row) => row.reason);
    },
    async report(shipmentId, kind) {
      const eventId = `${shipmentId}-${kind}`;
      await recordShipmentEvent(database.as('xianda_app'), {
        tenant,
        source: 'test',
        eventId,
        shipmentId,
        kind: kind as 'delivered',
        at: new Date(),
        bodyDigest: Buffer.alloc(32, eventId),
      });
    },
    async deliver(orderId) {
      for (const { shipment_id: shipmentId } of await stage.shipments(orderId)) {
        await stage.report(shipmentId, 'pickedUp');
        await stage.report(shipmentId, 'delivered');
      }
    },
    outcome: (orderId, run = 1) =>
      client.workflow.getHandle(orderWorkflowId({ tenant, orderId, run })).result(),
    async isRunning(workflowId) {
      const { status } = await client.workflow.getHandle(workflowId).describe();
      return status.name === 'RUNNING';
    },
    async keepHistory(workflowId, file) {
      if (process.env.SAVE_HISTORIES !== '1') return;
      const history = await client.workflow.getHandle(workflowId).fetchHistory();
      await mkdir(historiesFolder, { recursive: true });
      // stack traces name files from the project's root, wherever this clone lies
      const text = historyToJSON(history).replaceAll(`${process.cwd()}/`, '');
      await writeFile(join(historiesFolder, `${file}.json`), `${text}\n`);
    },
    async misbehave(partner, rule) {
      await fetch(`${partner.url}/v1/control`, { method: 'POST', body: JSON.stringify(rule) });
    },
    async bookings() {
      const carriers = createSandboxCarrierClient({ secret, timeoutMs: 5000, trusts: () => true });
      return (await carriers.listBookings({ baseUrl: carrier.url, request: { tenant } })).items;
    },
    async refunds() {
      const payments = createSandboxPaymentClient({ baseUrl: payment.url, secret, timeoutMs: 5000 });
      return (await payments.listRefunds({ tenant })).items;
    },
    async close() {
      await Promise.all(toClose.map((each) => each.close()));
      await Runtime.instance().shutdown();
      await removeSchedules(client, tenant);
      await terminateAll(client, name);
      await connection.close();
      await Promise.all([carrier.close(), payment.close()]);
      await database.drop();
      await rm(folder, { recursive: true, force: true });
    },
  };
  return stage;
}

function once<Closable extends { close(): Promise<void> }>(closable: Closable): Closable {
  let closing: Promise<void> | undefined;
  return { ...closable, close: () => (closing ??= closable.close()) };
}

/** Nobody works on this stage's task queue any more. */
async function terminateAll(client: Client, taskQueue: string): Promise<void> {
  for await (const { workflowId } of client.workflow.list({
    query: `TaskQueue = '${taskQueue}' AND ExecutionStatus = 'Running'`,
  })) {
    await client.workflow
      .getHandle(workflowId)
      .terminate('the test is over')
      .catch(() => undefined);
  }
}

/** Waits until the condition holds. */
export async function eventually(
  condition: () => boolean | Promise<boolean>,
  withinMs = 20_000,
): Promise<void> {
  const until = Date.now() + withinMs;
  while (!(await condition())) {
    if (Date.now() > until) throw new Error(`did not happen within ${withinMs} ms: ${condition.toString()}`);
    await new Promise((resume) => setTimeout(resume, 50));
  }
}

/** Counts what an order costs the engine. */
export async function countEvents(
  client: Client,
  order: OrderWorkflowInput,
): Promise<{ events: number; tasks: number; kinds: string[] }> {
  const history = await client.workflow.getHandle(orderWorkflowId(order)).fetchHistory();
  const json = JSON.parse(historyToJSON(history)) as { events: { eventType: string }[] };
  const kinds = json.events.map((event) => event.eventType.replace('EVENT_TYPE_', ''));
  return {
    events: kinds.length,
    tasks: kinds.filter((kind) => kind === 'WORKFLOW_TASK_STARTED').length,
    kinds,
  };
}
