import { createHash } from 'node:crypto';
import { sealBatches } from '../../src/db/seal';
import { sealAll } from '../../src/dispatch/sealer';
import { type TestDatabase, createTestDatabase } from '../support/database';
import { expectCoherent } from '../support/expectCoherent';
import { givenSite, givenSku, givenStock, givenTenant } from '../support/fixtures';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(async () => {
  await expectCoherent(database, { sealerRuns: true });
  await database.drop();
});

const stop = new AbortController().signal;

async function givenBatches(count: number): Promise<string> {
  const tenant = await givenTenant(database);
  await givenSite(database, tenant);
  await givenSku(database, tenant);
  for (let index = 0; index < count; index += 1) await givenStock(database, tenant, { quantity: 1 });
  return tenant;
}

async function expectChain(tenant: string, length: number): Promise<void> {
  const seals = await database.query<{
    position: number;
    batch_id: string;
    previous: Buffer;
    hash: Buffer;
    sha256: Buffer;
  }>(
    `SELECT s.position, s.batch_id, s.previous, s.hash, b.sha256 FROM stock_seal s
       JOIN stock_batch b USING (tenant, batch_id) WHERE s.tenant = $1 ORDER BY s.position`,
    [tenant],
  );
  expect(seals.map((seal) => Number(seal.position))).toEqual(Array.from({ length }, (_, index) => index + 1));
  let previous = Buffer.alloc(32);
  for (const seal of seals) {
    expect(seal.previous).toEqual(previous);
    const bytes = Buffer.from(seal.batch_id.replaceAll('-', ''), 'hex');
    previous = createHash('sha256').update(previous).update(bytes).update(seal.sha256).digest();
    expect(seal.hash).toEqual(previous);
  }
}

test('every tenant gets one chain of all its batches', async () => {
  const one = await givenBatches(5);
  const two = await givenBatches(3);
  await sealAll(database.as('xianda_sealer'), stop);
  await expectChain(one, 5);
  await expectChain(two, 3);
  await givenStock(database, one, { quantity: 1 });
  await sealAll(database.as('xianda_sealer'), stop);
  await expectChain(one, 6);
  expect(await database.query('SELECT 1 FROM unsealed_batch')).toEqual([]);
});

test('several sealers at once make one chain', async () => {
  const tenant = await givenBatches(20);
  const sealer = database.as('xianda_sealer');
  const sealed = await Promise.all(Array.from({ length: 6 }, () => sealBatches(sealer, tenant)));
  expect(sealed.reduce((sum, count) => sum + count, 0)).toBe(20);
  await expectChain(tenant, 20);
});

test('a backlog is worked off at thousands of batches a second', async () => {
  const tenant = await givenBatches(1);
  // 5,000 batches as the journal's trigger would write them, in one statement each batch of its own
  await database.query(
    `INSERT INTO stock_movement (tenant, batch_id, position, kind, sku, site_id, lot_id, on_hand, cause_kind, cause_id, actor)
     SELECT $1, gen_random_uuid(), 1, 'received', 'apple', 'central', 'lot-30d', 1, 'receipt', 'many', 'test'
       FROM generate_series(1, 5000)`,
    [tenant],
  );
  const begun = Date.now();
  await sealAll(database.as('xianda_sealer'), stop);
  const seconds = (Date.now() - begun) / 1000;
  const [row] = await database.query<{ count: string }>('SELECT count(*) FROM stock_seal WHERE tenant = $1', [
    tenant,
  ]);
  expect(Number(row?.count)).toBe(5001);
  expect(seconds).toBeLessThan(10);
});
