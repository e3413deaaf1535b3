import { readConfig } from '../../src/config';
import { type RunningDispatch, runDispatch } from '../../src/dispatch/run';
import { startLoop } from '../../src/dispatch/loop';
import { expectCoherent } from '../support/expectCoherent';
import { givenOrder } from '../support/fixtures';
import { testTemporal } from '../support/servers';
import { type DispatchStage, openDispatchStage, openDoor, silent } from './support';

let stage: DispatchStage;
const running: RunningDispatch[] = [];

async function start(databaseUrl: string, temporalAddress: string): Promise<RunningDispatch> {
  const dispatch = await runDispatch(configure(databaseUrl, temporalAddress));
  running.push(dispatch);
  return dispatch;
}

beforeAll(async () => {
  stage = await openDispatchStage();
});
const stopAll = () => Promise.all(running.splice(0).map((dispatch) => dispatch.close()));
afterEach(stopAll);
afterAll(async () => {
  await expectCoherent(stage.database);
  await stage.close();
});

const configure = (databaseUrl: string, temporalAddress: string) =>
  readConfig(
    {
      XIANDA_MODE: 'development',
      XIANDA_HOME: '/nonexistent',
      DATABASE_URL: databaseUrl,
      TEMPORAL_ADDRESS: temporalAddress,
      TEMPORAL_NAMESPACE: testTemporal().namespace,
      TEMPORAL_TASK_QUEUE: stage.taskQueue,
      LOG_LEVEL: 'silent',
    },
    { joinRunning: false },
  );

async function until(condition: () => Promise<boolean>): Promise<void> {
  const end = Date.now() + 40_000;
  while (!(await condition())) {
    if (Date.now() > end) throw new Error(`did not happen: ${condition.toString()}`);
    await new Promise((resume) => setTimeout(resume, 100));
  }
}

const stateOf = async (orderId: string) => {
  const [row] = await stage.database.query<{ state: string }>(
    'SELECT state FROM orders WHERE order_id = $1',
    [orderId],
  );
  return row?.state;
};

test('holds end while neither a worker nor Temporal is there', async () => {
  const door = await openDoor(testTemporal().address);
  await door.shut();
  const { orderId } = await givenOrder(stage.database, stage.tenant, { paymentWindowSeconds: 1 });
  await start(stage.database.url, door.address);
  await until(async () => (await stateOf(orderId)) === 'expired');
  await until(async () => (await stage.database.query('SELECT 1 FROM unsealed_batch')).length === 0);
  await door.open();
  await until(async () => (await stage.pending()) === 0);
  expect(await stage.standing(orderId)).toBe('none');
  const begun = Date.now();
  await stopAll();
  expect(Date.now() - begun).toBeLessThan(5000);
  await door.shut();
});

test('a database that goes and comes back is waited for', async () => {
  const address = new URL(stage.database.url);
  const door = await openDoor(address.host);
  address.host = door.address;
  await start(address.href, testTemporal().address);
  const first = await givenOrder(stage.database, stage.tenant);
  await until(async () => (await stage.standing(first.orderId)) === 'running');
  await door.shut();
  const second = await givenOrder(stage.database, stage.tenant);
  await new Promise((resume) => setTimeout(resume, 500));
  expect(await stage.standing(second.orderId)).toBe('none');
  await door.open();
  await until(async () => (await stage.standing(second.orderId)) === 'running');
  await stopAll();
  await door.shut();
});

test('a loop that fails goes on, and stops at once when closed', async () => {
  let rounds = 0;
  const loop = startLoop({
    name: 'test',
    everyMs: 10,
    logger: silent,
    round: async () => {
      rounds += 1;
      if (rounds < 3) throw new Error('not yet');
      return 'idle';
    },
  });
  await until(async () => rounds > 5);
  const begun = Date.now();
  await loop.close();
  expect(Date.now() - begun).toBeLessThan(500);
});
