import { planFulfilment } from '../../src/db/fulfilment';
import { expectCoherent } from '../support/expectCoherent';
import {
  type ApiUnderTest,
  expectStatus,
  platformKey,
  startApi,
  type TenantKeys,
} from './support/apiUnderTest';
import * as goods from './support/goods';
import { paymentOf, tellPayment } from './support/sign';

let api: ApiUnderTest;
let shop: TenantKeys;
let other: TenantKeys;

beforeAll(async () => {
  api = await startApi();
  shop = await api.tenant('shop');
  other = await api.tenant('other');
  await goods.givenShop(api, shop);
  const place = (externalId: string) =>
    api.send('POST', '/v1/orders', {
      key: shop.channel,
      body: goods.order({ externalId, liveSessionId: 'live-1' }),
    });
  const paid = expectStatus(await place('one'), 201).json;
  expectStatus(await place('two'), 201);
  await waitAndLeave();
  await tellPayment(api, { body: paymentOf('shop', paid) });
  await planFulfilment(api.database.as('xianda_app'), { tenant: 'shop', orderId: paid.orderId });
});

/** Somebody stands in line for goods that are not there, and thinks better of it. */
async function waitAndLeave(): Promise<void> {
  expectStatus(await api.send('PUT', '/v1/skus/cherries', { key: shop.ops, body: goods.sku }), 200);
  const lines = [{ sku: 'cherries', quantity: 1 }];
  const body = goods.order({ externalId: 'three', liveSessionId: 'live-1', lines, acceptLater: true });
  const { orderId, state } = expectStatus(
    await api.send('POST', '/v1/orders', { key: shop.channel, body }),
    201,
  ).json;
  expect(state).toBe('waiting');
  const cancel = { key: shop.channel, body: { reason: 'never mind' } };
  expectStatus(await api.send('POST', `/v1/orders/${orderId}/cancel`, cancel), 200);
}

afterAll(async () => {
  await expectCoherent(api.database);
  await api.close();
});

const path = '/v1/live-sessions/live-1/report';
const get = (query = '', headers: Record<string, string> = {}, key = shop.ops) =>
  api.send('GET', path + query, { key, headers });

test('is JSON for programs, computed from the orders that name the session', async () => {
  for (const headers of [{}, { Accept: '*/*' }, { Accept: 'application/json' }]) {
    const answer = expectStatus(await get('', headers as Record<string, string>, shop.host), 200);
    expect(answer.json).toMatchObject({
      liveSessionId: 'live-1',
      timeZone: 'Asia/Shanghai',
      verdict: { broken: [], unkept: 0, open: 2 },
      orders: { placed: 3, paid: 1, byState: { awaitingPayment: 1, fulfilling: 1, cancelled: 1 } },
      promises: { due: 1, rate: null },
      recount: { oversold: 0, unbalanced: 0, goods: [{ sku: 'strawberries', opening: 100, closing: 100 }] },
      hot: [{ sku: 'strawberries', before: 100 }],
      waitingList: { waited: 1, served: 0, left: 1, inLine: 0, servedAfter: null },
    });
  }
});

test('is a page for people, in their language, that may load nothing', async () => {
  const accept = 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8';
  for (const [query, headers, language] of [
    ['', { Accept: accept }, 'zh-CN'],
    ['', { Accept: accept, 'Accept-Language': 'en-GB,en;q=0.9,zh;q=0.5' }, 'en'],
    ['', { Accept: accept, 'Accept-Language': 'zh-CN,zh;q=0.9,en;q=0.8' }, 'zh-CN'],
    ['?format=html', {}, 'zh-CN'],
    ['?format=html&language=en', { 'Accept-Language': 'zh' }, 'en'],
  ] as const) {
    const answer = expectStatus(await get(query, headers), 200);
    expect(answer.headers).toMatchObject({
      'content-type': 'text/html; charset=utf-8',
      'cache-control': 'no-store',
      'referrer-policy': 'no-referrer',
    });
    expect(answer.headers['content-security-policy']).toMatch(
      /^default-src 'none'; style-src 'unsafe-inline'/,
    );
    expect(answer.text).toContain(`<html lang="${language}">`);
    expect(answer.text).toContain('丹东草莓');
    expect(answer.text).toContain('1 单候补');
    expect(answer.text).toContain('1 stood in line, 0 of them were served');
  }
  expect((await get('?format=json', { Accept: 'text/html' })).json.orders.placed).toBe(3);
});

