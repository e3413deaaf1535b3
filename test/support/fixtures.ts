import { createHash } from 'node:crypto';
import pg from 'pg';
import { type ReceiptAnswer, receiveStock } from '../../src/db/inventory';
import { createDatabase, type Database, type TenantTx } from '../../src/db/transaction';
import type { Zone } from '../../src/domain/catalogue/model';
import type { Language } from '../../src/domain/tenant/model';
import type { TestDatabase } from './database';

export * from './orderFixtures';

/**
 * States to start a test from: `given…` writes what the API would have written. Everything has a default that
 * works, ids are readable and computed, so a test names only what it is about. Times of the network are wide open
 * (cutoff at the end of the day, no closed days), so that no test depends on the hour it runs at.
 */
export interface TestDatabaseUrl extends Partial<Pick<TestDatabase, 'as' | 'query'>> {
  /** Of the superuser, as `createTestDatabase` hands it out; its pools are used where they are handed in too. */
  url: string;
}

/** Runs SQL as the superuser: row-level security does not bind it. Returns the rows. */
export async function asSuperuser<R extends object = Record<string, unknown>>(
  where: TestDatabaseUrl,
  text: string,
  values: unknown[] = [],
): Promise<R[]> {
  if (where.query) return where.query<R>(text, values);
  const client = new pg.Client({ connectionString: where.url });
  await client.connect();
  try {
    return (await client.query<R & Record<string, unknown>>(text, values)).rows;
  } finally {
    await client.end();
  }
}

/** Runs work in one transaction as the application, bound to a tenant: what a db function needs. */
export async function inTenant<T>(
  where: TestDatabaseUrl,
  tenant: string,
  work: (tx: TenantTx) => Promise<T>,
): Promise<T> {
  return asApplication(where, (db) => db.inTenant(tenant, work));
}

/** Runs work with the application's pool, or one of its own where none is handed in. */
export async function asApplication<T>(
  where: TestDatabaseUrl,
  work: (db: Database) => Promise<T>,
): Promise<T> {
  if (where.as) return work(where.as('xianda_app'));
  const db = createDatabase({ url: where.url, role: 'xianda_app', maxConnections: 1 });
  try {
    return await work(db);
  } finally {
    await db.close();
  }
}

let tenants = 0;

/** A tenant of its own for each call: `tenant-1`, `tenant-2` … Answers its id. */
export async function givenTenant(
  where: TestDatabaseUrl,
  given: { tenant?: string; timeZone?: string; language?: Language } = {},
): Promise<string> {
  tenants += 1;
  const tenant = given.tenant ?? `tenant-${tenants}`;
  await asSuperuser(where, 'INSERT INTO tenant (tenant, name, time_zone, language) VALUES ($1, $1, $2, $3)', [
    tenant,
    given.timeZone ?? 'Asia/Shanghai',
    given.language ?? 'zh',
  ]);
  return tenant;
}

export interface GivenSku {
  sku?: string;
  zone?: Zone;
  category?: string;
  priceFen?: number;
  weightGrams?: number;
  volumeMillilitres?: number;
  minimumRemainingLifeDays?: number;
  holdMinutes?: number;
  safetyStock?: number;
  purchaseLimit?: number;
  unpaidLimit?: number;
  scarceHoldMinutes?: number;
  scarceUnits?: number;
  /** Makes it a bundle: units of each component. */
  components?: Record<string, number>;
}

/** A SKU (`apple`, ambient, 19.90 yuan, 1 kg, 2 litres), or a bundle of SKUs that are there. Answers its id. */
export async function givenSku(
  where: TestDatabaseUrl,
  tenant: string,
  given: GivenSku = {},
): Promise<string> {
  const sku = given.sku ?? 'apple';
  await asSuperuser(
    where,
    `INSERT INTO sku (tenant, sku, name, zone, category, weight_grams, volume_millilitres, price_fen, shelf_life_days,
                      minimum_remaining_life_days, hold_minutes, safety_stock, purchase_limit, unpaid_limit,
                      scarce_hold_minutes, scarce_units)
     VALUES ($1, $2, $2, $3, $4, $5, $6, $7, 60, $8, $9, $10, $11, $12, $13, $14)`,
    [
      tenant,
      sku,
      given.zone ?? 'ambient',
      given.category ?? 'food',
      given.weightGrams ?? 1000,
      given.volumeMillilitres ?? 2000,
      given.priceFen ?? 1990,
      given.minimumRemainingLifeDays ?? null,
      given.holdMinutes ?? null,
      given.safetyStock ?? 0,
      given.purchaseLimit ?? null,
      given.unpaidLimit ?? null,
      given.scarceHoldMinutes ?? null,
      given.scarceUnits ?? null,
    ],
  );
  for (const [component, quantity] of Object.entries(given.components ?? {})) {
    await asSuperuser(
      where,
      'INSERT INTO sku_component (tenant, sku, component_sku, quantity) VALUES ($1, $2, $3, $4)',
      [tenant, sku, component, quantity],
    );
  }
  return sku;
}

