import { planFulfilment } from '../../src/db/fulfilment';
import type { Role } from '../../src/api/http/auth';
import type { Route } from '../../src/api/http/route';
import { routes } from '../../src/api/routes';
import { runApi } from '../../src/api/server';
import { createLogger } from '../../src/log';
import {
  type ApiUnderTest,
  platformKey,
  startApi,
  type TenantKeys,
  usualLimits,
} from './support/apiUnderTest';
import { expectCoherent, publishNews } from '../support/expectCoherent';
import { testTemporal } from '../support/servers';
import { givenForecast } from './support/forecasts';
import { givenHandOut } from '../support/presaleFixtures';
import * as goods from './support/goods';
import { paymentOf, tellPayment } from './support/sign';

/** Two brands: ours has everything, theirs nothing but keys. */
let api: ApiUnderTest;
let ours: TenantKeys;
let theirs: TenantKeys;
let ourIds: Record<string, string>;

beforeAll(async () => {
  api = await startApi({ temporalAddress: testTemporal().address });
  ours = await api.tenant('our-brand');
  theirs = await api.tenant('their-brand');
  await goods.givenShop(api, ours);
  const place = async (externalId: string, changes: object = {}) =>
    (
      await api.send('POST', '/v1/orders', {
        key: ours.channel,
        body: goods.order({ externalId, ...changes }),
      })
    ).json;
  const paid = await place('paid-one', {
    buyer: { ref: 'b', pickupPointId: 'point-1', name: '李女士' },
    lines: [
      { sku: 'strawberries', quantity: 2 },
      { sku: 'strawberries', quantity: 2, campaignId: 'spring' },
    ],
    liveSessionId: 'live-1',
  });
  await tellPayment(api, { body: paymentOf('our-brand', paid) });
  await planFulfilment(api.database.as('xianda_app'), { tenant: 'our-brand', orderId: paid.orderId });
  await place('short-one', {
    lines: [{ sku: 'strawberries', quantity: 900, unitPriceFen: 1 }],
    payment: { transactionId: 't-short', amountFen: 900, paidAt: '2026-11-24T08:00:00Z', heldBy: 'tenant' },
  });
  const short = { ...goods.receipt().lots[0], lotId: 'short', quantity: 1, campaignId: 'spring' };
  const body = goods.receipt({ reference: 'short', lots: [short] });
  await api.send('POST', '/v1/stock/receipts', { key: ours.warehouse, body });
  await givenHandOut(api.database, 'our-brand', { campaignId: 'spring' });
  const [offer] = (await api.send('GET', `/v1/orders/${paid.orderId}`, { key: ours.ops })).json.offers;
  const hook = { url: 'http://127.0.0.1:9998/our-hook', types: ['order.placed'] };
  await api.send('PUT', '/v1/webhook-endpoints/our-hook', { key: ours.ops, body: hook });
  await place('told-one');
  await publishNews(api.database);
  const [delivery] = (await api.send('GET', '/v1/webhook-endpoints/our-hook/deliveries', { key: ours.ops }))
    .json.items;
  const [parked] = (await api.send('GET', '/v1/attention', { key: ours.ops })).json.items;
  ourIds = {
    tenant: 'our-brand',
    sku: 'strawberries',
    category: 'fruit',
    siteId: 'central',
    communityId: 'biyun',
    leaderId: 'leader-1',
    pickupPointId: 'point-1',
    carrierId: 'hanyun',
    supplierId: 'supplier-1',
    campaignId: 'spring',
    orderId: paid.orderId,
    liveSessionId: 'live-1',
    shipmentId: `${paid.orderId}.1`,
    attentionId: parked.attentionId,
    keyId: (await api.send('GET', '/v1/tenants/our-brand/keys?limit=1', { key: platformKey })).json.items[0]
      .keyId,
    forecastId: await givenForecast(api, 'our-brand'),
    endpointId: 'our-hook',
    deliveryId: delivery.deliveryId,
    provider: 'sandbox',
    offerId: offer.offerId,
    scheduleId: 'our-brand:presale-aggregation',
  };
});
afterAll(() => api.close());

const guarded = routes.filter((route): route is Route & { access: readonly Role[] } =>
  Array.isArray(route.access),
);
const table = guarded.map((route) => [`${route.method} ${route.path}`, route] as const);

const ourPath = (path: string) =>
  path.replaceAll(/\{(\w+)\}/g, (_, name: string) => ourIds[name] ?? `missing-${name}`);
const keyOf = (keys: TenantKeys, role: Role) => (role === 'platform' ? platformKey : keys[role]);
const roles: Role[] = ['channel', 'ops', 'warehouse', 'host', 'leader', 'supplier', 'platform'];

