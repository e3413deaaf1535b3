import { randomUUID } from 'node:crypto';
import { countDemandDay, findDaysToCount, importDemand } from '../../src/db/demand';
import { readDemandSeries } from '../../src/db/demand.read';
import { addDays, instantOf } from '../../src/domain/network/calendar';
import { createTestDatabase, type TestDatabase } from '../support/database';
import { expectCoherent } from '../support/expectCoherent';
import { dayFromToday, givenCommunity, givenSku } from '../support/fixtures';
import { givenJourney, type Journey } from './orderJourney';

const shanghai = 'Asia/Shanghai';
const today = dayFromToday(0);
const yesterday = addDays(today, -1);

let database: TestDatabase;
let journey: Journey;

beforeAll(async () => {
  database = await createTestDatabase();
});
beforeEach(async () => {
  journey = await givenJourney(database);
});
afterAll(async () => {
  await expectCoherent(database);
  await database.drop();
});

function at(date: string, time: string): Date {
  return new Date(instantOf(date, time, shanghai));
}

/** As if it had been placed then: orders of a test are placed now. */
async function placedAt(orderId: string, instant: Date): Promise<void> {
  await database.query('UPDATE orders SET created_at = $2 WHERE order_id = $1', [orderId, instant]);
}

/** Goods that came at an instant of the past, through the journal. */
async function receivedAt(sku: string, units: number, instant: Date): Promise<void> {
  const { tenant } = journey;
  await database.query(
    `INSERT INTO lot (tenant, sku, lot_id, produced_on, expires_on) VALUES ($1, $2, 'past', $3, $4) ON CONFLICT DO NOTHING`,
    [tenant, sku, addDays(today, -9), addDays(today, 60)],
  );
  await database.query('INSERT INTO stock_pool (tenant, sku) VALUES ($1, $2) ON CONFLICT DO NOTHING', [
    tenant,
    sku,
  ]);
  await database.query(
    `INSERT INTO stock_movement (tenant, batch_id, position, at, kind, sku, site_id, lot_id, on_hand, cause_kind, cause_id, actor)
     VALUES ($1, $2, 1, $3, 'received', $4, 'central', 'past', $5, 'receipt', 'past', 'test')`,
    [tenant, randomUUID(), instant, sku, units],
  );
}

const count = (date: string) => journey.db.inTenant(journey.tenant, (tx) => countDemandDay(tx, date));
const demandOf = (date: string) =>
  database.query(
    `SELECT sku, region, units::integer, presale_units::integer AS presale, source FROM demand_day
      WHERE tenant = $1 AND date = $2 ORDER BY sku, region`,
    [journey.tenant, date],
  );
const stockoutsOf = (date: string) =>
  database.query<{ sku: string; minutes: number }>(
    'SELECT sku, missed_minutes AS minutes FROM stockout_day WHERE tenant = $1 AND date = $2 ORDER BY sku',
    [journey.tenant, date],
  );
const bring = (rows: Parameters<typeof importDemand>[1]) =>
  journey.db.inTenant(journey.tenant, (tx) => importDemand(tx, rows));
const row = (units: number, changed: object = {}) => ({
  sku: 'apple',
  region: 'east',
  date: yesterday,
  units,
  stockout: false,
  ...changed,
});

test('a day’s orders are counted by SKU and region: bundles as their components, presale apart, unpaid ends not at all', async () => {
  await givenSku(database, journey.tenant, { sku: 'box', components: { apple: 2, milk: 1 } });
  const noon = at(yesterday, '12:00');
  const single = await journey.place({ lines: [{ sku: 'apple', quantity: 3 }] });
  const boxes = await journey.planned({ lines: [{ sku: 'box', quantity: 2 }] });
  const presale = await journey.place({
    lines: [{ sku: 'pear', quantity: 4, supply: 'presale', campaignId: 'early' }],
  });
  await journey.pay(presale);
  const expired = await journey.place({ lines: [{ sku: 'ice', quantity: 9 }] });
  await journey.cancel(expired.orderId);
  for (const { orderId } of [single, boxes, presale, expired]) await placedAt(orderId, noon);
  const other = await journey.place({ lines: [{ sku: 'milk', quantity: 5 }] });
  await placedAt(other.orderId, at(today, '00:00'));

  await count(yesterday);
  const counted = [
    { sku: 'apple', region: 'east', units: 7, presale: 0, source: 'orders' },
    { sku: 'milk', region: 'east', units: 2, presale: 0, source: 'orders' },
    { sku: 'pear', region: 'east', units: 0, presale: 4, source: 'orders' },
  ];
  expect(await demandOf(yesterday)).toEqual(counted);
  await count(yesterday);
  expect(await demandOf(yesterday)).toEqual(counted);

  await journey.cancel(single.orderId);
  await count(yesterday);
  expect((await demandOf(yesterday))[0]).toMatchObject({ sku: 'apple', units: 4 });
});

