import { createPresaleAggregationActivities } from '../../src/activities/presaleAggregation';
import { listAggregations } from '../../src/db/presaleAggregation.read';
import { cancelOrder } from '../../src/db/cancel';
import { bookPayment } from '../../src/db/payment';
import type { Database } from '../../src/db/transaction';
import { type TestDatabase, createTestDatabase } from '../support/database';
import { examine, expectCoherent } from '../support/expectCoherent';
import {
  dayFromToday,
  givenCampaign,
  givenNetwork,
  givenOrder,
  givenPaidOrder,
  givenSku,
  givenTenant,
} from '../support/fixtures';

let database: TestDatabase;
let tenant: string;
let tenants = 0;

beforeAll(async () => {
  database = await createTestDatabase();
});
beforeEach(async () => {
  tenants += 1;
  tenant = await givenTenant(database, { tenant: `shop-${tenants}` });
  await givenNetwork(database, tenant);
  await givenSku(database, tenant, { sku: 'pear' });
});
afterAll(async () => {
  await expectCoherent(database);
  await database.drop();
});

const activities = () => createPresaleAggregationActivities({ db: database.as('xianda_app') });
/** The tick whose second ends at an instant. */
const tickAt = (asOf: Date) => ({
  tenant,
  scheduledAt: new Date(asOf.getTime() - 1000).toISOString(),
  asOf: asOf.toISOString(),
});
const aggregate = (asOf: Date, campaignId = 'early') =>
  activities().aggregateCampaign({ ...tickAt(asOf), campaignId });
const presale = (quantity: number, campaignId = 'early') => ({
  lines: [{ sku: 'pear', quantity, supply: 'presale' as const, campaignId }],
});
const minutesAgo = (minutes: number) => new Date(Date.now() - minutes * 60_000);
const rows = () =>
  database.query('SELECT * FROM presale_aggregation WHERE tenant = $1 ORDER BY scheduled_at, region', [
    tenant,
  ]);
/** Moves what an order holds of a quota into the past. */
const happened = (orderId: string, { createdAt, endedAt }: { createdAt: Date; endedAt?: Date }) =>
  database.query(
    `UPDATE quota_hold SET created_at = $2, ended_at = coalesce($3, ended_at) WHERE order_id = $1`,
    [orderId, createdAt, endedAt ?? null],
  );
const openedAgo = (minutes: number) =>
  database.query(
    `UPDATE presale_campaign SET opens_at = clock_timestamp() - make_interval(mins => $2) WHERE tenant = $1`,
    [tenant, minutes],
  );

test('a tick counts what stood at its instant, not what stands now', async () => {
  await givenCampaign(database, tenant, { sku: 'pear', quotas: { east: 100, west: 50 } });
  await openedAgo(300);
  const early = await givenPaidOrder(database, tenant, presale(3));
  await happened(early.orderId, { createdAt: minutesAgo(200), endedAt: minutesAgo(190) });
  const undone = await givenPaidOrder(database, tenant, presale(5));
  await happened(undone.orderId, { createdAt: minutesAgo(180), endedAt: minutesAgo(170) });
  await cancelOrder(database.as('xianda_app'), {
    tenant,
    orderId: undone.orderId,
    reason: 'x',
    actor: 'test',
  });
  const waiting = await givenPaidOrder(database, tenant, presale(7));
  await happened(waiting.orderId, { createdAt: minutesAgo(130), endedAt: minutesAgo(110) });
  await givenPaidOrder(database, tenant, presale(11));

  await aggregate(minutesAgo(185));
  await aggregate(minutesAgo(120));
  await aggregate(new Date());
  const committedAndHeld = (await rows()).map((row) => [row.region, Number(row.committed), Number(row.held)]);
  expect(committedAndHeld).toEqual([
    ['east', 3, 0],
    ['west', 0, 0],
    // the cancelled five still stood two hours ago; the seven were held
    ['east', 8, 7],
    ['west', 0, 0],
    ['east', 21, 0],
    ['west', 0, 0],
  ]);
});

