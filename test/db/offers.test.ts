import { answerOffer, lapseDueOffers } from '../../src/db/offerEnd';
import { cancelOrder } from '../../src/db/cancel';
import { planFulfilment } from '../../src/db/fulfilment';
import { findOrder } from '../../src/db/order.read';
import type { Database } from '../../src/db/transaction';
import { createTestDatabase, type TestDatabase } from '../support/database';
import { expectCoherent } from '../support/expectCoherent';
import {
  dayFromToday,
  givenCampaign,
  givenNetwork,
  givenPaidOrder,
  givenShipmentEvent,
  givenSku,
  givenStock,
  givenTenant,
} from '../support/fixtures';
import { closeCampaign, givenHandOut, givenPresaleOrder, reservedUnits } from '../support/presaleFixtures';
import { balanceOf, orderFacts, outboxOf, quotaOf } from './orderJourney';

let database: TestDatabase;
let db: Database;
let tenant: string;
beforeAll(async () => {
  database = await createTestDatabase();
  db = database.as('xianda_app');
});
beforeEach(async () => {
  tenant = await givenTenant(database);
  await givenNetwork(database, tenant);
  await givenSku(database, tenant, { priceFen: 1000 });
  await givenSku(database, tenant, { sku: 'milk', zone: 'chilled', priceFen: 700 });
  await givenCampaign(database, tenant, { quotas: { east: 100 } });
  await givenStock(database, tenant, { sku: 'milk' });
});
afterAll(async () => {
  await expectCoherent(database, { atLeast: { 8: 20 } });
  await database.drop();
});

interface OpenOffer {
  offerId: string;
  kind: 'laterDate' | 'refund';
  detail: { lineId: string; sku: string; quantity: number; deliverOn?: string; amountFen?: number };
  until: string;
}

async function offersOf(orderId: string): Promise<OpenOffer[]> {
  const found = await db.inTenant(tenant, (tx) => findOrder(tx, { orderId, channel: null }));
  return (found?.view.offers ?? []) as OpenOffer[];
}

const statesOf = async (orderId: string) =>
  Object.fromEntries(
    (
      await database.query<{ kind: string; state: string }>(
        'SELECT kind, state FROM offer WHERE order_id = $1',
        [orderId],
      )
    ).map(({ kind, state }) => [kind, state]),
  );

const arrive = (quantity: number, lotId = 'first') =>
  givenStock(database, tenant, { quantity, lotId, campaignId: 'early' });
const handOut = (given?: object) => givenHandOut(database, tenant, given);
const answer = (orderId: string, offerId: string, accept: boolean) =>
  answerOffer(db, { tenant, orderId, offerId, accept, actor: 'channel:shop' });
const makeDue = (orderId: string) =>
  database.query(
    `UPDATE offer SET until = clock_timestamp() - interval '1 ms' WHERE order_id = $1 AND state = 'open'`,
    [orderId],
  );
const lapse = () => lapseDueOffers(db, tenant, 100);

/** An order of 4 that a delivery of 1 leaves unserved, with its two offers. */
async function givenShort(given: object = {}) {
  const order = await givenPresaleOrder(database, tenant, { quantity: 4, ...given });
  await arrive(1);
  expect(await handOut()).toMatchObject({ converted: 0, offered: 1 });
  const offers = await offersOf(order.orderId);
  const later = offers.find((offer) => offer.kind === 'laterDate') as OpenOffer;
  const refund = offers.find((offer) => offer.kind === 'refund') as OpenOffer;
  return { ...order, later, refund };
}

