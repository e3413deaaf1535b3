import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { createSandboxCarrierClient } from '../../src/clients/carriers/client';
import { createSandboxPaymentClient } from '../../src/clients/payment/client';
import { createEnvelope } from '../../src/db/envelope';
import { emitEvent, publishEvents } from '../../src/db/event';
import { putEndpoint, removeEndpoint } from '../../src/db/webhookEndpoint';
import { addWebhookSecret } from '../../src/db/webhookSecret';
import { cancelOrder } from '../../src/db/cancel';
import { confirmRefund } from '../../src/db/refund';
import { runDoctor } from '../../src/doctor/runDoctor';
import { runCarrierSandbox } from '../../src/sandbox/carrier/server';
import { runPaymentSandbox } from '../../src/sandbox/payment/server';
import type { RunningSandbox } from '../../src/sandbox/server';
import { orderWorkflowId, orderWorkflowType } from '../../src/workflows/order/messages';
import { createTestDatabase, type TestDatabase } from '../support/database';
import { sealBooks } from '../support/expectCoherent';
import {
  givenNetwork,
  givenPaidOrder,
  givenPlannedOrder,
  givenSku,
  givenStock,
  givenTenant,
} from '../support/fixtures';
import { testTemporal } from '../support/servers';

const secret = 'a secret of the doctor’s test';
const taskQueue = `doctor-${process.pid}`;
let folder: string;
let payment: RunningSandbox;
let carrier: RunningSandbox;
let connection: Connection;
let temporal: Client;
let database: TestDatabase;
let tenant: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'doctor-'));
  payment = await runPaymentSandbox({ port: 0, secret, dataFile: join(folder, 'payment.jsonl') });
  carrier = await runCarrierSandbox({
    port: 0,
    secret,
    dataFile: join(folder, 'carrier.jsonl'),
    auto: false,
  });
  connection = await Connection.connect({ address: testTemporal().address });
  temporal = new Client({ connection, namespace: testTemporal().namespace });
});
beforeEach(async () => {
  database = await createTestDatabase();
  tenant = await givenTenant(database, { tenant: `doctor-${process.pid}-${Date.now()}` });
  await givenNetwork(database, tenant, { carrierUrl: carrier.url });
  await givenSku(database, tenant);
  await givenStock(database, tenant);
});
afterEach(async () => {
  await terminateAll();
  await database.drop();
});
afterAll(async () => {
  await connection.close();
  await payment.close();
  await carrier.close();
  rmSync(folder, { recursive: true });
});

interface DoctorAnswer {
  exitCode: 0 | 1 | 2;
  coherent: boolean | null;
  findings: { invariant: number; subject: string; detail: { problem: string } }[];
  checks: { invariant: number; rowsSeen: number }[];
  notLooked: { invariant: number; reason: string }[];
}

/** The command with everything known, but for what the test takes away; its one line of JSON. */
async function examineAll(without: Partial<Parameters<typeof runDoctor>[0]> = {}): Promise<DoctorAnswer> {
  await sealBooks(database);
  const written: string[] = [];
  const config = {
    databaseUrl: database.url,
    temporalAddress: testTemporal().address,
    temporalNamespace: testTemporal().namespace,
    temporalTaskQueue: taskQueue,
    sandboxPaymentUrl: payment.url,
    sandboxPaymentSecret: secret,
    sandboxCarrierUrl: carrier.url,
    sandboxCarrierSecret: secret,
    ...without,
  };
  const exitCode = await runDoctor(config, { json: true, write: (text) => written.push(text) });
  expect(written).toHaveLength(1);
  return { exitCode, ...(JSON.parse(written[0] ?? '') as Omit<DoctorAnswer, 'exitCode'>) };
}

const problems = (answer: DoctorAnswer) =>
  answer.findings.map(({ invariant, detail }) => [invariant, detail.problem]);

/** As if all that has happened had happened two minutes ago: past every grace. */
async function twoMinutesPass(): Promise<void> {
  const text = `SET session_replication_role = replica;
    UPDATE orders SET created_at = created_at - interval '2 min', paid_at = paid_at - interval '2 min', ended_at = ended_at - interval '2 min';
    UPDATE shipment SET created_at = created_at - interval '2 min', booked_at = booked_at - interval '2 min', ended_at = ended_at - interval '2 min';
    UPDATE refund SET requested_at = requested_at - interval '2 min', confirmed_at = confirmed_at - interval '2 min';
    UPDATE outbox SET created_at = created_at - interval '2 min';
    SET session_replication_role = origin`;
  await database.query(text);
}

/** A workflow of the order's id that nobody works on: it runs for ever. */
async function startWorkflow(orderId: string): Promise<void> {
  await temporal.workflow.start(orderWorkflowType, {
    taskQueue,
    workflowId: orderWorkflowId({ tenant, orderId, run: 1 }),
    args: [],
  });
}

