import type { PaymentNotice } from '../../src/db/payment';
import { createDatabase, type Database } from '../../src/db/transaction';
import { createBatcher } from '../../src/intake/batcher';
import { createTill, type Till } from '../../src/intake/till';
import { decideMoney, digestOf, type Journey } from '../db/orderJourney';
import { type Cutter, createCutter } from '../support/cutter';
import { createTestDatabase, type TestDatabase } from '../support/database';
import { expectCoherent } from '../support/expectCoherent';
import { givenBigShop, givenOrdersAt, type Placed, type Stage } from './twinShops';

let database: TestDatabase;
let cutter: Cutter;
let behindCutter: Database;
let shop: Journey;

beforeAll(async () => {
  database = await createTestDatabase();
  cutter = await createCutter(database.url);
  behindCutter = createDatabase({ url: cutter.url, role: 'xianda_app' });
  shop = await givenBigShop(database);
});
afterAll(async () => {
  await decideMoney(database);
  await expectCoherent(database);
  await behindCutter.close();
  await cutter.close();
  await database.drop();
});

const tillOn = (db: Database): Till => {
  const batcher = createBatcher({ lanes: 4, lanesOfTenant: 2, mostInBatch: 100, mostWaiting: 10 });
  return createTill({ batcher, lanes: db, db });
};
const orders = (stages: Stage[]) => givenOrdersAt(database, shop, stages);
const open = (count: number) => orders(Array.from({ length: count }, () => 'open' as const));

function noticeOf({ orderId, totalFen }: Placed, given: Partial<PaymentNotice> = {}): PaymentNotice {
  return {
    tenant: shop.tenant,
    provider: 'sandbox',
    notificationId: `n-${orderId}`,
    transactionId: `t-${orderId}`,
    orderId,
    amountFen: totalFen,
    paidAt: new Date(),
    bodyDigest: digestOf(orderId),
    ...given,
  };
}

async function moneyOf(placed: Placed[]) {
  return database.query<{ state: string; paid: number; payments: number; signals: number }>(
    `SELECT o.state, o.paid_fen::integer AS paid,
            (SELECT count(*)::integer FROM payment p WHERE p.tenant = o.tenant AND p.order_id = o.order_id) AS payments,
            (SELECT count(*)::integer FROM outbox b
              WHERE b.tenant = o.tenant AND b.subject = o.order_id AND b.kind = 'signalOrder') AS signals
       FROM orders o WHERE o.order_id = ANY($1)`,
    [placed.map(({ orderId }) => orderId)],
  );
}

test('a burst of payments is booked in few transactions, each once, and none is turned away', async () => {
  const placed = await open(60);
  let transactions = 0;
  const counting: Database = {
    ...shop.db,
    inTenant: (tenant, work) => {
      transactions += 1;
      return shop.db.inTenant(tenant, work);
    },
  };
  const till = tillOn(counting);
  const told = placed.flatMap((order) => [noticeOf(order), noticeOf(order)]);
  const kinds = (await Promise.all(told.map((notice) => till.book(notice)))).map(({ kind }) => kind);
  expect(kinds.filter((kind) => kind === 'booked')).toHaveLength(60);
  expect(kinds.filter((kind) => kind === 'repeated')).toHaveLength(60);
  expect(transactions).toBeLessThanOrEqual(3);
});

test('a notice that cannot be booked fails alone', async () => {
  const placed = await open(9);
  const till = tillOn(shop.db);
  const told = placed.map((order) => noticeOf(order));
  const poison = noticeOf(placed[0] as Placed, { notificationId: 'poison', transactionId: 'nul \0' });
  told.splice(4, 0, poison);
  const answers = await Promise.allSettled(told.map((notice) => till.book(notice)));
  expect(answers.map((each) => (each.status === 'fulfilled' ? each.value.kind : 'failed'))).toEqual(
    told.map((notice) => (notice === poison ? 'failed' : 'booked')),
  );
});

test('payments whose commit was answered by silence are booked once, and their callers learn it', async () => {
  const placed = await open(20);
  const till = tillOn(behindCutter);
  const cut = cutter.cutNextCommit();
  const answers = await Promise.all(placed.map((order) => till.book(noticeOf(order))));
  await cut;
  expect(new Set(answers.map(({ kind }) => kind))).toEqual(new Set(['repeated']));
  for (const row of await moneyOf(placed))
    expect(row).toEqual({ state: 'paid', paid: 3000, payments: 1, signals: 1 });
});

test('cancels whose commit was answered by silence are done once', async () => {
  const placed = await open(20);
  const till = tillOn(behindCutter);
  const cut = cutter.cutNextCommit();
  const cancel = ({ orderId }: Placed) =>
    till.cancel({ tenant: shop.tenant, orderId, reason: 'test', actor: 'buyer' });
  expect(new Set((await Promise.all(placed.map(cancel))).map((answer) => answer?.outcome))).toEqual(
    new Set(['done']),
  );
  await cut;
  for (const row of await moneyOf(placed))
    expect(row).toEqual({ state: 'cancelled', paid: 0, payments: 0, signals: 1 });
});

test('two processes that are told and asked the same end every order once', async () => {
  const placed = await open(30);
  const tills = [tillOn(shop.db), tillOn(shop.db)];
  const cancels = await Promise.all(
    tills.flatMap((till) => [
      ...placed.map((order) => till.book(noticeOf(order))),
      ...placed.map(({ orderId }) =>
        till.cancel({ tenant: shop.tenant, orderId, reason: 'test', actor: 'buyer' }),
      ),
    ]),
  );
  expect(cancels).toHaveLength(120);
  for (const row of await moneyOf(placed))
    expect(row).toMatchObject({ state: 'cancelled', paid: 3000, payments: 1 });
});

test('cancels of all stages at once: what is paid goes its own way', async () => {
  const placed = await orders(['open', 'due', 'paid', 'planned', 'expired', 'cancelled']);
  const till = tillOn(shop.db);
  const asked = [...placed.map(({ orderId }) => orderId), 'nobody'];
  const answers = await Promise.all(
    asked.map((orderId) => till.cancel({ tenant: shop.tenant, orderId, reason: 'test', actor: 'buyer' })),
  );
  const done = { outcome: 'done' };
  expect(answers).toEqual([done, done, done, done, { outcome: 'tooLate' }, done, null]);
  const refunds = await database.query('SELECT 1 FROM refund WHERE order_id = ANY($1)', [asked]);
  expect(refunds).toHaveLength(2);
});
