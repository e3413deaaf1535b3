import { isUnavailable } from '../../src/db/transaction';
import { createTestDatabase, type TestDatabase } from '../support/database';

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
