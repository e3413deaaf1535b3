import type { ScheduleHandle } from '@temporalio/client';
import { type ScheduleKind, scheduleKinds } from '../../src/dispatch/scheduleKinds';
import { createScheduleKeeper } from '../../src/dispatch/schedules';
import { connectTemporal } from '../../src/dispatch/temporal';
import { silent } from '../dispatch/support';
import { expectCoherent } from '../support/expectCoherent';
import { givenCampaign, givenPaidOrder, givenSku } from '../support/fixtures';
import { type Stage, eventually, openStage } from './support/stage';
import { startWorkerChild } from './support/workerChild';

let stage: Stage;
let schedule: ScheduleHandle;
const kind = 'presale-aggregation';

beforeAll(async () => {
  stage = await openStage();
  await givenSku(stage.database, stage.tenant, { sku: 'pear' });
  await givenCampaign(stage.database, stage.tenant, { sku: 'pear', quotas: { east: 500 } });
  schedule = stage.client.schedule.getHandle(`${stage.tenant}:${kind}`);
});
afterAll(async () => {
  await expectCoherent(stage.database, { atLeast: { 13: 1 } });
  await stage.close();
});

/** The product's own declaration, at another pace. */
async function keep(
  spec: ScheduleKind['spec'],
  changes: Partial<ScheduleKind['policies']> = {},
): Promise<void> {
  const {
    temporalAddress: address = '',
    temporalNamespace: namespace,
    temporalTaskQueue: taskQueue,
  } = stage.config;
  const temporal = connectTemporal({ address, namespace, taskQueue });
  const declared = scheduleKinds[kind];
  const policies = { ...declared.policies, ...changes };
  await createScheduleKeeper({
    db: stage.database.as('xianda_dispatch'),
    schedules: temporal.schedules,
    taskQueue,
    kinds: { [kind]: { ...declared, spec, policies } },
    logger: silent,
  }).keep();
  await temporal.close();
}
const everySecond = () => ({ intervals: [{ every: '1 second' }] });
const never = () => scheduleKinds[kind].spec({ tenant: '', timeZone: 'UTC', language: 'en' });

interface Row {
  at: string;
  made: string;
  committed: number;
}
const rows = () =>
  stage.database.query<Row>(
    `SELECT to_char(scheduled_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS at, made_at::text AS made,
            committed FROM presale_aggregation WHERE tenant = $1 ORDER BY scheduled_at`,
    [stage.tenant],
  );
const sell = (quantity: number) =>
  givenPaidOrder(stage.database, stage.tenant, {
    lines: [{ sku: 'pear', quantity, supply: 'presale', campaignId: 'early' }],
  });
const workflowIdAt = (at: string) => `${stage.tenant}:${kind}-${at}`;
const startedBy = async () => (await schedule.describe()).info.numActionsTaken;
/** Nothing runs and no tick waits for its turn. */
const isIdle = async () => {
  const { info, raw } = await schedule.describe();
  return info.runningActions.length === 0 && Number(raw.info?.bufferSize ?? 0) === 0;
};
/** Seconds between two instants, both included. */
function secondsFrom(first: string, last: string): string[] {
  const seconds: string[] = [];
  for (let at = Date.parse(first); at <= Date.parse(last); at += 1000)
    seconds.push(new Date(at).toISOString().replace('.000Z', 'Z'));
  return seconds;
}

test('a triggered run counts what was paid just before, and shows a table', async () => {
  await keep(never);
  await stage.startWorker();
  await sell(3);
  await schedule.trigger();
  await eventually(async () => (await rows()).length === 1);
  const [row] = await rows();
  expect(row?.committed).toBe(3);
  const workflowId = workflowIdAt(row?.at ?? '');
  const handle = stage.client.workflow.getHandle(workflowId);
  expect(await handle.result()).toEqual({ scheduledAt: row?.at.replace('Z', '.000Z'), campaigns: 1 });
  const described = await handle.describe();
  expect(described.searchAttributes).toMatchObject({
    Tenant: [stage.tenant],
    TemporalScheduledById: [schedule.scheduleId],
  });
  await stage.keepHistory(workflowId, 'presaleAggregated');
});

