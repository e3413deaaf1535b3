import type { ScheduleDescription } from '@temporalio/client';
import type { ScheduleKind } from '../../src/dispatch/scheduleKinds';
import { type ScheduleKeeper, createScheduleKeeper } from '../../src/dispatch/schedules';
import { connectTemporal } from '../../src/dispatch/temporal';
import { givenTenant } from '../support/fixtures';
import { testTemporal } from '../support/servers';
import { type DispatchStage, openDispatchStage, openDoor, silent } from './support';

let stage: DispatchStage;
beforeAll(async () => {
  stage = await openDispatchStage();
});
afterAll(() => stage.close());

const daily: ScheduleKind = {
  workflowType: 'nobodyWorkflow',
  texts: {
    zh: { purpose: '每夜三点：什么都不做。', summary: '空跑' },
    en: { purpose: 'Every night at three: nothing, for a test.', summary: 'nothing' },
  },
  spec: ({ timeZone }) => ({ calendars: [{ hour: 3 }], timezone: timeZone }),
  policies: { overlap: 'BUFFER_ONE', catchupWindow: '2 hours' },
};

const called = (summary: string): ScheduleKind => ({
  ...daily,
  texts: { ...daily.texts, zh: { ...daily.texts.zh, summary } },
});

const keeper = (kinds: Record<string, ScheduleKind>, changes: object = {}): ScheduleKeeper =>
  createScheduleKeeper({
    db: stage.database.as('xianda_dispatch'),
    schedules: stage.temporal.schedules,
    taskQueue: stage.taskQueue,
    kinds,
    logger: silent,
    ...changes,
  });
const handle = (kind: string, tenant = stage.tenant) => stage.client.schedule.getHandle(`${tenant}:${kind}`);
const describe_ = (kind: string, tenant = stage.tenant): Promise<ScheduleDescription> =>
  handle(kind, tenant).describe();
const listed = async () =>
  (await stage.temporal.schedules.list()).filter(({ tenant }) => tenant === stage.tenant);

async function until(condition: () => Promise<boolean>): Promise<void> {
  const end = Date.now() + 20_000;
  while (!(await condition())) {
    if (Date.now() > end) throw new Error(`did not happen: ${condition.toString()}`);
    await new Promise((resume) => setTimeout(resume, 50));
  }
}

/** A round that the server refuses, being asked too much at once, is made again, as the loop does. */
const keepOn = (kinds: Record<string, ScheduleKind>) => {
  const one = keeper(kinds);
  return until(() =>
    one.keep().then(
      () => true,
      () => false,
    ),
  );
};

test('every tenant has every kind, in its own time zone, with words an ops person reads', async () => {
  await keeper({ daily }).keep();
  const made = await describe_('daily');
  expect(made).toMatchObject({
    policies: { overlap: 'BUFFER_ONE', catchupWindow: 7_200_000 },
    spec: { timezone: 'Asia/Shanghai' },
    state: { paused: false, note: daily.texts.zh.purpose },
    memo: { what: daily.texts.zh.purpose },
    action: {
      workflowType: 'nobodyWorkflow',
      workflowId: `${stage.tenant}:daily`,
      taskQueue: stage.taskQueue,
      args: [{ tenant: stage.tenant, language: 'zh' }],
      staticSummary: `空跑 · ${stage.tenant}`,
    },
  });
  expect(made.searchAttributes.Tenant).toEqual([stage.tenant]);
  const next = made.info.nextActionTimes[0] as Date;
  expect(next.toISOString()).toMatch(/T19:00:00.000Z$/);
});

test('several keepers at once, and again, change nothing', async () => {
  const before = await describe_('daily');
  await Promise.all([1, 2, 3].map(() => keepOn({ daily })));
  expect((await describe_('daily')).info).toEqual(before.info);
});

test('several keepers at once make one schedule', async () => {
  const together = called('together');
  await Promise.all([1, 2, 3].map(() => keepOn({ daily, together })));
  expect((await describe_('together')).action.staticSummary).toBe(`together · ${stage.tenant}`);
  await handle('together').delete();
});

test('a changed declaration is brought in, and a pause with its reason stays', async () => {
  await handle('daily').pause('paused by ops:k1: harvest is late');
  const changed = {
    ...called('changed'),
    policies: { ...daily.policies, catchupWindow: '3 hours' },
  };
  await keeper({ daily: changed }).keep();
  expect(await describe_('daily')).toMatchObject({
    policies: { catchupWindow: 10_800_000 },
    state: { paused: true, note: 'paused by ops:k1: harvest is late' },
    action: { staticSummary: `changed · ${stage.tenant}` },
  });
  await handle('daily').unpause('go on');
  await keeper({ daily }).keep();
  expect((await describe_('daily')).state).toMatchObject({ paused: false, note: daily.texts.zh.purpose });
});

test('a running keeper takes in a new tenant, a changed time zone and another language', async () => {
  const running = keeper({ daily });
  await running.keep();
  const other = await givenTenant(stage.database, { tenant: `${stage.tenant}-two` });
  await stage.database.query(
    `UPDATE tenant SET time_zone = 'Europe/Berlin', language = 'en' WHERE tenant = $1`,
    [stage.tenant],
  );
  await running.keep();
  expect((await describe_('daily', other)).searchAttributes.Tenant).toEqual([other]);
  expect(await describe_('daily')).toMatchObject({
    spec: { timezone: 'Europe/Berlin' },
    action: { staticSummary: `nothing · ${stage.tenant}` },
  });
  await stage.database.query(`UPDATE tenant SET language = 'zh' WHERE tenant = $1`, [stage.tenant]);
});

test('what somebody deleted by hand is made again', async () => {
  const before = (await describe_('daily')).info.createdAt;
  await handle('daily').delete();
  await until(async () => (await listed()).length === 0);
  await keeper({ daily }).keep();
  expect((await describe_('daily')).info.createdAt.getTime()).toBeGreaterThan(before.getTime());
});

test('a kind that is declared no more goes when a keeper starts, another installation’s stays', async () => {
  const old = called('old');
  const running = keeper({ daily, old });
  await running.keep();
  await until(async () => (await listed()).some(({ kind }) => kind === 'old'));
  const elsewhere = connectTemporal({ ...testTemporal(), taskQueue: 'elsewhere' });
  await keeper({ daily }, { schedules: elsewhere.schedules, taskQueue: 'elsewhere' }).keep();
  await elsewhere.close();
  await expect(describe_('old')).resolves.toBeDefined();
  await keeper({ daily }).keep();
  await expect(describe_('old')).rejects.toThrow('not found');
  // the older version, still running, does not bring it back within its round, nor takes anything away
  await running.keep();
  await expect(describe_('daily')).resolves.toBeDefined();
});

test('Temporal that is away fails the round, and the next one makes up for it', async () => {
  const door = await openDoor(testTemporal().address);
  const behind = connectTemporal({
    address: door.address,
    namespace: testTemporal().namespace,
    taskQueue: stage.taskQueue,
  });
  await door.shut();
  const late = called('late');
  const waiting = keeper({ daily, late }, { schedules: behind.schedules });
  await expect(waiting.keep()).rejects.toThrow();
  await door.open();
  await until(() =>
    waiting.keep().then(
      () => true,
      () => false,
    ),
  );
  expect((await describe_('late')).action.staticSummary).toBe(`late · ${stage.tenant}`);
  await behind.close();
  await door.shut();
});
