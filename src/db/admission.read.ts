import type { CategoryRule, Zone } from '../domain/catalogue/model';
import { minimumLifeDays, chooseRules } from '../domain/catalogue/rules';
import type { LotBalance } from '../domain/inventory/model';
import type {
  Carrier,
  Community,
  Instant,
  LocalDate,
  LocalTime,
  PickupPoint,
  Rate,
  Site,
  SiteKind,
} from '../domain/network/model';
import type { AdmissionSku } from '../domain/order/admission';
import type { Campaign } from '../domain/presale/model';
import type { TenantTx } from './transaction';

/** What an admission asks first once it has its locks. */
export interface Moment {
  /** The database's clock: what decides expiry. */
  now: Instant;
  timeZone: string;
  /**
   * Whether a hold of these SKUs or campaigns is past its end at `now`: seldom, since the sweeper comes by every
   * second, and then nothing needs to be expired first.
   */
  due: boolean;
  /** Of catalogue and network (src/db/facts.ts). */
  factsVersion: number;
}

/**
 * The first of each SKU's holds to end is one look into an index; asked whether any has ended, the planner thinks it
 * will soon come across one and reads them all.
 */
export async function readMoment(
  tx: TenantTx,
  { skus, campaignIds }: { skus: string[]; campaignIds: string[] },
): Promise<Moment> {
  const { rows } = await tx.query<{ now: Date; time_zone: string; due: boolean; facts_version: number }>(
    `SELECT c.now, t.time_zone, coalesce(f.version, 0) AS facts_version,
            coalesce(least(
              (SELECT min(first.expires_at) FROM unnest($2::text[]) AS s(sku) CROSS JOIN LATERAL (
                 SELECT expires_at FROM hold h WHERE h.tenant = $1 AND h.sku = s.sku AND h.state = 'held'
                  ORDER BY expires_at LIMIT 1) first),
              (SELECT min(first.expires_at) FROM unnest($3::text[]) AS s(campaign_id) CROSS JOIN LATERAL (
                 SELECT expires_at FROM quota_hold q WHERE q.tenant = $1 AND q.campaign_id = s.campaign_id
                    AND q.state = 'held' ORDER BY expires_at LIMIT 1) first)) <= c.now, false) AS due
       FROM tenant t LEFT JOIN tenant_version f ON f.tenant = t.tenant,
            (SELECT date_trunc('milliseconds', clock_timestamp()) AS now) c
      WHERE t.tenant = $1`,
    [tx.tenant, skus, campaignIds],
  );
  const row = rows[0];
  if (!row) throw new Error('the tenant does not exist');
  return { now: row.now.getTime(), timeZone: row.time_zone, due: row.due, factsVersion: row.facts_version };
}

/** The tenant's time zone, and the database's clock: the clock that decides expiry. */
export async function readClock(tx: TenantTx): Promise<{ now: number; timeZone: string }> {
  const { rows } = await tx.query<{ now: Date; time_zone: string }>(
    'SELECT clock_timestamp() AS now, time_zone FROM tenant WHERE tenant = $1',
    [tx.tenant],
  );
  const row = rows[0];
  if (!row) throw new Error('the tenant does not exist');
  return { now: row.now.getTime(), timeZone: row.time_zone };
}

interface SkuRow {
  sku: string;
  zone: Zone;
  category: string;
  weight_grams: number;
  volume_millilitres: number;
  price_fen: number;
  shelf_life_days: number;
  safety_stock: number;
  own: Nullable<CategoryRule>;
  category_rule: Nullable<CategoryRule> | null;
  components: { sku: string; quantity: number }[] | null;
}

type Nullable<T> = { [K in keyof T]: T[K] | null };

