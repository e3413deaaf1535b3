import { type ApiUnderTest, startApi, type TenantKeys } from './support/apiUnderTest';
import * as goods from './support/goods';

let api: ApiUnderTest;
let shop: TenantKeys;

beforeAll(async () => {
  api = await startApi();
  shop = await api.tenant('shop');
  await goods.givenShop(api, shop);
});
afterAll(() => api.close());

const things: [string, string, string, object][] = [
  ['/v1/skus', 'sku', 'strawberries', goods.sku],
  ['/v1/categories', 'category', 'winter', goods.category],
  ['/v1/sites', 'siteId', 'central', goods.site],
  ['/v1/communities', 'communityId', 'biyun', goods.community],
  ['/v1/leaders', 'leaderId', 'leader-1', goods.leader],
  ['/v1/pickup-points', 'pickupPointId', 'point-1', goods.pickupPoint],
  ['/v1/carriers', 'carrierId', 'hanyun', goods.carrier],
  ['/v1/suppliers', 'supplierId', 'supplier-1', goods.supplier],
];

test.each(things)('%s: what was put is what is read and listed', async (path, idName, id, body) => {
  const put = await api.send('PUT', `${path}/${id}`, { key: shop.ops, body });
  expect(put).toMatchObject({ status: 200, json: { ...body, [idName]: id } });
  expect((await api.send('GET', `${path}/${id}`, { key: shop.ops })).json).toEqual(put.json);
  const list = await api.send('GET', `${path}?limit=200`, { key: shop.ops });
  expect(list.json.items).toContainEqual(put.json);
  expect(list.json.nextCursor).toBeNull();
});

test('a body replaces: what it leaves out is gone', async () => {
  const { name, zone, category, weightGrams, volumeLitres, priceFen, shelfLifeDays } = goods.sku;
  const bare = { name, zone, category, weightGrams, volumeLitres, priceFen, shelfLifeDays };
  await api.send('PUT', '/v1/skus/replaced', {
    key: shop.ops,
    body: { ...goods.sku, gtin: '06901234567892', safetyStock: 3 },
  });
  const { json } = await api.send('PUT', '/v1/skus/replaced', { key: shop.ops, body: bare });
  expect(json).toEqual({ ...bare, sku: 'replaced', handling: [], safetyStock: 0 });
});

test('lists go page by page without gaps or repeats', async () => {
  for (let n = 0; n < 5; n += 1) {
    await api.send('PUT', `/v1/leaders/many-${n}`, { key: shop.ops, body: goods.leader });
  }
  const seen: string[] = [];
  let cursor: string | null = '';
  while (cursor !== null) {
    const { json } = await api.send('GET', `/v1/leaders?limit=2${cursor === '' ? '' : `&cursor=${cursor}`}`, {
      key: shop.ops,
    });
    seen.push(...json.items.map((item: { leaderId: string }) => item.leaderId));
    cursor = json.nextCursor;
  }
  expect(seen).toEqual(['leader-1', 'many-0', 'many-1', 'many-2', 'many-3', 'many-4']);
});

test.each(['x', 'bnVsbA', 'eyJhIjoxfQ', '%00', 'WyJhIl0', 'IgAi'])(
  'the cursor %s is refused',
  async (cursor) => {
    const answer = await api.send('GET', `/v1/leaders?cursor=${cursor}`, { key: shop.ops });
    expect(answer).toMatchObject({ status: 400, slug: 'invalid-request', paths: ['cursor'] });
  },
);

test('unknown references are named by their path', async () => {
  const put = (path: string, body: object) => api.send('PUT', path, { key: shop.ops, body });
  const unknown = { status: 422, slug: 'unknown-reference' };
  expect(await put('/v1/pickup-points/p', { ...goods.pickupPoint, leaderId: 'nobody' })).toMatchObject({
    ...unknown,
    paths: ['leaderId'],
  });
  expect(
    await put('/v1/pickup-points/p', { ...goods.pickupPoint, communities: ['biyun', 'nowhere'] }),
  ).toMatchObject({
    ...unknown,
    paths: ['communities.1'],
  });
  expect(
    await put('/v1/suppliers/s', { ...goods.supplier, skus: ['strawberries', 'nothing'] }),
  ).toMatchObject({ ...unknown, paths: ['skus.1'] });
  expect(await put('/v1/presale-campaigns/c', goods.campaign({ sku: 'nothing' }))).toMatchObject({
    ...unknown,
    paths: ['sku'],
  });
  expect(
    await put('/v1/skus/box', { ...goods.sku, components: [{ sku: 'nothing', quantity: 1 }] }),
  ).toMatchObject({
    ...unknown,
    paths: ['components.0.sku'],
  });
});

