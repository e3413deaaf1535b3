import type { DatabaseRole } from '../../src/db/transaction';
import { createTestDatabase, type TestDatabase } from '../support/database';
import { givenWorld, type World } from '../doctor/broken/world';

let database: TestDatabase;
let ours: World;
let theirs: World;
beforeAll(async () => {
  database = await createTestDatabase();
  ours = await givenWorld(database);
  theirs = await givenWorld(database);
});
afterAll(() => database.drop());

interface TableRow {
  name: string;
  has_tenant: boolean;
}

async function listTables(): Promise<TableRow[]> {
  return database.query<TableRow>(
    `SELECT c.relname AS name, EXISTS (SELECT 1 FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'tenant') AS has_tenant
       FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND c.relname <> 'schema_migration'
      ORDER BY c.relname`,
  );
}

test('every table has row-level security, forced, and every tenant’s table the policies of tenant and checker', async () => {
  const bare = await database.query(
    `SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND relname <> 'schema_migration'
        AND NOT (relrowsecurity AND relforcerowsecurity)`,
  );
  expect(bare).toEqual([]);
  const policies = await database.query<{
    tablename: string;
    policyname: string;
    qual: string;
    with_check: string | null;
  }>(`SELECT tablename, policyname, qual, with_check FROM pg_policies WHERE schemaname = 'public'`);
  const tables = await listTables();
  expect(tables.length).toBeGreaterThan(35);
  for (const { name, has_tenant } of tables) {
    const own = policies.filter((policy) => policy.tablename === name);
    expect([name, own.length]).toEqual([name, expect.any(Number)]);
    expect(own.map((policy) => policy.policyname)).toContain('checker_reads_all');
    if (!has_tenant) continue;
    const tenantPolicy = own.find((policy) => policy.policyname === 'own_tenant');
    expect([name, tenantPolicy?.qual, tenantPolicy?.with_check]).toEqual([
      name,
      '(tenant = current_tenant())',
      '(tenant = current_tenant())',
    ]);
  }
});

test('only tables of the platform are without tenant', async () => {
  expect((await listTables()).filter((table) => !table.has_tenant).map((table) => table.name)).toEqual([
    'platform_attention',
  ]);
});

test('the application sees nothing while no tenant is bound, and only its own when one is', async () => {
  const app = database.as('xianda_app');
  let seen = 0;
  for (const { name, has_tenant } of (await listTables()).filter((table) => table.has_tenant)) {
    expect(has_tenant).toBe(true);
    const unbound = await app.inTransaction((tx) => tx.query(`SELECT 1 FROM ${name} LIMIT 1`));
    expect([name, unbound.rowCount]).toEqual([name, 0]);
    const bound = await app.inTenant(ours.tenant, (tx) =>
      tx.query<{ tenant: string }>(`SELECT DISTINCT tenant FROM ${name}`),
    );
    seen += bound.rowCount;
    expect([name, bound.rows.filter((row) => row.tenant !== ours.tenant)]).toEqual([name, []]);
  }
  expect(seen).toBeGreaterThan(15);
});

test('the application writes into no other tenant', async () => {
  const app = database.as('xianda_app');
  const foreign = (text: string) => app.inTenant(ours.tenant, (tx) => tx.query(text, [theirs.tenant]));
  await expect(foreign(`INSERT INTO category (tenant, category) VALUES ($1, 'x')`)).rejects.toThrow(
    /row-level security/,
  );
  await expect(
    foreign(`INSERT INTO stock_movement (tenant, batch_id, position, kind, sku, site_id, lot_id, on_hand, cause_kind, cause_id, actor)
             VALUES ($1, gen_random_uuid(), 1, 'received', 'apple', 'central', 'lot-30d', 5, 'receipt', 'x', 'x')`),
  ).rejects.toThrow(/row-level security/);
  expect((await foreign(`UPDATE sku SET price_fen = 1 WHERE tenant = $1`)).rowCount).toBe(0);
  expect((await foreign(`UPDATE orders SET buyer_ref = 'x' WHERE tenant = $1`)).rowCount).toBe(0);
});

test.each([
  `UPDATE stock_balance SET on_hand = on_hand + 1`,
  `INSERT INTO stock_balance (tenant, sku, site_id, lot_id) SELECT tenant, sku, site_id, 'x' FROM stock_balance LIMIT 1`,
  `DELETE FROM stock_balance`,
  `UPDATE stock_movement SET actor = 'x'`,
  `DELETE FROM stock_movement`,
  `TRUNCATE stock_movement`,
  `UPDATE stock_batch SET movement_count = 0`,
  `DELETE FROM stock_batch`,
  `INSERT INTO stock_seal SELECT * FROM stock_seal`,
  `DELETE FROM unsealed_batch`,
  `UPDATE stock_receipt SET reference = 'x'`,
  `DELETE FROM orders`,
  `DELETE FROM hold`,
  `DELETE FROM payment`,
  `UPDATE order_event SET kind = 'x'`,
  `DELETE FROM shipment_event`,
  `INSERT INTO tenant (tenant, name) VALUES ('x', 'x')`,
  `UPDATE api_key SET role = 'ops'`,
  `ALTER TABLE stock_balance DISABLE ROW LEVEL SECURITY`,
  `SET LOCAL session_replication_role = replica`,
])('the application may not: %s', async (statement) => {
  await expect(database.as('xianda_app').inTenant(ours.tenant, (tx) => tx.query(statement))).rejects.toThrow(
    /permission denied|must be owner/,
  );
});

