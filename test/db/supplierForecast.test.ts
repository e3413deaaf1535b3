import { importDemand } from '../../src/db/demand';
import { listForecasts } from '../../src/db/forecast.read';
import { findNamed } from '../../src/db/named.read';
import { putSupplier } from '../../src/db/network';
import { campaignSource } from '../../src/db/presale.read';
import { answerSupplierForecast } from '../../src/db/supplierForecast';
import { listSupplierForecasts } from '../../src/db/supplierForecast.read';
import { resolveAttention } from '../../src/db/attentionResolve';
import type { AttentionAction } from '../../src/domain/order/attention';
import { addDays } from '../../src/domain/network/calendar';
import { createTestDatabase, type TestDatabase } from '../support/database';
import { expectCoherent } from '../support/expectCoherent';
import { dayFromToday, givenSku } from '../support/fixtures';
import { givenCut, makeForecasts, pearsWantedOn, presalePears, publish, sayPears } from './forecastJourney';
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
  await makeForecasts(journey, madeAt);
  return (await publish(journey, madeAt))?.forecastId ?? '';
}

test('a run twice is a run once: forecasts, what the supplier is sent, and the event', async () => {
  expect(await makeForecasts(journey, now)).toBe(true);
  const first = await publish(journey, now);
  expect(await makeForecasts(journey, now)).toBe(false);
  expect(await publish(journey, now)).toEqual(first);
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
  expect(event?.data).toEqual(JSON.parse(JSON.stringify(forecast)));
});

test('a run that comes late replaces nothing newer, and sends nothing', async () => {
  const earlier = new Date(now.getTime() - 3_600_000);
  await published(now);
  expect(await makeForecasts(journey, earlier)).toBe(true);
  expect(await publish(journey, earlier)).toBeNull();
  expect(await events()).toHaveLength(1);
  const { items } = await inTenant((tx) => listForecasts(tx, {}, { limit: 200, after: null }));
  expect(items.every((item) => item.madeAt.getTime() === now.getTime())).toBe(true);
});

test('presale that was paid is wanted from its first delivery day; bundles count as their goods', async () => {
  await givenSku(database, journey.tenant, { sku: 'crate', components: { pear: 3 } });
  await inTenant((tx) => putSupplier(tx, 'packer', { name: '包装厂', skus: ['crate'], leadDays: 1 }));
  await presalePears(journey, 4);
  await makeForecasts(journey, now);
  for (const supplierId of ['farm', 'packer']) await publish(journey, now, supplierId);
  const lines = (await inTenant((tx) => listSupplierForecasts(tx, 'packer', { limit: 9, after: null })))
    ?.items[0]?.lines;
  expect(new Set(lines?.map((line) => line.sku))).toEqual(new Set(['pear']));
  expect(lines?.filter((line) => line.presale > 0)).toEqual([
    expect.objectContaining({ date: pearsWantedOn, presale: 4, region: 'east' }),
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
});

test('a day that is over stands as it was answered', async () => {
  const forecastId = await published(new Date(now.getTime() - 3 * 86_400_000));
  const over = { sku: 'apple', date: addDays(today, -1) };
  expect(await answer(forecastId, [{ ...over, confirmed: 5 }])).toMatchObject({
    kind: 'tooLate',
    position: 0,
  });
  await database.query(
    `INSERT INTO supplier_answer (tenant, forecast_id, sku, date, confirmed, answered_by) VALUES ($1, $2, 'apple', $3, 5, 'x')`,
    [journey.tenant, forecastId, over.date],
  );
  expect(await answer(forecastId, [{ ...over, confirmed: 5 }])).toMatchObject({ kind: 'recorded' });
  expect(await answer(forecastId, [{ ...over, confirmed: 4 }])).toMatchObject({ kind: 'tooLate' });
});

test('a cut below what presale has promised names the latest promises, and a word that covers it clears it', async () => {
  const { orderId: first } = await presalePears(journey, 4);
  const { orderId: second } = await presalePears(journey, 3);
  const forecastId = await published();
  expect(await cuts()).toEqual([]);
  const say = (units: number) => sayPears(journey, forecastId, units);
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
  const act = async (action: AttentionAction) =>
    resolveAttention(journey.db, {
      tenant: journey.tenant,
      attentionId: (await cuts())[0]?.attention_id ?? '',
      action,
      detail: 'bought elsewhere',
      actor: 'ops:test',
    });

  test('settle: stays settled until more is missing', async () => {
    const { forecastId } = await givenCut(journey);
    expect(await act('settle')).toEqual({ kind: 'resolved' });
    await published(new Date(Date.now() + 1000));
    expect(await cuts()).toEqual([]);
    await sayPears(journey, forecastId, 2);
    expect(await cuts()).toHaveLength(1);
  });

  test('keepWaiting: shown again at the next look', async () => {
    await givenCut(journey);
    expect(await act('keepWaiting')).toEqual({ kind: 'resolved' });
    expect(await cuts()).toEqual([]);
    await published(new Date(Date.now() + 1000));
    expect(await cuts()).toHaveLength(1);
  });

  test('refund: the orders at risk end and their money goes back; the others stand', async () => {
    const orders = await givenCut(journey);
    expect(await act('refund')).toEqual({ kind: 'resolved' });
    expect(await orderFacts(database, orders.kept)).toMatchObject({ state: 'paid' });
    expect(await orderFacts(database, orders.atRisk)).toMatchObject({ state: 'cancelled' });
    expect(await cuts()).toEqual([]);
    await published(new Date(Date.now() + 1000));
    expect(await cuts()).toEqual([]);
  });
});

test('what is sold after a forecast that nobody cut is no cut', async () => {
  await presalePears(journey, 2);
  const forecastId = await published();
  await answer(forecastId, [{ sku: 'pear', date: pearsWantedOn, confirmed: 2 }]);
  await presalePears(journey, 5);
  await published(new Date(now.getTime() + 1000));
  expect(await cuts()).toEqual([]);
});

test('the campaign shows what suppliers bring of its goods', async () => {
  const supplyNow = async () => {
    const campaign = await inTenant((tx) => findNamed<{ supply: object[] }>(tx, campaignSource, 'early'));
    return campaign?.supply.find((each) => (each as { date: string }).date === pearsWantedOn);
  };
  const { forecastId } = await givenCut(journey);
  const asked = { sku: 'pear', supplierId: 'farm', date: pearsWantedOn, asked: expect.any(Number) };
  expect(await supplyNow()).toEqual({ ...asked, confirmed: 4 });
  await sayPears(journey, forecastId, 9);
  expect(await supplyNow()).toEqual({ ...asked, confirmed: 9 });
});
