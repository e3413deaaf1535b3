import {
  nextCalendarChange,
  sellableOf,
  type SellableSku,
  type SellableState,
} from '../domain/inventory/sellable';
import type { Instant, LocalDate } from '../domain/network/model';
import { type Campaign, nextCampaignChange, quotaRemaining } from '../domain/presale/model';
import { readCampaigns, readClock, readLots } from './admission.read';
import type { Facts, FactsCache } from './facts';
import type { Database, TenantTx } from './transaction';
import { readWaitingUnits } from './waitingList';

export interface SellableItem {
  sku: string;
  sellable: number;
  /** Units of open presale campaigns of the SKU that are left, over all regions. */
  presaleRemaining: number;
  nearestExpiry: LocalDate | null;
}

/** One SKU as the sellable clock shows it. */
export interface SellableFace {
  item: SellableItem;
  /** Never falls, and rises with every change that somebody made (docs/decisions/0036). */
  version: number;
  /** Whose pools the number depends on: the SKU's own and its components'. */
  pools: string[];
  /** When the number may change although nobody writes: a hold ends, a cutoff passes, a campaign opens. */
  looksAgainAt: Instant;
}

export interface SellableFaces {
  /** Of known SKUs alone. */
  faces: SellableFace[];
  /** As of the same snapshot, of every pool in `faces`. */
  versions: Map<string, number>;
}

/** What can be sold, each reading of one snapshot: no number is made of two moments. Unknown SKUs are absent. */
export interface SellableReader {
  read(tenant: string, skus: string[]): Promise<{ at: Date; items: SellableItem[] }>;
  /** The same items for who follows them. */
  readFaces(tenant: string, skus: string[]): Promise<SellableFaces>;
}

export function createSellableReader(db: Database, cache: FactsCache): SellableReader {
  return {
    read: (tenant, skus) =>
      db.inSnapshot(tenant, async (tx) => {
        const { state, campaigns } = await readStock(tx, await readMoment(tx, cache, skus), skus);
        const known = [...new Set(skus)].flatMap((sku) => state.skus.get(sku) ?? []);
        return { at: new Date(state.now), items: known.map((sku) => itemOf(sku, { state, campaigns })) };
      }),
    readFaces: (tenant, skus) =>
      db.inSnapshot(tenant, async (tx) => {
        const moment = await readMoment(tx, cache, skus);
        const [stock, standing] = await Promise.all([
          readStock(tx, moment, skus),
          readStanding(tx, moment, skus),
        ]);
        const known = skus.flatMap((sku) => stock.state.skus.get(sku) ?? []);
        return { faces: known.map((sku) => faceOf(sku, stock, standing)), versions: standing.versions };
      }),
  };
}

interface Moment {
  facts: Facts;
  now: Instant;
  timeZone: string;
}

async function readMoment(tx: TenantTx, cache: FactsCache, skus: string[]): Promise<Moment> {
  const [facts, clock] = await Promise.all([cache.read(tx, skus), readClock(tx)]);
  return { facts, ...clock };
}

interface Stock {
  state: SellableState;
  campaigns: Campaign[];
}

async function readStock(tx: TenantTx, { facts, now, timeZone }: Moment, skus: string[]): Promise<Stock> {
  const goods = goodsOf(facts, skus);
  const [lots, waiting, campaigns] = await Promise.all([
    readLots(tx, goods, now),
    readWaitingUnits(tx, goods),
    readCampaigns(tx, { ids: [], skus }, now),
  ]);
  return { state: { now, timeZone, ...networkOf(facts), lots, waiting }, campaigns };
}

function networkOf({
  sites,
  carriers,
  points,
  skus,
}: Facts): Pick<SellableState, 'sites' | 'carriers' | 'leaders' | 'skus'> {
  return { sites, carriers, leaders: [...points.values()].map(({ leader }) => leader), skus };
}

/** These SKUs and their components. */
function goodsOf({ skus: known }: Pick<Facts, 'skus'>, skus: readonly string[]): string[] {
  return [
    ...new Set(skus.flatMap((sku) => [sku, ...(known.get(sku)?.components ?? []).map((part) => part.sku)])),
  ];
}

function itemOf(sku: SellableSku, { state, campaigns }: Stock): SellableItem {
  const presaleRemaining = campaigns
    .filter((campaign) => campaign.sku === sku.sku)
    .flatMap((campaign) => campaign.quotas.map((quota) => quotaRemaining(campaign, quota.region, state.now)))
    .reduce((sum, units) => sum + units, 0);
  const { sellable, nearestExpiry } = sellableOf(sku, state);
  return { sku: sku.sku, sellable, presaleRemaining, nearestExpiry };
}

