import { importDemand } from '../../src/db/demand';
import { readDemandSeries } from '../../src/db/demand.read';
import { insertForecasts } from '../../src/db/forecast';
import { listForecasts } from '../../src/db/forecast.read';
import { putSupplier } from '../../src/db/network';
import { answerSupplierForecast, publishSupplierForecast } from '../../src/db/supplierForecast';
import { listSupplierForecasts } from '../../src/db/supplierForecast.read';
import { resolveAttention } from '../../src/db/attentionResolve';
import type { AttentionAction } from '../../src/domain/order/attention';
import { horizonDays } from '../../src/domain/forecast/model';
import { smoothedWeekdays } from '../../src/domain/forecast/smoothedWeekdays';
import { addDays, localDateOf } from '../../src/domain/network/calendar';
import { createTestDatabase, type TestDatabase } from '../support/database';
import { expectCoherent } from '../support/expectCoherent';
import { dayFromToday, givenSku } from '../support/fixtures';
import { givenJourney, type Journey, orderFacts } from './orderJourney';

const today = dayFromToday(0);
const now = new Date();

let database: TestDatabase;
let journey: Journey;

beforeAll(async () => {
  database = await createTestDatabase();
});
beforeEach(async () => {
  journey = await givenJourney(database);
  await inTenant((tx) => putSupplier(tx, 'farm', { name: '农场', skus: ['apple', 'pear'], leadDays: 2 }));
  await inTenant((tx) =>
    importDemand(
      tx,
      Array.from({ length: 28 }, (_, index) => ({
        sku: 'apple',
        region: 'east',
        date: addDays(today, -1 - index),
        units: 10,
        stockout: false,
      })),
    ),
  );
});
afterAll(async () => {
  await expectCoherent(database);
  await database.drop();
});

type InTenant = Journey['db']['inTenant'];
function inTenant<T>(
  work: Parameters<InTenant>[1] extends (tx: infer Tx) => unknown ? (tx: Tx) => Promise<T> : never,
) {
  return journey.db.inTenant(journey.tenant, work);
}

const runAt = (madeAt: Date) => ({ madeAt, scheduleId: 'daily', model: smoothedWeekdays.name });

async function makeForecasts(madeAt = now): Promise<boolean> {
  return inTenant(async (tx) => {
    const firstDay = localDateOf(madeAt.getTime(), 'Asia/Shanghai');
    const series = await readDemandSeries(tx, firstDay);
    return insertForecasts(tx, runAt(madeAt), smoothedWeekdays.forecast({ firstDay, horizonDays, series }));
  });
}
const publish = (madeAt = now, supplierId = 'farm') =>
  inTenant((tx) => publishSupplierForecast(tx, { supplierId, scheduleId: 'daily', madeAt }));
const answer = (
  forecastId: string,
  lines: { sku: string; date: string; confirmed: number }[],
  supplierId: string | null = 'farm',
) => inTenant((tx) => answerSupplierForecast(tx, { forecastId, supplierId, lines, actor: 'supplier:test' }));
const listed = async () =>
  (await inTenant((tx) => listSupplierForecasts(tx, 'farm', { limit: 9, after: null })))?.items;
const events = () =>
  database.query<{ subject: string; supplier_id: string; data: { items: object[] } }>(
    `SELECT subject, supplier_id, data FROM event WHERE tenant = $1 AND type = 'forecast.published'`,
    [journey.tenant],
  );
const cuts = () =>
  database.query<{ attention_id: string; subject: string; detail: Record<string, unknown> }>(
    `SELECT attention_id, subject, detail FROM attention WHERE tenant = $1 AND reason = 'supplyCut' AND resolved_at IS NULL`,
    [journey.tenant],
  );

async function published(madeAt = now): Promise<string> {
  await makeForecasts(madeAt);
  return (await publish(madeAt))?.forecastId ?? '';
}

async function presale(quantity: number): Promise<string> {
  const order = await journey.place({
    lines: [{ sku: 'pear', quantity, supply: 'presale', campaignId: 'early' }],
  });
  await journey.pay(order);
  return order.orderId;
}

/** The campaign delivers from the third day on, until the eleventh. */
const wantedOn = dayFromToday(2);

test('a run twice is a run once: forecasts, what the supplier is sent, and the event', async () => {
  expect(await makeForecasts()).toBe(true);
  const first = await publish();
  expect(await makeForecasts()).toBe(false);
  expect(await publish()).toEqual(first);
  const [forecast, ...more] = (await listed()) ?? [];
  expect(more).toEqual([]);
  const apples = forecast?.lines.filter((line) => line.sku === 'apple') ?? [];
  expect(apples.map((line) => line.date)).toEqual(
    Array.from({ length: 14 }, (_, ahead) => addDays(today, ahead)),
  );
  for (const line of apples) {
    expect(line).toMatchObject({ region: 'east', basis: 'history', presale: 0 });
    expect(line.p50).toBeGreaterThanOrEqual(9);
    expect(line.p50).toBeLessThanOrEqual(11);
  }
  const [event, ...others] = await events();
  expect(others).toEqual([]);
  expect(event).toMatchObject({ subject: first?.forecastId, supplier_id: 'farm' });
  // the very object of the list
  expect(event?.data).toEqual(JSON.parse(JSON.stringify({ items: [forecast], nextCursor: null })));
});

test('a run that comes late replaces nothing newer, and sends nothing', async () => {
  const earlier = new Date(now.getTime() - 3_600_000);
  await published(now);
  expect(await makeForecasts(earlier)).toBe(true);
  expect(await publish(earlier)).toBeNull();
  expect(await events()).toHaveLength(1);
  const { items } = await inTenant((tx) => listForecasts(tx, {}, { limit: 200, after: null }));
  expect(items.every((item) => item.madeAt.getTime() === now.getTime())).toBe(true);
});