test('while no worker is there ticks wait, and each writes its own instant when one comes', async () => {
  await stage.stopWorkers();
  const before = (await rows()).length;
  await keep(everySecond);
  const begun = await startedBy();
  await eventually(async () => (await startedBy()) > begun);
  const sold = await sell(5);
  await eventually(async () => (await schedule.describe()).info.runningActions.length > 0);
  const until = Date.now() + 4000;
  await eventually(() => Date.now() > until);
  await keep(never);
  expect(await rows()).toHaveLength(before);
  await stage.startWorker();
  await eventually(async () => (await rows()).length >= before + 4 && (await isIdle()), 60_000);
  const caughtUp = (await rows()).slice(before);
  // no tick is skipped, none is written twice, and none under another's instant
  expect(caughtUp.map(({ at }) => at)).toEqual(secondsFrom(caughtUp[0]?.at ?? '', caughtUp.at(-1)?.at ?? ''));
  const [paid] = await stage.database.query<{ paid: Date }>(
    'SELECT ended_at AS paid FROM quota_hold WHERE order_id = $1',
    [sold.orderId],
  );
  for (const { at, committed } of caughtUp) {
    expect([at, committed]).toEqual([at, Date.parse(at) + 1000 > (paid?.paid.getTime() ?? 0) ? 8 : 3]);
  }
  expect(caughtUp.at(-1)?.committed).toBe(8);
}, 120_000);

test('a tick that runs again, by a backfill, changes nothing', async () => {
  const before = await rows();
  const [first, last] = [before.at(-3)?.at ?? '', before.at(-1)?.at ?? ''];
  await sell(7);
  const runs = () =>
    Promise.all(
      secondsFrom(first, last).map(async (at) => {
        const { runId, status } = await stage.client.workflow.getHandle(workflowIdAt(at)).describe();
        return { runId, status: status.name };
      }),
    );
  const once = await runs();
  // paused, so that nothing but the backfill runs; a change of the declaration keeps the pause
  await schedule.pause('backfilling');
  await keep(everySecond);
  await schedule.backfill({
    start: new Date(Date.parse(first) - 500),
    end: new Date(Date.parse(last) + 500),
    overlap: 'ALLOW_ALL',
  });
  await eventually(async () => {
    const again = await runs();
    return again.every(({ runId, status }, index) => runId !== once[index]?.runId && status === 'COMPLETED');
  }, 60_000);
  expect(await rows()).toEqual(before);
  await keep(never);
  await schedule.unpause('backfilled');
}, 120_000);

test('a worker killed in the middle of a run: the next one finishes it, once', async () => {
  await stage.stopWorkers();
  await keep(never);
  for (let index = 0; index < 30; index += 1) {
    await givenCampaign(stage.database, stage.tenant, {
      sku: 'pear',
      campaignId: `many-${index}`,
      quotas: { east: 900 },
    });
  }
  const child = await startWorkerChild(stage);
  const latest = () =>
    stage.database.query<{ at: Date; campaigns: number }>(
      `SELECT scheduled_at AS at, count(*)::int AS campaigns FROM presale_aggregation WHERE tenant = $1
        AND campaign_id LIKE 'many-%' GROUP BY scheduled_at`,
      [stage.tenant],
    );
  // the pool's lock holds the run up after its first campaigns
  await schedule.trigger();
  await eventually(async () => ((await latest())[0]?.campaigns ?? 0) > 0);
  const killed = new Promise((exit) => child.once('exit', exit));
  child.kill('SIGKILL');
  await killed;
  const [half] = await latest();
  expect(half?.campaigns).toBeLessThan(30);
  await stage.startWorker();
  await eventually(async () => (await latest())[0]?.campaigns === 30, 90_000);
  expect(await latest()).toHaveLength(1);
  const [running] = (await schedule.describe()).info.recentActions.slice(-1);
  const workflowId = running?.action.workflow.workflowId ?? '';
  expect(await stage.client.workflow.getHandle(workflowId).result()).toMatchObject({ campaigns: 31 });
  await stage.keepHistory(workflowId, 'presaleAggregatedAfterKill');
}, 150_000);
