import { cancelOrder } from '../../src/db/cancel';
import { putCategory, putSku, type SkuRecord } from '../../src/db/catalogue';
import { expireDueOrders } from '../../src/db/expiry';
import { putCarrier, putLeader, putPickupPoint, putSite } from '../../src/db/network';
import { putCampaign } from '../../src/db/presale';
import { createFactsCache } from '../../src/db/facts';
import {
  createSellableReader,
  readChangedVersions,
  type SellableFace,
  type SellableReader,
} from '../../src/db/sellable.read';
import { putTenant } from '../../src/db/tenant';
import type { Database, TenantTx } from '../../src/db/transaction';
import { createTestDatabase, type TestDatabase } from '../support/database';
import { expectCoherent } from '../support/expectCoherent';
import {
  givenCampaign,
  givenNetwork,
  givenOrder,
  givenPayment,
  givenSku,
  givenStock,
  givenTenant,
} from '../support/fixtures';
import { givenPresaleOrder } from '../support/presaleFixtures';

let database: TestDatabase;
let db: Database;
let reader: SellableReader;
let tenant: string;
beforeAll(async () => {
  database = await createTestDatabase();
  db = database.as('xianda_app');
  reader = createSellableReader(db, createFactsCache());
});
beforeEach(async () => {
  tenant = await givenTenant(database);
  await givenNetwork(database, tenant);
  await givenSku(database, tenant, { category: 'fruit' });
  await givenSku(database, tenant, { sku: 'pear' });
  await givenSku(database, tenant, { sku: 'box', components: { apple: 2, pear: 1 } });
  await givenCampaign(database, tenant, { quotas: { east: 50 } });
  await givenStock(database, tenant);
  await givenStock(database, tenant, { sku: 'pear' });
});
afterAll(async () => {
  await expectCoherent(database);
  await database.drop();
});

const skus = ['apple', 'pear', 'box'];
const inTenant = <T>(work: (tx: TenantTx) => Promise<T>) => db.inTenant(tenant, work);

async function readFaces(): Promise<Map<string, SellableFace>> {
  const { faces } = await reader.readFaces(tenant, skus);
  return new Map(faces.map((face) => [face.item.sku, face]));
}

/** The rule of the clock: a version never falls, and another number stands under another version. */
function expectNews(before: Map<string, SellableFace>, after: Map<string, SellableFace>): void {
  for (const [sku, face] of after) {
    const old = before.get(sku) as SellableFace;
    expect([sku, face.version]).toEqual([sku, Math.max(face.version, old.version)]);
    if (face.version === old.version) expect(face.item).toEqual(old.item);
  }
}

const skuRecord = (changes: Partial<SkuRecord> = {}): SkuRecord => ({
  name: 'apple',
  zone: 'ambient',
  handling: [],
  category: 'fruit',
  weightGrams: 1000,
  volumeMillilitres: 2000,
  priceFen: 1990,
  shelfLifeDays: 60,
  safetyStock: 0,
  components: [],
  ...changes,
});
const box = (...parts: string[]) => skuRecord({ components: parts.map((sku) => ({ sku, quantity: 2 })) });
const site = {
  name: 'central',
  kind: 'central' as const,
  location: { lat: 31.2, lng: 121.4 },
  zones: ['ambient' as const],
  cutoff: '23:59',
  departsAt: [],
  closedOn: [],
  safetyStock: 0,
};
const point = {
  leaderId: 'leader-cold',
  location: { lat: 31, lng: 121 },
  communities: [],
  capacityMillilitres: { ambient: 1, chilled: 1, frozen: 1 },
  opens: '08:00',
  closes: '21:00',
  closedOn: [],
  temporary: false,
};
const carrier = {
  name: 'slow',
  zones: ['ambient' as const],
  rates: [],
  shipmentsPerDay: 9,
  transitDays: 0,
  baseUrl: 'http://127.0.0.1:9',
};
const campaign = (units: number, opensAt = '2020-01-01') => ({
  sku: 'apple',
  opensAt: new Date(opensAt),
  closesAt: new Date('2099-01-01'),
  deliverFrom: '2099-01-02',
  deliverBy: '2099-01-09',
  quotas: [{ region: 'east', units }],
});

/** Everything that may change what can be sold, and whose versions it has to raise. */
const changes: [name: string, raises: string[], make: () => Promise<unknown>][] = [
  ['an order', ['apple', 'box'], () => givenOrder(database, tenant)],
  ['goods that come', ['pear', 'box'], () => givenStock(database, tenant, { sku: 'pear', quantity: 7 })],
  ['an order of presale units', ['apple', 'box'], () => givenPresaleOrder(database, tenant)],
  ['a SKU', skus, () => inTenant((tx) => putSku(tx, 'apple', skuRecord({ safetyStock: 9 })))],
  ['a recipe', skus, () => inTenant((tx) => putSku(tx, 'box', box('pear')))],
  ['a recipe back', skus, () => inTenant((tx) => putSku(tx, 'box', box('apple', 'pear')))],
  ['a category', skus, () => inTenant((tx) => putCategory(tx, 'fruit', { minimumRemainingLifeDays: 29 }))],
  ['a site', skus, () => inTenant((tx) => putSite(tx, 'central', { ...site, safetyStock: 3 }))],
  [
    'a leader',
    skus,
    () => inTenant((tx) => putLeader(tx, 'leader-cold', { name: 'x', certificate: 'basic' })),
  ],
  ['a point', skus, () => inTenant((tx) => putPickupPoint(tx, 'new-point', point))],
  ['a carrier', skus, () => inTenant((tx) => putCarrier(tx, 'slow', carrier))],
  [
    'the tenant’s clock',
    skus,
    () =>
      putTenant(database.as('xianda_platform'), {
        tenant,
        name: tenant,
        timeZone: 'Pacific/Kiritimati',
        language: 'zh',
      }),
  ],
  ['a quota', ['apple', 'box'], () => inTenant((tx) => putCampaign(tx, 'early', campaign(60)))],
  [
    'a campaign’s hours',
    ['apple', 'box'],
    () => inTenant((tx) => putCampaign(tx, 'early', campaign(50, '2098-01-01'))),
  ],
  [
    'the end of open holds',
    ['apple', 'box'],
    async () => {
      const { orderId } = await givenOrder(database, tenant);
      const before = (await readFaces()).get('apple') as SellableFace;
      await database.query(
        `UPDATE hold SET expires_at = expires_at - interval '5 minutes' WHERE tenant = $1 AND order_id = $2`,
        [tenant, orderId],
      );
      const after = (await readFaces()).get('apple') as SellableFace;
      expect(after.version).toBeGreaterThan(before.version);
      expect(after.looksAgainAt).toBe(before.looksAgainAt - 300_000);
    },
  ],
];

