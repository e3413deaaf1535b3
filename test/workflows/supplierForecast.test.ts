import { Client as Connection } from 'pg';
import type { ScheduleHandle } from '@temporalio/client';
import { importDemand } from '../../src/db/demand';
import { putSupplier } from '../../src/db/network';
import { type ScheduleKind, scheduleKinds } from '../../src/dispatch/scheduleKinds';
import { createScheduleKeeper } from '../../src/dispatch/schedules';
import { connectTemporal } from '../../src/dispatch/temporal';
import { addDays } from '../../src/domain/network/calendar';
import { silent } from '../dispatch/support';
import { expectCoherent } from '../support/expectCoherent';
import { dayFromToday } from '../support/fixtures';
import { type Stage, eventually, openStage } from './support/stage';
import { startWorkerChild } from './support/workerChild';

let stage: Stage;
let schedule: ScheduleHandle;
const kind = 'supplier-forecast';
const suppliers = ['dairy', 'farm', 'harbour'];

beforeAll(async () => {
  stage = await openStage();
  schedule = stage.client.schedule.getHandle(`${stage.tenant}:${kind}`);
  await stage.database.as('xianda_app').inTenant(stage.tenant, async (tx) => {
    await putSupplier(tx, 'farm', { name: 'farm', skus: ['apple'], leadDays: 1 });
    await putSupplier(tx, 'dairy', { name: 'dairy', skus: ['milk'], leadDays: 1 });
    await putSupplier(tx, 'harbour', { name: 'harbour', skus: ['fish', 'milk'], leadDays: 1 });
    const days = Array.from({ length: 28 }, (_, index) => addDays(dayFromToday(-1), -index));
    await importDemand(
      tx,
      days.flatMap((date) =>
        ['apple', 'milk'].map((sku) => ({ sku, region: 'east', date, units: 20, stockout: false })),
      ),
    );
  });
  await stage.startWorker();
});
afterAll(async () => {
  await expectCoherent(stage.database, { atLeast: { 17: 2 } });
  await stage.close();
});

/** The product's own declaration, at another pace. */
async function keep(spec: ScheduleKind['spec']): Promise<void> {
  const {
    temporalAddress: address = '',
    temporalNamespace: namespace,
    temporalTaskQueue: taskQueue,
  } = stage.config;
  const temporal = connectTemporal({ address, namespace, taskQueue });
  await createScheduleKeeper({
    db: stage.database.as('xianda_dispatch'),
    schedules: temporal.schedules,
    taskQueue,
    kinds: { [kind]: { ...scheduleKinds[kind], spec } },
    logger: silent,
  }).keep();
  await temporal.close();
}
const everyThreeSeconds = () => ({ intervals: [{ every: '3 seconds' }] });
const daily = () => scheduleKinds[kind].spec({ tenant: '', timeZone: 'Asia/Shanghai', language: 'en' });

const runs = async () =>
  (
    await stage.database.query<{ at: Date }>(
      'SELECT made_at AS at FROM forecast_run WHERE tenant = $1 ORDER BY made_at',
      [stage.tenant],
    )
  ).map(({ at }) => at.toISOString());
const sent = () =>
  stage.database.query<{ supplier: string; at: Date; lines: number; events: number }>(
    `SELECT f.supplier_id AS supplier, f.made_at AS at,
            (SELECT count(*)::int FROM supplier_forecast_line l WHERE l.tenant = f.tenant AND l.forecast_id = f.forecast_id) AS lines,
            (SELECT count(*)::int FROM event e WHERE e.tenant = f.tenant AND e.subject = f.forecast_id) AS events
       FROM supplier_forecast f WHERE tenant = $1 ORDER BY made_at, supplier_id`,
    [stage.tenant],
  );
const workflowIdAt = (at: string) => `${stage.tenant}:${kind}-${at.replace('.000Z', 'Z')}`;
const outcomeAt = (at: string) => stage.client.workflow.getHandle(workflowIdAt(at)).result();
/** The run that a trigger has just started. */
async function triggered(): Promise<string> {
  const before = (await schedule.describe()).info.numActionsTaken;
  await schedule.trigger();
  await eventually(async () => (await schedule.describe()).info.numActionsTaken > before);
  const [last] = (await schedule.describe()).info.recentActions.slice(-1);
  return last?.action.workflow.workflowId ?? '';
}

