import { type ApiClient, createApiClient } from '../../src/dev/seed/apiClient';
import { placesToPut } from './places';
import type { Deployment, Servers } from './servers';

/** A brand with one site, one carrier and a shelf per zone: put over HTTP as any tenant would. */
export interface Brand {
  tenant: string;
  channelKey: string;
  api: ApiClient;
}

/** More than one, because buyers of one SKU queue for its lock; a broadcast sells dozens. */
const skusPerZone = 20;
const zones = ['ambient', 'chilled'] as const;
const unitsPerSku = 1_000_000;

/** Sets up the brand in a deployment whose API runs. */
export async function seedBrand(deployment: Deployment, servers: Servers): Promise<Brand> {
  const api = createApiClient(deployment.apiUrl, 32);
  // partners know an order by its computed id: two deployments must not sell under one tenant
  const tenant = deployment.name;
  const send = async (method: string, path: string, key: string, body: object) => {
    const answer = await api.send(method, `/v1/${path}`, { key, body });
    if (answer.status >= 300) {
      throw new Error(`${method} ${path} answered ${answer.status}: ${JSON.stringify(answer.body)}`);
    }
    return answer.body as { key: string };
  };
  const platformKey = servers.secrets.PLATFORM_KEY;
  await send('PUT', `tenants/${tenant}`, platformKey, { name: '基准农场' });
  const { key: ops } = await send('POST', `tenants/${tenant}/keys`, platformKey, { role: 'ops' });
  const { key: channelKey } = await send('POST', `tenants/${tenant}/keys`, platformKey, { role: 'channel' });
  for (const [path, body] of whatToPut(servers.carrierUrl)) await send('PUT', path, ops, body);
  await send('POST', 'stock/receipts', ops, openingReceipt());
  return { tenant, channelKey, api };
}

function whatToPut(carrierUrl: string): [path: string, body: object][] {
  const goods = { weightGrams: 800, volumeLitres: 1.5, shelfLifeDays: 200, minimumRemainingLifeDays: 2 };
  return [
    ['categories/food', {}],
    ...zones.flatMap((zone) =>
      skusOf(zone).map((sku): [string, object] => [
        `skus/${sku}`,
        {
          ...goods,
          name: sku,
          zone,
          category: 'food',
          priceFen: 1_990,
          ...(zone === 'chilled' ? { temperature: { min: 0, max: 4 } } : {}),
        },
      ]),
    ),
    ...placesToPut({ carrierUrl, zones }),
  ];
}

function skusOf(zone: (typeof zones)[number]): string[] {
  return Array.from({ length: skusPerZone }, (_, index) => `${zone}-${index}`);
}

function openingReceipt() {
  const day = (offset: number) => new Date(Date.now() + offset * 86_400_000).toISOString().slice(0, 10);
  const lots = zones.flatMap(skusOf).map((sku) => ({
    sku,
    lotId: `${sku}-lot`,
    quantity: unitsPerSku,
    producedOn: day(-10),
    expiresOn: day(90),
  }));
  return { reference: 'opening', siteId: 'barn', lots };
}

/** One order of two zones, delivered to a door: two shipments, both a carrier's. */
function orderBody(number: number): object {
  // every pair of shelves in turn, and no shelf twice in twenty orders: buyers do not queue for one SKU
  const ambient = number % skusPerZone;
  const chilled = (number + Math.floor(number / skusPerZone)) % skusPerZone;
  const line = (sku: string, quantity: number) => ({ sku, quantity, unitPriceFen: 1_000 });
  return {
    channel: 'wechat',
    externalId: `bench-${number}`,
    buyer: {
      ref: `buyer-${number}`,
      name: '王小明',
      phone: '13800000000',
      communityId: 'garden',
      location: { lat: 31.23, lng: 121.55 },
      address: { province: '上海市', city: '上海市', district: '浦东新区', detail: '碧云路1号' },
    },
    lines: [line(`ambient-${ambient}`, 1), line(`chilled-${chilled}`, 2)],
  };
}

/** Places one order; throws on any answer but a hold. */
export async function placeOrder(
  brand: Brand,
  number: number,
): Promise<{ orderId: string; totalFen: number }> {
  const { api, channelKey } = brand;
  const answer = await api.send('POST', '/v1/orders', { key: channelKey, body: orderBody(number) });
  if (answer.status !== 201)
    throw new Error(`an order was answered ${answer.status}: ${JSON.stringify(answer.body)}`);
  return answer.body as { orderId: string; totalFen: number };
}
