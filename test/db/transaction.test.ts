import { createDatabase, isUnavailable } from '../../src/db/transaction';
import { createTestDatabase, type TestDatabase } from '../support/database';
import { givenTenant } from '../support/fixtures';

let database: TestDatabase;

beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

test('a connection that breaks within a transaction means "try later", ends no process, and is replaced', async () => {
  const db = database.as('xianda_app');
  const broken = db.inTenant('anybody', async (tx) => {
    const { rows } = await tx.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
    await database.query('SELECT pg_terminate_backend($1)', [rows[0]?.pid]);
    // the first query may meet the server's last word, the next a client that knows it is cut off
    await tx.query('SELECT 1').catch(() => undefined);
    await tx.query('SELECT 1');
  });
  const error: unknown = await broken.catch((reason: unknown) => reason);
  expect(isUnavailable(error)).toBe(true);
  const { rows } = await db.inTenant('anybody', (tx) => tx.query<{ one: number }>('SELECT 1 AS one'));
  expect(rows).toEqual([{ one: 1 }]);
});

test('statements are planned anew as the tables grow', async () => {
  const db = createDatabase({ url: database.url, role: 'xianda_app', maxConnections: 1 });
  const tenant = await givenTenant(database);
  const find = 'SELECT channel FROM orders WHERE tenant = $1 AND order_id = $2';
  const plan = () =>
    db.inTenant(tenant, async (tx) => {
      // a plan that no parameter is known to is kept after the fifth time
      for (let time = 0; time < 6; time += 1) await tx.query(find, [tenant, 'o1']);
      const [prepared] = (
        await tx.query<{ name: string }>('SELECT name FROM pg_prepared_statements WHERE statement = $1', [
          find,
        ])
      ).rows;
      const { rows } = await tx.query<Record<string, string>>(
        `EXPLAIN EXECUTE "${prepared?.name}" ('t', 'o')`,
      );
      return rows.map((row) => row['QUERY PLAN']).join('\n');
    });
  expect(await plan()).not.toContain('orders_pkey');
  await database.query(
    `INSERT INTO orders (tenant, order_id, channel, external_id, body_digest, answer, state, buyer_ref, delivery_method,
                         total_fen, freight_fen, ship_by, deliver_by, placed_on)
     SELECT $1, 'o' || n, 'shop', n, '', '{}', 'cancelled', 'buyer', 'express', 0, 0, now(), now(), now()
       FROM generate_series(1, 5000) n`,
    [tenant],
  );
  // within a second; else the test's own time ends it
  while (!(await plan()).includes('orders_pkey'));
  await db.close();
});