test('a tick that runs twice, at once or later, changes nothing', async () => {
  await givenCampaign(database, tenant, { sku: 'pear', quotas: { east: 100 } });
  await givenPaidOrder(database, tenant, presale(4));
  const asOf = new Date();
  const answers = await Promise.all([1, 2, 3, 4].map(() => aggregate(asOf)));
  const before = await rows();
  expect(before).toHaveLength(1);
  await database.query(
    `INSERT INTO presale_quota (tenant, campaign_id, region, units) VALUES ($1, 'early', 'west', 9)`,
    [tenant],
  );
  await givenPaidOrder(database, tenant, presale(4));
  answers.push(await aggregate(asOf));
  expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1);
  expect(await rows()).toEqual(before);
});

test('a payment that is being booked at the tick is waited for and counted', async () => {
  await givenCampaign(database, tenant, { sku: 'pear', quotas: { east: 100 } });
  const { orderId, totalFen } = await givenOrder(database, tenant, presale(6));
  const app = database.as('xianda_app');
  let commit = () => {};
  const mayCommit = new Promise<void>((resolve) => (commit = resolve));
  let written = () => {};
  const isWritten = new Promise<void>((resolve) => (written = resolve));
  const slow: Database = {
    ...app,
    inTenant: (name, work) =>
      app.inTenant(name, async (tx) => {
        const answer = await work(tx);
        written();
        await mayCommit;
        return answer;
      }),
  };
  const booking = bookPayment(slow, {
    tenant,
    provider: 'sandbox',
    notificationId: `n-${orderId}`,
    transactionId: `t-${orderId}`,
    orderId,
    amountFen: totalFen,
    paidAt: new Date(),
    bodyDigest: Buffer.alloc(32),
  });
  await isWritten;
  // written before this instant, committed after it
  const aggregating = aggregate(new Date());
  const waiting = () =>
    database.query(
      'SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = $1',
      ['Lock'],
    );
  while ((await waiting()).length === 0);
  commit();
  expect(await aggregating).toMatchObject({ committed: 6, held: 0 });
  expect((await booking).kind).toBe('booked');
});

test('the database’s own clock must have passed the tick', async () => {
  await givenCampaign(database, tenant, { sku: 'pear' });
  await expect(aggregate(new Date(Date.now() + 60_000))).rejects.toThrow('has not come to the tick');
  expect(await rows()).toEqual([]);
});

test('campaigns are summed up from their opening until their last delivery day', async () => {
  await givenCampaign(database, tenant, { sku: 'pear', campaignId: 'now' });
  await givenCampaign(database, tenant, { sku: 'pear', campaignId: 'over', deliverByInDays: 5 });
  await givenCampaign(database, tenant, { sku: 'pear', campaignId: 'later' });
  await database.query(
    `UPDATE presale_campaign SET deliver_from = $2, deliver_by = $2 WHERE tenant = $1 AND campaign_id = 'over'`,
    [tenant, dayFromToday(-1)],
  );
  await database.query(
    `UPDATE presale_campaign SET opens_at = clock_timestamp() + interval '1 hour' WHERE tenant = $1 AND campaign_id = 'later'`,
    [tenant],
  );
  expect(await activities().findCampaigns(tickAt(new Date()))).toEqual(['now']);
});

test('the projection follows how the tenant’s earlier campaigns filled up', async () => {
  await givenCampaign(database, tenant, { sku: 'pear', quotas: { east: 200 } });
  await database.query(
    `UPDATE presale_campaign SET opens_at = clock_timestamp() - interval '100 minutes',
            closes_at = clock_timestamp() + interval '300 minutes' WHERE tenant = $1`,
    [tenant],
  );
  const sold = await givenPaidOrder(database, tenant, presale(40));
  await happened(sold.orderId, { createdAt: minutesAgo(50), endedAt: minutesAgo(40) });
  const alone = await aggregate(minutesAgo(2));
  // five campaigns, each half full after a quarter of its hours and selling 100 of 200 in the end
  for (let index = 0; index < 5; index += 1) {
    const campaignId = `before-${index}`;
    await givenCampaign(database, tenant, { sku: 'pear', campaignId, quotas: { east: 200 } });
    for (const minutes of [95, 10]) {
      const { orderId } = await givenPaidOrder(database, tenant, presale(50, campaignId));
      await happened(orderId, { createdAt: minutesAgo(1000 + minutes), endedAt: minutesAgo(1000 + minutes) });
    }
    await database.query(
      `UPDATE presale_campaign SET opens_at = $3, closes_at = $4 WHERE tenant = $1 AND campaign_id = $2`,
      [tenant, campaignId, minutesAgo(1100), minutesAgo(1000)],
    );
  }
  const taught = await aggregate(minutesAgo(1));
  expect(taught?.units).toBeGreaterThan(60);
  expect(taught?.units).toBeLessThan(110);
  const width = (totals: typeof taught) => (totals?.high ?? 0) - (totals?.low ?? 0);
  expect(width(taught)).toBeLessThan(width(alone));
});

