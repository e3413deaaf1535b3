import type { Route } from '../../src/api/http/route';
import { routes } from '../../src/api/routes';
import { sandboxHeaders } from '../../src/clients/signature';
import {
  type Answer,
  type ApiUnderTest,
  carrierSecret,
  paymentSecret,
  platformKey,
  startApi,
  type TenantKeys,
} from './support/apiUnderTest';
import * as goods from './support/goods';
import { type Json, wrongBodies } from './support/wrongValues';

let api: ApiUnderTest;
let shop: TenantKeys;

beforeAll(async () => {
  api = await startApi();
  shop = await api.tenant('shop');
  await goods.givenShop(api, shop);
});
afterAll(() => api.close());

/** A valid body of every route that takes one, with every field that there is. A new route adds its line. */
const bodies: Record<string, object> = {
  'put /v1/tenants/{tenant}': { name: 'x', timeZone: 'Asia/Shanghai', language: 'en' },
  'post /v1/tenants/{tenant}/keys': { role: 'channel', channel: 'mini', supplierId: 's', leaderId: 'l' },
  'put /v1/skus/{sku}': {
    ...goods.sku,
    ...goods.category,
    gtin: '06901234567892',
    origin: '丹东',
    components: [{ sku: 'strawberries', quantity: 1 }],
  },
  'put /v1/categories/{category}': goods.category,
  'put /v1/sites/{siteId}': goods.site,
  'put /v1/communities/{communityId}': goods.community,
  'put /v1/leaders/{leaderId}': goods.leader,
  'put /v1/pickup-points/{pickupPointId}': { ...goods.pickupPoint, closedOn: ['2026-02-17'] },
  'put /v1/carriers/{carrierId}': goods.carrier,
  'put /v1/suppliers/{supplierId}': goods.supplier,
  'post /v1/stock/receipts': goods.receipt({ lots: [{ ...goods.receipt().lots[0], campaignId: 'spring' }] }),
  'post /v1/orders': goods.order({
    buyer: {
      ref: 'b',
      communityId: 'biyun',
      pickupPointId: 'point-1',
      name: '李',
      phone: '138',
      address: { province: '上海', city: '上海', district: '浦东', detail: '1 号' },
      location: { lat: 31.2, lng: 121.4 },
    },
    deliveryMethod: 'express',
    window: { from: '2026-11-25T08:00:00+08:00', to: '2026-11-25T12:00:00+08:00' },
    lines: [
      {
        lineId: '1',
        sku: 'strawberries',
        quantity: 1,
        unitPriceFen: 1,
        discountFen: 0,
        supply: 'presale',
        campaignId: 'spring',
      },
    ],
    freightFen: 0,
    payment: { transactionId: 't', amountFen: 1, paidAt: '2026-11-24T08:00:00+08:00', heldBy: 'tenant' },
    notes: { buyer: 'x', seller: 'y' },
    liveSessionId: 'live-1',
    acceptLater: false,
  }),
  'post /v1/orders/{orderId}/cancel': { reason: 'x' },
  'post /v1/orders/{orderId}/offers/{offerId}/answer': { accept: true },
  'put /v1/webhook-endpoints/{endpointId}': {
    url: 'http://127.0.0.1:9998/hook',
    types: ['order.paid'],
    channel: 'mini',
  },
  'post /v1/webhook-endpoints/{endpointId}/enable': {},
  'post /v1/webhook-endpoints/{endpointId}/secrets': {},
  'post /v1/webhook-endpoints/{endpointId}/deliveries/{deliveryId}/resend': {},
  'post /v1/suppliers/{supplierId}/webhook-secrets': {},
  'post /v1/schedules/{scheduleId}/trigger': {},
  'post /v1/schedules/{scheduleId}/pause': { reason: 'x' },
  'post /v1/schedules/{scheduleId}/unpause': { reason: 'x' },
  'post /v1/shipments/{shipmentId}/events': {
    eventId: 'e',
    kind: 'picking',
    at: '2026-11-24T10:00:00Z',
    parcelId: 'p',
    temperatureC: 3,
    note: 'n',
  },
  'post /v1/demand-history': {
    rows: [{ sku: 'strawberries', region: 'shanghai', date: '2026-01-31', units: 3, stockout: true }],
  },
  'post /v1/supplier-forecasts/{forecastId}/answer': {
    lines: [{ sku: 'strawberries', date: '2026-01-31', confirmed: 3 }],
  },
  'post /v1/live-sessions/{liveSessionId}/report-links': { language: 'zh' },
  'post /v1/stream-tokens': {},
  'post /v1/attention/{attentionId}/resolve': { action: 'settle', detail: 'x' },
  'post /v1/payments/{provider}/notifications': {
    notificationId: 'n',
    transactionId: 't',
    tenant: 'shop',
    orderId: 'o',
    amountFen: 1,
    paidAt: '2026-11-24T10:00:00Z',
    outcome: 'paid',
  },
  'post /v1/carriers/{carrierId}/events': {
    eventId: 'e',
    tenant: 'shop',
    shipmentId: 's',
    waybillNo: 'w',
    kind: 'pickedUp',
    at: '2026-11-24T10:00:00Z',
    place: 'p',
    temperatureC: 3,
  },
  'put /v1/presale-campaigns/{campaignId}': goods.campaign({ minimumPerLeader: 2 }),
};

