import { loadBaskets } from '../../src/dev/demo/baskets';
import { buildCatalogue } from '../../src/dev/seed/catalogue';
import { buildNetwork } from '../../src/dev/seed/network';
import { planHistory } from '../../src/dev/seed/planHistory';

const { baskets } = loadBaskets();
const { communities } = buildNetwork();
const today = '2026-11-25';
const rows = planHistory({ baskets, communities, today });

test('six weeks of the brand’s own SKUs in its own regions, every row once, none of today', () => {
  const skus = new Set(buildCatalogue().skus.map(({ sku }) => sku));
  const regions = new Set(communities.map(({ region }) => region));
  expect(rows.filter(({ sku, region }) => !skus.has(sku) || !regions.has(region))).toEqual([]);
  expect(new Set(rows.map(({ sku, region, date }) => `${sku} ${region} ${date}`)).size).toBe(rows.length);
  const dates = [...new Set(rows.map(({ date }) => date))].sort();
  expect([dates.length, dates[0], dates.at(-1)]).toEqual([42, '2026-10-14', '2026-11-24']);
  expect(rows.every(({ units }) => Number.isSafeInteger(units) && units > 0)).toBe(true);
});

test('the same every time, busier at the weekend, and sold out now and then', () => {
  expect(planHistory({ baskets, communities, today })).toEqual(rows);
  const unitsOn = (weekdays: number[]) =>
    rows
      .filter(({ date }) => weekdays.includes(new Date(date).getUTCDay()))
      .reduce((sum, { units }) => sum + units, 0) / weekdays.length;
  expect(unitsOn([6, 0])).toBeGreaterThan(1.3 * unitsOn([1, 2]));
  expect(rows.filter(({ stockout }) => stockout).length).toBeGreaterThan(20);
});