test('presale that was paid is wanted from its first delivery day; bundles count as their goods', async () => {
  await givenSku(database, journey.tenant, { sku: 'crate', components: { pear: 3 } });
  await inTenant((tx) => putSupplier(tx, 'packer', { name: '包装厂', skus: ['crate'], leadDays: 1 }));
  await presale(4);
  await makeForecasts();
  for (const supplierId of ['farm', 'packer']) await publish(now, supplierId);
  const lines = (await inTenant((tx) => listSupplierForecasts(tx, 'packer', { limit: 9, after: null })))
    ?.items[0]?.lines;
  expect(new Set(lines?.map((line) => line.sku))).toEqual(new Set(['pear']));
  expect(lines?.filter((line) => line.presale > 0)).toEqual([
    expect.objectContaining({ date: wantedOn, presale: 4, region: 'east' }),
  ]);
});

test('the last word counts, saying it again changes nothing, and a day that is over stands', async () => {
  const forecastId = await published();
  const date = addDays(today, 1);
  const said = await answer(forecastId, [{ sku: 'apple', date, confirmed: 8 }]);
  expect(said).toMatchObject({ kind: 'recorded' });
  expect(await answer(forecastId, [{ sku: 'apple', date, confirmed: 8 }])).toEqual(said);
  await answer(forecastId, [{ sku: 'apple', date, confirmed: 6 }], null);
  const line = (await listed())?.[0]?.lines.find((each) => each.sku === 'apple' && each.date === date);
  expect(line?.confirmed).toBe(6);
  expect(await answer(forecastId, [{ sku: 'apple', date, confirmed: 1 }], 'another')).toEqual({
    kind: 'notFound',
  });
  expect(
    await answer(forecastId, [
      { sku: 'apple', date, confirmed: 1 },
      { sku: 'milk', date, confirmed: 1 },
    ]),
  ).toMatchObject({ kind: 'unknownLine', position: 1 });
  const old = await published(new Date(now.getTime() - 3 * 86_400_000));
  const over = addDays(today, -1);
  expect(await answer(old, [{ sku: 'apple', date: over, confirmed: 5 }])).toMatchObject({ kind: 'tooLate' });
});

test('a cut below what presale has promised names the latest promises, and a word that covers it clears it', async () => {
  const first = await presale(4);
  const second = await presale(3);
  const forecastId = await published();
  expect(await cuts()).toEqual([]);
  const days = Array.from({ length: 14 }, (_, ahead) => addDays(today, ahead));
  const say = (confirmed: number) =>
    answer(
      forecastId,
      days.map((date) => ({ sku: 'pear', date, confirmed: date === wantedOn ? confirmed : 0 })),
    );
  await say(7);
  expect(await cuts()).toEqual([]);
  await say(5);
  const [cut] = await cuts();
  expect(cut).toMatchObject({
    subject: 'pear',
    detail: {
      suppliers: ['farm'],
      shortUnits: 2,
      orders: 1,
      orderIds: [second],
      firstShortOn: dayFromToday(10),
    },
  });
  await say(0);
  expect((await cuts())[0]).toMatchObject({
    attention_id: cut?.attention_id,
    detail: { shortUnits: 7, orders: 2, orderIds: [first, second] },
  });
  await say(7);
  expect(await cuts()).toEqual([]);
});

describe('what a person may do about a cut', () => {
  async function givenCut(): Promise<{
    forecastId: string;
    orders: string[];
    say(units: number): Promise<unknown>;
  }> {
    const orders = [await presale(4), await presale(3)];
    const forecastId = await published();
    const say = (confirmed: number) =>
      answer(
        forecastId,
        Array.from({ length: 14 }, (_, ahead) => addDays(today, ahead)).map((date) => ({
          sku: 'pear',
          date,
          confirmed: date === wantedOn ? confirmed : 0,
        })),
      );
    await say(4);
    return { forecastId, orders, say };
  }
  const act = async (action: AttentionAction) =>
    resolveAttention(journey.db, {
      tenant: journey.tenant,
      attentionId: (await cuts())[0]?.attention_id ?? '',
      action,
      detail: 'bought elsewhere',
      actor: 'ops:test',
    });

  test('settle: stays settled until more is missing', async () => {
    const { say } = await givenCut();
    expect(await act('settle')).toEqual({ kind: 'resolved' });
    await publish();
    expect(await cuts()).toEqual([]);
    await say(2);
    expect(await cuts()).toHaveLength(1);
  });

  test('keepWaiting: shown again at the next look', async () => {
    await givenCut();
    expect(await act('keepWaiting')).toEqual({ kind: 'resolved' });
    expect(await cuts()).toEqual([]);
    await publish();
    expect(await cuts()).toHaveLength(1);
  });

  test('refund: the orders at risk end and their money goes back; the others stand', async () => {
    const { orders } = await givenCut();
    expect(await act('refund')).toEqual({ kind: 'resolved' });
    const [kept, ended] = await Promise.all(orders.map((orderId) => orderFacts(database, orderId)));
    expect(kept).toMatchObject({ state: 'paid' });
    expect(ended).toMatchObject({ state: 'cancelled' });
    expect(await cuts()).toEqual([]);
    await publish();
    expect(await cuts()).toEqual([]);
  });
});

test('what is sold after a forecast that nobody cut is no cut', async () => {
  await presale(2);
  const forecastId = await published();
  await answer(forecastId, [{ sku: 'pear', date: wantedOn, confirmed: 2 }]);
  await presale(5);
  await publish();
  expect(await cuts()).toEqual([]);
});
