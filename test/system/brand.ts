import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type ApiClient, createApiClient } from '../../src/dev/seed/apiClient';
import type { TestStack } from '../support/stack';

export interface Brand {
  tenant: string;
  keys: { ops: string; channel: string; warehouse: string };
  api: ApiClient;
  /** The sandbox payment provider. */
  payments: ApiClient;
  paymentSecret: string;
  notifyUrl: string;
}

export const skus = ['rice', 'milk', 'dumplings', 'hot'];
/** The shelf holds fewer of the hot goods than the burst asks for. */
export const hotUnits = 40;
export const pickupPointId = 'gate';

const home = { lat: 31.22, lng: 121.54 };
const chilled = { min: 0, max: 4 };
const frozen = { min: -25, max: -18 };

/** A small brand of its own, put over HTTP alone: three zones, one site, two carriers, one leader's point. */
export async function seedBrand(stack: TestStack, tenant: string): Promise<Brand> {
  const { apiUrl, platformKey, sandbox } = stack.dev;
  const api = createApiClient(apiUrl);
  const post = async (path: string, key: string, body: object) => send(api, 'POST', path, key, body);
  const makeKey = async (role: string) =>
    ((await post(`/v1/tenants/${tenant}/keys`, platformKey, { role })) as { key: string }).key;
  await send(api, 'PUT', `/v1/tenants/${tenant}`, platformKey, { name: '小满农场' });
  const ops = await makeKey('ops');
  for (const [path, body] of whatToPut(sandbox.carrierUrl)) await send(api, 'PUT', `/v1/${path}`, ops, body);
  await post('/v1/stock/receipts', ops, openingReceipt());
  const secrets = JSON.parse(readFileSync(join(stack.home, 'secrets.json'), 'utf8')) as Record<
    string,
    string
  >;
  return {
    tenant,
    keys: { ops, channel: await makeKey('channel'), warehouse: await makeKey('warehouse') },
    api,
    payments: createApiClient(sandbox.paymentUrl, 32),
    paymentSecret: secrets.SANDBOX_PAYMENT_SECRET as string,
    notifyUrl: `${apiUrl}/v1/payments/sandbox/notifications`,
  };
}

async function send(api: ApiClient, method: string, path: string, key: string, body: object) {
  const answer = await api.send(method, path, { key, body });
  if (answer.status >= 300) {
    throw new Error(`${method} ${path} answered ${answer.status}: ${JSON.stringify(answer.body)}`);
  }
  return answer.body;
}

function whatToPut(carrierUrl: string): [path: string, body: object][] {
  const goods = { weightGrams: 800, volumeLitres: 1.5, shelfLifeDays: 200, minimumRemainingLifeDays: 2 };
  const carrier = { shipmentsPerDay: 100_000, baseUrl: carrierUrl };
  const rate = { baseFen: 600, perKgFen: 80, perKmFen: 1 };
  return [
    ['categories/food', {}],
    ['skus/rice', { ...goods, name: '大米', zone: 'ambient', category: 'food', priceFen: 3_990 }],
    [
      'skus/milk',
      {
        ...goods,
        name: '鲜奶',
        zone: 'chilled',
        temperature: chilled,
        category: 'food',
        priceFen: 1_590,
        safetyStock: 2,
      },
    ],
    [
      'skus/dumplings',
      { ...goods, name: '水饺', zone: 'frozen', temperature: frozen, category: 'food', priceFen: 2_990 },
    ],
    ['skus/hot', { ...goods, name: '秒杀蜂蜜', zone: 'ambient', category: 'food', priceFen: 990 }],
    [
      'sites/barn',
      {
        name: '总仓',
        kind: 'central',
        location: home,
        zones: ['ambient', 'chilled', 'frozen'],
        cutoff: '23:30',
        shipmentsPerHour: 10_000,
      },
    ],
    ['communities/garden', { name: '花园里', region: 'shanghai', location: home }],
    ['leaders/wang', { name: '王团长', certificate: 'cold' }],
    [
      `pickup-points/${pickupPointId}`,
      {
        leaderId: 'wang',
        location: home,
        communities: ['garden'],
        capacity: { ambientLitres: 9_000, chilledLitres: 9_000, frozenLitres: 9_000 },
        opens: '07:00',
        closes: '22:00',
      },
    ],
    [
      'carriers/road',
      { ...carrier, name: '速通', zones: ['ambient'], transitDays: 2, rates: [{ zone: 'ambient', ...rate }] },
    ],
    [
      'carriers/cold',
      {
        ...carrier,
        name: '冷链',
        zones: ['chilled', 'frozen'],
        transitDays: 1,
        rates: [
          { zone: 'chilled', ...rate },
          { zone: 'frozen', ...rate },
        ],
      },
    ],
  ];
}

/** Two lots of each, so that first-expired-first-out has something to choose; dates are of this day. */
function openingReceipt() {
  const day = (offset: number) => new Date(Date.now() + offset * 86_400_000).toISOString().slice(0, 10);
  const lots = skus.flatMap((sku) =>
    [60, 90].map((life) => ({
      sku,
      lotId: `${sku}-${life}`,
      quantity: sku === 'hot' ? hotUnits / 2 : 1_000,
      producedOn: day(-10),
      expiresOn: day(life),
    })),
  );
  return { reference: 'opening', siteId: 'barn', lots };
}
