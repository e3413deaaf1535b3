import { expireDueOrders, expireOrder } from '../../src/db/expiry';
import { decideLateMoney } from '../../src/db/lateMoney';
import { confirmRefund } from '../../src/db/refund';
import type { Intake } from '../../src/intake/intake';
import { createTestDatabase, type TestDatabase } from '../support/database';
import { expectCoherent } from '../support/expectCoherent';
import { givenNetwork, givenSku, givenStock, givenTenant } from '../support/fixtures';
import { accepted, intakeOn, letHoldsEnd, orderFor, pay } from './support';

let database: TestDatabase;
let intake: Intake;
let tenant: string;

beforeAll(async () => {
  database = await createTestDatabase();
  intake = intakeOn(database);
});
afterAll(async () => {
  await expectCoherent(database);
  await database.drop();
});
beforeEach(async () => {
  tenant = await givenTenant(database);
  await givenSku(database, tenant);
  await givenNetwork(database, tenant);
  await givenStock(database, tenant, { quantity: 10 });
});

const place = async (request = orderFor()) => accepted(await intake.place(tenant, request, 'test'));
const db = () => database.as('xianda_app');
const money = (transactionId: string) => ({ tenant, provider: 'sandbox', transactionId });

async function orderRow(orderId: string) {
  const [row] = await database.query(
    'SELECT state, paid_fen::int AS paid, refunded_fen::int AS refunded, run, late_outcome AS late FROM orders WHERE tenant = $1 AND order_id = $2',
    [tenant, orderId],
  );
  return row;
}

async function balance() {
  const [row] = await database.query(
    'SELECT on_hand::int, held::int, committed::int FROM stock_balance WHERE tenant = $1',
    [tenant],
  );
  return row;
}

test('money in time commits the hold, once however often it is told', async () => {
  const order = await place();
  const told = await Promise.all(
    Array.from({ length: 5 }, (_, index) =>
      pay(database, tenant, order, { transactionId: 't', notificationId: `n${index}` }),
    ),
  );
  expect(told.map(({ kind }) => kind).sort()).toEqual([
    'booked',
    'repeated',
    'repeated',
    'repeated',
    'repeated',
  ]);
  expect(await orderRow(order.orderId)).toEqual({
    state: 'paid',
    paid: 1990,
    refunded: 0,
    run: 1,
    late: null,
  });
  expect(await balance()).toEqual({ on_hand: 10, held: 0, committed: 1 });
});

test('the same notification with another body is a conflict and is shown', async () => {
  const order = await place();
  await pay(database, tenant, order, { notificationId: 'n', transactionId: 't1' });
  expect((await pay(database, tenant, order, { notificationId: 'n', transactionId: 't2' })).kind).toBe(
    'conflict',
  );
  const reasons = await database.query('SELECT reason FROM attention WHERE tenant = $1', [tenant]);
  expect(reasons).toEqual([{ reason: 'conflictingNotice' }]);
});

test('money of another amount is parked and shown, never applied', async () => {
  const order = await place();
  expect((await pay(database, tenant, order, { amountFen: 1 })).kind).toBe('parked');
  expect(await orderRow(order.orderId)).toMatchObject({ state: 'awaitingPayment', paid: 0 });
  expect((await pay(database, tenant, order)).kind).toBe('booked');
});

test('money for nobody is told to the caller and leaves nothing', async () => {
  expect((await pay(database, tenant, { orderId: 'nope', totalFen: 1 })).kind).toBe('unknownOrder');
  expect((await pay(database, 'nobody', { orderId: 'nope', totalFen: 1 }, { tenant: 'nobody' })).kind).toBe(
    'unknownTenant',
  );
  const rows = await database.query('SELECT 1 FROM payment_notification WHERE tenant = $1', [tenant]);
  expect(rows).toHaveLength(0);
});

test('at the very end of the hold, payment and sweeper have one winner', async () => {
  for (let round = 0; round < 10; round += 1) {
    const order = await place();
    await database.query(
      `UPDATE orders SET expires_at = clock_timestamp() + interval '15 ms' WHERE tenant = $1 AND order_id = $2`,
      [tenant, order.orderId],
    );
    await database.query(
      `UPDATE hold SET expires_at = (SELECT expires_at FROM orders o WHERE o.tenant = hold.tenant AND o.order_id = hold.order_id) WHERE tenant = $1 AND order_id = $2`,
      [tenant, order.orderId],
    );
    const [booking] = await Promise.all([
      pay(database, tenant, order),
      expireDueOrders(db(), tenant, 100),
      expireDueOrders(db(), tenant, 100),
    ]);
    await expireOrder(db(), tenant, order.orderId);
    const row = await orderRow(order.orderId);
    expect([booking.kind, row?.state]).toEqual(
      booking.kind === 'booked' ? ['booked', 'paid'] : ['late', 'expired'],
    );
  }
});

