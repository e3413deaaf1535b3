import fc from 'fast-check';
import { type CancelRequest, cancelUnpaid, type UnpaidCancel } from '../../src/db/cancel';
import { givenBigShop, givenOrdersAt, type Placed, remains, someStage } from '../intake/twinShops';
import { createTestDatabase, type TestDatabase } from '../support/database';
import { expectCoherent } from '../support/expectCoherent';
import { decideMoney, type Journey } from './orderJourney';

let database: TestDatabase;
/** One cancels in batches, the other one order at a time. */
let batched: Journey;
let single: Journey;

beforeAll(async () => {
  database = await createTestDatabase();
  batched = await givenBigShop(database);
  single = await givenBigShop(database);
});
afterAll(async () => {
  await decideMoney(database);
  await expectCoherent(database);
  await database.drop();
});

const someCancel = fc.record({
  /** Of the orders; nobody's when there are fewer. */
  order: fc.nat({ max: 5 }),
  reason: fc.constantFrom('changed my mind', 'too slow'),
  actor: fc.constantFrom('buyer', 'ops'),
});
type Cancel = typeof someCancel extends fc.Arbitrary<infer T> ? T : never;

function requestsOf({ tenant }: Journey, orders: Placed[], cancels: Cancel[]): CancelRequest[] {
  return cancels.map(({ order, ...why }) => ({
    tenant,
    orderId: orders[order]?.orderId ?? 'nobody',
    ...why,
  }));
}

async function cancelOneAtATime(requests: CancelRequest[]): Promise<UnpaidCancel[]> {
  const answers: UnpaidCancel[] = [];
  for (const request of requests) answers.push(...(await cancelUnpaid(single.db, single.tenant, [request])));
  return answers;
}

it('cancels a batch as it would have cancelled them one at a time', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(someStage, { minLength: 1, maxLength: 5 }),
      fc.array(someCancel, { minLength: 1, maxLength: 8 }),
      async (stages, cancels) => {
        const theirs = await givenOrdersAt(database, batched, stages);
        const ours = await givenOrdersAt(database, single, stages);
        const answers = await cancelUnpaid(batched.db, batched.tenant, requestsOf(batched, theirs, cancels));
        expect(answers).toEqual(await cancelOneAtATime(requestsOf(single, ours, cancels)));
        expect(await remains(database, batched, { orders: theirs, prefix: 'none' })).toBe(
          await remains(database, single, { orders: ours, prefix: 'none' }),
        );
      },
    ),
    { numRuns: 40 },
  );
});
