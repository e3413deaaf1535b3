import { cancelOrder } from '../../src/db/cancel';
import { createEnvelope } from '../../src/db/envelope';
import { emitEvent, publishEvents } from '../../src/db/event';
import { decideLateMoney } from '../../src/db/lateMoney';
import { putEndpoint } from '../../src/db/webhookEndpoint';
import { addWebhookSecret } from '../../src/db/webhookSecret';
import { createReconciler } from '../../src/dispatch/reconciler';
import { expectCoherent } from '../support/expectCoherent';
import { givenCampaign, givenOrder, givenPaidOrder, givenPayment, givenStock } from '../support/fixtures';
import { type DispatchStage, openDispatchStage, silent } from './support';

let stage: DispatchStage;
beforeAll(async () => {
  stage = await openDispatchStage();
});
afterAll(async () => {
  // what its workflow would do, if a worker were there
  const money = { tenant: stage.tenant, provider: 'sandbox', transactionId: 'twice' };
  await decideLateMoney(stage.database.as('xianda_app'), money);
  await expectCoherent(stage.database);
  await stage.close();
});

const reconcile = () =>
  createReconciler({
    db: stage.database.as('xianda_dispatch'),
    temporal: stage.temporal,
    logger: silent,
  }).reconcile();

const makeOld = () =>
  stage.database.query(
    `UPDATE orders SET created_at = created_at - interval '5 minutes', paid_at = paid_at - interval '5 minutes',
            ended_at = ended_at - interval '5 minutes';
     UPDATE refund SET requested_at = requested_at - interval '5 minutes';
     UPDATE payment SET received_at = received_at - interval '5 minutes'`,
  );

/** Visibility is a little behind. */
async function until(condition: () => Promise<boolean>): Promise<void> {
  const end = Date.now() + 20_000;
  while (!(await condition())) {
    if (Date.now() > end) throw new Error('did not happen');
    await new Promise((resume) => setTimeout(resume, 200));
  }
}

const told = async () =>
  stage.database.query<{ kind: string; subject: string; payload: object }>(
    'SELECT kind, subject, payload FROM outbox WHERE done_at IS NULL ORDER BY outbox_id',
  );

test('an open order whose workflow is gone gets another one under the same id', async () => {
  const { orderId } = await givenPaidOrder(stage.database, stage.tenant);
  await stage.drain();
  const handle = stage.client.workflow.getHandle(`order:${stage.tenant}/${orderId}`);
  const { runId } = await handle.describe();
  await handle.terminate('lost');
  await makeOld();
  await until(async () => (await reconcile()) > 0);
  expect(await told()).toMatchObject([
    { kind: 'startOrder', subject: orderId, payload: { run: 1, again: true } },
  ]);
  // a second look writes nothing while that waits
  await reconcile();
  expect(await told()).toHaveLength(1);
  await stage.drain();
  const now = await handle.describe();
  expect(now.status.name).toBe('RUNNING');
  expect(now.runId).not.toBe(runId);
  expect(await reconcile()).toBe(0);
});

test('an order whose start was lost is started', async () => {
  const { orderId } = await givenOrder(stage.database, stage.tenant);
  await stage.database.query('DELETE FROM outbox WHERE subject = $1', [orderId]);
  await makeOld();
  await reconcile();
  await stage.drain();
  expect(await stage.standing(orderId)).toBe('running');
});

test('a workflow whose order has ended is told once', async () => {
  const { orderId } = await givenOrder(stage.database, stage.tenant);
  await stage.drain();
  await cancelOrder(stage.database.as('xianda_app'), {
    tenant: stage.tenant,
    orderId,
    reason: 'test',
    actor: 'test',
  });
  await stage.database.query('DELETE FROM outbox WHERE subject = $1', [orderId]);
  await makeOld();
  const reconciler = createReconciler({
    db: stage.database.as('xianda_dispatch'),
    temporal: stage.temporal,
    logger: silent,
  });
  await until(async () => (await reconciler.reconcile()) > 0);
  expect(await told()).toMatchObject([
    { kind: 'signalOrder', subject: orderId, payload: { stage: 'cancelled', run: 1 } },
  ]);
  await stage.drain();
  expect(await reconciler.reconcile()).toBe(0);
  await stage.client.workflow.getHandle(`order:${stage.tenant}/${orderId}`).terminate();
});