/** Everything that belongs to our brand, except when its keys were last used. */
async function ourRows(): Promise<Record<string, unknown>> {
  const tables = await api.database.query<{ name: string }>(
    `SELECT c.relname AS name FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant'
      WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' ORDER BY 1`,
  );
  expect(tables.length).toBeGreaterThan(30);
  const rows = await Promise.all(
    tables.map(({ name }) =>
      api.database.query(
        `SELECT count(*)::int AS n, md5(string_agg((to_jsonb(t) - 'last_used_at')::text, '|' ORDER BY (to_jsonb(t) - 'last_used_at')::text)) AS hash
           FROM "${name}" t WHERE tenant = 'our-brand'`,
      ),
    ),
  );
  return Object.fromEntries(tables.map(({ name }, index) => [name, rows[index]?.[0]]));
}

test.each(table)('%s: no key or a bad one is 401, a role without the right 403', async (_name, route) => {
  const path = ourPath(route.path);
  const send = (key?: string, headers?: Record<string, string>) =>
    api.send(route.method.toUpperCase(), path, { key, headers, body: route.body && {} });
  expect(await send()).toMatchObject({
    status: 401,
    slug: 'unauthorized',
    headers: { 'www-authenticate': 'Bearer' },
  });
  for (const bad of ['', 'x', `${ours.ops}x`, ours.ops.slice(0, -1), '\u00e9', 'a b'])
    expect(await send(undefined, { Authorization: `Bearer ${bad}` })).toMatchObject({ status: 401 });
  expect(await send(undefined, { Authorization: `Basic ${ours.ops}` })).toMatchObject({ status: 401 });
  const without = roles.filter((role) => !route.access.includes(role));
  for (const role of without) {
    const answer = await send(keyOf(ours, role));
    expect([role, answer.status, answer.slug]).toEqual([role, 403, 'forbidden']);
  }
});

test.each(table)('%s: another brand’s key reaches nothing of ours', async (_name, route) => {
  const before = await ourRows();
  const path = ourPath(route.path);
  const mayCall = route.access.filter((role) => role !== 'platform');
  for (const role of mayCall) {
    const answer = await api.send(route.method.toUpperCase(), path + queryOf(route), {
      key: keyOf(theirs, role),
      body: route.body && bodyFor(route),
    });
    const own = route.method === 'get' && !route.path.includes('{');
    const makes =
      route.method === 'put' ||
      ['/v1/orders', '/v1/stock/receipts', '/v1/demand-history', '/v1/stream-tokens'].includes(route.path);
    // lists answer with nothing of ours; PUT and POST make something of theirs or miss what it refers to
    if (own || makes) expect([200, 201, 422]).toContain(answer.status);
    else expect([role, answer.status, answer.slug]).toEqual([role, 404, 'not-found']);
    expect(answer.text).not.toContain('our-brand');
    if (own) expect(answer.json.items).toEqual([]);
    // the answer may repeat the id that was asked for, and nothing else of ours
    const told = answer.text.replaceAll(path.split('/').at(-1) ?? path, '');
    if (route.method === 'get')
      for (const word of ['丹东', '王团长', 'paid-one', ourIds.orderId as string])
        expect(told).not.toContain(word);
  }
  expect(await ourRows()).toEqual(before);
  await forgetTheirs();
});

/** What a PUT of theirs made is taken away again, so that lists stay empty. */
async function forgetTheirs(): Promise<void> {
  for (const name of [
    'presale_quota',
    'presale_campaign',
    'supplier_term',
    'webhook_endpoint',
    'supplier',
    'carrier_rate',
    'carrier',
    'pickup_point_community',
    'point_load',
    'pickup_point',
    'leader',
    'community',
    'site',
    'stock_pool',
    'sku_component',
    'sku',
    'category',
  ]) {
    // nothing is ever deleted otherwise
    await api.database.query(
      `SET session_replication_role = replica; DELETE FROM ${name} WHERE tenant = 'their-brand';
       SET session_replication_role = origin`,
    );
  }
}

function queryOf({ path, method }: Route): string {
  return method === 'get' && path === '/v1/sellable' ? '?sku=strawberries' : '';
}

