import type { Example } from './model';

export const tenant = 'acme';
export const channel = 'my-shop';

const pudong = { lat: 31.22, lng: 121.54 };
/** Goods and campaigns of the examples do not run out while this page is read. */
const farAway = '2099-12-31';

function put(route: string, summary: string, params: Record<string, string>, body: object): Example {
  return { route: `PUT ${route}`, summary, as: 'ops', params, body, outcome: 'ok' };
}

const brand: Example[] = [
  {
    route: 'PUT /v1/tenants/{tenant}',
    summary: 'A brand',
    as: 'platform',
    params: { tenant },
    body: { name: '安心鲜', timeZone: 'Asia/Shanghai' },
    outcome: 'ok',
    answer: { tenant, name: '安心鲜', timeZone: 'Asia/Shanghai' },
  },
  {
    route: 'POST /v1/tenants/{tenant}/keys',
    summary: 'A key for one shop',
    as: 'platform',
    params: { tenant },
    body: { role: 'channel', channel },
    outcome: 'created',
  },
  {
    route: 'GET /v1/tenants/{tenant}/keys',
    summary: 'Its keys, without what opens the door',
    as: 'platform',
    params: { tenant },
    outcome: 'ok',
  },
];

const catalogue: Example[] = [
  put(
    '/v1/categories/{category}',
    'Rules of a category',
    { category: 'fruit' },
    {
      holdMinutes: 15,
      nearExpiryDays: 2,
      purchaseLimit: 50,
      minimumRemainingLifeDays: 3,
    },
  ),
  put(
    '/v1/skus/{sku}',
    'Chilled fruit',
    { sku: 'strawberries' },
    {
      name: '丹东草莓 500 g',
      zone: 'chilled',
      temperature: { min: 0, max: 4 },
      category: 'fruit',
      weightGrams: 560,
      volumeLitres: 1.2,
      priceFen: 2990,
      shelfLifeDays: 12,
      gtin: '06901234567892',
      origin: '辽宁丹东',
    },
  ),
  put(
    '/v1/skus/{sku}',
    'Something for the cupboard',
    { sku: 'rice-5kg' },
    {
      name: '五常大米 5 kg',
      zone: 'ambient',
      category: 'staples',
      weightGrams: 5100,
      volumeLitres: 6,
      priceFen: 6990,
      shelfLifeDays: 540,
      safetyStock: 10,
    },
  ),
  put(
    '/v1/skus/{sku}',
    'A gift box: held whole or not at all, split by zone when it leaves',
    { sku: 'breakfast-box' },
    {
      name: '早餐礼盒',
      zone: 'ambient',
      category: 'gifts',
      weightGrams: 5660,
      volumeLitres: 7.2,
      priceFen: 9900,
      shelfLifeDays: 12,
      components: [
        { sku: 'strawberries', quantity: 1 },
        { sku: 'rice-5kg', quantity: 1 },
      ],
    },
  ),
];

const network: Example[] = [
  put(
    '/v1/sites/{siteId}',
    'A central warehouse',
    { siteId: 'shanghai-dc' },
    {
      name: '上海总仓',
      kind: 'central',
      location: { lat: 31.36, lng: 121.22 },
      zones: ['ambient', 'chilled', 'frozen'],
      cutoff: '20:00',
      departsAt: ['06:00', '21:00'],
      closedOn: ['2027-02-06'],
      shipmentsPerHour: 600,
    },
  ),
  put(
    '/v1/communities/{communityId}',
    'Where buyers live',
    { communityId: 'pudong-1' },
    {
      name: '碧云里',
      region: 'shanghai',
      location: pudong,
      households: 900,
    },
  ),
  put(
    '/v1/leaders/{leaderId}',
    'A team leader who may carry cold',
    { leaderId: 'leader-wang' },
    {
      name: '王团长',
      certificate: 'cold',
    },
  ),
  put(
    '/v1/pickup-points/{pickupPointId}',
    'Her pickup point, with the litres of its fridge',
    { pickupPointId: 'point-01' },
    {
      leaderId: 'leader-wang',
      location: pudong,
      communities: ['pudong-1'],
      capacity: { ambientLitres: 400, chilledLitres: 120, frozenLitres: 60 },
      opens: '08:00',
      closes: '21:00',
    },
  ),
  put(
    '/v1/carriers/{carrierId}',
    'A carrier with cold vans',
    { carrierId: 'cold-van' },
    {
      name: '冷链快运',
      zones: ['ambient', 'chilled', 'frozen'],
      rates: [
        { zone: 'ambient', baseFen: 500, perKgFen: 80, perKmFen: 1 },
        { zone: 'chilled', baseFen: 700, perKgFen: 100, perKmFen: 2 },
        { zone: 'frozen', baseFen: 900, perKgFen: 120, perKmFen: 2 },
      ],
      shipmentsPerDay: 1000,
      transitDays: 1,
      baseUrl: 'https://carrier.example/api',
    },
  ),
  put(
    '/v1/suppliers/{supplierId}',
    'The farm',
    { supplierId: 'dandong-farm' },
    {
      name: '丹东基地',
      skus: ['strawberries'],
      leadDays: 2,
      webhookUrl: 'https://farm.example/xianda',
      terms: [{ sku: 'strawberries', casePack: 12, minimumOrder: 120 }],
    },
  ),
  put(
    '/v1/presale-campaigns/{campaignId}',
    'A presale with a quota for each region',
    { campaignId: 'new-year' },
    {
      sku: 'strawberries',
      opensAt: '2026-11-01T00:00:00+08:00',
      closesAt: `${farAway}T00:00:00+08:00`,
      deliverFrom: farAway,
      deliverBy: farAway,
      quotas: [
        { region: 'shanghai', units: 500 },
        { region: 'hangzhou', units: 300 },
      ],
      priceFen: 2590,
    },
  ),
];

const goods: Example[] = [
  {
    route: 'POST /v1/stock/receipts',
    summary: 'Goods arrive, by lot',
    as: 'warehouse',
    body: {
      reference: 'asn-2026-1124',
      siteId: 'shanghai-dc',
      lots: [
        {
          sku: 'strawberries',
          lotId: 'S1123',
          quantity: 400,
          producedOn: '2026-11-23',
          expiresOn: farAway,
          origin: '辽宁丹东',
        },
        { sku: 'rice-5kg', lotId: 'R1001', quantity: 200, producedOn: '2026-10-01', expiresOn: farAway },
      ],
    },
    outcome: 'created',
    answer: {
      reference: 'asn-2026-1124',
      siteId: 'shanghai-dc',
      lots: [
        { sku: 'strawberries', lotId: 'S1123', quantity: 400 },
        { sku: 'rice-5kg', lotId: 'R1001', quantity: 200 },
      ],
    },
  },
];

/** A brand from nothing to goods on the shelf. */
export const settingUp: readonly Example[] = [...brand, ...catalogue, ...network, ...goods];
