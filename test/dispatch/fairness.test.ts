import fc from 'fast-check';
import { type Claim, type ClaimedMessage, claimMessages, settleMessages } from '../../src/db/dispatch';
import { type TestDatabase, createTestDatabase } from '../support/database';
import { expectCoherent } from '../support/expectCoherent';
import { givenTenant } from '../support/fixtures';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(async () => {
  // orders that nobody has would be lost ones
  await database.query('DELETE FROM outbox');
  await expectCoherent(database, { mayBeEmpty: true });
  await database.drop();
});

interface Waiting {
  urgent?: number;
  soon?: number;
  patient?: number;
}

/** Messages as the parts that write them do, of orders that nobody has. */
async function givenMessages(tenant: string, { urgent = 0, soon = 0, patient = 0 }: Waiting): Promise<void> {
  await database.query(
    `INSERT INTO outbox (tenant, kind, subject, urgent)
     SELECT $1, 'startRefund', n, true FROM generate_series(1, $2) n
     UNION ALL SELECT $1, 'wakeWebhook', n, false FROM generate_series(1, $3) n
     UNION ALL SELECT $1, 'startOrder', n, false FROM generate_series(1, $4) n`,
    [tenant, urgent, soon, patient],
  );
}

const claim = (claim: Partial<Claim> = {}) =>
  claimMessages(database.as('xianda_dispatch'), {
    most: { urgent: 12, soon: 4, patient: 16 },
    total: 16,
    leaseSeconds: 30,
    ...claim,
  });

function countBy(messages: ClaimedMessage[], key: 'tenant' | 'precedence'): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const message of messages) counts[message[key]] = (counts[message[key]] ?? 0) + 1;
  return counts;
}

const settleAll = () => database.query('UPDATE outbox SET done_at = clock_timestamp() WHERE done_at IS NULL');
afterEach(settleAll);

test('fifty thousand messages of one tenant keep no other waiting, and cost the claim nothing', async () => {
  const [large, small] = [await givenTenant(database), await givenTenant(database)];
  await givenMessages(large, { soon: 10_000, patient: 40_000 });
  await givenMessages(small, { patient: 3 });
  const begunAt = performance.now();
  const { messages, cut } = await claim();
  expect(performance.now() - begunAt).toBeLessThan(500);
  expect(countBy(messages, 'tenant')[small]).toBe(3);
  expect(cut).toBe(true);
});

test('paid orders take most of a batch, what else waits has its share, unpaid orders what is left and never nothing', async () => {
  const tenant = await givenTenant(database);
  await givenMessages(tenant, { urgent: 100, soon: 100, patient: 100 });
  const { messages } = await claim();
  expect(countBy(messages, 'precedence')).toEqual({ urgent: 12, soon: 4, patient: 1 });
  expect(messages.map((message) => message.precedence).lastIndexOf('urgent')).toBe(11);
  const patiently = await claim({ most: { urgent: 12, soon: 4, patient: 0 } });
  expect(countBy(patiently.messages, 'precedence')).toEqual({ urgent: 12, soon: 4 });
});

test('with room for one, every tenant has its turn', async () => {
  const tenants = [await givenTenant(database), await givenTenant(database), await givenTenant(database)];
  for (const tenant of tenants) await givenMessages(tenant, { patient: 200 });
  const seen = new Set<string>();
  for (let round = 0; round < 100 && seen.size < 3; round += 1) {
    const { messages } = await claim({ most: { urgent: 0, soon: 0, patient: 1 } });
    expect(messages).toHaveLength(1);
    seen.add(messages[0]?.tenant as string);
  }
  expect([...seen].sort()).toEqual(tenants.sort());
});

test('whatever waits: nothing is claimed twice, no more than asked, no tenant has two more than another that waits', async () => {
  const tenants = [await givenTenant(database), await givenTenant(database), await givenTenant(database)];
  const some = fc.nat({ max: 12 });
  const waiting = fc.record({ urgent: some, soon: some, patient: some });
  await fc.assert(
    fc.asyncProperty(
      fc.tuple(waiting, waiting, waiting),
      fc.integer({ min: 1, max: 9 }),
      async (given, limit) => {
        await settleAll();
        for (const [index, tenant] of tenants.entries()) await givenMessages(tenant, given[index] as Waiting);
        const most = { urgent: 3 * limit, soon: limit, patient: 4 * limit };
        const { messages } = await claim({ most, total: 4 * limit });
        expect(messages.length).toBeLessThanOrEqual(4 * limit + 1);
        for (const precedence of ['urgent', 'soon'] as const) {
          const claimed = tenants.map(
            (tenant) =>
              messages.filter((each) => each.tenant === tenant && each.precedence === precedence).length,
          );
          const left = given.map((each, index) => each[precedence] - (claimed[index] as number));
          const hungry = claimed.filter((_, index) => (left[index] as number) > 0);
          if (hungry.length > 0) expect(Math.max(...claimed) - Math.min(...hungry)).toBeLessThanOrEqual(1);
          expect(claimed.reduce((sum, each) => sum + each)).toBeLessThanOrEqual(most[precedence]);
        }
        const again = await claim({ most, total: 4 * limit });
        const keys = [...messages, ...again.messages].map((each) => each.outboxId);
        expect(new Set(keys).size).toBe(keys.length);
      },
    ),
    { numRuns: 40 },
  );
});

test('what failed is given back and what was told is not: settling twice changes nothing', async () => {
  const tenant = await givenTenant(database);
  await givenMessages(tenant, { urgent: 2 });
  const { messages } = await claim();
  const [told, failed] = messages as [ClaimedMessage, ClaimedMessage];
  const db = database.as('xianda_dispatch');
  const settle = () =>
    settleMessages(db, [
      { ...told, againInSeconds: null },
      { ...failed, againInSeconds: 0 },
    ]);
  await settle();
  await settle();
  const { messages: again } = await claim();
  expect(again.map((message) => [message.outboxId, message.attempts])).toEqual([[failed.outboxId, 2]]);
});