/** SKUs with the rules in force for them, and the components of bundles; unknown ids are absent. */
export async function readSkus(tx: TenantTx, skus: string[]): Promise<Map<string, AdmissionSku>> {
  const { rows } = await tx.query<SkuRow>(
    `WITH RECURSIVE wanted AS (
       SELECT s AS sku FROM unnest($2::text[]) s
       UNION SELECT c.component_sku FROM wanted w JOIN sku_component c ON c.tenant = $1 AND c.sku = w.sku)
     SELECT k.sku, k.zone, k.category, k.weight_grams, k.volume_millilitres, k.price_fen, k.shelf_life_days,
            k.safety_stock,
            json_build_object('holdMinutes', k.hold_minutes, 'nearExpiryDays', k.near_expiry_days,
              'presaleLeadDays', k.presale_lead_days, 'purchaseLimit', k.purchase_limit,
              'minimumRemainingLifeDays', k.minimum_remaining_life_days, 'unpaidLimit', k.unpaid_limit,
              'scarceHoldMinutes', k.scarce_hold_minutes, 'scarceUnits', k.scarce_units) AS own,
            CASE WHEN c.category IS NOT NULL THEN
              json_build_object('holdMinutes', c.hold_minutes, 'nearExpiryDays', c.near_expiry_days,
                'presaleLeadDays', c.presale_lead_days, 'purchaseLimit', c.purchase_limit,
                'minimumRemainingLifeDays', c.minimum_remaining_life_days, 'unpaidLimit', c.unpaid_limit,
                'scarceHoldMinutes', c.scarce_hold_minutes, 'scarceUnits', c.scarce_units) END AS category_rule,
            (SELECT json_agg(json_build_object('sku', p.component_sku, 'quantity', p.quantity) ORDER BY p.component_sku)
               FROM sku_component p WHERE p.tenant = $1 AND p.sku = k.sku) AS components
       FROM wanted w JOIN sku k ON k.tenant = $1 AND k.sku = w.sku
       LEFT JOIN category c ON c.tenant = $1 AND c.category = k.category`,
    [tx.tenant, [...new Set(skus)]],
  );
  return new Map(rows.map((row) => [row.sku, toSku(row)]));
}

function withoutNulls(rule: Nullable<CategoryRule>): CategoryRule {
  return Object.fromEntries(Object.entries(rule).filter(([, value]) => value !== null));
}

function toSku(row: SkuRow): AdmissionSku {
  const category = row.category_rule ? withoutNulls(row.category_rule) : undefined;
  const plain = {
    sku: row.sku,
    zone: row.zone,
    category: row.category,
    weightGrams: row.weight_grams,
    volumeMillilitres: row.volume_millilitres,
    priceFen: row.price_fen,
    shelfLifeDays: row.shelf_life_days,
    safetyStock: row.safety_stock,
    components: row.components ?? [],
    ...withoutNulls(row.own),
  };
  const rules = chooseRules(plain, category);
  return {
    ...plain,
    ...rules,
    minimumLifeDays: minimumLifeDays(plain, category),
    purchaseLimitUnits: rules.purchaseLimit ?? null,
  };
}

export async function readSites(tx: TenantTx): Promise<Site[]> {
  const { rows } = await tx.query<{
    site_id: string;
    kind: SiteKind;
    lat: number;
    lng: number;
    zones: Zone[];
    cutoff: LocalTime;
    departs_at: LocalTime[];
    closed_on: LocalDate[];
    safety_stock: number;
  }>(
    `SELECT site_id, kind, lat, lng, zones, cutoff, departs_at, closed_on, safety_stock
       FROM site WHERE tenant = $1 ORDER BY site_id`,
    [tx.tenant],
  );
  return rows.map((row) => ({
    siteId: row.site_id,
    kind: row.kind,
    location: { lat: row.lat, lng: row.lng },
    zones: row.zones,
    cutoff: row.cutoff,
    departsAt: row.departs_at,
    closedOn: row.closed_on,
    safetyStock: row.safety_stock,
  }));
}

