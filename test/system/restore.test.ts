import { createReconciler } from '../../src/dispatch/reconciler';
import { runRealign } from '../../src/dispatch/runRealign';
import { connectTemporal } from '../../src/dispatch/temporal';
import { createSandboxCarrierClient } from '../../src/clients/carriers/client';
import { orderWorkflowId } from '../../src/workflows/order/messages';
import { silent } from '../dispatch/support';
import { examine, expectCoherent } from '../support/expectCoherent';
import { givenOrder, givenPaidOrder, givenPayment } from '../support/fixtures';
import { type OwnTemporal, backUpDatabase, startOwnTemporal } from '../support/stores';
import { type Stage, eventually, openStage } from '../workflows/support/stage';

jest.setTimeout(180_000);

let temporal: OwnTemporal;
let stage: Stage;
let orders: { unpaid: string; booked: string };

/** One order that waits for its payment and one that is booked: what the backup knows. */
beforeEach(async () => {
  temporal = await startOwnTemporal();
  stage = await openStage({ TEMPORAL_ADDRESS: temporal.address });
  await startRoles();
  const unpaid = await givenOrder(stage.database, stage.tenant, { paymentWindowSeconds: 3600 });
  const booked = await givenPaidOrder(stage.database, stage.tenant, { lines: { apple: 1 } });
  orders = { unpaid: unpaid.orderId, booked: booked.orderId };
  await eventually(() => stage.isRunning(workflowOf(orders.unpaid)).catch(() => false));
  await untilBooked(orders.booked);
  await minutesPass();
});
afterEach(async () => {
  await stage.close();
  await temporal.erase();
});

let stopRoles = async () => {};
async function startRoles(): Promise<void> {
  const roles = await Promise.all([stage.startWorker(), stage.startDispatch()]);
  stopRoles = async () => void (await Promise.all(roles.map((role) => role.close())));
}

const workflowOf = (orderId: string) => orderWorkflowId({ tenant: stage.tenant, orderId, run: 1 });

const untilBooked = (orderId: string) =>
  eventually(async () => (await stage.shipments(orderId)).some(({ state }) => state === 'booked'), 40_000);

/** As if all that has happened had happened two minutes ago: past every grace. */
const minutesPass = () =>
  stage.database.query(
    `SET session_replication_role = replica;
     UPDATE orders SET created_at = created_at - interval '2 min', paid_at = paid_at - interval '2 min', ended_at = ended_at - interval '2 min';
     UPDATE shipment SET created_at = created_at - interval '2 min', booked_at = booked_at - interval '2 min', ended_at = ended_at - interval '2 min';
     UPDATE outbox SET created_at = created_at - interval '2 min';
     SET session_replication_role = origin`,
  );

const pay = async (orderId: string) => {
  const order = await stage.order(orderId);
  return givenPayment(stage.database, stage.tenant, {
    orderId,
    amountFen: Number(order.total_fen),
    transactionId: `paid-${orderId}`,
  });
};

const partners = () => ({
  temporal: { client: stage.client, taskQueue: stage.config.temporalTaskQueue },
  carriers: {
    client: createSandboxCarrierClient({
      secret: stage.config.sandboxCarrierSecret,
      timeoutMs: 5000,
      trusts: () => true,
    }),
    baseUrl: stage.carrier.url,
  },
});

/** What the doctor says, by invariant and order. */
async function findings(): Promise<string[]> {
  const report = await examine(stage.database, partners());
  return report.findings.map(
    ({ invariant, subject, detail }) => `I${invariant} ${subject}: ${String(detail.problem)}`,
  );
}

/** The runbook's own step: both roles are stopped, one command, both are started. */
async function realign(): Promise<void> {
  await runRealign({ ...stage.config, logLevel: 'silent' });
  await startRoles();
}

async function deliverAll(...orderIds: string[]): Promise<void> {
  for (const orderId of orderIds) {
    await untilBooked(orderId);
    await stage.deliver(orderId);
  }
  for (const orderId of orderIds) {
    await eventually(async () => !(await stage.isRunning(workflowOf(orderId))), 40_000);
    expect(await stage.order(orderId)).toMatchObject({ state: 'delivered' });
  }
}

test('PostgreSQL restored from an older backup, Temporal newer', async () => {
  const restore = await backUpDatabase(stage.database.url);
  // what the backup does not know: a payment, a delivery, a whole order
  await pay(orders.unpaid);
  await untilBooked(orders.unpaid);
  await deliverAll(orders.booked);
  const request = { externalId: 'after-the-backup', lines: { apple: 2 } };
  const { orderId: lost } = await givenPaidOrder(stage.database, stage.tenant, request);
  await untilBooked(lost);
  await stopRoles();
  await restore();

  expect(await stage.order(lost)).toEqual({});
  expect(await stage.order(orders.unpaid)).toMatchObject({ state: 'awaitingPayment' });
  await eventually(async () => (await findings()).length >= 4);
  expect(await findings()).toEqual(
    expect.arrayContaining([
      `I12 ${lost}: a workflow runs for an order that is not there`,
      `I12 ${orders.booked}: the order is open and its workflow does not run`,
      `I10 ${lost}.1: the carrier was booked for a shipment that is not here`,
      `I10 ${orders.unpaid}.1: the carrier was booked for a shipment that is not here`,
    ]),
  );

  await realign();
  // the world tells again: the provider its payment, the shop its order, the carrier its events
  expect(await pay(orders.unpaid)).toBe('booked');
  const { orderId: again } = await givenPaidOrder(stage.database, stage.tenant, request);
  expect(again).toBe(lost);
  await minutesPass();
  // its former workflow is known to Temporal, so the start counts as a repeat until the reconciler comes by
  const calls = connectTemporal({
    address: temporal.address,
    namespace: stage.config.temporalNamespace,
    taskQueue: stage.config.temporalTaskQueue,
  });
  const reconciler = createReconciler({
    db: stage.database.as('xianda_dispatch'),
    temporal: calls,
    logger: silent,
  });
  await eventually(async () => {
    await reconciler.reconcile();
    return stage.isRunning(workflowOf(lost));
  }, 40_000);
  await calls.close();
  await deliverAll(orders.unpaid, orders.booked, lost);
  // the carrier recognised every shipment: nothing was booked twice
  expect(await stage.bookings()).toHaveLength(3);
  await minutesPass();
  await stopRoles();
  await expectCoherent(stage.database, partners());
});

test('Temporal restored from an older backup, PostgreSQL newer', async () => {
  await stopRoles();
  await temporal.stop();
  temporal.backUp();
  await temporal.start();
  await startRoles();
  await pay(orders.unpaid);
  await untilBooked(orders.unpaid);
  await deliverAll(orders.booked);
  const { orderId: unknown } = await givenPaidOrder(stage.database, stage.tenant, { lines: { apple: 2 } });
  await untilBooked(unknown);
  await stopRoles();
  await temporal.stop();
  temporal.restore();
  await temporal.start();

  await minutesPass();
  await eventually(async () => (await findings()).length >= 2);
  expect(await findings()).toEqual([
    `I12 ${unknown}: the order is open and its workflow does not run`,
    `I12 ${orders.booked}: the order has ended and its workflow still runs`,
  ]);

  await realign();
  await deliverAll(orders.unpaid, unknown);
  expect(await stage.isRunning(workflowOf(orders.booked))).toBe(false);
  expect(await stage.bookings()).toHaveLength(3);
  await minutesPass();
  await stopRoles();
  await expectCoherent(stage.database, partners());
});
