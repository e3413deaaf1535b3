import { createPresaleAggregationActivities } from '../../src/activities/presaleAggregation';
import { expectCoherent } from '../support/expectCoherent';
import { type ApiUnderTest, startApi, type TenantKeys } from './support/apiUnderTest';
import * as goods from './support/goods';

let api: ApiUnderTest;
let shop: TenantKeys;
const path = '/v1/presale-campaigns/spring';

beforeAll(async () => {
  api = await startApi();
  shop = await api.tenant('shop');
  await goods.givenShop(api, shop);
});
afterAll(async () => {
  await expectCoherent(api.database);
  await api.close();
});

const get = (at: string, key = shop.ops) => api.send('GET', at, { key });
const aggregate = (asOf: Date) =>
  createPresaleAggregationActivities({ db: api.database.as('xianda_app') }).aggregateCampaign({
    tenant: shop.tenant,
    campaignId: 'spring',
    scheduledAt: new Date(asOf.getTime() - 1000).toISOString(),
    asOf: asOf.toISOString(),
  });

test('a supplier’s terms are stored and replaced with it, and are of its own SKUs', async () => {
  const put = (changes: object) =>
    api.send('PUT', '/v1/suppliers/supplier-1', { key: shop.ops, body: { ...goods.supplier, ...changes } });
  expect((await put({ terms: [{ sku: 'strawberries' }] })).json.terms).toEqual([
    { sku: 'strawberries', casePack: 1, minimumOrder: 0 },
  ]);
  expect(await put({ terms: [{ sku: 'pears', casePack: 2 }] })).toMatchObject({
    status: 400,
    paths: ['terms'],
  });
  expect((await put({ terms: undefined })).json).not.toHaveProperty('terms');
  expect((await put({})).json.terms).toEqual(goods.supplier.terms);
});

test('a campaign shows no plan before its first aggregation, then the latest', async () => {
  expect((await get(path)).json).toMatchObject({ plan: [], purchase: [], aggregatedAt: null });
  const earlier = new Date(Date.now() - 60_000);
  const later = new Date(Date.now() - 30_000);
  await aggregate(later);
  // a tick that is caught up late does not become the latest
  await aggregate(earlier);
  const { json } = await get(path, shop.host);
  expect(json.aggregatedAt).toBe(later.toISOString());
  expect(json.plan).toHaveLength(1);
  const [{ region, units, low, high, purchaseBy }] = json.plan;
  const [quota] = json.quotas;
  expect([region, low <= units, units <= high, high <= quota.units]).toEqual(['shanghai', true, true, true]);
  const [purchase] = json.purchase;
  expect(purchase).toEqual({
    sku: 'strawberries',
    supplierId: 'supplier-1',
    units: Math.max(24, Math.ceil(units / 12) * 12),
    purchaseBy,
    regions: [{ region: 'shanghai', units: purchase.units }],
  });
});

test('the history of a campaign is paged, newest first', async () => {
  const first = await get(`${path}/aggregations?limit=1`);
  expect(first.status).toBe(200);
  const second = await get(`${path}/aggregations?limit=1&cursor=${first.json.nextCursor}`);
  expect(second.json.nextCursor).toBeNull();
  const [newest] = first.json.items;
  const [oldest] = second.json.items;
  expect(newest.scheduledAt > oldest.scheduledAt).toBe(true);
  expect(newest).toMatchObject({
    regions: [
      { region: 'shanghai', committed: 0, held: 0, quota: expect.any(Number), low: expect.any(Number) },
    ],
    purchase: [{ sku: 'strawberries' }],
  });
  expect(await get('/v1/presale-campaigns/none/aggregations')).toMatchObject({
    status: 404,
    slug: 'not-found',
  });
});
