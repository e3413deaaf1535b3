import fc from 'fast-check';
import { type Booking, bookPayments, type PaymentNotice } from '../../src/db/payment';
import { decideMoney, digestOf, type Journey } from '../db/orderJourney';
import { createTestDatabase, type TestDatabase } from '../support/database';
import { expectCoherent } from '../support/expectCoherent';
import { givenBigShop, givenOrdersAt, type Placed, remains, someStage } from './twinShops';

let database: TestDatabase;
/** One is told in batches, the other one notice at a time. */
let batched: Journey;
let single: Journey;
let runs = 0;

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

const someTold = fc.record({
  /** Of the orders; nobody's when there are fewer. */
  order: fc.nat({ max: 4 }),
  transaction: fc.nat({ max: 4 }),
  notification: fc.nat({ max: 6 }),
  wrongAmount: fc.constantFrom(false, false, false, true),
});
type Told = typeof someTold extends fc.Arbitrary<infer T> ? T : never;

function noticesOf({ tenant }: Journey, orders: Placed[], told: Told[]): PaymentNotice[] {
  return told.map(({ order, transaction, notification, wrongAmount }) => {
    const { orderId, totalFen } = orders[order] ?? { orderId: 'nobody', totalFen: 1 };
    return {
      tenant,
      provider: 'sandbox',
      notificationId: `r${runs}-n${notification}`,
      transactionId: `r${runs}-t${transaction}`,
      orderId,
      amountFen: wrongAmount ? totalFen + 1 : totalFen,
      paidAt: new Date('2026-11-24T08:00:00Z'),
      bodyDigest: digestOf(`${order} ${transaction} ${wrongAmount}`),
    };
  });
}

async function bookOneAtATime(notices: PaymentNotice[]): Promise<Booking[]> {
  const bookings: Booking[] = [];
  for (const notice of notices) bookings.push(...(await bookPayments(single.db, single.tenant, [notice])));
  return bookings;
}

test('what batches do is what the notices would have done one at a time', async () => {
  const someBatches = fc.array(fc.array(someTold, { minLength: 1, maxLength: 8 }), {
    minLength: 1,
    maxLength: 3,
  });
  await fc.assert(
    fc.asyncProperty(
      fc.array(someStage, { minLength: 1, maxLength: 4 }),
      someBatches,
      async (stages, batches) => {
        runs += 1;
        const prefix = `r${runs}-`;
        const theirs = await givenOrdersAt(database, batched, stages);
        const ours = await givenOrdersAt(database, single, stages);
        for (const told of batches) {
          const answers = await bookPayments(batched.db, batched.tenant, noticesOf(batched, theirs, told));
          expect(answers).toEqual(await bookOneAtATime(noticesOf(single, ours, told)));
        }
        expect(await remains(database, batched, { orders: theirs, prefix })).toBe(
          await remains(database, single, { orders: ours, prefix }),
        );
      },
    ),
    { numRuns: 40 },
  );
});

test('batches that meet each other, in whatever order, apply every transaction once', async () => {
  const orders = await givenOrdersAt(
    database,
    batched,
    Array.from({ length: 12 }, () => 'open' as const),
  );
  runs += 1;
  const told = orders.flatMap((_, order) =>
    [0, 1].map((again) => ({
      order,
      transaction: order,
      notification: order * 2 + again,
      wrongAmount: false,
    })),
  );
  const notices = noticesOf(batched, orders, told);
  const batches = [notices, [...notices].reverse(), notices.slice(6), [...notices].reverse().slice(9)];
  const answers = await Promise.all(batches.map((each) => bookPayments(batched.db, batched.tenant, each)));
  const kinds = answers.flat().map(({ kind }) => kind);
  expect(kinds.filter((kind) => kind === 'booked')).toHaveLength(orders.length);
  expect(new Set(kinds)).toEqual(new Set(['booked', 'repeated']));
});

test('one transaction told of two orders at once is booked for one and shown for the other', async () => {
  const [apple, ice] = [
    await batched.place({ lines: [{ sku: 'apple', quantity: 1 }] }),
    await batched.place({ lines: [{ sku: 'ice', quantity: 1 }] }),
  ];
  for (let round = 0; round < 5; round += 1) {
    runs += 1;
    const told = [0, 1].map((order) => ({ order, transaction: 0, notification: order, wrongAmount: false }));
    const [one, other] = noticesOf(batched, [apple, ice], told) as [PaymentNotice, PaymentNotice];
    // no stock in common: they meet at the payment's key alone
    const answers = await Promise.all(
      [one, other].map((notice) => bookPayments(batched.db, batched.tenant, [notice])),
    );
    expect(answers.flat().filter(({ kind }) => kind === 'parked')).toHaveLength(1);
  }
});
