import { drawPort } from '../../src/dev/ports';
import { keepWatch } from '../../src/doctor/keepWatch';
import { askReadiness } from '../../src/metrics';
import { sealBooks } from '../support/expectCoherent';
import { type TestDatabase, createTestDatabase } from '../support/database';
import { givenNetwork, givenSku, givenStock, givenTenant } from '../support/fixtures';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
  const tenant = await givenTenant(database);
  await givenNetwork(database, tenant);
  await givenSku(database, tenant);
  await givenStock(database, tenant);
  await sealBooks(database);
});
afterAll(() => database.drop());

const findings = async (port: number, invariant: number) => {
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  const line = new RegExp(`^xianda_doctor_findings\\{invariant="${invariant}"\\} (\\d+)$`, 'm').exec(text);
  return line === null ? undefined : Number(line[1]);
};

test('the doctor’s watch shows what each look finds', async () => {
  const metricsPort = await drawPort();
  const watch = await keepWatch(
    {
      mode: 'development',
      metricsPort,
      logLevel: 'silent',
      databaseUrl: database.url,
      temporalAddress: undefined,
      temporalNamespace: 'default',
      temporalTaskQueue: 'nobody',
      sandboxPaymentSecret: '',
      sandboxCarrierSecret: '',
    },
    { everySeconds: 1 },
  );
  try {
    expect(await askReadiness(metricsPort)).toMatchObject({ ok: true });
    expect(await findings(metricsPort, 1)).toBe(0);
    // somebody with more right than the product moves a balance past the journal
    await database.query(
      'SET session_replication_role = replica; UPDATE stock_balance SET on_hand = on_hand + 1; SET session_replication_role = origin',
    );
    while ((await findings(metricsPort, 2)) === 0) await new Promise((resume) => setTimeout(resume, 100));
    expect(await findings(metricsPort, 2)).toBeGreaterThan(0);
  } finally {
    await watch.close();
  }
});

test('a doctor that cannot see the database is not well, and shows no finding', async () => {
  const metricsPort = await drawPort();
  const watch = await keepWatch(
    {
      mode: 'development',
      metricsPort,
      logLevel: 'silent',
      databaseUrl: 'postgres://postgres@127.0.0.1:1/none',
      temporalAddress: undefined,
      temporalNamespace: 'default',
      temporalTaskQueue: 'nobody',
      sandboxPaymentSecret: '',
      sandboxCarrierSecret: '',
    },
    { everySeconds: 60 },
  );
  try {
    expect(await askReadiness(metricsPort)).toMatchObject({ ok: false });
    expect(await findings(metricsPort, 1)).toBeUndefined();
  } finally {
    await watch.close();
  }
});
