import type { IntakeRequest } from '../../src/intake/model';
import { type TestDatabase, createTestDatabase } from '../support/database';
import { expectCoherent } from '../support/expectCoherent';
import {
  givenCampaign,
  givenCommunity,
  givenNetwork,
  givenPoint,
  givenSku,
  givenTenant,
} from '../support/fixtures';
import { accepted, intakeOn, letHoldsEnd, orderFor, pay } from './support';

let database: TestDatabase;
let tenant: string;
let tenants = 0;
const east = { lat: 31.25, lng: 121.45 };
const west = { lat: 30.6, lng: 104.1 };

beforeAll(async () => {
  database = await createTestDatabase();
});
beforeEach(async () => {
  tenants += 1;
  tenant = await givenTenant(database, { tenant: `race-${tenants}` });
  await givenNetwork(database, tenant);
  await givenCommunity(database, tenant, { communityId: 'terrace', region: 'west', ...west });
  await givenSku(database, tenant, { sku: 'pear' });
});
afterAll(async () => {
  await expectCoherent(database, { atLeast: { 13: 60 } });
  await database.drop();
});

const presale = (quantity: number, buyer: Partial<IntakeRequest['buyer']> = {}) => {
  const order = orderFor({ lines: [{ sku: 'pear', quantity, supply: 'presale', campaignId: 'early' }] });
  return { ...order, buyer: { ref: order.buyer.ref, communityId: 'garden', ...buyer } };
};
const place = (order: IntakeRequest) => intakeOn(database).place(tenant, order, 'test');
const taken = async () => {
  const rows = await database.query<{ region: string; taken: number }>(
    'SELECT region, (held + sold)::int AS taken FROM presale_quota WHERE tenant = $1 ORDER BY region',
    [tenant],
  );
  return Object.fromEntries(rows.map((row) => [row.region, row.taken]));
};

test('of many orders at once exactly the quota is promised, and nobody is refused while units are left', async () => {
  await givenCampaign(database, tenant, { sku: 'pear', quotas: { east: 40, west: 25 } });
  const answers = await Promise.all([
    ...Array.from({ length: 60 }, () => place(presale(1))),
    ...Array.from({ length: 40 }, () => place(presale(1, { communityId: 'terrace' }))),
  ]);
  const count = (kind: string) => answers.filter((answer) => answer.kind === kind).length;
  expect([count('accepted'), count('quotaExhausted')]).toEqual([65, 35]);
  expect(await taken()).toEqual({ east: 40, west: 25 });
});

test('orders of several units pass as long as they fit', async () => {
  await givenCampaign(database, tenant, { sku: 'pear', quotas: { east: 50, west: 0 } });
  const sizes = Array.from({ length: 40 }, (_, index) => 1 + (index % 3));
  const answers = await Promise.all(sizes.map((size) => place(presale(size))));
  const promised = answers.reduce(
    (sum, answer, index) => sum + (answer.kind === 'accepted' ? (sizes[index] ?? 0) : 0),
    0,
  );
  expect((await taken()).east).toBe(promised);
  expect(promised).toBeLessThanOrEqual(50);
  // whoever was refused asked for more than was left in the end
  const refused = sizes.filter((_, index) => answers[index]?.kind === 'quotaExhausted');
  expect(Math.min(...refused)).toBeGreaterThan(50 - promised);
  expect(await place(presale(1, { communityId: 'terrace' }))).toMatchObject({ kind: 'quotaExhausted' });
});

test('units whose holds have ended are promised again, racing with payments', async () => {
  await givenCampaign(database, tenant, { sku: 'pear', quotas: { east: 20 } });
  const first = await Promise.all(Array.from({ length: 20 }, () => place(presale(1))));
  const orders = first.map(accepted);
  for (const { orderId } of orders.slice(10)) await letHoldsEnd(database, tenant, orderId);
  const [second] = await Promise.all([
    Promise.all(Array.from({ length: 30 }, () => place(presale(1)))),
    ...orders.slice(0, 10).map((order) => pay(database, tenant, order)),
  ]);
  expect(second.filter(({ kind }) => kind === 'accepted')).toHaveLength(10);
  expect(await taken()).toEqual({ east: 20 });
});

test('the region follows the community, the point, or the nearest community to the buyer', async () => {
  await givenCampaign(database, tenant, { sku: 'pear', quotas: { east: 9, west: 9 } });
  await givenPoint(database, tenant, {
    pickupPointId: 'point-west',
    leaderId: 'leader-west',
    communityId: 'terrace',
    ...west,
  });
  const regionOf = async (buyer: Partial<IntakeRequest['buyer']>) => {
    const before = await taken();
    const answer = await place(presale(1, { communityId: undefined, ...buyer }));
    if (answer.kind !== 'accepted') return answer.kind;
    const after = await taken();
    return Object.keys(after)
      .filter((region) => after[region] !== before[region])
      .join();
  };
  expect(await regionOf({ communityId: 'terrace' })).toBe('west');
  expect(await regionOf({ pickupPointId: 'point-cold' })).toBe('east');
  expect(await regionOf({ pickupPointId: 'point-west' })).toBe('west');
  expect(await regionOf({ location: east })).toBe('east');
  expect(await regionOf({ location: west })).toBe('west');
  // what is said wins over what is near
  expect(await regionOf({ communityId: 'garden', location: west })).toBe('east');
  expect(await regionOf({})).toBe('unknownRegion');
});
