import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { recountFromApi } from '../../src/dev/demo/readJournal';
import { isAlive, readPidFile } from '../../src/dev/pidFile';
import { drawPort } from '../../src/dev/ports';
import { type StackRole, type TestStack, openStack } from '../support/stack';
import { type Brand, hotUnits, seedBrand, skus } from './brand';
import { type Buyer, type Sale, allSettled, carryRuns, isSettled, lookAt, sendBuyer } from './buyers';

jest.setTimeout(240_000);

type Role = Exclude<StackRole, 'supervisor'>;

const entry = join(__dirname, '..', '..', 'dist', 'main.js');
/** Intake must not notice while these are down: it stands on the api and PostgreSQL alone. */
const behindIntake = ['worker', 'dispatch', 'temporal'] as const;
const buyersPerKill = 60;
const msBetweenBuyers = 60;

let stack: TestStack;
let brand: Brand;
const buyers: Buyer[] = [];

beforeAll(async () => {
  stack = await openStack({ env: { SANDBOX_CARRIER_AUTO: 'on', PAYMENT_WINDOW_SECONDS: '6' } });
  const control = await fetch(`${stack.dev.sandbox.carrierUrl}/v1/control`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ stepSeconds: 0.2 }),
  });
  expect(control.status).toBeLessThan(300);
  brand = await seedBrand(stack, 'faults');
});

afterAll(async () => {
  brand?.api.close();
  brand?.payments.close();
  await stack?.erase();
});

/** Buyers keep coming, one after the other, until what was killed serves again and enough have come. */
async function sellWhileKilling(...roles: Role[]): Promise<Sale[]> {
  let serveAgain = false;
  const mine: Buyer[] = [];
  const killing = (async () => {
    await stack.waitUntil(() => mine.length >= buyersPerKill / 6, 'the first buyers');
    await Promise.all(roles.map((role) => stack.killAndAwait(role)));
  })().finally(() => {
    serveAgain = true;
  });
  while (mine.length < buyersPerKill || (!serveAgain && mine.length < 3 * buyersPerKill)) {
    const buyer = sendBuyer(brand, buyers.length);
    buyers.push(buyer);
    mine.push(buyer);
    await new Promise((resume) => setTimeout(resume, msBetweenBuyers));
  }
  await killing;
  return Promise.all(mine.map(({ answered }) => answered));
}

test.each(behindIntake)('every request is answered at once while %s is down', async (role) => {
  const sales = await sellWhileKilling(role);
  expect(sales.filter(({ attempts, status }) => attempts > 1 || status >= 500)).toEqual([]);
});

test.each<[what: string, ...roles: Role[]]>([
  ['api', 'api'],
  ['postgres', 'postgres'],
  ['all of them at once', 'api', 'postgres', ...behindIntake],
])('every buyer gets an answer in the end although SIGKILL took %s', async (_what, ...roles) => {
  const resentBefore = brand.api.retries();
  const sales = await sellWhileKilling(...roles);
  expect(sales.filter(({ status, refusal }) => status > 201 && refusal !== 'sold-out')).toEqual([]);
  // the blow was felt: else this would show nothing
  expect(brand.api.retries()).toBeGreaterThan(resentBefore);
});

test('every acknowledged order is there, and delivered, ended with its money back, or in attention', async () => {
  const all = await allSales();
  const settled = async () => {
    await carryRuns(brand);
    return allSettled(brand, all);
  };
  await stack.waitUntil(settled, 'all orders to settle', 60_000).catch((error: Error) => {
    const open = all.filter((sale) => sale.orderId !== undefined && !isSettled(sale));
    const told = open.slice(0, 5).map(({ behaviour, chargedFen, view }) => ({ behaviour, chargedFen, view }));
    throw new Error(`${error.message}: ${open.length} are open, such as ${JSON.stringify(told)}`);
  });
  const accepted = all.filter(({ orderId }) => orderId !== undefined);
  expect(accepted.length).toBeGreaterThan(behindIntake.length * 30);
  for (const sale of accepted) expect((await lookAt(brand, sale)).externalId).toBe(sale.externalId);
  expect(all.filter(({ repeat }) => repeat === 'different')).toEqual([]);
  expect((await listOrderIds()).sort()).toEqual(accepted.map(({ orderId }) => orderId as string).sort());
  const states = new Set(accepted.map(({ view }) => view?.state));
  expect([...states]).toEqual(expect.arrayContaining(['delivered', 'expired', 'cancelled']));
});