test('the journal tells which SKUs could not be bought for a while', async () => {
  await receivedAt('apple', 10, at(addDays(yesterday, -1), '09:00'));
  await receivedAt('milk', 10, at(yesterday, '15:00'));
  await count(yesterday);
  expect(await stockoutsOf(yesterday)).toEqual([
    { sku: 'crab', minutes: 1080 },
    { sku: 'ice', minutes: 1080 },
    { sku: 'milk', minutes: 540 },
    { sku: 'pear', minutes: 1080 },
  ]);
  // units below the line are not for sale
  await database.query(`UPDATE sku SET safety_stock = 10 WHERE tenant = $1 AND sku = 'apple'`, [
    journey.tenant,
  ]);
  await count(yesterday);
  expect(await stockoutsOf(yesterday)).toContainEqual({ sku: 'apple', minutes: 1080 });
});

test('days that were never counted come first, and the last seven again; none before the first order', async () => {
  const find = (before: Date) => journey.db.inTenant(journey.tenant, (tx) => findDaysToCount(tx, before));
  expect(await find(at(today, '05:00'))).toEqual([]);
  const { orderId } = await journey.place();
  await placedAt(orderId, at(addDays(today, -10), '12:00'));
  const tenDays = Array.from({ length: 10 }, (_, index) => addDays(today, index - 10));
  expect(await find(at(today, '05:00'))).toEqual(tenDays);
  for (const day of tenDays) await count(day);
  expect(await find(at(today, '05:00'))).toEqual(tenDays.slice(3));
  // a tick that was missed: its window follows from its own time
  expect(await find(at(yesterday, '05:00'))).toEqual(tenDays.slice(2, 9));
  await placedAt(orderId, at(addDays(today, -400), '12:00'));
  expect((await find(at(today, '05:00'))).length).toBe(60 - 3);
});

test('imported rows replace each other, stand against counting, and are stored all or none', async () => {
  expect(await bring([row(12), row(7, { region: 'west', stockout: true })])).toEqual({ kind: 'stored' });
  expect(await bring([row(15)])).toEqual({ kind: 'stored' });
  const { orderId } = await journey.place({ lines: [{ sku: 'apple', quantity: 1 }] });
  await placedAt(orderId, at(yesterday, '12:00'));
  await count(yesterday);
  expect(await demandOf(yesterday)).toMatchObject([
    { region: 'east', units: 15, source: 'import' },
    { region: 'west', units: 7, source: 'import' },
  ]);
  const refusals = [
    [row(1, { sku: 'nothing' }), 'unknownSku'],
    [row(1, { date: today }), 'notFinished'],
  ] as const;
  for (const [wrong, kind] of refusals) {
    expect(await bring([row(99), wrong])).toMatchObject({ kind, position: 1 });
    expect((await demandOf(yesterday))[0]).toMatchObject({ units: 15 });
  }
  await givenSku(database, journey.tenant, { sku: 'box', components: { apple: 2 } });
  expect(await bring([row(1, { sku: 'box' })])).toMatchObject({ kind: 'bundle', position: 0 });
});

test('a series knows what was counted or imported, and calls nothing else zero', async () => {
  await givenCommunity(database, journey.tenant, { communityId: 'lake', region: 'west' });
  await bring([row(5, { date: addDays(today, -3) }), row(6, { date: addDays(today, -2), stockout: true })]);
  const { orderId } = await journey.place({ lines: [{ sku: 'apple', quantity: 2 }] });
  await placedAt(orderId, at(yesterday, '12:00'));
  await receivedAt('apple', 50, at(addDays(today, -5), '09:00'));
  await count(yesterday);
  const series = await journey.db.inTenant(journey.tenant, (tx) => readDemandSeries(tx, today));
  const daysOf = (sku: string, region: string) =>
    series.find((each) => each.sku === sku && each.region === region)?.days.slice(-4);
  const quiet = { units: 0, stockout: false, missedShare: null };
  expect(daysOf('apple', 'east')).toEqual([
    null,
    { ...quiet, units: 5 },
    { ...quiet, units: 6, stockout: true },
    { ...quiet, units: 2 },
  ]);
  // the brand's sheet names apples that day, and none in the west
  expect(daysOf('apple', 'west')).toEqual([null, quiet, quiet, quiet]);
  expect(series.every((each) => each.days.length === 56)).toBe(true);
  // nobody delivers milk, and nobody asked for it
  expect(daysOf('milk', 'east')).toBeUndefined();
});
