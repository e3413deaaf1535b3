import fc from 'fast-check';
import { cancelOrder } from '../../src/db/cancel';
import { expireDueOrders } from '../../src/db/expiry';
import { planFulfilment } from '../../src/db/fulfilment';
import { createDatabase, type Database } from '../../src/db/transaction';
import type { Intake } from '../../src/intake/intake';
import { createTestDatabase, type TestDatabase } from '../support/database';
import { expectCoherent } from '../support/expectCoherent';
import {
  givenNetwork,
  givenPaidOrder,
  givenPayment,
  givenPlannedOrder,
  givenShipmentEvent,
  givenSku,
  givenStock,
  givenTenant,
  intakeOver,
  orderRequest,
} from '../support/fixtures';
import { expectBalances, lastSweep, type Model, type Reached, type Real, someCommands } from './stockModel';

let database: TestDatabase;
let wide: Database;
let intake: Intake;
beforeAll(async () => {
  database = await createTestDatabase();
  wide = createDatabase({ url: database.url, role: 'xianda_app', maxConnections: 24 });
  intake = intakeOver(wide);
});
afterAll(async () => {
  await wide.close();
  await database.drop();
});

/** SKUs `a` (2 of safety stock) and `b`, and `box` of 2 `a` and 1 `b`, sold from two sites. */
async function givenShop(units: { a?: number; b?: number } = {}): Promise<{ tenant: string; model: Model }> {
  const tenant = await givenTenant(database);
  await givenNetwork(database, tenant);
  await givenSku(database, tenant, { sku: 'a', safetyStock: 2 });
  await givenSku(database, tenant, { sku: 'b' });
  await givenSku(database, tenant, { sku: 'box', components: { a: 2, b: 1 } });
  const onHand = new Map([
    ['a', 0],
    ['b', 0],
  ]);
  for (const [sku, quantity] of Object.entries(units)) {
    // in odd parts over sites and lots, so that lines have to span them
    const parts = [
      Math.ceil(quantity / 2),
      Math.floor(quantity / 3),
      quantity - Math.ceil(quantity / 2) - Math.floor(quantity / 3),
    ];
    for (const [index, part] of parts.entries()) {
      const siteId = index === 1 ? 'forward' : 'central';
      if (part > 0)
        await givenStock(database, tenant, { sku, siteId, quantity: part, expiresInDays: 30 + index });
    }
    onHand.set(sku, quantity);
  }
  const model: Model = {
    onHand,
    safety: new Map([['a', 2]]),
    recipes: new Map([
      ['a', [['a', 1]]],
      ['b', [['b', 1]]],
      [
        'box',
        [
          ['a', 2],
          ['b', 1],
        ],
      ],
    ]),
    orders: [],
  };
  return { tenant, model };
}

/** What the runs must have come to between them, else they were too tame to prove anything. */
const outcomes = [
  ...['accepted', 'soldOut', 'booked', 'repeated', 'late', 'reheld', 'refunding', 'expired', 'delivered'],
  ...['cancel done', 'cancel asking', 'cancel tooLate'],
];

test('the stock core answers as its model does, whatever the order of things', async () => {
  const reached: Reached = new Map();
  const missing = () => outcomes.filter((outcome) => !reached.has(outcome));
  // a rare outcome may need another round; a wrong answer fails in the round it comes in
  for (let round = 1; round <= 8 && (round === 1 || missing().length > 0); round += 1) {
    await fc.assert(
      fc.asyncProperty(someCommands, async (commands) => {
        const { tenant, model } = await givenShop({ a: 8, b: 5 });
        const real: Real = { reached, database, intake, tenant, orders: [] };
        await fc.asyncModelRun(() => ({ model, real }), commands);
        await lastSweep.run(model, real);
        await expectBalances(model, real);
      }),
      { numRuns: 20 },
    );
  }
  expect(missing()).toEqual([]);
  await expectCoherent(database, { atLeast: { 4: 20, 6: 20 } });
}, 180_000);

test('sixty buyers, twenty units: exactly twenty are sold', async () => {
  const { tenant } = await givenShop({ b: 20 });
  const answers = await Promise.all(
    Array.from({ length: 60 }, () => intake.place(tenant, orderRequest({ lines: { b: 1 } }), 'test')),
  );
  expect(answers.filter((answer) => answer.kind === 'accepted')).toHaveLength(20);
  expect(answers.filter((answer) => answer.kind === 'soldOut')).toHaveLength(40);
  await expectCoherent(database);
});