const allSales = () => Promise.all(buyers.map(({ done }) => done));

/** All that exists, so that an order which nobody was told of is found too. */
async function listOrderIds(): Promise<string[]> {
  const ids: string[] = [];
  let cursor = '';
  do {
    const path = `/v1/orders?limit=200${cursor && `&cursor=${encodeURIComponent(cursor)}`}`;
    const { body } = await brand.api.send('GET', path, { key: brand.keys.ops });
    const page = body as { items: { orderId: string }[]; nextCursor: string | null };
    ids.push(...page.items.map(({ orderId }) => orderId));
    cursor = page.nextCursor ?? '';
  } while (cursor !== '');
  return ids;
}

test('nothing is oversold: neither by the journal, nor by what the orders say', async () => {
  const recount = await recountFromApi(brand.api, brand.keys.ops, skus);
  expect(recount).toMatchObject({ oversoldUnits: 0, unbalancedLots: [] });
  expect(recount.movements).toBeGreaterThan(skus.length * 2);
  const all = await allSales();
  const sold = all.flatMap(({ view }) => view?.shipments ?? []).filter(({ state }) => state !== 'cancelled');
  const hot = sold.flatMap(({ lots }) => lots).filter(({ sku }) => sku === 'hot');
  expect(hot.reduce((units, { quantity }) => units + quantity, 0)).toBeLessThanOrEqual(hotUnits);
  expect(all.filter(({ refusal }) => refusal === 'sold-out').length).toBeGreaterThan(0);
});

test('the doctor finds nothing', async () => {
  const examine = () => spawnDoctor();
  let last = examine();
  await stack
    .waitUntil(
      () => last.status === 0 || ((last = examine()), last.status === 0),
      'a coherent report',
      20_000,
    )
    .catch(() => undefined);
  expect({ status: last.status, report: last.stdout }).toMatchObject({ status: 0 });
  const { checks } = JSON.parse(last.stdout) as { checks: { invariant: number; rowsSeen: number }[] };
  expect(checks.find(({ invariant }) => invariant === 12)?.rowsSeen).toBeGreaterThan(0);
});

function spawnDoctor() {
  const env = { ...process.env, XIANDA_HOME: stack.home, DATABASE_URL: '', TEMPORAL_ADDRESS: '' };
  return spawnSync(process.execPath, [entry, 'doctor', '--json'], { env, encoding: 'utf8' });
}

test('a second api joins the first', async () => {
  const port = await drawPort();
  const env = { ...process.env, XIANDA_HOME: stack.home, DATABASE_URL: '', TEMPORAL_ADDRESS: '' };
  const second = spawn(process.execPath, [entry, 'api', '--port', String(port)], { env, stdio: 'ignore' });
  const ended = new Promise<number | null>((resolve) => second.once('exit', resolve));
  try {
    const ready = () =>
      fetch(`http://127.0.0.1:${port}/readyz`).then(
        ({ ok }) => ok,
        () => false,
      );
    await stack.waitUntil(ready, 'the second api');
    const sale = (await allSales()).find(({ orderId }) => orderId !== undefined) as Sale;
    const answer = await fetch(`http://127.0.0.1:${port}/v1/orders/${sale.orderId}`, {
      headers: { authorization: `Bearer ${brand.keys.channel}` },
    });
    expect(await answer.json()).toMatchObject({ externalId: sale.externalId });
  } finally {
    second.kill('SIGTERM');
  }
  expect(await ended).toBe(0);
});

test('no request failed for a reason that the api does not know', () => {
  const lines = readFileSync(join(stack.home, 'logs', 'api.log'), 'utf8').split('\n');
  expect(lines.filter((line) => line.includes('"request failed"'))).toEqual([]);
});

test('a stop after all that leaves nothing behind', async () => {
  const run = join(stack.home, 'run');
  const records = readdirSync(run).flatMap((file) => readPidFile(join(run, file)) ?? []);
  const told = Object.values(stack.dev.pids).flat();
  expect(records.map(({ pid }) => pid)).toEqual(expect.arrayContaining(told));
  expect(await stack.stop()).toBe(0);
  expect(records.filter(isAlive)).toEqual([]);
  expect(existsSync(join(stack.home, 'dev.json'))).toBe(false);
});