export interface GivenSite {
  siteId?: string;
  kind?: string;
  lat?: number;
  lng?: number;
  zones?: Zone[];
  cutoff?: string;
  departsAt?: string[];
  safetyStock?: number;
}

/** A site (`central`, all zones, in Shanghai). Answers its id. */
export async function givenSite(
  where: TestDatabaseUrl,
  tenant: string,
  given: GivenSite = {},
): Promise<string> {
  const siteId = given.siteId ?? 'central';
  await asSuperuser(
    where,
    `INSERT INTO site (tenant, site_id, name, kind, lat, lng, zones, cutoff, departs_at, safety_stock)
     VALUES ($1, $2, $2, $3, $4, $5, $6, $7, $8, $9)`,
    [
      tenant,
      siteId,
      given.kind ?? 'central',
      given.lat ?? 31.2,
      given.lng ?? 121.4,
      given.zones ?? ['ambient', 'chilled', 'frozen', 'special'],
      given.cutoff ?? '23:59',
      given.departsAt ?? [],
      given.safetyStock ?? 0,
    ],
  );
  return siteId;
}

export interface GivenCarrier {
  carrierId?: string;
  zones?: Zone[];
  baseFen?: number;
  baseUrl?: string;
  transitDays?: number;
}

/** A carrier (`swift`, every zone, 10 yuan a parcel, next day). Answers its id. */
export async function givenCarrier(
  where: TestDatabaseUrl,
  tenant: string,
  given: GivenCarrier = {},
): Promise<string> {
  const carrierId = given.carrierId ?? 'swift';
  const zones = given.zones ?? ['ambient', 'chilled', 'frozen', 'special'];
  await asSuperuser(
    where,
    `INSERT INTO carrier (tenant, carrier_id, name, zones, shipments_per_day, transit_days, base_url)
     VALUES ($1, $2, $2, $3, 100000, $4, $5)`,
    [tenant, carrierId, zones, given.transitDays ?? 1, given.baseUrl ?? 'http://127.0.0.1:9'],
  );
  await asSuperuser(
    where,
    `INSERT INTO carrier_rate (tenant, carrier_id, zone, base_fen, per_kg_fen, per_km_fen)
     SELECT $1, $2, z, $4, 100, 1 FROM unnest($3::text[]) z`,
    [tenant, carrierId, zones, given.baseFen ?? 1000],
  );
  return carrierId;
}

export interface GivenPoint {
  pickupPointId?: string;
  leaderId?: string;
  certificate?: 'basic' | 'cold';
  communityId?: string;
  litres?: number;
}

/** A leader with a pickup point (`point`, led by `leader`, cold, 1000 litres a zone) in a community. Answers the point's id. */
export async function givenPoint(
  where: TestDatabaseUrl,
  tenant: string,
  given: GivenPoint = {},
): Promise<string> {
  const pickupPointId = given.pickupPointId ?? 'point';
  const leaderId = given.leaderId ?? 'leader';
  await asSuperuser(
    where,
    'INSERT INTO leader (tenant, leader_id, name, certificate) VALUES ($1, $2, $2, $3) ON CONFLICT DO NOTHING',
    [tenant, leaderId, given.certificate ?? 'cold'],
  );
  await asSuperuser(
    where,
    `INSERT INTO pickup_point (tenant, pickup_point_id, leader_id, lat, lng, ambient_millilitres, chilled_millilitres,
                               frozen_millilitres, opens, closes)
     VALUES ($1, $2, $3, 31.25, 121.45, $4, $4, $4, '08:00', '21:00')`,
    [tenant, pickupPointId, leaderId, (given.litres ?? 1000) * 1000],
  );
  await asSuperuser(
    where,
    'INSERT INTO pickup_point_community (tenant, pickup_point_id, community_id) VALUES ($1, $2, $3)',
    [tenant, pickupPointId, given.communityId ?? 'garden'],
  );
  return pickupPointId;
}