const withBody = routes.filter((route) => route.body !== undefined);
const nameOf = ({ method, path }: Route) => `${method} ${path}`;

function concrete(path: string): string {
  return path
    .replace('{provider}', 'sandbox')
    .replace('{tenant}', 'shop')
    .replaceAll(/\{\w+\}/g, 'strawberries');
}

/** Sends as whoever may: the strongest key of the route, or the partner's signature. */
function sendAs(route: Route, path: string, text?: string): Promise<Answer> {
  const method = route.method.toUpperCase();
  if (route.access === 'signed') {
    const secret = path.includes('/payments/') ? paymentSecret : carrierSecret;
    return api.send(method, path, {
      body: text,
      headers: sandboxHeaders(secret, Math.floor(Date.now() / 1000), text ?? ''),
    });
  }
  const key =
    route.access === 'public'
      ? undefined
      : route.access.includes('ops')
        ? shop.ops
        : route.access.includes('platform')
          ? platformKey
          : shop.ops;
  return api.send(method, path, { key, body: text });
}

test('every route that takes a body has a valid one here', () => {
  expect(withBody.map(nameOf).sort()).toEqual(Object.keys(bodies).sort());
});

test.each(withBody.map((route) => [nameOf(route), route] as const))(
  '%s: every field wrong in turn',
  async (name, route) => {
    const wrong = wrongBodies(route.body as NonNullable<typeof route.body>, bodies[name] as Json, {
      tolerant: route.access === 'signed',
    });
    const hasFields = Object.keys(bodies[name] as object).length > 0;
    expect(wrong.length).toBeGreaterThan(hasFields ? 10 : 3);
    const before = await api.countRows();
    const surprises: string[] = [];
    for (const { name: what, path, text } of wrong) {
      const answer = await sendAs(route, concrete(route.path), text);
      const named = answer.paths.some((at) => at === path || at.startsWith(`${path}.`) || path === '');
      const good =
        answer.status === 400 &&
        answer.slug === 'invalid-request' &&
        named &&
        String(answer.headers['content-type']).startsWith('application/problem+json');
      if (!good) surprises.push(`${what}: ${answer.status} ${answer.text.slice(0, 300)}`);
    }
    expect(surprises).toEqual([]);
    expect(await api.countRows()).toEqual(before);
  },
);

const withQuery = routes.filter((route) => route.query !== undefined);

test.each(withQuery.map((route) => [nameOf(route), route] as const))(
  '%s: every query field wrong in turn',
  async (_name, route) => {
    const fields = Object.keys((route.query as unknown as { shape: object }).shape);
    const values = ['%00', '%ed%a0%80', 'a%00b', '', 'a'.repeat(1200), '%', '%zz'];
    const before = await api.countRows();
    const surprises: string[] = [];
    const expect400 = async (query: string) => {
      const answer = await sendAs(route, `${concrete(route.path)}?${query}`);
      if (answer.status !== 400 || answer.slug !== 'invalid-request')
        surprises.push(`${query.slice(0, 60)}: ${answer.status} ${answer.text.slice(0, 200)}`);
    };
    for (const field of fields) for (const value of values) await expect400(`${field}=${value}`);
    for (const field of fields.filter((name) => name !== 'sku')) await expect400(`${field}=a&${field}=b`);
    if (fields.includes('limit'))
      for (const limit of ['0', '201', '-1', '1.5', '9007199254740992', '1e2', 'x', ' 1'])
        await expect400(`limit=${encodeURIComponent(limit)}`);
    const base = route.path === '/v1/sellable' ? 'sku=x&' : '';
    for (const unknown of ['unknown=1', '__proto__=1', 'constructor=1', 'limit[]=1'])
      await expect400(`${base}${unknown}`);
    expect(surprises).toEqual([]);
    expect(await api.countRows()).toEqual(before);
  },
);

const withParams = routes.filter((route) => route.path.includes('{'));

test.each(withParams.map((route) => [nameOf(route), route] as const))(
  '%s: every path field wrong in turn',
  async (name, route) => {
    const before = await api.countRows();
    const surprises: string[] = [];
    const names = [...route.path.matchAll(/\{(\w+)\}/g)].map((match) => match[1]);
    for (const field of names) {
      for (const value of [
        'a'.repeat(65),
        '%00',
        '%ed%a0%80',
        '%ff',
        '%',
        '%zz',
        '%E9%B2%9C',
        'a%2Fb',
        '%20',
        'a$b',
        '..%2f..',
      ]) {
        const path = concrete(route.path.replace(`{${field}}`, value));
        const answer = await sendAs(route, path, route.body && JSON.stringify(bodies[name]));
        if (answer.status !== 400 && answer.status !== 404)
          surprises.push(`${path}: ${answer.status} ${answer.text.slice(0, 200)}`);
      }
    }
    expect(surprises).toEqual([]);
    expect(await api.countRows()).toEqual(before);
  },
);
