import { cancelOrder } from '../../src/db/cancel';
import { expireDueOrders } from '../../src/db/expiry';
import { findOrder } from '../../src/db/order.read';
import { serveWaiting, takeTurn } from '../../src/db/promotion';
import { endDueWaits, findTenantsWhoWait } from '../../src/db/waitingList';
import type { AcceptedOrder } from '../../src/intake/model';
import { createTestDatabase, type TestDatabase } from '../support/database';
import { expectCoherent } from '../support/expectCoherent';
import {
  givenCampaign,
  givenNetwork,
  givenOrder,
  givenSite,
  givenSku,
  givenStock,
  givenTenant,
  type GivenOrder,
  inTenant,
  placeOrder,
} from '../support/fixtures';

let database: TestDatabase;
let tenant: string;
beforeAll(async () => {
  database = await createTestDatabase();
});
beforeEach(async () => {
  tenant = await givenTenant(database);
  await givenNetwork(database, tenant);
});
afterEach(() => expectCoherent(database));
afterAll(() => database.drop());

const app = () => database.as('xianda_app');
const serve = (limit = 100) => serveWaiting(app(), { tenant, limit, paymentWindowSeconds: 1800 });

/** Apples, all of them held by one unpaid order. */
async function givenSoldOut(units: number): Promise<{ orderId: string }> {
  await givenSku(database, tenant);
  await givenStock(database, tenant, { quantity: units });
  return givenOrder(database, tenant, { lines: { apple: units } });
}

async function givenWaiting(given: GivenOrder = {}): Promise<AcceptedOrder> {
  const answer = await placeOrder(database, tenant, { acceptLater: true, ...given });
  if (answer.kind !== 'accepted' || answer.answer.state !== 'waiting')
    throw new Error(`the order does not wait: ${JSON.stringify(answer)}`);
  return answer.answer;
}

async function statesOf(orders: { orderId: string }[]): Promise<string[]> {
  const rows = await database.query<{ order_id: string; state: string }>(
    'SELECT order_id, state FROM orders WHERE tenant = $1',
    [tenant],
  );
  const states = new Map(rows.map((row) => [row.order_id, row.state]));
  return orders.map(({ orderId }) => states.get(orderId) ?? 'gone');
}

async function viewOf(orderId: string) {
  const found = await inTenant(database, tenant, (tx) => findOrder(tx, { orderId, channel: null }));
  return found?.view as unknown as Record<string, unknown> & {
    timeline: { kind: string; detail?: object }[];
  };
}

const cancel = (orderId: string) =>
  cancelOrder(app(), { tenant, orderId, reason: 'changed my mind', actor: 'test' });

async function letHoldsEnd(orderId: string): Promise<void> {
  for (const table of ['orders', 'hold', 'quota_hold']) {
    await database.query(
      `UPDATE ${table} SET expires_at = clock_timestamp() - interval '1 second' WHERE tenant = $1 AND order_id = $2`,
      [tenant, orderId],
    );
  }
  await expireDueOrders(app(), tenant, 10);
}

test('who comes first is served first, each with a fresh window', async () => {
  const holder = await givenSoldOut(2);
  const first = await givenWaiting({ paymentWindowSeconds: 60 });
  const second = await givenWaiting();
  const third = await givenWaiting();
  expect(first).toMatchObject({ expiresAt: null, waiting: { until: expect.any(String) } });
  expect(await viewOf(second.orderId)).toMatchObject({ state: 'waiting', waiting: { ahead: 1 } });
  expect(await serve()).toEqual({ promoted: 0, looked: 0 });
  await letHoldsEnd(holder.orderId);
  const before = Date.now();
  expect(await serve()).toEqual({ promoted: 2, looked: 2 });
  expect(await statesOf([first, second, third])).toEqual(['awaitingPayment', 'awaitingPayment', 'waiting']);
  const view = await viewOf(first.orderId);
  expect(Date.parse(view.expiresAt as string)).toBeGreaterThan(before + 1_790_000);
  expect(view.timeline.map(({ kind }) => kind)).toEqual(['placed', 'waiting', 'promoted']);
  expect(view).not.toHaveProperty('waiting');
  expect(await viewOf(third.orderId)).toMatchObject({ waiting: { ahead: 0 } });
  await letHoldsEnd(first.orderId);
  expect(await serve()).toEqual({ promoted: 1, looked: 1 });
  expect(await statesOf([first, second, third])).toEqual(['expired', 'awaitingPayment', 'awaitingPayment']);
});

