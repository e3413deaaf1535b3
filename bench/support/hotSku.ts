import { type ApiClient, createApiClient } from '../../src/dev/seed/apiClient';
import { numberMark } from './load/request';
import { placesToPut } from './places';
import type { Deployment, StoreServers } from './servers';

/** A brand that sells one SKU from one site: the hardest case, since every buyer needs the same row. */
export interface HotShop {
  tenant: string;
  channelKey: string;
  opsKey: string;
  /** Of the SKU that everybody wants. */
  sku: string;
  api: ApiClient;
}

const sku = 'strawberries';
const goods = {
  name: '丹东草莓 1 kg',
  zone: 'chilled',
  temperature: { min: 0, max: 4 },
  category: 'fruit',
  weightGrams: 1_000,
  volumeLitres: 2,
  priceFen: 5_900,
  shelfLifeDays: 200,
  minimumRemainingLifeDays: 2,
};

/** Puts the brand and its units over HTTP, as any tenant would, in a deployment whose API runs. */
export async function seedHotShop(
  deployment: Deployment,
  servers: StoreServers,
  // partners know an order by its computed id: two deployments must not sell under one tenant
  { units, tenant = deployment.name }: { units: number; tenant?: string },
): Promise<HotShop> {
  const api = createApiClient(deployment.apiUrl, 8);
  const send = async (method: string, path: string, key: string, body: object) => {
    const answer = await api.send(method, `/v1/${path}`, { key, body });
    if (answer.status < 300) return answer.body as { key: string };
    throw new Error(`${method} ${path} answered ${answer.status}: ${JSON.stringify(answer.body)}`);
  };
  const platformKey = servers.secrets.PLATFORM_KEY;
  await send('PUT', `tenants/${tenant}`, platformKey, { name: '草莓直播间' });
  const { key: opsKey } = await send('POST', `tenants/${tenant}/keys`, platformKey, { role: 'ops' });
  const { key: channelKey } = await send('POST', `tenants/${tenant}/keys`, platformKey, { role: 'channel' });
  for (const [path, body] of whatToPut(servers.carrierUrl)) await send('PUT', path, opsKey, body);
  await send('POST', 'stock/receipts', opsKey, receipt(units));
  return { tenant, channelKey, opsKey, sku, api };
}

function whatToPut(carrierUrl: string): [path: string, body: object][] {
  return [
    ['categories/fruit', {}],
    [`skus/${sku}`, goods],
    ...placesToPut({ carrierUrl, zones: ['chilled'] }),
  ];
}

const lotsAtOnce = 100;

/** Adds shelves of their own to a shop; answers all of its SKUs, the hot one first. */
export async function addShelves(
  { api, opsKey }: HotShop,
  { count, units }: { count: number; units: number },
): Promise<string[]> {
  const skus = Array.from({ length: count }, (_, index) => `shelf-${index + 1}`);
  const send = async (method: string, path: string, body: object) => {
    const { status } = await api.send(method, `/v1/${path}`, { key: opsKey, body });
    if (status >= 300) throw new Error(`${method} ${path} answered ${status}`);
  };
  for (let from = 0; from < count; from += lotsAtOnce) {
    const some = skus.slice(from, from + lotsAtOnce);
    await Promise.all(some.map((each) => send('PUT', `skus/${each}`, goods)));
    const [hot] = receipt(units).lots;
    const lots = some.map((each) => ({ ...hot, sku: each }));
    await send('POST', 'stock/receipts', { reference: `shelves-${from}`, siteId: 'barn', lots });
  }
  return [sku, ...skus];
}

function receipt(quantity: number) {
  const day = (offset: number) => new Date(Date.now() + offset * 86_400_000).toISOString().slice(0, 10);
  const lot = { sku, lotId: 'harvest', quantity, producedOn: day(-10), expiresOn: day(90) };
  return { reference: 'opening', siteId: 'barn', lots: [lot] };
}

/** One unit for one buyer, delivered to a door; every number is another buyer. */
export function hotOrder(number: number | string, wanted = sku) {
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
    lines: [{ sku: wanted, quantity: 1, unitPriceFen: 5_900 }],
  };
}

/** The same as text for a generator, which writes each request's own number into it. */
export function hotOrderBody(): string {
  return JSON.stringify(hotOrder(numberMark));
}