/** A community (`garden`, region `east`). Answers its id. */
export async function givenCommunity(
  where: TestDatabaseUrl,
  tenant: string,
  given: { communityId?: string; region?: string; lat?: number; lng?: number } = {},
): Promise<string> {
  const communityId = given.communityId ?? 'garden';
  await asSuperuser(
    where,
    'INSERT INTO community (tenant, community_id, name, region, lat, lng) VALUES ($1, $2, $2, $3, $4, $5)',
    [tenant, communityId, given.region ?? 'east', given.lat ?? 31.25, given.lng ?? 121.45],
  );
  return communityId;
}

/**
 * A small network that serves everything: site `central` (all zones) and the nearer `forward` (ambient, chilled),
 * carriers `swift` (every zone, 10 yuan) and `polar` (chilled, frozen, 8 yuan), community `garden` in region `east`,
 * `point-cold` and `point-basic` there.
 */
export async function givenNetwork(
  where: TestDatabaseUrl,
  tenant: string,
  given: { carrierUrl?: string } = {},
): Promise<void> {
  await givenSite(where, tenant);
  await givenSite(where, tenant, {
    siteId: 'forward',
    kind: 'forward',
    lat: 31.24,
    lng: 121.44,
    zones: ['ambient', 'chilled'],
  });
  await givenCommunity(where, tenant);
  await givenCarrier(where, tenant, { baseUrl: given.carrierUrl });
  await givenCarrier(where, tenant, {
    carrierId: 'polar',
    zones: ['chilled', 'frozen'],
    baseFen: 800,
    baseUrl: given.carrierUrl,
  });
  await givenPoint(where, tenant, { pickupPointId: 'point-cold', leaderId: 'leader-cold' });
  await givenPoint(where, tenant, {
    pickupPointId: 'point-basic',
    leaderId: 'leader-basic',
    certificate: 'basic',
  });
}

export interface GivenStock {
  sku?: string;
  siteId?: string;
  lotId?: string;
  quantity?: number;
  /** Days from today to the lot's last day. */
  expiresInDays?: number;
  campaignId?: string;
}

let receipts = 0;

/** Receives stock through the product's own receipt (100 units of `apple` at `central`, 30 days of life). Answers the lot's id. */
export async function givenStock(
  where: TestDatabaseUrl,
  tenant: string,
  given: GivenStock = {},
): Promise<string> {
  receipts += 1;
  const expiresInDays = given.expiresInDays ?? 30;
  const lotId = given.lotId ?? `lot-${expiresInDays}d`;
  const reference = `given-${receipts}`;
  const answer = await inTenant<ReceiptAnswer>(where, tenant, (tx) =>
    receiveStock(tx, {
      reference,
      siteId: given.siteId ?? 'central',
      actor: 'test',
      bodyDigest: createHash('sha256').update(reference).digest(),
      lots: [
        {
          sku: given.sku ?? 'apple',
          lotId,
          quantity: given.quantity ?? 100,
          producedOn: dayFromToday(Math.min(0, expiresInDays) - 1),
          expiresOn: dayFromToday(expiresInDays),
          campaignId: given.campaignId,
        },
      ],
    }),
  );
  if (answer.kind !== 'received') throw new Error(`the stock was not received: ${JSON.stringify(answer)}`);
  return lotId;
}

export interface GivenCampaign {
  campaignId?: string;
  sku?: string;
  /** Units by region. */
  quotas?: Record<string, number>;
  deliverByInDays?: number;
}

/** An open presale campaign (`early`, of `apple`, 10 units in region `east`). Answers its id. */
export async function givenCampaign(
  where: TestDatabaseUrl,
  tenant: string,
  given: GivenCampaign = {},
): Promise<string> {
  const campaignId = given.campaignId ?? 'early';
  await asSuperuser(
    where,
    `INSERT INTO presale_campaign (tenant, campaign_id, sku, opens_at, closes_at, deliver_from, deliver_by)
     VALUES ($1, $2, $3, clock_timestamp() - interval '1 hour', clock_timestamp() + interval '1 day', $4, $5)`,
    [tenant, campaignId, given.sku ?? 'apple', dayFromToday(2), dayFromToday(given.deliverByInDays ?? 10)],
  );
  for (const [region, units] of Object.entries(given.quotas ?? { east: 10 })) {
    await asSuperuser(
      where,
      'INSERT INTO presale_quota (tenant, campaign_id, region, units) VALUES ($1, $2, $3, $4)',
      [tenant, campaignId, region, units],
    );
  }
  return campaignId;
}

/** `YYYY-MM-DD` so many days from today, in Shanghai. */
export function dayFromToday(days: number): string {
  const shanghaiHours = 8;
  return new Date(Date.now() + (shanghaiHours + days * 24) * 3_600_000).toISOString().slice(0, 10);
}
