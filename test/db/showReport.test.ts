import { findShowFacts } from '../../src/db/showReport.read';
import { computeShowReport, type ShowReport } from '../../src/domain/live/showReport';
import { expireOrder } from '../../src/db/expiry';
import { serveWaiting } from '../../src/db/promotion';
import { endDueWaits } from '../../src/db/waitingList';
import { createTestDatabase, type TestDatabase } from '../support/database';
import { expectCoherent } from '../support/expectCoherent';
import { inTenant } from '../support/fixtures';
import { decideMoney, givenJourney, type Journey } from './orderJourney';

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

const liveSessionId = 'show-1';

async function reportOf(session = liveSessionId): Promise<ShowReport | null> {
  const facts = await inTenant(database, journey.tenant, (tx) => findShowFacts(tx, session));
  return facts && computeShowReport(facts);
}

async function report(): Promise<ShowReport> {
  const made = await reportOf();
  if (!made) throw new Error('the session is not known');
  return made;
}

function place(lines: Record<string, number>, request: object = {}) {
  return journey.place({
    liveSessionId,
    lines: Object.entries(lines).map(([sku, quantity]) => ({ sku, quantity })),
    ...request,
  });
}

async function deliver(shipments: string[], at: Date): Promise<void> {
  for (const shipmentId of shipments) await journey.tell({ shipmentId, kind: 'delivered', at });
}

async function dueNow(orderId: string): Promise<void> {
  for (const table of ['orders', 'hold'])
    await database.query(`UPDATE ${table} SET expires_at = now() - interval '1 s' WHERE order_id = $1`, [
      orderId,
    ]);
  await expireOrder(journey.db, journey.tenant, orderId);
}

test('a session that no order names is not known, nor another brand’s', async () => {
  await place({ apple: 1 });
  expect(await reportOf('show-2')).toBeNull();
  const other = await givenJourney(database);
  expect(await inTenant(database, other.tenant, (tx) => findShowFacts(tx, liveSessionId))).toBeNull();
});

test('follows orders from the shelf to the door and counts the stock again', async () => {
  const planned = {
    liveSessionId,
    lines: [
      { sku: 'apple', quantity: 60 },
      { sku: 'milk', quantity: 2 },
    ],
  };
  const first = await journey.planned(planned);
  await deliver(first.shipments, new Date());
  const unpaid = await place({ apple: 40 });
  expect((await report()).soldOut.map(({ sku, gaps }) => [sku, gaps.length, gaps[0]?.until])).toEqual([
    ['apple', 1, null],
  ]);
  await dueNow(unpaid.orderId);
  const cancelled = await place({ apple: 5 });
  await journey.cancel(cancelled.orderId);
  const again = await journey.planned({ liveSessionId, lines: [{ sku: 'apple', quantity: 30 }] });
  await deliver(again.shipments, new Date(Date.now() + 30 * 86_400_000));
  // of no session: counts in the stock, not in the session's own sales
  const elsewhere = await journey.planned({ lines: [{ sku: 'apple', quantity: 3 }] });
  await deliver(elsewhere.shipments, new Date());

  const made = await report();
  expect(made.orders).toMatchObject({
    placed: 4,
    paid: 2,
    byState: { delivered: 2, expired: 1, cancelled: 1 },
    unitsTaken: 137,
    unitsKept: 92,
  });
  expect(made.comebacks).toMatchObject({ expired: 40, released: 5, uncommitted: 0, soldAgain: 38 });
  expect(made.soldOut).toMatchObject([
    { sku: 'apple', taken: 135, kept: 90, gaps: [{ until: expect.any(String) }] },
  ]);
  expect(made.promises).toMatchObject({ kept: 1, late: 1, overdue: 0, due: 0, returned: 0, rate: 0.5 });
  expect(made.promises.unkept).toMatchObject([{ orderId: again.orderId, outcome: 'late', via: ['swift'] }]);
  expect(made.parcels.byZone).toMatchObject({ ambient: made.parcels.parcels - made.parcels.byZone.chilled });
  expect(made.parcels).toMatchObject({ shipments: 3, mixed: 0, ordersInSeveral: 1 });
  expect(made.verdict).toEqual({ broken: [], unkept: 1, open: 0 });
  expect(made.hot.find(({ sku }) => sku === 'apple')?.before).toBe(100);
  // what lay at the end of the session, before a later sale; the later one may still fall into its last second
  const apple = made.recount.goods.find(({ sku }) => sku === 'apple');
  expect(apple).toMatchObject({ opening: 100, arrived: 0, soldHere: 90, waste: 0, difference: 0 });
  expect(made.recount).toMatchObject({ oversold: 0, unbalanced: 0 });
  expect(made.latency.spans.map(({ kind, count }) => [kind, count])).toEqual([
    ['holdToPayment', 2],
    ['paymentToPlan', 2],
    ['paymentToDelivery', 2],
  ]);
});

test('tells how each wait in line ended, and counts the wait for payment from the turn on', async () => {
  await place({ apple: 97 });
  const holder = await place({ apple: 3 });
  const wait = (apple: number, request: object = {}) => place({ apple }, { acceptLater: true, ...request });
  const pays = await wait(1);
  await wait(1);
  const leaves = await wait(1);
  const overdue = await wait(1);
  await wait(1, { buyer: { ref: 'far', pickupPointId: 'point-basic' } });
  await wait(5);
  expect((await report()).waitingList).toMatchObject({ waited: 6, inLine: 6, servedAfter: null });

  await journey.cancel(leaves.orderId);
  await database.query('UPDATE waiting_order SET until = clock_timestamp() WHERE order_id = $1', [
    overdue.orderId,
  ]);
  expect(await endDueWaits(journey.db, journey.tenant, 10)).toBe(1);
  await database.query(
    `UPDATE pickup_point SET ambient_millilitres = 0 WHERE tenant = $1 AND pickup_point_id = 'point-basic'`,
    [journey.tenant],
  );
  // the first to wait has stood there for an hour
  for (const [table, column] of [
    ['waiting_order', 'since'],
    ['orders', 'created_at'],
  ])
    await database.query(
      `UPDATE ${table} SET ${column} = ${column} - interval '1 hour' WHERE order_id = $1`,
      [pays.orderId],
    );
  await journey.cancel(holder.orderId);
  expect(
    await serveWaiting(journey.db, { tenant: journey.tenant, limit: 9, paymentWindowSeconds: 60 }),
  ).toEqual({ promoted: 2, looked: 3 });
  await journey.pay(pays);

  const { waitingList, latency, verdict } = await report();
  const { servedAfter, ...ends } = waitingList;
  expect(ends).toEqual({ waited: 6, served: 2, paid: 1, left: 1, timedOut: 1, unservable: 1, inLine: 1 });
  expect(servedAfter?.p50).toBeLessThan(60);
  expect(servedAfter?.p95).toBeGreaterThan(3_599);
  expect(servedAfter?.longest).toBe(servedAfter?.p95);
  expect(latency.spans).toMatchObject([{ kind: 'holdToPayment', count: 1 }]);
  expect(latency.spans[0]?.longest).toBeLessThan(60);
  expect(verdict.broken).toEqual([]);
});