test('a refund and late money that nobody carries out are started', async () => {
  const { orderId } = await givenPaidOrder(stage.database, stage.tenant);
  const cancelled = await cancelOrder(stage.database.as('xianda_app'), {
    tenant: stage.tenant,
    orderId,
    reason: 'test',
    actor: 'test',
  });
  expect(cancelled).toEqual({ outcome: 'done' });
  const surplus = await givenPayment(stage.database, stage.tenant, {
    orderId,
    amountFen: 1990,
    transactionId: 'twice',
  });
  expect(surplus).toBe('surplus');
  await stage.database.query('UPDATE outbox SET done_at = clock_timestamp()');
  await makeOld();
  await reconcile();
  const [refund] = await stage.database.query<{ refund_id: string }>('SELECT refund_id FROM refund');
  const remedies = (await told()).map(({ kind, subject }) => ({ kind, subject }));
  expect(remedies).toEqual(
    expect.arrayContaining([
      { kind: 'startRefund', subject: refund?.refund_id },
      { kind: 'startMoney', subject: 'twice' },
    ]),
  );
  await stage.drain();
  expect(await stage.temporal.look(`refund:${stage.tenant}/${refund?.refund_id}`)).toBe('running');
  expect(await stage.temporal.look(`money:${stage.tenant}/twice`)).toBe('running');
  expect(await reconcile()).toBe(0);
});

test('deliveries that are due at an endpoint whose workflow is gone have it woken', async () => {
  const { tenant, database } = stage;
  const app = database.as('xianda_app');
  const told = { type: 'forecast.published', subject: 'f1', data: {} } as const;
  await app.inTenant(tenant, async (tx) => {
    await putEndpoint(tx, 'hook', { url: 'https://hook.example.com/', types: ['forecast.published'] });
    await emitEvent(tx, told);
  });
  await publishEvents(app, { tenant, limit: 10 });
  await database.query('UPDATE outbox SET done_at = clock_timestamp()');
  await database.query(
    `UPDATE webhook_delivery SET next_attempt_at = next_attempt_at - interval '5 minutes' WHERE tenant = $1`,
    [tenant],
  );
  // without a secret nothing may leave, so there is nothing to be done
  expect(await reconcile()).toBe(0);
  await app.inTenant(tenant, (tx) =>
    addWebhookSecret(tx, createEnvelope([{ id: 'test', key: Buffer.alloc(32, 7) }]), {
      endpointId: 'hook',
      secretId: 's1',
      secret: 'whsec_AAAA',
    }),
  );
  await database.query('UPDATE outbox SET done_at = clock_timestamp()');
  expect(await reconcile()).toBe(1);
  await stage.drain();
  expect(await stage.temporal.look(`webhook:${tenant}/hook`)).toBe('running');
  expect(await reconcile()).toBe(0);
});

test('goods in reserve that nobody hands out are handed out', async () => {
  await givenCampaign(stage.database, stage.tenant);
  await givenStock(stage.database, stage.tenant, { quantity: 3, lotId: 'arrived', campaignId: 'early' });
  await stage.drain();
  const handle = stage.client.workflow.getHandle(`arrival:${stage.tenant}/early`);
  expect((await handle.describe()).status.name).toBe('RUNNING');
  expect(await reconcile()).toBe(0);
  const { runId } = await handle.describe();
  await handle.terminate('lost');
  expect(await reconcile()).toBe(1);
  expect(await told()).toMatchObject([{ kind: 'startConversion', subject: 'early' }]);
  await stage.drain();
  const now = await handle.describe();
  expect(now.status.name).toBe('RUNNING');
  expect(now.runId).not.toBe(runId);
});

test('a workflow whose order is not in the database is ended at the second look, another installation’s never', async () => {
  const start = (orderId: string, taskQueue: string) =>
    stage.client.workflow.start('orderWorkflow', {
      taskQueue,
      workflowId: `order:${stage.tenant}/${orderId}`,
      args: [{ tenant: stage.tenant, orderId, run: 1 }],
    });
  const lost = await start('lost-with-a-backup', stage.taskQueue);
  const foreign = await start('of-another', `${stage.taskQueue}-other`);
  const reconciler = createReconciler({
    db: stage.database.as('xianda_dispatch'),
    temporal: stage.temporal,
    logger: silent,
  });
  let looks = 0;
  await until(async () => {
    looks += 1;
    await reconciler.reconcile();
    return (await lost.describe()).status.name === 'TERMINATED';
  });
  expect(looks).toBeGreaterThan(1);
  expect((await foreign.describe()).status.name).toBe('RUNNING');
  await foreign.terminate();
});
