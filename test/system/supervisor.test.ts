import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { findLiving, isAlive, readPidFile } from '../../src/dev/pidFile';
import { type StackRole, type TestStack, startStack } from '../support/stack';

jest.setTimeout(240_000);

let stack: TestStack;
beforeAll(async () => {
  stack = await startStack();
});
afterAll(() => stack.erase());

function allRecords() {
  const run = join(stack.home, 'run');
  return readdirSync(run).flatMap((file) => readPidFile(join(run, file)) ?? []);
}

test('everything in dev.json is alive and answers', async () => {
  const { pids, apiUrl, sandbox, tenants, temporalUiUrl } = stack.dev;
  const numbers = Object.values(pids).flat();
  expect(numbers).toHaveLength(9);
  for (const pid of numbers) expect(() => process.kill(pid as number, 0)).not.toThrow();
  const sandboxes = Object.values(sandbox).map((url) => `${url}/healthz`);
  for (const url of [`${apiUrl}/readyz`, ...sandboxes]) {
    expect((await fetch(url)).status).toBe(200);
  }
  expect((await fetch(temporalUiUrl as string)).status).toBe(200);
  const [{ keys }] = tenants as [(typeof tenants)[number]];
  const skus = await fetch(`${apiUrl}/v1/stock?limit=1`, {
    headers: { authorization: `Bearer ${keys.ops}` },
  });
  expect(skus.status).toBe(200);
});

test('the sandbox supplier has received, verified and answered a forecast', async () => {
  const { apiUrl, sandbox, tenants } = stack.dev;
  const [{ keys }] = tenants as [(typeof tenants)[number]];
  interface Received {
    accountId: string;
    verified: boolean;
    type: string;
    forecastIds: string[];
    answers: { status: number; ended: boolean }[];
  }
  const received = async () => {
    const { items } = (await (await fetch(`${sandbox.supplierUrl}/v1/received`)).json()) as {
      items: Received[];
    };
    return items.filter(({ answers }) => answers.some(({ ended }) => ended));
  };
  const items = await stack.waitUntil(
    async () => ((await received()).length >= 2 ? received() : null),
    'the answers of both suppliers',
    90_000,
  );
  for (const { accountId, verified, type, forecastIds, answers } of items) {
    expect({ verified, type, status: answers[0]?.status }).toEqual({
      verified: true,
      type: 'forecast.published',
      status: 200,
    });
    const supplierId = accountId.split(':')[1];
    const list = await fetch(`${apiUrl}/v1/suppliers/${supplierId}/forecasts`, {
      headers: { authorization: `Bearer ${keys.ops}` },
    });
    const forecast = (
      (await list.json()) as { items: { forecastId: string; lines: { confirmed?: number; p50: number }[] }[] }
    ).items.find((each) => forecastIds.includes(each.forecastId));
    expect(forecast?.lines.length).toBeGreaterThan(14);
    expect(forecast?.lines.every((line) => line.confirmed === line.p50)).toBe(true);
  }
  const berries = await fetch(`${apiUrl}/v1/forecasts?sku=strawberries&limit=200`, {
    headers: { authorization: `Bearer ${keys.ops}` },
  });
  const forecasts = ((await berries.json()) as { items: { basis: string; p90: number }[] }).items;
  expect(forecasts.every(({ basis, p90 }) => basis === 'history' && p90 > 0)).toBe(true);
});

test.each<Exclude<StackRole, 'supervisor'>>([
  'api',
  'worker',
  'dispatch',
  'sandbox-payment',
  'sandbox-carrier',
  'sandbox-supplier',
  'temporal',
  'postgres',
])('%s comes back after SIGKILL, on the same address, and dev.json tells its new pid', async (role) => {
  const before = stack.dev;
  const pid = findLiving(join(stack.home, 'run', `${role}.pid`))?.pid;
  await stack.killAndAwait(role);
  const after = stack.dev;
  expect({ ...after, pids: null }).toEqual({ ...before, pids: null });
  expect(Object.values(after.pids).flat()).not.toContain(pid);
  await stack.waitUntil(async () => (await fetch(`${after.apiUrl}/readyz`)).ok, 'the api to be ready');
});

test('a second start on the same home says who is first, and leaves it alone', async () => {
  const supervisor = stack.dev.pids.supervisor;
  await expect(startStack({ env: { XIANDA_HOME: stack.home } })).rejects.toThrow(
    new RegExp(`already running \\(process ${supervisor}\\)`),
  );
  expect((await fetch(`${stack.dev.apiUrl}/readyz`)).status).toBe(200);
});

test('a start after a killed supervisor ends its children and keeps the data', async () => {
  const before = stack.dev;
  const orphans = allRecords().filter(({ pid }) => pid !== before.pids.supervisor);
  stack.kill('supervisor');
  expect(orphans.filter(isAlive)).toHaveLength(8);
  await stack.start();
  expect(orphans.filter(isAlive)).toHaveLength(0);
  expect(stack.dev.databaseUrl).toBe(before.databaseUrl);
  expect(stack.dev.tenants).toEqual(before.tenants);
});

test('a stop leaves neither a process nor dev.json behind', async () => {
  const records = allRecords();
  expect(records).toHaveLength(9);
  expect(await stack.stop()).toBe(0);
  expect(records.filter(isAlive)).toHaveLength(0);
  expect(existsSync(join(stack.home, 'dev.json'))).toBe(false);
  expect(readdirSync(join(stack.home, 'run'))).toEqual([]);
});