test('a bundle contains plain SKUs only, whichever was made first', async () => {
  const put = (id: string, components?: object[]) =>
    api.send('PUT', `/v1/skus/${id}`, { key: shop.ops, body: { ...goods.sku, components } });
  await put('plain');
  expect(await put('box', [{ sku: 'plain', quantity: 2 }])).toMatchObject({
    status: 200,
    json: { components: [{ sku: 'plain', quantity: 2 }] },
  });
  expect(await put('big-box', [{ sku: 'box', quantity: 1 }])).toMatchObject({
    status: 422,
    slug: 'bundle-in-bundle',
  });
  expect(await put('plain', [{ sku: 'strawberries', quantity: 1 }])).toMatchObject({
    status: 422,
    slug: 'bundle-in-bundle',
  });
  expect(await put('self', [{ sku: 'self', quantity: 1 }])).toMatchObject({
    status: 422,
    slug: 'bundle-in-bundle',
  });
});

test('a SKU with stock keeps its zone and stays plain', async () => {
  const put = (body: object) =>
    api.send('PUT', '/v1/skus/strawberries', { key: shop.ops, body: { ...goods.sku, ...body } });
  expect(await put({ zone: 'frozen' })).toMatchObject({ status: 409, slug: 'in-use' });
  expect(await put({ components: [{ sku: 'plain', quantity: 1 }] })).toMatchObject({
    status: 409,
    slug: 'in-use',
  });
  expect((await put({ priceFen: 1 })).status).toBe(200);
});

test('a site keeps the zones of the goods that lie in it', async () => {
  const answer = await api.send('PUT', '/v1/sites/central', {
    key: shop.ops,
    body: { ...goods.site, zones: ['ambient'] },
  });
  expect(answer).toMatchObject({ status: 409, slug: 'in-use' });
});

test('litres go to the millilitre and no finer', async () => {
  const put = (volumeLitres: number) =>
    api.send('PUT', '/v1/skus/fine', { key: shop.ops, body: { ...goods.sku, volumeLitres } });
  expect((await put(0.001)).json.volumeLitres).toBe(0.001);
  expect((await put(4.35)).json.volumeLitres).toBe(4.35);
  expect(await put(0.0005)).toMatchObject({ status: 400, paths: ['volumeLitres'] });
});

test('a quota does not fall below what is held and sold', async () => {
  const path = '/v1/presale-campaigns/spring';
  expect((await api.send('GET', path, { key: shop.host })).json).toMatchObject({
    sold: [{ region: 'shanghai', units: 0, held: 0 }],
    plan: [],
    supply: [],
    aggregatedAt: null,
  });
  await api.database.query(`UPDATE presale_quota SET sold = 6 WHERE campaign_id = 'spring'`);
  const put = (units: number, region = 'shanghai') =>
    api.send('PUT', path, { key: shop.ops, body: goods.campaign({ quotas: [{ region, units }] }) });
  expect(await put(5)).toMatchObject({ status: 409, slug: 'in-use' });
  expect(await put(50, 'suzhou')).toMatchObject({ status: 409, slug: 'in-use' });
  expect((await put(6)).json).toMatchObject({
    quotas: [{ region: 'shanghai', units: 6 }],
    sold: [{ units: 6 }],
  });
});

test('addresses of partners that are not public are for development', async () => {
  const production = await startApi({ mode: 'production', sandboxCarrierUrl: 'http://127.0.0.1:7777' });
  try {
    const keys = await production.tenant('shop');
    const put = (baseUrl: string) =>
      production.send('PUT', '/v1/carriers/c', { key: keys.ops, body: { ...goods.carrier, baseUrl } });
    for (const host of [
      '127.0.0.1:1',
      'localhost',
      '[::1]',
      '[::ffff:127.0.0.1]',
      '0.0.0.0',
      '2130706433',
      'a.localhost',
      '10.1.2.3:8080',
      '192.168.0.7',
      '169.254.169.254/latest',
      '[fd00::1]',
      'intranet',
      'user:secret@carrier.example',
    ]) {
      expect(await put(`http://${host}/`)).toMatchObject({ status: 400, paths: ['baseUrl'] });
    }
    expect((await put('https://carrier.example/api')).status).toBe(200);
    // the one that the installation's own settings name
    expect((await put('http://127.0.0.1:7777/')).status).toBe(200);
    expect((await put('http://127.0.0.1:7777/else')).status).toBe(400);
  } finally {
    await production.close();
  }
});

test('two bundles that would contain each other, put at once, do not both come to be', async () => {
  const put = (id: string, components?: object[]) =>
    api.send('PUT', `/v1/skus/${id}`, { key: shop.ops, body: { ...goods.sku, components } });
  for (let round = 0; round < 5; round += 1) {
    const [a, b] = [`left-${round}`, `right-${round}`];
    await Promise.all([put(a), put(b)]);
    const answers = await Promise.all([put(a, [{ sku: b, quantity: 1 }]), put(b, [{ sku: a, quantity: 1 }])]);
    expect(answers.map((answer) => answer.status).sort()).toEqual([200, 422]);
  }
});

test('the same thing put twenty times at once is there once', async () => {
  for (const [path, , , body] of things) {
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => api.send('PUT', `${path}/at-once`, { key: shop.ops, body })),
    );
    expect([path, ...new Set(answers.map((answer) => answer.status))]).toEqual([path, 200]);
  }
});
