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
  return db.inSnapshot(tenant, async (tx) => {
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
  return db.inSnapshot(tenant, async (tx) => {
    const snapshot = await readSnapshot(tx, skus);
    const standing = await readStanding(tx, snapshot);
    const calendar = nextCalendarChange(snapshot.state);
    const faces = skus.flatMap((id) => {
      const sku = snapshot.state.skus.get(id);
      return sku ? [faceOf(sku, snapshot, { ...standing, calendar })] : [];
    });
    return { faces, versions: standing.versions };
  });
}

function faceOf(
  sku: SellableSku,
  snapshot: Snapshot,
  standing: Standing & { calendar: Instant },
): SellableFace {
  const pools = [sku.sku, ...sku.components.map((part) => part.sku)];
  const campaigns = snapshot.campaigns.filter((campaign) => campaign.sku === sku.sku);
  const instants = [
    ...pools.map((pool) => standing.holdEnds.get(pool)),
    ...campaigns.map(({ campaignId }) => standing.quotaEnds.get(campaignId)),
    ...campaigns.map((campaign) => nextCampaignChange(campaign, snapshot.state.now)),
  ];
  return {
    item: itemOf(sku, snapshot),
    version: pools.reduce((sum, pool) => sum + (standing.versions.get(pool) ?? 0), standing.shared),
    pools,
    looksAgainAt: Math.min(standing.calendar, ...instants.flatMap((at) => at ?? [])),
  };
}

interface Snapshot {
  state: SellableState;
  campaigns: Campaign[];
}

async function readSnapshot(tx: TenantTx, skus: string[]): Promise<Snapshot> {
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

/** What a face says beside its number: versions, and when the first unpaid hold ends, of pools and of quotas. */
interface Standing {
  shared: number;
  versions: Map<string, number>;
  holdEnds: Map<string, Instant>;
  quotaEnds: Map<string, Instant>;
}

async function readStanding(tx: TenantTx, { state, campaigns }: Snapshot): Promise<Standing> {
  const { rows } = await tx.query<{
    kind: 'shared' | 'pool' | 'campaign';
    id: string;
    version: number | null;
    ends: Date | null;
  }>(
    `SELECT 'pool' AS kind, s AS id, p.version,
            (SELECT min(h.expires_at) FROM hold h
              WHERE h.tenant = $1 AND h.sku = s AND h.state = 'held' AND h.expires_at > $4) AS ends
       FROM unnest($2::text[]) s LEFT JOIN stock_pool p ON p.tenant = $1 AND p.sku = s
     UNION ALL
     SELECT 'campaign', c, NULL,
            (SELECT min(q.expires_at) FROM quota_hold q
              WHERE q.tenant = $1 AND q.campaign_id = c AND q.state = 'held' AND q.expires_at > $4)
       FROM unnest($3::text[]) c
     UNION ALL
     SELECT 'shared', tenant, version, NULL FROM tenant_version WHERE tenant = $1`,
    [tx.tenant, [...state.skus.keys()], campaigns.map(({ campaignId }) => campaignId), new Date(state.now)],
  );
  const of = (kind: string) => rows.filter((row) => row.kind === kind);
  // to the next whole millisecond: instants are read without their microseconds
  const endsOf = (kind: string) =>
    new Map(of(kind).flatMap(({ id, ends }) => (ends === null ? [] : [[id, ends.getTime() + 1]])));
  return {
    shared: of('shared')[0]?.version ?? 0,
    versions: new Map(of('pool').flatMap(({ id, version }) => (version === null ? [] : [[id, version]]))),
    holdEnds: endsOf('pool'),
    quotaEnds: endsOf('campaign'),
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