async function runningIds(): Promise<string[]> {
  const ids: string[] = [];
  const query = `TaskQueue = '${taskQueue}' AND ExecutionStatus = 'Running'`;
  for await (const { workflowId } of temporal.workflow.list({ query })) ids.push(workflowId);
  return ids;
}

async function waitUntilListed(count: number): Promise<void> {
  for (let waited = 0; (await runningIds()).length !== count; waited += 1) {
    if (waited > 100) throw new Error(`the listing never showed ${count} workflows`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

async function terminateAll(): Promise<void> {
  for (const id of await runningIds()) await temporal.workflow.getHandle(id).terminate('the test is over');
  await waitUntilListed(0);
}

describe('exit codes', () => {
  test('0 where all is well, and each check tells what it saw', async () => {
    const { orderId } = await givenPaidOrder(database, tenant);
    await startWorkflow(orderId);
    await waitUntilListed(1);
    await twoMinutesPass();
    const answer = await examineAll();
    expect(answer).toMatchObject({ exitCode: 0, coherent: true, findings: [], notLooked: [] });
    expect(answer.checks.map((check) => check.invariant)).toEqual([
      1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18,
    ]);
    expect(answer.checks.find((check) => check.invariant === 12)?.rowsSeen).toBe(1);
  });

  test('0 for a database in which nothing was ever promised', async () => {
    await database.query(
      `SET session_replication_role = replica;
       TRUNCATE tenant, orders, order_line, recipient, order_event, hold, stock_movement, outbox, event CASCADE;
       SET session_replication_role = origin`,
    );
    expect(await examineAll()).toMatchObject({ exitCode: 0, coherent: true });
  });

  test('1 with findings', async () => {
    await database.query('UPDATE stock_balance SET on_hand = on_hand + 1');
    const answer = await examineAll();
    expect(answer).toMatchObject({ exitCode: 1, coherent: false });
    expect(problems(answer)).toEqual([[2, 'the balance is not the sum of its journal']]);
  });

  test('2 without a database', async () => {
    const nowhere = 'postgres://postgres@127.0.0.1:9/xianda';
    expect(await examineAll({ databaseUrl: nowhere })).toMatchObject({ exitCode: 2, coherent: null });
    expect(await examineAll({ databaseUrl: undefined })).toMatchObject({ exitCode: 2, coherent: null });
  });

  test('2 where Temporal is away and orders are open', async () => {
    await givenPaidOrder(database, tenant);
    const answer = await examineAll({ temporalAddress: '127.0.0.1:9' });
    expect(answer).toMatchObject({ exitCode: 2, coherent: null, notLooked: [{ invariant: 12 }] });
  });

  test('2 where rows are hidden from the checker', async () => {
    await givenPaidOrder(database, tenant);
    await database.query('DROP POLICY checker_reads_all ON orders');
    expect(await examineAll()).toMatchObject({
      exitCode: 2,
      notLooked: [{ invariant: 0, reason: 'the checker does not see all rows of orders' }],
    });
  });

  test('the table for people names every check', async () => {
    let text = '';
    const write = (part: string) => {
      text += part;
    };
    const config = {
      databaseUrl: database.url,
      temporalNamespace: 'default',
      temporalTaskQueue: taskQueue,
      sandboxPaymentSecret: secret,
      sandboxCarrierSecret: secret,
    };
    await sealBooks(database);
    expect(await runDoctor(config, { json: false, write })).toBe(0);
    expect(text).toMatch(/✓ {2}3 {2}nothing oversold/);
    expect(text).toMatch(/coherent\n$/);
  });
});

describe('workflows (I12)', () => {
  test('an open order without workflow, a workflow of an ended order, a workflow of no order', async () => {
    const open = await givenPaidOrder(database, tenant);
    const ended = await givenPaidOrder(database, tenant);
    await cancelOrder(database.as('xianda_app'), {
      tenant,
      orderId: ended.orderId,
      reason: 'test',
      actor: 'test',
    });
    await startWorkflow(ended.orderId);
    await startWorkflow('onobody');
    await waitUntilListed(2);
    expect(problems(await examineAll())).toEqual([[12, 'a workflow runs for an order that is not there']]);
    await twoMinutesPass();
    const answer = await examineAll();
    expect(
      answer.findings
        .filter((finding) => finding.invariant === 12)
        .map((finding) => [finding.subject, finding.detail.problem])
        .sort(),
    ).toEqual(
      [
        [open.orderId, 'the order is open and its workflow does not run'],
        [ended.orderId, 'the order has ended and its workflow still runs'],
        ['onobody', 'a workflow runs for an order that is not there'],
      ].sort(),
    );
  });
});

test('deliveries that are due and nobody at them (I12)', async () => {
  const app = database.as('xianda_app');
  await app.inTenant(tenant, async (tx) => {
    await putEndpoint(tx, 'hook', { url: 'https://hook.example.com/', types: ['forecast.published'] });
    await emitEvent(tx, { type: 'forecast.published', subject: 'f1', data: {} });
  });
  await publishEvents(app, { tenant, limit: 500 });
  await database.query(`UPDATE webhook_delivery SET next_attempt_at = now() - interval '5 minutes'`);
  const hooks = async () =>
    (await examineAll()).findings
      .filter(({ subject }) => subject === 'hook')
      .map(({ detail }) => detail.problem);
  expect(await hooks()).toEqual([]);
  await app.inTenant(tenant, (tx) =>
    addWebhookSecret(tx, createEnvelope([{ id: 'test', key: Buffer.alloc(32, 7) }]), {
      endpointId: 'hook',
      secretId: 's1',
      secret: 'whsec_AAAA',
    }),
  );
  expect(await hooks()).toEqual(['deliveries are due and the endpoint’s workflow does not run']);
  await app.inTenant(tenant, (tx) => removeEndpoint(tx, 'hook'));
  expect(await hooks()).toEqual([]);
});

describe('partners (I10)', () => {
  const client = () => createSandboxPaymentClient({ baseUrl: payment.url, secret, timeoutMs: 5000 });

  async function givenRefund(): Promise<{ orderId: string; refundId: string; totalFen: number }> {
    const { orderId, totalFen } = await givenPaidOrder(database, tenant);
    await cancelOrder(database.as('xianda_app'), { tenant, orderId, reason: 'test', actor: 'test' });
    const [row] = await database.query<{ refund_id: string }>(
      'SELECT refund_id FROM refund WHERE order_id = $1',
      [orderId],
    );
    return { orderId, refundId: row?.refund_id ?? '', totalFen };
  }

  async function carryOut({
    orderId,
    refundId,
    totalFen,
  }: {
    orderId: string;
    refundId: string;
    totalFen: number;
  }): Promise<void> {
    const transactionId = `t-${orderId}`;
    const money = { amountFen: totalFen, transactionAmountFen: totalFen };
    await client().requestRefund({ refundId, transactionId, tenant, orderId, reason: 'cancelled', ...money });
  }

  test('a refund confirmed here and carried out there is coherent', async () => {
    const refund = await givenRefund();
    await carryOut(refund);
    await confirmRefund(database.as('xianda_app'), { tenant, refundId: refund.refundId });
    await twoMinutesPass();
    const answer = await examineAll();
    expect(answer).toMatchObject({ exitCode: 0, findings: [] });
    expect(answer.checks.find((check) => check.invariant === 10)?.rowsSeen).toBe(1);
  });

  test('confirmed here, never carried out', async () => {
    const { refundId } = await givenRefund();
    await confirmRefund(database.as('xianda_app'), { tenant, refundId });
    expect(problems(await examineAll())).toEqual([]);
    await twoMinutesPass();
    expect(problems(await examineAll())).toEqual([[10, 'confirmed here, not carried out there']]);
  });

  test('carried out there, unknown here', async () => {
    const refund = await givenRefund();
    await carryOut({ ...refund, refundId: 'rnobody' });
    expect(problems(await examineAll())).toEqual([[10, 'the provider refunded what nobody here asked for']]);
  });

  test('a provider that is away is not called coherent', async () => {
    await givenRefund();
    const answer = await examineAll({ sandboxPaymentUrl: 'http://127.0.0.1:9' });
    expect(answer).toMatchObject({ exitCode: 2, coherent: null, notLooked: [{ invariant: 10 }] });
  });

  test('a booking that only one side knows', async () => {
    const { shipments, orderId } = await givenPlannedOrder(database, tenant, { booked: true });
    await startWorkflow(orderId);
    await waitUntilListed(1);
    await twoMinutesPass();
    expect(problems(await examineAll())).toEqual([[10, 'booked here, not booked there']]);
    await createSandboxCarrierClient({ secret, timeoutMs: 5000, trusts: () => true }).book({
      baseUrl: carrier.url,
      request: {
        bookingId: shipments[0]?.shipmentId ?? '',
        shipmentId: shipments[0]?.shipmentId ?? '',
        tenant,
        carrierId: 'swift',
        zone: 'ambient',
        parcels: [{ parcelId: `${shipments[0]?.shipmentId}.1`, weightGrams: 1000 }],
        from: { siteId: 'central' },
        to: {},
        shipBy: new Date().toISOString(),
        deliverBy: new Date().toISOString(),
        callbackUrl: 'http://127.0.0.1:9/',
      },
    });
    expect(problems(await examineAll())).toEqual([[10, 'other waybills than the carrier gave']]);
  });
});