test('a burst of carts with bundles and repeated lines: whoever was refused could not have been served', async () => {
  const { tenant, model } = await givenShop({ a: 42, b: 25 });
  const carts = Array.from({ length: 60 }, (_, index) => [
    { sku: ['a', 'b', 'box'][index % 3] as string, quantity: 1 + (index % 2) },
    { sku: ['box', 'a', 'a', 'b'][index % 4] as string, quantity: 1 },
    ...(index % 5 === 0 ? [{ sku: 'a', quantity: 1 }] : []),
  ]);
  const answers = await Promise.all(
    carts.map((lines) => intake.place(tenant, orderRequest({ lines }), 'test')),
  );
  const left = await freeUnits(tenant);
  left.set('a', (left.get('a') ?? 0) - 2);
  for (const [index, answer] of answers.entries()) {
    if (answer.kind === 'accepted') continue;
    expect(answer.kind).toBe('soldOut');
    const demand = new Map<string, number>();
    for (const line of carts[index] ?? []) {
      for (const [sku, units] of model.recipes.get(line.sku) ?? [])
        demand.set(sku, (demand.get(sku) ?? 0) + units * line.quantity);
    }
    expect([...demand].some(([sku, units]) => units > (left.get(sku) ?? 0))).toBe(true);
  }
  expect([...left.values()].every((units) => units >= 0)).toBe(true);
  await expectCoherent(database);
});

test('the same order sixty times at once is one order', async () => {
  const { tenant } = await givenShop({ b: 20 });
  const request = orderRequest({ lines: { b: 3 } });
  const answers = await Promise.all(Array.from({ length: 60 }, () => intake.place(tenant, request, 'test')));
  expect(answers.filter((answer) => answer.kind === 'accepted')).toHaveLength(1);
  expect(answers.filter((answer) => answer.kind === 'repeated')).toHaveLength(59);
  expect(await freeUnits(tenant)).toEqual(new Map([['b', 17]]));
  await expectCoherent(database);
});

test('payment, cancel, sweep and new buyers at the very moment of expiry: each hold ends once', async () => {
  const { tenant } = await givenShop({ a: 60, b: 30 });
  const short = intakeOver(wide, { paymentWindowSeconds: 1 });
  const placed = await Promise.all(
    Array.from({ length: 24 }, () => short.place(tenant, orderRequest({ lines: { box: 1 } }), 'test')),
  );
  const orders = placed.flatMap((answer) => (answer.kind === 'accepted' ? [answer.answer] : []));
  expect(orders).toHaveLength(24);
  const ends = Math.min(...orders.map((order) => Date.parse(order.expiresAt ?? '')));
  await new Promise((resolve) => setTimeout(resolve, Math.max(0, ends - Date.now() - 30)));
  const bookings = orders.map(({ orderId, totalFen }) =>
    givenPayment(database, tenant, { orderId, amountFen: totalFen }),
  );
  const cancels = orders
    .slice(0, 8)
    .map(({ orderId }) => cancelOrder(wide, { tenant, orderId, reason: 'test', actor: 'test' }));
  const sweeps = Array.from({ length: 8 }, () => expireDueOrders(wide, tenant, 100));
  const buyers = Array.from({ length: 8 }, () =>
    intake.place(tenant, orderRequest({ lines: { a: 1 } }), 'test'),
  );
  const kinds = await Promise.all(bookings);
  await Promise.all([...cancels, ...sweeps, ...buyers]);
  await new Promise((resolve) => setTimeout(resolve, 1000));
  await expireDueOrders(wide, tenant, 100);
  expect(kinds.every((kind) => ['booked', 'late', 'surplus'].includes(kind))).toBe(true);
  await expectCoherent(database);
});

test('planning, cancelling, picking up and paying again, all at once on the same orders', async () => {
  const { tenant } = await givenShop({ a: 60, b: 30 });
  const orders = await Promise.all(
    Array.from({ length: 12 }, () => givenPlannedOrder(database, tenant, { lines: { box: 1, a: 1 } })),
  );
  const rest = await Promise.all(
    Array.from({ length: 6 }, () => givenPaidOrder(database, tenant, { lines: { a: 1 } })),
  );
  const all = [...orders, ...rest];
  const works = all.flatMap(({ orderId, totalFen }, index) => [
    () => planFulfilment(wide, { tenant, orderId }),
    () => planFulfilment(wide, { tenant, orderId }),
    () =>
      index % 2 === 0
        ? cancelOrder(wide, { tenant, orderId, reason: 'test', actor: 'test' })
        : planFulfilment(wide, { tenant, orderId }),
    () => givenPayment(database, tenant, { orderId, amountFen: totalFen, transactionId: `again-${orderId}` }),
  ]);
  const events = orders.flatMap(({ shipments }) =>
    shipments.flatMap(({ shipmentId }) =>
      (['delivered', 'pickedUp', 'picking', 'inTransit'] as const).map(
        (kind) => () => givenShipmentEvent(database, tenant, { shipmentId, kind }),
      ),
    ),
  );
  const mixed = [...works, ...events].map((work, index, list) => list[(index * 37) % list.length] ?? work);
  await Promise.all(mixed.map((work) => work()));
  await expectCoherent(database, { atLeast: { 5: 12, 9: 18 } });
});

async function freeUnits(tenant: string): Promise<Map<string, number>> {
  const rows = await database.query<{ sku: string; free: number }>(
    'SELECT sku, sum(on_hand - held - committed)::bigint AS free FROM stock_balance WHERE tenant = $1 GROUP BY sku ORDER BY sku',
    [tenant],
  );
  return new Map(rows.map((row) => [row.sku, row.free]));
}