export async function readCarriers(tx: TenantTx): Promise<Carrier[]> {
  const { rows } = await tx.query<{
    carrier_id: string;
    zones: Zone[];
    transit_days: number;
    rates: Partial<Record<Zone, Rate>>;
  }>(
    `SELECT c.carrier_id, c.zones, c.transit_days,
            coalesce(json_object_agg(r.zone, json_build_object('baseFen', r.base_fen, 'perKgFen', r.per_kg_fen,
              'perKmFen', r.per_km_fen)) FILTER (WHERE r.zone IS NOT NULL), '{}') AS rates
       FROM carrier c LEFT JOIN carrier_rate r ON r.tenant = c.tenant AND r.carrier_id = c.carrier_id
      WHERE c.tenant = $1 GROUP BY c.tenant, c.carrier_id ORDER BY c.carrier_id`,
    [tx.tenant],
  );
  return rows.map((row) => ({
    carrierId: row.carrier_id,
    zones: row.zones,
    rates: row.rates,
    transitDays: row.transit_days,
  }));
}

interface PointRow {
  pickup_point_id: string;
  leader_id: string;
  certificate: 'basic' | 'cold';
  lat: number;
  lng: number;
  ambient_millilitres: number;
  chilled_millilitres: number;
  frozen_millilitres: number;
  opens: LocalTime;
  closes: LocalTime;
  closed_on: LocalDate[];
  communities: string[];
}

export interface PointWithCommunities extends PickupPoint {
  communities: string[];
}

const selectPoints = `
  SELECT p.pickup_point_id, p.leader_id, l.certificate, p.lat, p.lng, p.ambient_millilitres, p.chilled_millilitres,
         p.frozen_millilitres, p.opens, p.closes, p.closed_on,
         coalesce((SELECT array_agg(c.community_id ORDER BY c.community_id) FROM pickup_point_community c
           WHERE c.tenant = p.tenant AND c.pickup_point_id = p.pickup_point_id), '{}') AS communities
    FROM pickup_point p JOIN leader l ON l.tenant = p.tenant AND l.leader_id = p.leader_id`;

function toPoint(row: PointRow): PointWithCommunities {
  return {
    pickupPointId: row.pickup_point_id,
    leader: { leaderId: row.leader_id, certificate: row.certificate },
    location: { lat: row.lat, lng: row.lng },
    capacity: {
      ambient: row.ambient_millilitres,
      chilled: row.chilled_millilitres,
      frozen: row.frozen_millilitres,
    },
    opens: row.opens,
    closes: row.closes,
    closedOn: row.closed_on,
    communities: row.communities,
  };
}

export async function findPickupPoint(
  tx: TenantTx,
  pickupPointId: string,
): Promise<PointWithCommunities | null> {
  const { rows } = await tx.query<PointRow>(
    `${selectPoints} WHERE p.tenant = $1 AND p.pickup_point_id = $2`,
    [tx.tenant, pickupPointId],
  );
  return rows[0] ? toPoint(rows[0]) : null;
}

/** All pickup points, by id. */
export async function readPickupPoints(tx: TenantTx): Promise<PointWithCommunities[]> {
  const { rows } = await tx.query<PointRow>(
    `${selectPoints} WHERE p.tenant = $1 ORDER BY p.pickup_point_id`,
    [tx.tenant],
  );
  return rows.map(toPoint);
}

export async function readCommunities(tx: TenantTx): Promise<Community[]> {
  const { rows } = await tx.query<{ community_id: string; region: string; lat: number; lng: number }>(
    'SELECT community_id, region, lat, lng FROM community WHERE tenant = $1 ORDER BY community_id',
    [tx.tenant],
  );
  return rows.map((row) => ({
    communityId: row.community_id,
    region: row.region,
    location: { lat: row.lat, lng: row.lng },
  }));
}

/**
 * Units of holds that are past their end ($3) and not yet swept, by lot, for the SKUs in $2. Summed in one go over
 * the few that are due: a subquery for each balance row took 5 ms of an intake's 9.
 */
export const dueHolds = `
  SELECT sku, site_id, lot_id, sum(remaining) AS units FROM hold
   WHERE tenant = $1 AND sku = ANY($2::text[]) AND state = 'held' AND expires_at <= $3
   GROUP BY sku, site_id, lot_id`;

const lotsOnShelf =
  'stock_balance b JOIN lot l ON l.tenant = b.tenant AND l.sku = b.sku AND l.lot_id = b.lot_id';
