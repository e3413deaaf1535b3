import { Client } from 'pg';
import { askReadiness } from '../../src/metrics';
import { drawPort } from '../../src/dev/ports';
import { runApi } from '../../src/api/server';
import { createLogger } from '../../src/log';
import { type TestDatabase, createTestDatabase } from '../support/database';
import { carrierSecret, paymentSecret, platformKey, usualLimits } from './support/apiUnderTest';

let database: TestDatabase;
let metricsPort: number;
beforeAll(async () => {
  database = await createTestDatabase();
  metricsPort = await drawPort();
});
afterAll(() => database.drop());

const start = () =>
  runApi(
    {
      mode: 'production',
      port: 0,
      publicUrl: 'http://api.test',
      databaseUrl: database.url,
      paymentWindowSeconds: 1800,
      personalDataKeys: [{ id: 'test', key: Buffer.alloc(32, 7) }],
      platformKey,
      sandboxPaymentSecret: paymentSecret,
      sandboxCarrierSecret: carrierSecret,
      logLevel: 'silent',
      metricsPort,
      stopGraceSeconds: 6,
      limits: usualLimits,
    },
    { port: 0, log: createLogger({ role: 'api', level: 'silent' }) },
  );

/** Asks once a connection, as whoever spreads the load does. */
const ask = async (url: string) => (await fetch(url, { headers: { connection: 'close' } })).status;

const countWaiting = async () => {
  const rows = await database.query<{ count: string }>(
    `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
  );
  return Number(rows[0]?.count);
};

async function until(condition: () => Promise<boolean>): Promise<void> {
  const end = Date.now() + 20_000;
  while (!(await condition())) {
    if (Date.now() > end) throw new Error(`did not happen: ${condition.toString()}`);
    await new Promise((resume) => setTimeout(resume, 50));
  }
}

test('an api that is told to stop says so first, answers meanwhile, and finishes what it has begun', async () => {
  const api = await start();
  const url = api.url.replace('0.0.0.0', '127.0.0.1');
  expect(await ask(`${url}/readyz`)).toBe(200);
  expect(await askReadiness(metricsPort)).toMatchObject({ ok: true });

  // a tenant's row is locked, so that the request which wants it is under way for as long as we like
  const put = () =>
    fetch(`${url}/v1/tenants/slow`, {
      method: 'PUT',
      headers: { authorization: `Bearer ${platformKey}`, 'content-type': 'application/json' },
      body: JSON.stringify({ name: 'slow' }),
    });
  expect((await put()).status).toBe(200);
  const holder = new Client({ connectionString: database.url });
  await holder.connect();
  await holder.query("BEGIN; UPDATE tenant SET name = name WHERE tenant = 'slow'");
  const underWay = put();
  await until(async () => (await countWaiting()) > 0);

  const closed = api.close();
  expect(await ask(`${url}/readyz`)).toBe(503);
  expect(await askReadiness(metricsPort)).toEqual({ ok: false, reason: 'stopping' });
  // whoever has not heard of it yet is answered all the same
  expect(await ask(`${url}/healthz`)).toBe(200);

  await until(() =>
    ask(`${url}/healthz`).then(
      () => false,
      () => true,
    ),
  );
  await holder.end();
  expect((await underWay).status).toBe(200);
  await closed;
});