test('late money takes the goods again if they are there, exactly once', async () => {
  const order = await place();
  await letHoldsEnd(database, tenant, order.orderId);
  expect(await expireDueOrders(db(), tenant, 100)).toBe(1);
  expect(await balance()).toEqual({ on_hand: 10, held: 0, committed: 0 });
  expect((await pay(database, tenant, order, { transactionId: 'late' })).kind).toBe('late');
  const decisions = await Promise.all([1, 2, 3].map(() => decideLateMoney(db(), money('late'))));
  expect(decisions.map(({ outcome }) => outcome).sort()).toEqual([
    'alreadyDecided',
    'alreadyDecided',
    'reheld',
  ]);
  expect(await orderRow(order.orderId)).toEqual({
    state: 'paid',
    paid: 1990,
    refunded: 0,
    run: 2,
    late: 'reheld',
  });
  expect(await balance()).toEqual({ on_hand: 10, held: 0, committed: 1 });
});

test('late money is refunded if the goods are gone, with one request', async () => {
  const order = await place();
  await letHoldsEnd(database, tenant, order.orderId);
  await place(orderFor({ lines: [{ sku: 'apple', quantity: 10 }] }));
  expect((await pay(database, tenant, order, { transactionId: 'gone' })).kind).toBe('late');
  const decisions = await Promise.all([1, 2, 3].map(() => decideLateMoney(db(), money('gone'))));
  expect(decisions.filter(({ outcome }) => outcome === 'refunding')).toHaveLength(1);
  const refunds = await database.query('SELECT amount_fen::int AS fen, state FROM refund WHERE tenant = $1', [
    tenant,
  ]);
  expect(refunds).toEqual([{ fen: 1990, state: 'requested' }]);
  expect(await orderRow(order.orderId)).toMatchObject({ state: 'expired', paid: 1990, refunded: 0 });
});

test('of two late payments the first decides what the order shows, whatever becomes of the second', async () => {
  const order = await place();
  await letHoldsEnd(database, tenant, order.orderId);
  await pay(database, tenant, order, { transactionId: 'early-bird' });
  await pay(database, tenant, order, { transactionId: 'straggler' });
  expect((await decideLateMoney(db(), money('early-bird'))).outcome).toBe('reheld');
  const second = await decideLateMoney(db(), money('straggler'));
  if (second.outcome !== 'refunding') throw new Error(second.outcome);
  await confirmRefund(db(), { tenant, refundId: second.refundId });
  expect(await orderRow(order.orderId)).toEqual({
    state: 'paid',
    paid: 3980,
    refunded: 1990,
    run: 2,
    late: 'reheld',
  });
});

test('late money never takes goods that would come later than promised', async () => {
  const order = await place();
  await letHoldsEnd(database, tenant, order.orderId);
  await expireDueOrders(db(), tenant, 100);
  await database.query(
    `UPDATE orders SET deliver_by = clock_timestamp() WHERE tenant = $1 AND order_id = $2`,
    [tenant, order.orderId],
  );
  await pay(database, tenant, order, { transactionId: 'slow' });
  expect((await decideLateMoney(db(), money('slow'))).outcome).toBe('refunding');
});

test('a second payment is refunded, the first stands', async () => {
  const order = await place();
  await pay(database, tenant, order, { transactionId: 'first' });
  expect((await pay(database, tenant, order, { transactionId: 'second' })).kind).toBe('surplus');
  expect((await decideLateMoney(db(), money('second'))).outcome).toBe('refunding');
  expect(await orderRow(order.orderId)).toMatchObject({ state: 'paid', paid: 3980 });
});

test('past-due holds are sold again before the sweeper comes by', async () => {
  const first = await place(orderFor({ lines: [{ sku: 'apple', quantity: 10 }] }));
  await letHoldsEnd(database, tenant, first.orderId);
  const second = await place(orderFor({ lines: [{ sku: 'apple', quantity: 10 }] }));
  expect(await balance()).toEqual({ on_hand: 10, held: 10, committed: 0 });
  expect((await pay(database, tenant, first)).kind).toBe('late');
  expect((await pay(database, tenant, second)).kind).toBe('booked');
});
