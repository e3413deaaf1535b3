import { type ApiUnderTest, expectStatus, type TenantKeys } from './apiUnderTest';

const shanghai = { lat: 31.2, lng: 121.4 };

/** Valid bodies of the catalogue and network, one of each kind; tests change one thing. */
export const sku = {
  name: '丹东草莓',
  zone: 'chilled',
  temperature: { min: 0, max: 4 },
  handling: ['shortLife'],
  category: 'fruit',
  weightGrams: 500,
  volumeLitres: 1.5,
  priceFen: 3990,
  shelfLifeDays: 7,
  safetyStock: 0,
};
export const category = {
  holdMinutes: 10,
  nearExpiryDays: 2,
  presaleLeadDays: 15,
  purchaseLimit: 50,
  unpaidLimit: 20,
  scarceHoldMinutes: 5,
  scarceUnits: 10,
  minimumRemainingLifeDays: 1,
};
export const site = {
  name: '上海总仓',
  kind: 'central',
  location: shanghai,
  zones: ['ambient', 'chilled', 'frozen'],
  cutoff: '23:59',
  departsAt: ['06:00'],
  closedOn: ['2026-02-17'],
  shipmentsPerHour: 500,
  safetyStock: 0,
};
export const community = { name: '碧云里', region: 'shanghai', location: shanghai, households: 900 };
export const leader = { name: '王团长', certificate: 'cold' };
export const pickupPoint = {
  leaderId: 'leader-1',
  location: shanghai,
  communities: ['biyun'],
  capacity: { ambientLitres: 100, chilledLitres: 60.5, frozenLitres: 40 },
  opens: '08:00',
  closes: '21:00',
  closedOn: [],
  temporary: false,
};
export const carrier = {
  name: '寒运',
  zones: ['ambient', 'chilled', 'frozen'],
  rates: [
    { zone: 'ambient', baseFen: 500, perKgFen: 100, perKmFen: 1 },
    { zone: 'chilled', baseFen: 900, perKgFen: 150, perKmFen: 2 },
  ],
  shipmentsPerDay: 1000,
  transitDays: 1,
  baseUrl: 'http://127.0.0.1:9999',
};
export const supplier = {
  name: '丹东基地',
  skus: ['strawberries'],
  webhookUrl: 'http://127.0.0.1:9998/hook',
  leadDays: 2,
  terms: [{ sku: 'strawberries', casePack: 12, minimumOrder: 24 }],
};

export function day(ahead: number): string {
  return new Date(Date.now() + 8 * 3_600_000 + ahead * 86_400_000).toISOString().slice(0, 10);
}

export function campaign(changes: object = {}): object {
  return {
    sku: 'strawberries',
    opensAt: '2026-01-01T00:00:00+08:00',
    closesAt: '2099-01-01T00:00:00+08:00',
    deliverFrom: day(10),
    deliverBy: day(14),
    quotas: [{ region: 'shanghai', units: 20 }],
    priceFen: 2990,
    ...changes,
  };
}

export function receipt(changes: object = {}) {
  return {
    reference: 'receipt-1',
    siteId: 'central',
    lots: [
      {
        sku: 'strawberries',
        lotId: 'lot-1',
        quantity: 100,
        producedOn: day(-1),
        expiresOn: day(60),
        origin: '丹东',
      },
    ],
    ...changes,
  };
}

export function order(changes: object = {}) {
  return {
    channel: 'mini',
    externalId: '6917204183957384921',
    buyer: { ref: 'buyer-1', communityId: 'biyun', name: '李女士', phone: '13800000000' },
    lines: [{ sku: 'strawberries', quantity: 2 }],
    ...changes,
  };
}

/** One of everything and 100 boxes of strawberries: enough to sell to the door and to the pickup point. */
export async function givenShop(api: ApiUnderTest, keys: TenantKeys): Promise<void> {
  const put = async (path: string, body: object) =>
    expectStatus(await api.send('PUT', path, { key: keys.ops, body }), 200);
  await put('/v1/categories/fruit', {});
  await put('/v1/skus/strawberries', sku);
  await put('/v1/sites/central', site);
  await put('/v1/communities/biyun', community);
  await put('/v1/leaders/leader-1', leader);
  await put('/v1/pickup-points/point-1', pickupPoint);
  await put('/v1/carriers/hanyun', carrier);
  await put('/v1/suppliers/supplier-1', supplier);
  await put('/v1/presale-campaigns/spring', campaign());
  expectStatus(await api.send('POST', '/v1/stock/receipts', { key: keys.warehouse, body: receipt() }), 201);
}