/** An order like the shop's own but for what is said, by the superuser's hand. */
const orderLike = (columns: string, values: string) =>
  database.query(
    `INSERT INTO orders (tenant, order_id, channel, external_id, body_digest, answer, state, buyer_ref, delivery_method,
                         total_fen, freight_fen, paid_fen, ship_by, deliver_by, expires_at, placed_on, ${columns})
     SELECT tenant, 'another', channel, 'another', body_digest, answer, state, buyer_ref, delivery_method,
            total_fen, freight_fen, paid_fen, ship_by, deliver_by, expires_at, placed_on, ${values}
       FROM orders WHERE order_id = $1`,
    [ours.unpaidId],
  );

test('an order goes to a community and a point that are there, and both stay', async () => {
  for (const column of ['community_id', 'pickup_point_id'])
    await expect(orderLike(column, `'nowhere'`)).rejects.toThrow(/I11 a row of orders points to no/);
  for (const table of ['community', 'pickup_point']) {
    await expect(database.query(`DELETE FROM ${table} WHERE false`)).rejects.toThrow(/I11 .* never deleted/);
    await expect(database.query(`UPDATE ${table} SET ${table}_id = ${table}_id || 'x'`)).rejects.toThrow(
      /I11 a row of .* keeps its keys/,
    );
    await expect(database.query(`UPDATE orders SET ${table}_id = 'nowhere'`)).rejects.toThrow(
      /keeps its keys/,
    );
  }
});

test('an event’s id is 1 to 64 letters, digits, hyphens and underscores', async () => {
  const emit = (id: string) =>
    database.query(
      `INSERT INTO event (tenant, event_id, type, subject, data) VALUES ($1, $2, 'stock.test', 'x', '{}')`,
      [ours.tenant, id],
    );
  for (const id of ['', 'a b', 'a\n', 'é', 'a.b', 'x'.repeat(65)])
    await expect(emit(id)).rejects.toMatchObject({ constraint: 'event_event_id_check' });
  await emit('a-Z_0');
  await emit('x'.repeat(64));
});

test('even the superuser’s own hand is stopped at the books, and at steps outside of the graphs', async () => {
  await expect(database.query(`UPDATE stock_movement SET actor = 'x'`)).rejects.toThrow(
    /I2 stock_movement is append-only/,
  );
  await expect(database.query('DELETE FROM stock_batch')).rejects.toThrow(/I2 stock_batch is append-only/);
  await expect(
    database.query(`UPDATE orders SET state = 'delivered' WHERE order_id = $1`, [ours.unpaidId]),
  ).rejects.toThrow(/I9/);
  await expect(
    database.query('UPDATE stock_balance SET held = on_hand + 1 WHERE tenant = $1', [ours.tenant]),
  ).rejects.toThrow(/i3_no_oversell/);
});

test('each role of the machine has its own narrow sight', async () => {
  const count = async (role: DatabaseRole, table: string) =>
    database
      .as(role)
      .inTransaction(
        async (tx) =>
          (await tx.query<{ n: number }>(`SELECT count(*)::bigint AS n FROM ${table}`)).rows[0]?.n ?? 0,
      );
  expect(await count('xianda_dispatch', 'orders')).toBe(8);
  await expect(count('xianda_dispatch', 'recipient')).rejects.toThrow(/permission denied/);
  await expect(count('xianda_dispatch', 'stock_balance')).rejects.toThrow(/permission denied/);
  expect(await count('xianda_sealer', 'stock_batch')).toBeGreaterThan(8);
  await expect(count('xianda_sealer', 'orders')).rejects.toThrow(/permission denied/);
  await expect(count('xianda_platform', 'orders')).rejects.toThrow(/permission denied/);
  expect(await count('xianda_checker', 'orders')).toBe(8);
  await expect(
    database.as('xianda_checker').inTransaction((tx) => tx.query(`UPDATE orders SET buyer_ref = 'x'`)),
  ).rejects.toThrow(/permission denied/);
});

test('every check looks with its caller’s eyes', async () => {
  const views = await database.query<{ relname: string; reloptions: string[] | null }>(
    `SELECT relname, reloptions FROM pg_class WHERE relkind = 'v' AND relnamespace = 'public'::regnamespace AND relname <> 'check_blind_spots'`,
  );
  expect(views.length).toBeGreaterThan(15);
  for (const view of views)
    expect([view.relname, view.reloptions]).toEqual([view.relname, ['security_invoker=true']]);
  expect(await database.query('SELECT * FROM check_blind_spots')).toEqual([]);
});

test('a table without the checker’s policy is a blind spot', async () => {
  await database.query('CREATE TABLE forgotten (tenant text PRIMARY KEY)');
  await database.query('ALTER TABLE forgotten ENABLE ROW LEVEL SECURITY');
  await database.query('GRANT SELECT ON forgotten TO xianda_checker');
  expect(await database.query('SELECT * FROM check_blind_spots')).toEqual([{ table_name: 'forgotten' }]);
  await database.query('DROP TABLE forgotten');
});