describe('offers', () => {
  test('a short arrival leaves a later date and the money to choose from, once', async () => {
    const { orderId, later, refund } = await givenShort();
    expect(later.detail).toEqual({
      lineId: '1',
      sku: 'apple',
      quantity: 4,
      promisedOn: dayFromToday(10),
      deliverOn: dayFromToday(17),
    });
    expect(refund.detail).toMatchObject({ amountFen: 4000 });
    expect(Date.parse(later.until)).toBe(Date.parse(refund.until));
    expect(Date.parse(later.until) - Date.now()).toBeGreaterThan(3_500_000);
    expect(await handOut()).toMatchObject({ offered: 0 });
    expect(await offersOf(orderId)).toHaveLength(2);
  });

  test('the later date is as far off as the slowest supplier, else as the presale lead', async () => {
    await database.query('UPDATE sku SET presale_lead_days = 12 WHERE tenant = $1', [tenant]);
    expect((await givenShort()).later.detail.deliverOn).toBe(dayFromToday(22));
    for (const [id, days] of [
      ['fast', 2],
      ['slow', 3],
    ])
      await database.query(
        `INSERT INTO supplier (tenant, supplier_id, name, skus, lead_days) VALUES ($1, $2, $2, '{apple}', $3)`,
        [tenant, id, days],
      );
    const { orderId } = await givenPresaleOrder(database, tenant, { quantity: 4 });
    await handOut();
    expect((await offersOf(orderId))[0]?.detail.deliverOn).toBe(dayFromToday(13));
  });

  test('a later date accepted moves the promise and the place in the queue, and the workflow hears it', async () => {
    const { orderId, later, refund } = await givenShort();
    expect(await answer(orderId, later.offerId, true)).toEqual({ kind: 'answered' });
    expect(await answer(orderId, later.offerId, true)).toEqual({ kind: 'answered' });
    expect(await answer(orderId, later.offerId, false)).toEqual({ kind: 'otherAnswer' });
    expect(await answer(orderId, refund.offerId, true)).toEqual({ kind: 'ended' });
    expect(await statesOf(orderId)).toEqual({ laterDate: 'accepted', refund: 'withdrawn' });
    expect((await outboxOf(database, orderId)).at(-1)).toEqual({ kind: 'signalOrder', stage: 'resumed' });
    expect(await planFulfilment(db, { tenant, orderId })).toEqual({
      kind: 'waitingForGoods',
      until: new Date(`${dayFromToday(18)}T00:00:00+08:00`).toISOString(),
    });
    const found = await db.inTenant(tenant, (tx) => findOrder(tx, { orderId, channel: null }));
    expect(found?.view).toMatchObject({
      state: 'paid',
      offers: [],
      promise: { deliverBy: `${dayFromToday(17)}T16:00:00.000Z` },
    });
    // the earlier promise of one who came later goes first now
    const next = await givenPresaleOrder(database, tenant, { quantity: 4 });
    await arrive(3, 'second');
    await handOut();
    expect((await planFulfilment(db, { tenant, orderId: next.orderId })).kind).toBe('planned');
    // whoever waits on is asked about the new day
    expect((await offersOf(orderId)).map((offer) => offer.detail.deliverOn)).toEqual([
      dayFromToday(24),
      undefined,
    ]);
  });

  test('the money back accepted ends the line; nothing else is left, so the order ends and freight goes back too', async () => {
    const order = await givenPresaleOrder(database, tenant, { quantity: 4 });
    await database.query(
      'UPDATE orders SET freight_fen = 500, total_fen = total_fen + 500, paid_fen = paid_fen + 500 WHERE order_id = $1',
      [order.orderId],
    );
    await database.query('UPDATE payment SET amount_fen = amount_fen + 500 WHERE order_id = $1', [
      order.orderId,
    ]);
    await arrive(1);
    await handOut();
    const refund = (await offersOf(order.orderId)).find((offer) => offer.kind === 'refund') as OpenOffer;
    expect(await answer(order.orderId, refund.offerId, true)).toEqual({ kind: 'answered' });
    expect(await answer(order.orderId, refund.offerId, true)).toEqual({ kind: 'answered' });
    expect(await orderFacts(database, order.orderId)).toMatchObject({ state: 'cancelled', refunds: [4500] });
    expect(await quotaOf(database, tenant)).toEqual([100, 0, 0]);
    expect(await statesOf(order.orderId)).toEqual({ laterDate: 'withdrawn', refund: 'accepted' });
    expect((await outboxOf(database, order.orderId)).at(-1)).toEqual({
      kind: 'signalOrder',
      stage: 'cancelled',
    });
  });

  test('a mixed order goes on without the line, and ends when its rest is delivered', async () => {
    const { orderId } = await givenPaidOrder(database, tenant, {
      lines: [
        { sku: 'milk', quantity: 2 },
        { sku: 'apple', quantity: 4, campaignId: 'early' },
      ],
    });
    await planFulfilment(db, { tenant, orderId });
    await arrive(1);
    await handOut();
    const refund = (await offersOf(orderId)).find((offer) => offer.kind === 'refund') as OpenOffer;
    await answer(orderId, refund.offerId, true);
    expect(await orderFacts(database, orderId)).toMatchObject({ state: 'fulfilling', refunds: [4000] });
    await expectCoherent(database);
    for (const kind of ['pickedUp', 'delivered'] as const)
      await givenShipmentEvent(database, tenant, { shipmentId: `${orderId}.1`, kind });
    expect((await orderFacts(database, orderId)).state).toBe('delivered');
  });

  test('the same after the rest was delivered ends the order as delivered', async () => {
    const { orderId } = await givenPaidOrder(database, tenant, {
      lines: [
        { sku: 'milk', quantity: 2 },
        { sku: 'apple', quantity: 4, campaignId: 'early' },
      ],
    });
    await planFulfilment(db, { tenant, orderId });
    for (const kind of ['pickedUp', 'delivered'] as const)
      await givenShipmentEvent(database, tenant, { shipmentId: `${orderId}.1`, kind });
    await arrive(1);
    await handOut();
    await makeDue(orderId);
    expect(await lapse()).toBe(1);
    expect(await orderFacts(database, orderId)).toMatchObject({ state: 'delivered', refunds: [4000] });
  });

  test('two presale lines end one after the other', async () => {
    const line = { sku: 'apple', quantity: 4, campaignId: 'early' };
    const { orderId, totalFen } = await givenPaidOrder(database, tenant, {
      lines: [line, { ...line, quantity: 3 }],
    });
    await arrive(1);
    expect(await handOut()).toMatchObject({ offered: 2 });
    const refunds = (await offersOf(orderId)).filter((offer) => offer.kind === 'refund');
    await answer(orderId, refunds[0]?.offerId as string, true);
    expect(await orderFacts(database, orderId)).toMatchObject({ state: 'paid', refunds: [4000] });
    await answer(orderId, refunds[1]?.offerId as string, true);
    expect(await orderFacts(database, orderId)).toMatchObject({ state: 'cancelled', refunds: [3000, 4000] });
    expect(totalFen).toBe(7000);
  });

  test('both declined: the promise stays as it was, and a later arrival still serves it', async () => {
    const { orderId, later, refund } = await givenShort();
    await answer(orderId, later.offerId, false);
    await answer(orderId, refund.offerId, false);
    expect(await statesOf(orderId)).toEqual({ laterDate: 'declined', refund: 'declined' });
    expect(await orderFacts(database, orderId)).toMatchObject({ state: 'paid', refunds: [] });
    expect(await handOut()).toMatchObject({ offered: 0 });
    await arrive(3, 'second');
    expect(await handOut()).toMatchObject({ converted: 1 });
  });

  test('goods that come after all withdraw what was offered', async () => {
    const { orderId, later, refund } = await givenShort();
    await answer(orderId, later.offerId, false);
    await arrive(3, 'second');
    expect(await handOut()).toMatchObject({ converted: 1 });
    expect(await statesOf(orderId)).toEqual({ laterDate: 'declined', refund: 'withdrawn' });
    expect(await answer(orderId, refund.offerId, true)).toEqual({ kind: 'ended' });
    expect(await offersOf(orderId)).toEqual([]);
  });

  test('a cancel withdraws what was offered', async () => {
    const { orderId } = await givenShort();
    await cancelOrder(db, { tenant, orderId, reason: 'test', actor: 'test' });
    expect(await statesOf(orderId)).toEqual({ laterDate: 'withdrawn', refund: 'withdrawn' });
    expect(await orderFacts(database, orderId)).toMatchObject({ state: 'cancelled', refunds: [4000] });
  });

  test('nobody else’s offer can be answered', async () => {
    const { orderId, later } = await givenShort();
    const other = await givenPresaleOrder(database, tenant);
    expect(await answer(other.orderId, later.offerId, true)).toEqual({ kind: 'notFound' });
    expect(await answer(orderId, 'nothing', true)).toEqual({ kind: 'notFound' });
    expect(await answer('nothing', later.offerId, true)).toEqual({ kind: 'notFound' });
  });
});