function bodyFor({ path }: Route): object {
  const bodies: Record<string, object> = {
    '/v1/skus/{sku}': goods.sku,
    '/v1/categories/{category}': goods.category,
    '/v1/sites/{siteId}': goods.site,
    '/v1/communities/{communityId}': goods.community,
    '/v1/leaders/{leaderId}': goods.leader,
    '/v1/pickup-points/{pickupPointId}': goods.pickupPoint,
    '/v1/carriers/{carrierId}': goods.carrier,
    '/v1/suppliers/{supplierId}': goods.supplier,
    '/v1/presale-campaigns/{campaignId}': goods.campaign(),
    '/v1/stock/receipts': goods.receipt(),
    '/v1/stream-tokens': {},
    '/v1/orders': goods.order({ externalId: 'paid-one' }),
    '/v1/orders/{orderId}/cancel': { reason: 'x' },
    '/v1/orders/{orderId}/offers/{offerId}/answer': { accept: true },
    '/v1/webhook-endpoints/{endpointId}': { url: 'http://127.0.0.1:9998/theirs', channel: 'mini' },
    '/v1/webhook-endpoints/{endpointId}/enable': {},
    '/v1/webhook-endpoints/{endpointId}/secrets': {},
    '/v1/webhook-endpoints/{endpointId}/deliveries/{deliveryId}/resend': {},
    '/v1/suppliers/{supplierId}/webhook-secrets': {},
    '/v1/schedules/{scheduleId}/trigger': {},
    '/v1/schedules/{scheduleId}/pause': { reason: 'x' },
    '/v1/schedules/{scheduleId}/unpause': { reason: 'x' },
    '/v1/shipments/{shipmentId}/events': { eventId: 'e', kind: 'delivered', at: '2026-11-24T10:00:00Z' },
    '/v1/demand-history': {
      rows: [{ sku: 'strawberries', region: 'shanghai', date: '2026-01-31', units: 3 }],
    },
    '/v1/supplier-forecasts/{forecastId}/answer': {
      lines: [{ sku: 'strawberries', date: goods.day(1), confirmed: 3 }],
    },
    '/v1/live-sessions/{liveSessionId}/report-links': {},
    '/v1/attention/{attentionId}/resolve': { action: 'refund' },
  };
  const body = bodies[path];
  if (!body) throw new Error(`a new route needs a valid body here: ${path}`);
  return body;
}

test('a signed word about another brand’s order does not touch ours', async () => {
  const before = await ourRows();
  const notice = paymentOf('their-brand', { orderId: ourIds.orderId as string, totalFen: 1 });
  expect((await tellPayment(api, { body: notice })).status).toBe(204);
  expect(await ourRows()).toEqual(before);
});

test('a revoked key ends at once here, and within a second in another process', async () => {
  const url = api.database.url;
  const other = await runApi(
    {
      mode: 'development',
      port: 0,
      publicUrl: 'http://api.test',
      databaseUrl: url,
      paymentWindowSeconds: 1800,
      personalDataKeys: [{ id: 'test', key: Buffer.alloc(32, 7) }],
      platformKey,
      sandboxPaymentSecret: 's',
      sandboxCarrierSecret: 's',
      stopGraceSeconds: 9,
      limits: usualLimits,
      logLevel: 'silent',
    },
    { port: 0, log: createLogger({ role: 'api', level: 'silent' }) },
  );
  const elsewhere = async (key: string) =>
    (await fetch(`${other.url}/v1/skus`, { headers: { Authorization: `Bearer ${key}` } })).status;
  try {
    const { keyId, key } = await api.newKey('our-brand', { role: 'ops' });
    expect((await api.send('GET', '/v1/skus', { key })).status).toBe(200);
    expect(await elsewhere(key)).toBe(200);
    const revoked = await api.send('DELETE', `/v1/tenants/our-brand/keys/${keyId}`, { key: platformKey });
    expect(revoked).toMatchObject({ status: 200, json: { keyId, revokedAt: expect.any(String) } });
    expect((await api.send('GET', '/v1/skus', { key })).status).toBe(401);
    await new Promise((resolve) => setTimeout(resolve, 1000));
    expect(await elsewhere(key)).toBe(401);
    expect(
      (await api.send('DELETE', `/v1/tenants/our-brand/keys/${keyId}`, { key: platformKey })).json,
    ).toEqual(revoked.json);
    expect(
      (await api.send('DELETE', `/v1/tenants/their-brand/keys/${keyId}`, { key: platformKey })).status,
    ).toBe(404);
  } finally {
    await other.close();
  }
  // written lazily: at the latest when the process stops
  const used = await api.database.query(
    'SELECT 1 FROM api_key WHERE revoked_at IS NOT NULL AND last_used_at IS NOT NULL',
  );
  expect(used).toHaveLength(1);
});

test('keys are listed by prefix, role and last use, and never whole', async () => {
  const { json, text } = await api.send('GET', '/v1/tenants/our-brand/keys', { key: platformKey });
  expect(json.items).toHaveLength(7);
  for (const item of json.items) expect(item.prefix).toMatch(/^xd_.{9}$/);
  for (const role of ['ops', 'channel', 'leader'] as const) expect(text).not.toContain(ours[role]);
  const stored = await api.database.query(`SELECT * FROM api_key`);
  expect(JSON.stringify(stored)).not.toContain(ours.ops);
});

test.each([
  [{ role: 'leader' }, 'leaderId'],
  [{ role: 'supplier' }, 'supplierId'],
  [{ role: 'ops', channel: 'mini' }, 'channel'],
  [{ role: 'platform' }, 'role'],
])('a key of %j is refused by its path', async (body, path) => {
  expect(await api.send('POST', '/v1/tenants/our-brand/keys', { key: platformKey, body })).toMatchObject({
    status: 400,
    paths: [path],
  });
});

test('a key for no tenant is not found', async () => {
  expect(
    (await api.send('POST', '/v1/tenants/nobody/keys', { key: platformKey, body: { role: 'ops' } })).status,
  ).toBe(404);
});

test('every invariant holds after all of this', () => expectCoherent(api.database));