test('a run counts, looks ahead, and sends each supplier its part', async () => {
  await keep(daily);
  const workflowId = await triggered();
  const outcome = await stage.client.workflow.getHandle(workflowId).result();
  const [at = ''] = await runs();
  expect(outcome).toEqual({ scheduledAt: at, countedDays: 0, published: 3 });
  expect(workflowId).toBe(workflowIdAt(at));
  expect(await sent()).toEqual(
    suppliers.map((supplier) => ({
      supplier,
      at: new Date(at),
      lines: supplier === 'harbour' ? 28 : 14,
      events: 1,
    })),
  );
  await stage.keepHistory(workflowId, 'supplierForecast');
});

test('a tick that runs again changes nothing', async () => {
  const [at = ''] = await runs();
  const before = await sent();
  const once = await stage.client.workflow.getHandle(workflowIdAt(at)).describe();
  await keep(everyThreeSeconds);
  await schedule.pause('backfilling');
  await stage.client.workflow
    .start('supplierForecastWorkflow', {
      workflowId: `${workflowIdAt(at)}-by-hand`,
      taskQueue: stage.config.temporalTaskQueue,
      args: [{ tenant: stage.tenant, language: 'en' }],
      searchAttributes: { TemporalScheduledStartTime: [new Date(at)] },
    })
    .then((handle) => handle.result());
  expect(once.status.name).toBe('COMPLETED');
  expect(await sent()).toEqual(before);
  await keep(daily);
  await schedule.unpause('done');
}, 60_000);

test('ticks that no worker took: the one that waited and the newest are made up for, each as of its own time', async () => {
  await stage.stopWorkers();
  const before = await runs();
  await keep(everyThreeSeconds);
  const taken = async () => (await schedule.describe()).info;
  const start = (await taken()).numActionsTaken;
  await eventually(async () => (await taken()).numActionsTaken > start);
  const until = Date.now() + 7000;
  await eventually(() => Date.now() > until);
  await keep(daily);
  await stage.startWorker();
  await eventually(async () => (await runs()).length >= before.length + 1, 60_000);
  await eventually(async () => {
    const { info, raw } = await schedule.describe();
    return info.runningActions.length === 0 && Number(raw.info?.bufferSize ?? 0) === 0;
  }, 60_000);
  const madeUp = (await runs()).slice(before.length);
  for (const at of madeUp) {
    expect(Date.parse(at) % 3000).toBe(0);
    expect(await outcomeAt(at)).toMatchObject({ scheduledAt: at, published: 3 });
  }
  expect((await sent()).every(({ events }) => events === 1)).toBe(true);
}, 150_000);

test('a supplier that cannot be served does not stop the others; the run fails by its name', async () => {
  await stage.database.query(
    `CREATE FUNCTION refuse_farm() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
       RAISE EXCEPTION 'no farm' USING ERRCODE = 'check_violation'; END $$`,
  );
  await stage.database.query(
    `CREATE TRIGGER refuse_farm BEFORE INSERT ON supplier_forecast FOR EACH ROW WHEN (NEW.supplier_id = 'farm')
       EXECUTE FUNCTION refuse_farm()`,
  );
  const before = (await sent()).length;
  const workflowId = await triggered();
  await expect(stage.client.workflow.getHandle(workflowId).result()).rejects.toMatchObject({
    cause: { message: expect.stringContaining('farm'), type: 'SuppliersFailed' },
  });
  expect((await sent()).slice(before).map(({ supplier }) => supplier)).toEqual(['dairy', 'harbour']);
  await stage.keepHistory(workflowId, 'supplierForecastOneFailed');
  await stage.database.query('DROP TRIGGER refuse_farm ON supplier_forecast');
}, 60_000);

test('a worker killed in the middle: the next one finishes the run, once', async () => {
  await stage.stopWorkers();
  const before = { runs: (await runs()).length, sent: (await sent()).length };
  const child = await startWorkerChild(stage);
  // publishing waits for the lock, so that the worker dies after it has looked ahead and before it has sent anything
  const holder = new Connection({ connectionString: stage.database.url });
  await holder.connect();
  await holder.query('SELECT pg_advisory_lock(hashtextextended($1, 0))', [`xianda supply ${stage.tenant}`]);
  const workflowId = await triggered();
  await eventually(async () => (await runs()).length === before.runs + 1);
  const killed = new Promise((exit) => child.once('exit', exit));
  child.kill('SIGKILL');
  await killed;
  expect((await sent()).length).toBe(before.sent);
  await holder.end();
  await stage.startWorker();
  expect(await stage.client.workflow.getHandle(workflowId).result()).toMatchObject({ published: 3 });
  const after = (await sent()).slice(before.sent);
  expect(after.map(({ supplier, events }) => [supplier, events])).toEqual(suppliers.map((each) => [each, 1]));
  await stage.keepHistory(workflowId, 'supplierForecastAfterKill');
}, 150_000);