describe('the timer', () => {
  test('silence is no consent to wait: the money goes back, once', async () => {
    const { orderId, later } = await givenShort();
    expect(await lapse()).toBe(0);
    await makeDue(orderId);
    expect(await offersOf(orderId)).toEqual([]);
    expect(await answer(orderId, later.offerId, true)).toEqual({ kind: 'ended' });
    expect(await lapse()).toBe(1);
    expect(await lapse()).toBe(0);
    expect(await statesOf(orderId)).toEqual({ laterDate: 'lapsed', refund: 'lapsed' });
    expect(await orderFacts(database, orderId)).toMatchObject({ state: 'cancelled', refunds: [4000] });
    expect(await quotaOf(database, tenant)).toEqual([100, 0, 0]);
  });

  test('who declined the later date and said no more is paid back; who declined the money keeps the promise', async () => {
    const noWaiting = await givenShort();
    await answer(noWaiting.orderId, noWaiting.later.offerId, false);
    const noMoney = await givenPresaleOrder(database, tenant, { quantity: 3 });
    await handOut();
    const refund = (await offersOf(noMoney.orderId)).find((offer) => offer.kind === 'refund') as OpenOffer;
    await answer(noMoney.orderId, refund.offerId, false);
    await makeDue(noWaiting.orderId);
    await makeDue(noMoney.orderId);
    expect(await lapse()).toBe(2);
    expect((await orderFacts(database, noWaiting.orderId)).state).toBe('cancelled');
    expect(await orderFacts(database, noMoney.orderId)).toMatchObject({ state: 'paid', refunds: [] });
    expect(await statesOf(noMoney.orderId)).toEqual({ laterDate: 'lapsed', refund: 'declined' });
  });

  test('when the last who waited is paid back, what is left is a surplus, and the hand-out is woken', async () => {
    const { orderId } = await givenShort();
    await closeCampaign(database, tenant);
    await makeDue(orderId);
    await database.query(`UPDATE outbox SET done_at = now(), attempts = 1 WHERE tenant = $1`, [tenant]);
    await lapse();
    expect(
      await database.query(
        `SELECT 1 FROM outbox WHERE tenant = $1 AND kind = 'startConversion' AND done_at IS NULL`,
        [tenant],
      ),
    ).toHaveLength(1);
    expect(await handOut()).toMatchObject({ unreserved: 1, reserved: 0 });
  });

  test('an offer past its end is a finding after a minute', async () => {
    const { orderId } = await givenShort();
    await database.query(`UPDATE offer SET until = now() - interval '2 minutes' WHERE order_id = $1`, [
      orderId,
    ]);
    await expect(expectCoherent(database)).rejects.toThrow(/an offer is past its end/);
    await lapse();
    await expectCoherent(database);
  });
});