test('new orders do not jump the queue, and go behind it', async () => {
  const holder = await givenSoldOut(3);
  const waiting = await givenWaiting({ lines: { apple: 2 } });
  await cancel(holder.orderId);
  expect(await placeOrder(database, tenant, { lines: { apple: 2 } })).toMatchObject({
    kind: 'soldOut',
    shortfall: [{ sku: 'apple', asked: 2, sellable: 1 }],
  });
  const behind = await givenWaiting({ lines: { apple: 2 } });
  // one more is free than all ask for who waited first, but the last of them asks for two
  expect(await placeOrder(database, tenant, { lines: { apple: 1 } })).toMatchObject({ kind: 'soldOut' });
  await serve();
  expect(await statesOf([waiting, behind])).toEqual(['awaitingPayment', 'waiting']);
  await givenStock(database, tenant, { quantity: 2, lotId: 'more' });
  // three are free and two are asked for
  const { orderId } = await givenOrder(database, tenant, { lines: { apple: 1 } });
  await serve();
  expect(await statesOf([behind, { orderId }])).toEqual(['awaitingPayment', 'awaitingPayment']);
});

test('a head that asks for more than is free keeps it, and nobody behind it passes', async () => {
  const holder = await givenSoldOut(3);
  const large = await givenWaiting({ lines: { apple: 5 } });
  const small = await givenWaiting();
  await cancel(holder.orderId);
  expect(await serve()).toEqual({ promoted: 0, looked: 0 });
  await givenStock(database, tenant, { quantity: 2, lotId: 'more' });
  expect(await serve()).toEqual({ promoted: 1, looked: 1 });
  expect(await statesOf([large, small])).toEqual(['awaitingPayment', 'waiting']);
});

test('a cart waits for all of its goods and keeps its place in every queue', async () => {
  await givenSku(database, tenant, { sku: 'fish', zone: 'frozen' });
  await givenSku(database, tenant, { sku: 'box', components: { fish: 1 } });
  const holder = await givenSoldOut(2);
  const cart = await givenWaiting({ lines: { apple: 1, box: 2 } });
  const apple = await givenWaiting();
  const late = await givenWaiting();
  await cancel(holder.orderId);
  await serve();
  expect(await statesOf([cart, apple, late])).toEqual(['waiting', 'awaitingPayment', 'waiting']);
  await givenStock(database, tenant, { sku: 'fish', quantity: 2 });
  await serve();
  expect(await statesOf([cart, apple, late])).toEqual(['awaitingPayment', 'awaitingPayment', 'waiting']);
});

test('presale quota is waited for by region', async () => {
  await givenSku(database, tenant);
  await givenCampaign(database, tenant, { quotas: { east: 2, west: 9 } });
  const lines = [{ sku: 'apple', quantity: 2, campaignId: 'early' }];
  const holder = await givenOrder(database, tenant, { lines });
  const waiting = await givenWaiting({ lines: [{ sku: 'apple', quantity: 1, campaignId: 'early' }] });
  await letHoldsEnd(holder.orderId);
  expect(await placeOrder(database, tenant, { lines })).toMatchObject({ kind: 'quotaExhausted' });
  await serve();
  expect(await statesOf([waiting])).toEqual(['awaitingPayment']);
});

test('exactly once under promoters at once, in the order of the places', async () => {
  const holder = await givenSoldOut(20);
  const waiting: AcceptedOrder[] = [];
  for (let index = 0; index < 30; index += 1) waiting.push(await givenWaiting());
  await cancel(holder.orderId);
  const served = await Promise.all([serve(), serve(), serve()]);
  expect(served.reduce((sum, { promoted }) => sum + promoted, 0)).toBe(20);
  const states = await statesOf(waiting);
  expect(states).toEqual([...Array(20).fill('awaitingPayment'), ...Array(10).fill('waiting')]);
});

test('a turn that dies before its commit changes nothing, and the next one is the same', async () => {
  const holder = await givenSoldOut(1);
  const waiting = await givenWaiting();
  const behind = await givenWaiting();
  await cancel(holder.orderId);
  await database.query(
    `CREATE FUNCTION die() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'killed'; END $$;
     CREATE TRIGGER die AFTER INSERT ON outbox FOR EACH ROW EXECUTE FUNCTION die()`,
  );
  await expect(serve()).rejects.toThrow('killed');
  await database.query('DROP FUNCTION die CASCADE');
  expect(await statesOf([waiting, behind])).toEqual(['waiting', 'waiting']);
  await expectCoherent(database);
  expect(await serve()).toEqual({ promoted: 1, looked: 1 });
  expect(await statesOf([waiting, behind])).toEqual(['awaitingPayment', 'waiting']);
  const turn = { tenant, orderId: waiting.orderId, paymentWindowSeconds: 1800 };
  expect(await takeTurn(app(), turn)).toBe('movedOn');
});

