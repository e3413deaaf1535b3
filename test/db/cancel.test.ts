import fc from 'fast-check';
import { expireOrder } from '../../src/db/expiry';
import { planFulfilment } from '../../src/db/fulfilment';
import type { ShipmentRank } from '../../src/domain/fulfilment/model';
import type { AcceptedOrder, IntakeRequest } from '../../src/intake/model';
import { createTestDatabase, type TestDatabase } from '../support/database';
import { expectCoherent } from '../support/expectCoherent';
import {
  balanceOf,
  decideMoney,
  givenJourney,
  type Journey,
  litresOf,
  orderFacts,
  outboxOf,
  quotaOf,
} from './orderJourney';

let database: TestDatabase;
let journey: Journey;

beforeAll(async () => {
  database = await createTestDatabase();
});
beforeEach(async () => {
  journey = await givenJourney(database);
});
afterAll(async () => {
  await decideMoney(database);
  await expectCoherent(database);
  await database.drop();
});

const done = { outcome: 'done' };
/** Everything an order can hold: stock of two zones, quota of a campaign, litres of a point. */
const everything: Partial<IntakeRequest> = {
  buyer: { ref: 'b', pickupPointId: 'point-cold' },
  lines: [
    { sku: 'apple', quantity: 2 },
    { sku: 'milk', quantity: 1 },
    { sku: 'pear', quantity: 3, supply: 'presale' },
  ],
  freightFen: 700,
};

async function expectNothingHeld(): Promise<void> {
  for (const sku of ['apple', 'milk'])
    expect(await balanceOf(database, journey.tenant, sku)).toEqual([100, 0, 0]);
  expect(await quotaOf(database, journey.tenant)).toEqual([10, 0, 0]);
  expect(await litresOf(database, journey.tenant)).toBe(0);
}

/** Planning what is not paid is a bug of the caller's; here it only means that the payment came later. */
function refusedUnpaid(error: unknown): void {
  if (!(error instanceof Error && error.message.startsWith('I5'))) throw error;
}

async function holdStates(orderId: string): Promise<string[]> {
  const rows = await database.query<{ state: string }>(
    `SELECT state FROM hold WHERE order_id = $1 UNION SELECT state FROM quota_hold WHERE order_id = $1`,
    [orderId],
  );
  return rows.map((row) => row.state);
}

it('undoes an unpaid order: stock, quota and litres', async () => {
  const { orderId } = await journey.place(everything);
  expect(await quotaOf(database, journey.tenant)).toEqual([10, 3, 0]);
  expect(await journey.cancel(orderId)).toEqual(done);
  await expectNothingHeld();
  expect(await holdStates(orderId)).toEqual(['released']);
  expect(await journey.cancel(orderId)).toEqual(done);
  expect(await orderFacts(database, orderId)).toMatchObject({ state: 'cancelled', refunds: [] });
  expect(await outboxOf(database, orderId)).toEqual([
    { kind: 'startOrder' },
    { kind: 'signalOrder', stage: 'cancelled' },
  ]);
});

it('cancels an unpaid order past its end as expired goods, and refunds money that comes then', async () => {
  const order = await journey.place(everything);
  await database.query(`UPDATE orders SET expires_at = now() - interval '1 s' WHERE order_id = $1`, [
    order.orderId,
  ]);
  await database.query(`UPDATE hold SET expires_at = now() - interval '1 s' WHERE order_id = $1`, [
    order.orderId,
  ]);
  expect(await journey.cancel(order.orderId)).toEqual(done);
  expect(await holdStates(order.orderId)).toEqual(['expired']);
  await expectNothingHeld();
  expect(await expireOrder(journey.db, journey.tenant, order.orderId)).toBe('cancelled');
  expect(await journey.pay(order)).toBe('surplus');
});

it('undoes a paid order before it is planned, and asks all its money back', async () => {
  const order = await journey.place(everything);
  await journey.pay(order);
  expect(await quotaOf(database, journey.tenant)).toEqual([10, 0, 3]);
  expect(await journey.cancel(order.orderId)).toEqual(done);
  await expectNothingHeld();
  expect(await holdStates(order.orderId)).toEqual(['committed']);
  expect(await orderFacts(database, order.orderId)).toMatchObject({
    state: 'cancelled',
    refunds: [order.totalFen],
  });
});

it('undoes a planned and booked order, and twice is once', async () => {
  const { orderId, totalFen } = await journey.planned(everything);
  expect(await journey.cancel(orderId)).toEqual(done);
  expect(await journey.cancel(orderId)).toEqual(done);
  await expectNothingHeld();
  expect(await orderFacts(database, orderId)).toMatchObject({
    state: 'cancelled',
    shipments: ['cancelled', 'cancelled'],
    refunds: [totalFen],
  });
});