test('a session that no order names is 404, another brand’s too; a wrong query 400', async () => {
  expect(await api.send('GET', '/v1/live-sessions/live-2/report', { key: shop.ops })).toMatchObject({
    status: 404,
    slug: 'not-found',
  });
  expect(await get('', {}, other.ops)).toMatchObject({ status: 404, slug: 'not-found' });
  expect(await get('?format=pdf')).toMatchObject({ status: 400, paths: ['format'] });
  expect(await get('?language=de')).toMatchObject({ status: 400, paths: ['language'] });
  const link = { key: other.host, body: {} };
  expect(await api.send('POST', `${path}-links`, link)).toMatchObject({ status: 404, slug: 'not-found' });
});

async function makeLink(key = shop.ops, body: object = {}): Promise<string> {
  const answer = expectStatus(await api.send('POST', `${path}-links`, { key, body }), 201);
  const inMinutes = (Date.parse(answer.json.expiresAt) - Date.now()) / 60_000;
  expect(inMinutes).toBeGreaterThan(14);
  expect(inMinutes).toBeLessThanOrEqual(15);
  expect(answer.json.url).toMatch(/^http:\/\/api\.test\/v1\/live-sessions\/live-1\/report\.html\?token=/);
  return answer.json.url.replace('http://api.test', '');
}

test('a link shows the page without a key, and nothing else', async () => {
  const link = await makeLink(shop.host, { language: 'en' });
  const answer = expectStatus(await api.send('GET', link), 200);
  expect(answer.headers['content-security-policy']).toContain("default-src 'none'");
  expect(answer.text).toContain('<html lang="en">');
  expect(answer.text).toContain('live-1');
  const elsewhere = link.replace('live-1', 'live-2');
  const keyed = { headers: { Authorization: `Bearer ${/token=([^&]+)/.exec(link)?.[1]}` } };
  expect((await api.send('GET', elsewhere)).status).toBe(401);
  expect((await api.send('GET', path, keyed)).status).toBe(401);
});

test('a link that is forged, bent or missing shows a page that says so', async () => {
  const link = await makeLink();
  const [words = '', mac = ''] = (/token=([^&]+)/.exec(link)?.[1] ?? '').split('.');
  const claims = JSON.parse(Buffer.from(words, 'base64url').toString());
  const forged = Buffer.from(JSON.stringify({ ...claims, tenant: 'other' })).toString('base64url');
  const bent = `${mac.startsWith('A') ? 'B' : 'A'}${mac.slice(1)}`;
  for (const token of [
    '',
    'x',
    words,
    `${words}.`,
    `${words}.${bent}`,
    `${forged}.${mac}`,
    `${words}.${mac}.${mac}`,
  ]) {
    const answer = await api.send('GET', `/v1/live-sessions/live-1/report.html?token=${token}`);
    expect([token, answer.status]).toEqual([token, 401]);
    expect(answer.text).toContain('这个链接已失效');
    expect(answer.text).not.toContain('丹东');
  }
  expect((await api.send('GET', '/v1/live-sessions/live-1/report.html')).status).toBe(401);
});

test('a link ends after its minutes, and with the key that made it', async () => {
  const { keyId, key } = await api.newKey('shop', { role: 'ops' });
  const link = await makeLink(key);
  const now = jest.spyOn(Date, 'now').mockReturnValue(Date.now() + 16 * 60_000);
  expect((await api.send('GET', link)).status).toBe(401);
  now.mockRestore();
  expect((await api.send('GET', link)).status).toBe(200);
  expectStatus(await api.send('DELETE', `/v1/tenants/shop/keys/${keyId}`, { key: platformKey }), 200);
  expect((await api.send('GET', link)).status).toBe(401);
});