test('a waiting order is cancelled by its buyer, or ends by itself', async () => {
  const holder = await givenSoldOut(1);
  const left = await givenWaiting();
  const overdue = await givenWaiting();
  const stays = await givenWaiting();
  expect(await cancel(left.orderId)).toEqual({ outcome: 'done' });
  expect(await cancel(left.orderId)).toEqual({ outcome: 'done' });
  await database.query('UPDATE waiting_order SET until = clock_timestamp() WHERE order_id = $1', [
    overdue.orderId,
  ]);
  expect(await findTenantsWhoWait(database.as('xianda_dispatch'))).toContain(tenant);
  expect(await endDueWaits(app(), tenant, 10)).toBe(1);
  expect(await endDueWaits(app(), tenant, 10)).toBe(0);
  const view = await viewOf(overdue.orderId);
  expect(view).toMatchObject({ state: 'cancelled' });
  expect(view.timeline.at(-1)).toMatchObject({ kind: 'cancelled', detail: { reason: 'waitEnded' } });
  await cancel(holder.orderId);
  await serve();
  expect(await statesOf([left, overdue, stays])).toEqual(['cancelled', 'cancelled', 'awaitingPayment']);
});

test('units that cannot reach the head go to those behind it, and its place is kept', async () => {
  await givenSku(database, tenant, { sku: 'milk', zone: 'chilled' });
  const far = await givenTenantlessPoint();
  await givenStock(database, tenant, { sku: 'milk', quantity: 1, siteId: 'forward', expiresInDays: 1 });
  const holder = await givenOrder(database, tenant, { lines: { milk: 1 } });
  const head = await givenWaiting({
    lines: { milk: 1 },
    buyer: { communityId: undefined, pickupPointId: far },
  });
  const behind = await givenWaiting({ lines: { milk: 1 } });
  await cancel(holder.orderId);
  await serve();
  await serve();
  expect(await statesOf([head, behind])).toEqual(['waiting', 'awaitingPayment']);
});

/** A point that is served after the milk's last day. */
async function givenTenantlessPoint(): Promise<string> {
  await givenSite(database, tenant, { siteId: 'later', zones: ['chilled'] });
  await database.query(
    `UPDATE pickup_point SET closed_on = ARRAY(SELECT (current_date + d) FROM generate_series(0, 5) d)
      WHERE tenant = $1 AND pickup_point_id = 'point-cold'`,
    [tenant],
  );
  return 'point-cold';
}

test('who could not be served whatever came free is refused at once, and ends when it comes to that', async () => {
  const holder = await givenSoldOut(1);
  const nobody = await placeOrder(database, tenant, {
    acceptLater: true,
    buyer: { pickupPointId: 'point-basic', communityId: undefined },
    lines: { apple: 1 },
  });
  expect(nobody).toMatchObject({ kind: 'accepted' });
  await database.query(
    `UPDATE pickup_point SET ambient_millilitres = 0 WHERE tenant = $1 AND pickup_point_id = 'point-basic'`,
    [tenant],
  );
  await cancel(holder.orderId);
  await serve();
  if (nobody.kind !== 'accepted') throw new Error('refused');
  expect(await statesOf([nobody.answer])).toEqual(['cancelled']);
  expect(
    await placeOrder(database, tenant, {
      acceptLater: true,
      buyer: { pickupPointId: 'point-basic', communityId: undefined },
      lines: { apple: 2 },
    }),
  ).toMatchObject({ kind: 'noRoute' });
});

test('what costs nothing is paid the moment it is served', async () => {
  const holder = await givenSoldOut(1);
  const gift = await givenWaiting({ lines: [{ sku: 'apple', quantity: 1, unitPriceFen: 0 }] });
  await cancel(holder.orderId);
  await serve();
  expect(await statesOf([gift])).toEqual(['paid']);
});

test('a repeat of a waiting order is told the same, also once it was served', async () => {
  const holder = await givenSoldOut(1);
  const given = { acceptLater: true, externalId: 'again', buyer: { ref: 'same' } };
  const first = await placeOrder(database, tenant, given);
  await cancel(holder.orderId);
  await serve();
  expect(await placeOrder(database, tenant, given)).toEqual({ ...first, kind: 'repeated' });
});

test('who came with money is not kept waiting', async () => {
  await givenSoldOut(1);
  const payment = {
    transactionId: 'channel-paid',
    amountFen: 1990,
    paidAt: new Date().toISOString(),
    heldBy: 'channel' as const,
  };
  expect(await placeOrder(database, tenant, { acceptLater: true, payment })).toMatchObject({
    kind: 'accepted',
    answer: { state: 'paid' },
  });
});