it('asks the warehouse once picking has started, and is too late when goods have left', async () => {
  const { orderId, shipments } = await journey.planned(everything);
  await journey.tell({ kind: 'picking', shipmentId: shipments[0] });
  expect(await journey.cancel(orderId)).toEqual({ outcome: 'asking' });
  expect(await journey.cancel(orderId)).toEqual({ outcome: 'asking' });
  expect(await orderFacts(database, orderId)).toMatchObject({
    state: 'fulfilling',
    attention: ['cancelAsked'],
  });
  await journey.tell({ kind: 'pickedUp', shipmentId: shipments[1] });
  expect(await journey.cancel(orderId)).toEqual({ outcome: 'tooLate' });
  const { orderId: other, shipments: parts } = await journey.planned();
  await journey.tell({ kind: 'delivered', shipmentId: parts[0] });
  expect(await journey.cancel(other)).toEqual({ outcome: 'tooLate' });
});

it('knows no order that is not there, nor another tenant’s', async () => {
  const { orderId } = await journey.place();
  expect(await journey.cancel('nobody')).toBeNull();
  const neighbour = await givenJourney(database);
  expect(await neighbour.cancel(orderId)).toBeNull();
});

it('asks the channel, not the provider, for money the channel holds', async () => {
  const payment = {
    transactionId: `c-${journey.tenant}`,
    amountFen: 2000,
    paidAt: new Date().toISOString(),
    heldBy: 'channel' as const,
  };
  const { orderId } = await journey.place({ payment });
  expect(await journey.cancel(orderId)).toEqual(done);
  expect(await orderFacts(database, orderId)).toMatchObject({
    state: 'cancelled',
    attention: ['channelRefund'],
    refunds: [2000],
  });
  const told = await database.query(`SELECT 1 FROM outbox WHERE tenant = $1 AND kind = 'startRefund'`, [
    journey.tenant,
  ]);
  expect(told).toEqual([]);
});

it('ends what was open about the goods', async () => {
  const payment = {
    transactionId: `s-${journey.tenant}`,
    amountFen: 300_000,
    paidAt: new Date().toISOString(),
    heldBy: 'tenant' as const,
  };
  const { orderId } = await journey.place({ lines: [{ sku: 'apple', quantity: 300 }], payment });
  expect((await orderFacts(database, orderId)).attention).toEqual(['paidShort']);
  expect(await journey.cancel(orderId)).toEqual(done);
  expect(await orderFacts(database, orderId)).toMatchObject({
    state: 'cancelled',
    attention: [],
    refunds: [300_000],
  });
});

it('is decided once when it meets itself, a payment, a plan, an expiry or a scan', async () => {
  const race = fc.record({
    start: fc.constantFrom('placed', 'paid', 'planned'),
    rivals: fc.array(fc.constantFrom('cancel', 'pay', 'plan', 'pickedUp', 'delivered', 'expire'), {
      minLength: 1,
      maxLength: 4,
    }),
  });
  await fc.assert(
    fc.asyncProperty(race, async ({ start, rivals }) => {
      const order = start === 'planned' ? await journey.planned(everything) : await journey.place(everything);
      if (start === 'paid') await journey.pay(order as AcceptedOrder);
      const { orderId } = order;
      const shipmentId = `${orderId}.1`;
      const accepted = { ...order, orderId } as AcceptedOrder;
      const runs = rivals.map((rival): Promise<unknown> => {
        if (rival === 'cancel') return journey.cancel(orderId);
        if (rival === 'pay') return journey.pay(accepted);
        if (rival === 'plan')
          return planFulfilment(journey.db, { tenant: journey.tenant, orderId }).catch(refusedUnpaid);
        if (rival === 'expire') return expireOrder(journey.db, journey.tenant, orderId);
        return journey.tell({ kind: rival as ShipmentRank, shipmentId });
      });
      const [cancelled] = await Promise.all([journey.cancel(orderId), ...runs]);
      const facts = await orderFacts(database, orderId);
      expect(facts.state === 'cancelled').toBe(cancelled?.outcome === 'done');
      const [standing] = await database.query<{ units: number }>(
        'SELECT coalesce(sum(remaining), 0)::integer AS units FROM hold WHERE order_id = $1',
        [orderId],
      );
      if (facts.state === 'cancelled') expect(standing?.units).toBe(0);
      if (facts.state === 'cancelled')
        expect(facts.shipments).toEqual(facts.shipments.map(() => 'cancelled'));
      if (facts.state === 'cancelled' && start !== 'placed') expect(facts.refunds.length).toBe(1);
      if (cancelled?.outcome === 'tooLate') expect(facts.refunds).toEqual([]);
      // the next round starts from a free shop
      await journey.cancel(orderId);
      await database.query('UPDATE presale_quota SET units = units + 3 WHERE tenant = $1', [journey.tenant]);
    }),
    { numRuns: 30 },
  );
});
