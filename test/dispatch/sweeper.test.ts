import { sweep } from '../../src/dispatch/sweeper';
import { type TestDatabase, createTestDatabase } from '../support/database';
import { expectCoherent } from '../support/expectCoherent';
import { givenNetwork, givenSku, givenStock, givenTenant } from '../support/fixtures';
import { givenOrder } from '../support/orderFixtures';
import { silent } from './support';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(async () => {
  await expectCoherent(database);
  await database.drop();
});

/** A tenant with unpaid orders whose holds are due. */
async function givenDueOrders(count: number): Promise<string> {
  const tenant = await givenTenant(database);
  await givenNetwork(database, tenant);
  await givenSku(database, tenant);
  await givenStock(database, tenant);
  for (let index = 0; index < count; index += 1) await givenOrder(database, tenant);
  for (const table of ['orders', 'hold'])
    await database.query(
      `UPDATE ${table} SET expires_at = clock_timestamp() - interval '1 second' WHERE tenant = '${tenant}'`,
    );
  return tenant;
}

async function countExpired(tenant: string): Promise<number> {
  const rows = await database.query(`SELECT 1 FROM orders WHERE tenant = '${tenant}' AND state = 'expired'`);
  return rows.length;
}

test('a tenant with more than fits into one round keeps no other waiting', async () => {
  const tenants = [await givenDueOrders(3), await givenDueOrders(3)];
  const round = () =>
    sweep({
      dispatchDb: database.as('xianda_dispatch'),
      appDb: database.as('xianda_app'),
      logger: silent,
      paymentWindowSeconds: 1800,
      atOnce: { orders: 2, offers: 2, waits: 2 },
    });
  expect(await round()).toBe('more');
  expect(await Promise.all(tenants.map(countExpired))).toEqual([2, 2]);
  expect(await round()).toBe('idle');
  expect(await Promise.all(tenants.map(countExpired))).toEqual([3, 3]);
});