test('the purchase is in whole cases of the quickest supplier, and leaves its lead', async () => {
  await givenCampaign(database, tenant, { sku: 'pear', quotas: { east: 100, west: 100 } });
  await database.query('UPDATE sku SET presale_lead_days = 1 WHERE tenant = $1', [tenant]);
  for (const [supplierId, leadDays] of [
    ['slow', 9],
    ['quick', 2],
  ] as const) {
    await database.query(
      `INSERT INTO supplier (tenant, supplier_id, name, skus, lead_days) VALUES ($1, $2, 'x', '{pear}', $3)`,
      [tenant, supplierId, leadDays],
    );
  }
  await database.query(
    `INSERT INTO supplier_term (tenant, supplier_id, sku, case_pack, minimum_order) VALUES ($1, 'quick', 'pear', 24, 48)`,
    [tenant],
  );
  await givenPaidOrder(database, tenant, presale(10));
  const totals = await aggregate(new Date());
  expect(totals?.purchaseBy).toBe(dayFromToday(0));
  const page = await database
    .as('xianda_app')
    .inTenant(tenant, (tx) => listAggregations(tx, 'early', { limit: 10, after: null }));
  const [purchase] = page?.items[0]?.purchase as {
    units: number;
    supplierId: string;
    regions: { units: number }[];
  }[];
  expect(purchase?.supplierId).toBe('quick');
  expect(purchase?.units).toBe(Math.ceil((totals?.units ?? 0) / 24) * 24);
  expect(purchase?.regions.reduce((sum, region) => sum + region.units, 0)).toBe(purchase?.units);
  const [attention] = await database.query<{ detail: object; owner: string }>(
    `SELECT detail, owner FROM attention WHERE tenant = $1 AND reason = 'purchaseDue'`,
    [tenant],
  );
  expect(attention).toEqual({
    owner: 'ops',
    detail: {
      campaignId: 'early',
      purchases: [{ sku: 'pear', supplierId: 'quick', units: purchase?.units, purchaseBy: dayFromToday(0) }],
    },
  });
});

test('a box that no supplier sells whole is bought as its components', async () => {
  await givenSku(database, tenant, { sku: 'apple' });
  await givenSku(database, tenant, { sku: 'box', components: { pear: 3, apple: 2 } });
  await givenCampaign(database, tenant, { sku: 'box', campaignId: 'boxes', quotas: { east: 20 } });
  const totals = await aggregate(new Date(), 'boxes');
  const bought = await database.query<{ sku: string; units: number }>(
    'SELECT sku, units FROM presale_purchase WHERE tenant = $1 ORDER BY sku',
    [tenant],
  );
  const units = totals?.units ?? 0;
  expect(bought).toEqual([
    { sku: 'apple', units: 2 * units },
    { sku: 'pear', units: 3 * units },
  ]);
});

test('an aggregation that says something else than the holds is found', async () => {
  await givenCampaign(database, tenant, { sku: 'pear', quotas: { east: 100 } });
  await givenPaidOrder(database, tenant, presale(2));
  await aggregate(new Date());
  await database.query('UPDATE presale_aggregation SET committed = 1, low = 1 WHERE tenant = $1', [tenant]);
  const { findings } = await examine(database);
  expect(findings).toContainEqual(
    expect.objectContaining({
      invariant: 13,
      tenant,
      subject: 'early east',
      detail: expect.objectContaining({ committed: 1, ofHolds: 2 }),
    }),
  );
  await database.query('DELETE FROM presale_purchase WHERE tenant = $1', [tenant]);
  await database.query('DELETE FROM presale_aggregation WHERE tenant = $1', [tenant]);
});