function faceOf(sku: SellableSku, stock: Stock, standing: Standing): SellableFace {
  const { state, campaigns } = stock;
  const pools = [sku.sku, ...sku.components.map((part) => part.sku)];
  const instants = [
    ...pools.map((pool) => standing.holdEnds.get(pool)),
    standing.quotaEnds.get(sku.sku),
    ...campaigns
      .filter((campaign) => campaign.sku === sku.sku)
      .map((campaign) => nextCampaignChange(campaign, state.now)),
  ];
  return {
    item: itemOf(sku, stock),
    version: pools.reduce((sum, pool) => sum + (standing.versions.get(pool) ?? 0), standing.shared),
    pools,
    looksAgainAt: Math.min(nextCalendarChange(state), ...instants.flatMap((at) => at ?? [])),
  };
}

/** By SKU: its pool's version, and when the first unpaid hold of its stock and of its quotas ends. */
interface Standing {
  /** Version of the tenant's catalogue and network, which all its SKUs share. */
  shared: number;
  versions: Map<string, number>;
  holdEnds: Map<string, Instant>;
  quotaEnds: Map<string, Instant>;
}

async function readStanding(tx: TenantTx, { facts, now }: Moment, skus: string[]): Promise<Standing> {
  const { rows } = await tx.query<{
    sku: string;
    version: number | null;
    holdEnds: Date | null;
    quotaEnds: Date | null;
  }>(
    `SELECT s AS sku, p.version,
            (SELECT min(h.expires_at) FROM hold h
              WHERE h.tenant = $1 AND h.sku = s AND h.state = 'held' AND h.expires_at > $3) AS "holdEnds",
            (SELECT min(q.expires_at) FROM presale_campaign c
               JOIN quota_hold q ON q.tenant = c.tenant AND q.campaign_id = c.campaign_id
              WHERE c.tenant = $1 AND c.sku = s AND q.state = 'held' AND q.expires_at > $3) AS "quotaEnds"
       FROM unnest($2::text[]) s LEFT JOIN stock_pool p ON p.tenant = $1 AND p.sku = s`,
    [tx.tenant, goodsOf(facts, skus), new Date(now)],
  );
  // to the next whole millisecond: instants are read without their microseconds
  const endsOf = (ends: (row: (typeof rows)[number]) => Date | null) =>
    new Map(
      rows.flatMap((row) => {
        const at = ends(row);
        return at === null ? [] : [[row.sku, at.getTime() + 1]];
      }),
    );
  return {
    shared: facts.version,
    versions: new Map(rows.flatMap(({ sku, version }) => (version === null ? [] : [[sku, version]]))),
    holdEnds: endsOf((row) => row.holdEnds),
    quotaEnds: endsOf((row) => row.quotaEnds),
  };
}

/** A version that a reader has seen; without a SKU that of what the tenant's SKUs share. */
export interface KnownVersion {
  tenant: string;
  sku: string | null;
  version: number;
}

/**
 * Of the versions that a reader knows, those that are others now, over all tenants, and the database's clock. A SKU
 * without a pool has none and is not answered.
 */
export async function readChangedVersions(
  checker: Database,
  known: readonly KnownVersion[],
): Promise<{ now: Instant; changed: KnownVersion[] }> {
  return checker.inTransaction(async (tx) => {
    const { rows } = await tx.query<{ now: Date } & { [K in keyof KnownVersion]: KnownVersion[K] | null }>(
      `WITH known AS (SELECT * FROM unnest($1::text[], $2::text[], $3::bigint[]) AS k(tenant, sku, version))
       SELECT clock_timestamp() AS now, NULL AS tenant, NULL AS sku, NULL::bigint AS version
       UNION ALL SELECT NULL, p.tenant, p.sku, p.version
         FROM known k JOIN stock_pool p ON p.tenant = k.tenant AND p.sku = k.sku WHERE p.version <> k.version
       UNION ALL SELECT NULL, t.tenant, NULL, t.version
         FROM known k JOIN tenant_version t ON t.tenant = k.tenant WHERE k.sku IS NULL AND t.version <> k.version`,
      [known.map((each) => each.tenant), known.map((each) => each.sku), known.map((each) => each.version)],
    );
    const now = rows[0]?.now;
    if (now === undefined) throw new Error('the database told no time');
    const changed = rows.flatMap(({ tenant, sku, version }) =>
      tenant === null || version === null ? [] : [{ tenant, sku, version }],
    );
    return { now: now.getTime(), changed };
  });
}