test.each(changes)('%s raises the versions of %j', async (_name, raises, make) => {
  const before = await readFaces();
  await make();
  const after = await readFaces();
  expectNews(before, after);
  const raised = skus.filter((sku) => (after.get(sku)?.version ?? 0) > (before.get(sku)?.version ?? 0));
  expect(raised).toEqual(raises);
});

test('what changes nothing of the kind raises nothing', async () => {
  const before = await readFaces();
  await putTenant(database.as('xianda_platform'), {
    tenant,
    name: 'another name',
    timeZone: 'Asia/Shanghai',
    language: 'en',
  });
  expect(await readFaces()).toEqual(before);
});

test('every step of an order’s life keeps to the rule', async () => {
  const steps: (() => Promise<unknown>)[] = [];
  let paid: { orderId: string; totalFen: number };
  steps.push(async () => {
    paid = await givenOrder(database, tenant, { lines: { box: 2, apple: 1 } });
  });
  steps.push(() => givenPayment(database, tenant, { orderId: paid.orderId, amountFen: paid.totalFen }));
  steps.push(() => cancelOrder(db, { tenant, orderId: paid.orderId, reason: 'x', actor: 'test' }));
  steps.push(() => givenOrder(database, tenant, { paymentWindowSeconds: -5 }));
  steps.push(() => expireDueOrders(db, tenant, 100));
  let before = await readFaces();
  for (const step of steps) {
    await step();
    const after = await readFaces();
    expectNews(before, after);
    before = after;
  }
  expect(before.get('apple')?.item.sellable).toBe(100);
});

test('a check that sees no version raised fails: it can', async () => {
  const before = await readFaces();
  await database.query('ALTER TABLE presale_quota DISABLE TRIGGER raise_version');
  try {
    await givenPresaleOrder(database, tenant);
  } finally {
    await database.query('ALTER TABLE presale_quota ENABLE TRIGGER raise_version');
  }
  const after = await readFaces();
  expect(() => expectNews(before, after)).toThrow();
});

test('a bundle’s version never falls while its recipe and its components’ stock change at once', async () => {
  let working = true;
  const recipes = [['apple'], ['pear'], ['apple', 'pear']];
  const change = async () => {
    for (let round = 0; round < 30; round += 1) {
      await inTenant((tx) => putSku(tx, 'box', box(...(recipes[round % 3] as string[]))));
    }
    working = false;
  };
  const receive = async (sku: string) => {
    while (working) await givenStock(database, tenant, { sku, quantity: 1 });
  };
  const watch = async () => {
    for (let before = await readFaces(); working; ) {
      const after = await readFaces();
      expectNews(before, after);
      before = after;
    }
  };
  await Promise.all([change(), receive('apple'), receive('pear'), watch()]);
});

test('readers are told of versions that are others now, of any tenant, and of nothing else', async () => {
  const checker = database.as('xianda_checker');
  const { faces, versions } = await reader.readFaces(tenant, skus);
  expect(faces.map(({ pools }) => pools)).toEqual([['apple'], ['pear'], ['box', 'apple', 'pear']]);
  const shared = (faces[0] as SellableFace).version - (versions.get('apple') ?? 0);
  const known = [
    { tenant, sku: null, version: shared },
    ...[...versions].map(([sku, version]) => ({ tenant, sku, version })),
    { tenant, sku: 'nothing', version: -1 },
    { tenant: 'nobody', sku: 'apple', version: -1 },
  ];
  expect((await readChangedVersions(checker, known)).changed).toEqual([]);
  await givenOrder(database, tenant);
  const told = await readChangedVersions(checker, known);
  expect(told.changed).toEqual([{ tenant, sku: 'apple', version: (versions.get('apple') ?? 0) + 1 }]);
  await inTenant((tx) => putCategory(tx, 'fruit', {}));
  await givenSku(database, tenant, { sku: 'nothing' });
  expect((await readChangedVersions(checker, known)).changed.map(({ sku }) => sku).sort()).toEqual([
    'apple',
    'nothing',
    null,
  ]);
  expect(Math.abs(told.now - Date.now())).toBeLessThan(60_000);
});

test('a face tells when to look again: when the first hold of it or of a component ends', async () => {
  await givenOrder(database, tenant, { lines: { pear: 1 }, paymentWindowSeconds: 60 });
  await givenOrder(database, tenant, { lines: { apple: 1 }, paymentWindowSeconds: 20 });
  await givenPresaleOrder(database, tenant);
  const faces = await readFaces();
  const ahead = (sku: string) => Math.round(((faces.get(sku)?.looksAgainAt ?? 0) - Date.now()) / 10_000);
  expect([ahead('pear'), ahead('apple'), ahead('box')]).toEqual([6, 2, 2]);
});
