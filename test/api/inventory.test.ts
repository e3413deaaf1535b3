import { type ApiUnderTest, startApi, type TenantKeys } from './support/apiUnderTest';
import { expectCoherent } from '../support/expectCoherent';
import * as goods from './support/goods';

let api: ApiUnderTest;
let shop: TenantKeys;

beforeAll(async () => {
  api = await startApi();
  shop = await api.tenant('shop');
  await goods.givenShop(api, shop);
  const put = (path: string, body: object) => api.send('PUT', path, { key: shop.ops, body });
  await put('/v1/sites/dry', { ...goods.site, zones: ['ambient'] });
  await put('/v1/sites/second', goods.site);
  await put('/v1/skus/other', goods.sku);
  await put('/v1/skus/box', { ...goods.sku, components: [{ sku: 'strawberries', quantity: 2 }] });
});
afterAll(() => api.close());

const receive = (changes: object, key = shop.warehouse) =>
  api.send('POST', '/v1/stock/receipts', { key, body: goods.receipt(changes) });
const lot = (changes: object = {}) => ({ ...goods.receipt().lots[0], ...changes });

test('a receipt is taken once; a repeat gets the same answer, another body is a conflict', async () => {
  const body = {
    reference: '入库 2026/1',
    siteId: 'second',
    lots: [lot({ lotId: 'a', quantity: 3 }), lot({ lotId: 'b', quantity: 4 })],
  };
  const first = await receive(body);
  expect(first).toMatchObject({
    status: 201,
    json: {
      reference: '入库 2026/1',
      siteId: 'second',
      lots: [{ sku: 'strawberries', lotId: 'a', quantity: 3 }, { lotId: 'b' }],
    },
  });
  expect(await receive(body)).toMatchObject({ status: 200, text: first.text });
  expect(await receive({ ...body, siteId: 'central' })).toMatchObject({
    status: 409,
    slug: 'idempotency-conflict',
  });
  const stock = await api.send('GET', '/v1/stock?sku=strawberries&siteId=second', { key: shop.warehouse });
  expect(stock.json).toEqual({
    items: [
      {
        sku: 'strawberries',
        siteId: 'second',
        lotId: 'a',
        expiresOn: goods.day(60),
        onHand: 3,
        held: 0,
        committed: 0,
        quarantined: 0,
        sellable: 3,
      },
      {
        sku: 'strawberries',
        siteId: 'second',
        lotId: 'b',
        expiresOn: goods.day(60),
        onHand: 4,
        held: 0,
        committed: 0,
        quarantined: 0,
        sellable: 4,
      },
    ],
    nextCursor: null,
  });
});

test('what a site or the catalogue cannot take is refused by its path, and nothing of the receipt is kept', async () => {
  const before = await api.countRows();
  const refused = async (slug: string, path: string, changes: object) =>
    expect(await receive({ reference: 'refused', ...changes })).toMatchObject({ slug, paths: [path] });
  await refused('unknown-reference', 'siteId', { siteId: 'nowhere' });
  await refused('unknown-reference', 'lots.1.sku', { lots: [lot(), lot({ sku: 'nothing' })] });
  await refused('wrong-zone', 'lots.0.sku', { siteId: 'dry' });
  await refused('bundle-has-no-stock', 'lots.0.sku', { lots: [lot({ sku: 'box' })] });
  await refused('lot-mismatch', 'lots.0.lotId', { lots: [lot({ expiresOn: goods.day(61) })] });
  await refused('unknown-reference', 'lots.0.campaignId', { lots: [lot({ campaignId: 'nothing' })] });
  await refused('campaign-mismatch', 'lots.0.campaignId', {
    lots: [lot({ sku: 'other', campaignId: 'spring' })],
  });
  await refused('invalid-request', 'lots.0.expiresOn', { lots: [lot({ expiresOn: goods.day(-9) })] });
  expect(await api.countRows()).toEqual(before);
});

test('the journal goes page by page, newest first, each movement with its cause', async () => {
  for (let n = 0; n < 3; n += 1)
    await receive({
      reference: `paged-${n}`,
      siteId: 'second',
      lots: [lot({ lotId: `p${n}`, quantity: n + 1 }), lot({ lotId: `q${n}` })],
    });
  const seen: { movementId: string; cause: { id: string }; at: string }[] = [];
  let cursor = '';
  do {
    const { json } = await api.send(
      'GET',
      `/v1/stock/movements?siteId=second&limit=2${cursor && `&cursor=${cursor}`}`,
      { key: shop.ops },
    );
    seen.push(...json.items);
    cursor = json.nextCursor ?? '';
  } while (cursor !== '');
  expect(seen).toHaveLength(8);
  expect(new Set(seen.map((movement) => movement.movementId)).size).toBe(8);
  expect(seen[0]).toMatchObject({
    kind: 'received',
    onHand: expect.any(Number),
    cause: { kind: 'receipt', id: 'paged-2' },
    actor: expect.stringMatching(/^warehouse:/),
  });
  const times = seen.map((movement) => movement.at);
  expect(times).toEqual([...times].sort().reverse());
  const one = await api.send('GET', '/v1/stock/movements?lotId=p1', { key: shop.ops });
  expect(one.json.items).toMatchObject([{ lotId: 'p1', onHand: 2 }]);
});

test('sellable counts every site and both supplies, for each SKU asked for', async () => {
  const { json } = await api.send('GET', '/v1/sellable?sku=strawberries&sku=box&sku=nothing&sku=box', {
    key: shop.leader,
  });
  expect(json).toMatchObject({
    at: expect.stringMatching(/Z$/),
    items: [{ sku: 'strawberries', presaleRemaining: 20, nearestExpiry: goods.day(60) }, { sku: 'box' }],
  });
  expect(json.items[1].sellable).toBe(Math.floor(json.items[0].sellable / 2));
});

test('one SKU may be asked for as well', async () => {
  const { json } = await api.send('GET', '/v1/sellable?sku=strawberries', { key: shop.supplier });
  expect(json.items).toHaveLength(1);
});

test('every invariant holds after all of this', () => expectCoherent(api.database));