// named on both sides: the planner does not carry a list over the join
const ofSkus = `WHERE b.tenant = $1 AND b.sku = ANY($2::text[]) AND l.sku = ANY($2::text[]) AND b.on_hand > 0
      ORDER BY b.sku, b.site_id, l.expires_on, b.lot_id`;

interface LotRow {
  sku: string;
  site_id: string;
  lot_id: string;
  expires_on: LocalDate;
  on_hand: number;
  held: number;
  committed: number;
  quarantined: number;
}

function toLot(row: LotRow): LotBalance {
  return {
    sku: row.sku,
    siteId: row.site_id,
    lotId: row.lot_id,
    expiresOn: row.expires_on,
    onHand: row.on_hand,
    held: row.held,
    committed: row.committed,
    quarantined: row.quarantined,
  };
}

/**
 * Balances with goods on hand. A hold past its end at `now` is not live: its units are already out of `held` here.
 * The caller's one instant, not a new look at the clock: a hold that falls due between two looks would be counted
 * as free by one and as held by the other.
 */
export async function readLots(tx: TenantTx, skus: string[], now: Instant): Promise<LotBalance[]> {
  const { rows } = await tx.query<LotRow>(
    `SELECT b.sku, b.site_id, b.lot_id, l.expires_on, b.on_hand, b.committed, b.quarantined,
            b.held - coalesce(due.units, 0)::bigint AS held
       FROM ${lotsOnShelf}
       LEFT JOIN (${dueHolds}) due ON due.sku = b.sku AND due.site_id = b.site_id AND due.lot_id = b.lot_id
      ${ofSkus}`,
    [tx.tenant, skus, new Date(now)],
  );
  return rows.map(toLot);
}

/** The same as the balances stand, for whoever has locked the SKUs and knows that none of their holds is past its end. */
export async function readLockedLots(tx: TenantTx, skus: string[]): Promise<LotBalance[]> {
  const { rows } = await tx.query<LotRow>(
    `SELECT b.sku, b.site_id, b.lot_id, l.expires_on, b.on_hand, b.held, b.committed, b.quarantined
       FROM ${lotsOnShelf}
      ${ofSkus}`,
    [tx.tenant, skus],
  );
  return rows.map(toLot);
}

/** Campaigns by id, or all that sell one of the SKUs; quota holds past due at `now` are already out of `held`. */
export async function readCampaigns(
  tx: TenantTx,
  by: { ids: string[]; skus: string[] },
  now: Instant,
): Promise<Campaign[]> {
  const { rows } = await tx.query<{
    campaign_id: string;
    sku: string;
    opens_at: Date;
    closes_at: Date;
    deliver_from: LocalDate;
    deliver_by: LocalDate;
    price_fen: number | null;
    quotas: Campaign['quotas'] | null;
  }>(
    `SELECT c.campaign_id, c.sku, c.opens_at, c.closes_at, c.deliver_from, c.deliver_by, c.price_fen,
            (SELECT json_agg(json_build_object('region', q.region, 'units', q.units, 'sold', q.sold, 'waiting', q.waiting, 'held',
                      q.held - coalesce((SELECT sum(h.quantity) FROM quota_hold h
                        WHERE h.tenant = q.tenant AND h.campaign_id = q.campaign_id AND h.region = q.region
                          AND h.state = 'held' AND h.expires_at <= $4), 0)) ORDER BY q.region)
               FROM presale_quota q WHERE q.tenant = c.tenant AND q.campaign_id = c.campaign_id) AS quotas
       FROM presale_campaign c
      WHERE c.tenant = $1 AND (c.campaign_id = ANY($2::text[]) OR c.sku = ANY($3::text[]))
      ORDER BY c.closes_at, c.campaign_id`,
    [tx.tenant, by.ids, by.skus, new Date(now)],
  );
  return rows.map((row) => ({
    campaignId: row.campaign_id,
    sku: row.sku,
    opensAt: row.opens_at.getTime(),
    closesAt: row.closes_at.getTime(),
    deliverFrom: row.deliver_from,
    deliverBy: row.deliver_by,
    priceFen: row.price_fen,
    quotas: row.quotas ?? [],
  }));
}