describe('races: every offer ends once, every line in one way', () => {
  const ends = ['accepted', 'declined', 'lapsed', 'withdrawn'];

  async function expectDecidedOnce(orders: { orderId: string }[]): Promise<void> {
    for (const { orderId } of orders) {
      const states = await statesOf(orderId);
      expect(Object.values(states).every((state) => ends.includes(state))).toBe(true);
      const { refunds, state } = await orderFacts(database, orderId);
      expect(refunds).toEqual(state === 'cancelled' ? [4000] : []);
    }
    await expectCoherent(database);
  }

  async function givenShortOrders(count: number) {
    const orders = [];
    for (let index = 0; index < count; index += 1)
      orders.push(await givenPresaleOrder(database, tenant, { quantity: 4 }));
    await arrive(1);
    await handOut();
    return Promise.all(
      orders.map(async ({ orderId }) => {
        const offers = await offersOf(orderId);
        const idOf = (kind: string) => offers.find((offer) => offer.kind === kind)?.offerId as string;
        return { orderId, later: idOf('laterDate'), refund: idOf('refund') };
      }),
    );
  }

  test('two answers', async () => {
    const orders = await givenShortOrders(6);
    const answers = await Promise.all(
      orders.map(({ orderId, later, refund }) =>
        Promise.all([
          answer(orderId, later, true),
          answer(orderId, refund, true),
          answer(orderId, later, true),
        ]),
      ),
    );
    for (const [later, refund, again] of answers) {
      expect([later.kind, refund.kind].sort()).toEqual(['answered', 'ended']);
      expect(again.kind).toBe(later.kind);
    }
    await expectDecidedOnce(orders);
  });

  test('yes and no to the same offer', async () => {
    const orders = await givenShortOrders(4);
    const answers = await Promise.all(
      orders.map(({ orderId, refund }) =>
        Promise.all([answer(orderId, refund, true), answer(orderId, refund, false)]),
      ),
    );
    for (const pair of answers)
      expect(pair.map(({ kind }) => kind).sort()).toEqual(['answered', 'otherAnswer']);
    for (const { orderId } of orders) await makeDue(orderId);
    await lapse();
    await expectDecidedOnce(orders);
  });

  test('an answer and the timer', async () => {
    const orders = await givenShortOrders(6);
    for (const { orderId } of orders)
      await database.query(
        `UPDATE offer SET until = clock_timestamp() + interval '40 ms' WHERE order_id = $1`,
        [orderId],
      );
    await Promise.all([
      ...orders.map(({ orderId, later }) => answer(orderId, later, true)),
      ...Array.from({ length: 6 }, () => lapse()),
    ]);
    await new Promise((resolve) => setTimeout(resolve, 50));
    await lapse();
    await expectDecidedOnce(orders);
  });

  test('answers, cancels, the timer and goods that come after all', async () => {
    const orders = await givenShortOrders(9);
    await arrive(11, 'second');
    for (const { orderId } of orders.slice(6)) await makeDue(orderId);
    await Promise.all([
      handOut(),
      lapse(),
      handOut(),
      ...orders.slice(0, 3).map(({ orderId, refund }) => answer(orderId, refund, true)),
      ...orders.slice(2, 5).map(({ orderId, later }) => answer(orderId, later, true)),
      ...orders
        .slice(4, 7)
        .map(({ orderId }) => cancelOrder(db, { tenant, orderId, reason: 'test', actor: 'test' })),
      lapse(),
    ]);
    await handOut();
    await expectCoherent(database);
    const [, held, committed] = await balanceOf(database, tenant, 'apple');
    expect(held).toBe(await reservedUnits(database, tenant));
    expect((held ?? 0) + (committed ?? 0)).toBe(12);
  });
});
