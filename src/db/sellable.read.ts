import {
  nextCalendarChange,
  sellableOf,
  type SellableSku,
  type SellableState,
} from '../domain/inventory/sellable';
import type { Instant, LocalDate } from '../domain/network/model';
import { type Campaign, nextCampaignChange, quotaRemaining } from '../domain/presale/model';
import { readCampaigns, readCarriers, readClock, readLots, readSites, readSkus } from './admission.read';
import type { Database, TenantTx } from './transaction';
import { readWaitingUnits } from './waitingList';

export interface SellableItem {
  sku: string;
  sellable: number;
  /** Units of open presale campaigns of the SKU that are left, over all regions. */
  presaleRemaining: number;
  nearestExpiry: LocalDate | null;
}

/** What the host sees, for each SKU asked for; unknown SKUs are absent. */
export async function readSellable(
  db: Database,
  tenant: string,
  skus: string[],
): Promise<{ at: Date; items: SellableItem[] }> {
  return db.inTenant(tenant, async (tx) => {
    const { state, campaigns } = await readSnapshot(tx, skus);
    const known = [...new Set(skus)].flatMap((sku) => state.skus.get(sku) ?? []);
    return { at: new Date(state.now), items: known.map((sku) => itemOf(sku, { state, campaigns })) };
  });
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

/** The same items with their versions, all of one snapshot: no number is made of two moments. */
export async function readSellableFaces(
  db: Database,
  tenant: string,
  skus: string[],
): Promise<SellableFaces> {
  return db.inTenant(tenant, async (tx) => {
    const snapshot = await readSnapshot(tx, skus);
    const { shared, versions } = await readVersions(tx, [...snapshot.state.skus.keys()]);
    const ends = await readNextEnds(tx, snapshot);
    const calendar = nextCalendarChange(snapshot.state);
    const faces = skus.flatMap((id): SellableFace[] => {
      const sku = snapshot.state.skus.get(id);
      if (!sku) return [];
      const pools = [id, ...sku.components.map((part) => part.sku)];
      const campaigns = snapshot.campaigns.filter((campaign) => campaign.sku === id);
      const instants = [
        ...pools.map((pool) => ends.holds.get(pool)),
        ...campaigns.map(({ campaignId }) => ends.quotas.get(campaignId)),
        ...campaigns.map((campaign) => nextCampaignChange(campaign, snapshot.state.now)),
      ];
      return [
        {
          item: itemOf(sku, snapshot),
          version: pools.reduce((sum, pool) => sum + (versions.get(pool) ?? 0), shared),
          pools,
          looksAgainAt: Math.min(calendar, ...instants.flatMap((at) => at ?? [])),
        },
      ];
    });
    return { faces, versions };
  });
}

interface Snapshot {
  state: SellableState;
  campaigns: Campaign[];
}

/** Several statements that must agree: they all see what was committed before the first. */
async function readSnapshot(tx: TenantTx, skus: string[]): Promise<Snapshot> {
  await tx.query('SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY');
  const state = await readSellableState(tx, skus, { lots: true });
  return { state, campaigns: await readCampaigns(tx, { ids: [], skus }, state.now) };
}

function itemOf(sku: SellableSku, { state, campaigns }: Snapshot): SellableItem {
  const presaleRemaining = campaigns
    .filter((campaign) => campaign.sku === sku.sku)
    .flatMap((campaign) => campaign.quotas.map((quota) => quotaRemaining(campaign, quota.region, state.now)))
    .reduce((sum, units) => sum + units, 0);
  const { sellable, nearestExpiry } = sellableOf(sku, state);
  return { sku: sku.sku, sellable, presaleRemaining, nearestExpiry };
}

/** What the sellable number of SKUs depends on, as it stands now. */
export async function readSellableState(
  tx: TenantTx,
  skus: string[],
  { lots }: { lots: boolean },
): Promise<SellableState> {
  const clock = await readClock(tx);
  const known = await readSkus(tx, skus);
  const leaders = await tx.query<{ leaderId: string; certificate: 'basic' | 'cold' }>(
    `SELECT DISTINCT l.leader_id AS "leaderId", l.certificate
       FROM leader l JOIN pickup_point p ON p.tenant = l.tenant AND p.leader_id = l.leader_id WHERE l.tenant = $1`,
    [tx.tenant],
  );
  return {
    ...clock,
    sites: await readSites(tx),
    carriers: await readCarriers(tx),
    leaders: leaders.rows,
    lots: lots ? await readLots(tx, [...known.keys()], clock.now) : [],
    skus: known,
    waiting: lots ? await readWaitingUnits(tx, [...known.keys()]) : new Map(),
  };
}

/** Of pools by SKU, and of what all of the tenant's SKUs share. */
async function readVersions(
  tx: TenantTx,
  skus: string[],
): Promise<{ shared: number; versions: Map<string, number> }> {
  const { rows } = await tx.query<{ sku: string | null; version: number }>(
    `SELECT sku, version FROM stock_pool WHERE tenant = $1 AND sku = ANY($2::text[])
     UNION ALL SELECT NULL, version FROM tenant_version WHERE tenant = $1`,
    [tx.tenant, skus],
  );
  const versions = new Map(rows.flatMap(({ sku, version }) => (sku === null ? [] : [[sku, version]])));
  return { shared: rows.find(({ sku }) => sku === null)?.version ?? 0, versions };
}

/** When the first unpaid hold of each SKU, and of each campaign's quota, ends: to the next whole millisecond. */
async function readNextEnds(
  tx: TenantTx,
  { state, campaigns }: Snapshot,
): Promise<{ holds: Map<string, Instant>; quotas: Map<string, Instant> }> {
  const now = new Date(state.now);
  const holds = await tx.query<{ id: string; at: Date | null }>(
    `SELECT s AS id, (SELECT min(h.expires_at) FROM hold h WHERE h.tenant = $1 AND h.sku = s AND h.state = 'held'
                         AND h.expires_at > $3) AS at FROM unnest($2::text[]) s`,
    [tx.tenant, [...state.skus.keys()], now],
  );
  if (campaigns.length === 0) return { holds: endsOf(holds.rows), quotas: new Map() };
  const quotas = await tx.query<{ id: string; at: Date | null }>(
    `SELECT c AS id, (SELECT min(q.expires_at) FROM quota_hold q WHERE q.tenant = $1 AND q.campaign_id = c
                         AND q.state = 'held' AND q.expires_at > $3) AS at FROM unnest($2::text[]) c`,
    [tx.tenant, campaigns.map(({ campaignId }) => campaignId), now],
  );
  return { holds: endsOf(holds.rows), quotas: endsOf(quotas.rows) };
}

function endsOf(rows: { id: string; at: Date | null }[]): Map<string, Instant> {
  return new Map(rows.flatMap(({ id, at }) => (at === null ? [] : [[id, at.getTime() + 1]])));
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
