import type { KnownVersion, SellableFace, SellableFaces } from '../../db/sellable.read';

/** Where the board reads; src/db/sellable.read.ts, bound to its roles. */
export interface SellableSource {
  readChangedVersions(known: readonly KnownVersion[]): Promise<{ now: number; changed: KnownVersion[] }>;
  readFaces(tenant: string, skus: string[]): Promise<SellableFaces>;
}

/** What some SKUs of each tenant show now, each as one frame that all listeners share. */
export interface SellableBoard {
  watch(tenant: string, skus: readonly string[]): void;
  unwatch(tenant: string, skus: readonly string[]): void;
  /** How many SKUs are watched, each counted once a tenant. */
  size(): number;
  /** Reads what has changed since it last read, and tells which SKUs show something else than before, by tenant. */
  refresh(): Promise<ReadonlyMap<string, ReadonlySet<string>>>;
  /** The present frames of known SKUs among these, one behind the other. */
  framesOf(tenant: string, skus: Iterable<string>): Buffer;
}

interface WatchedSku {
  sku: string;
  watchers: number;
  /** Read again: it is new, or something that it depends on has changed. */
  stale: boolean;
  looksAgainAt: number;
  version: number;
  data?: string;
  frame?: Buffer;
}

interface WatchedPool {
  version: number;
  shownBy: Set<WatchedSku>;
}

interface WatchedTenant {
  tenant: string;
  /** Version of what all SKUs share. */
  shared: number;
  skus: Map<string, WatchedSku>;
  pools: Map<string, WatchedPool>;
}

/** A pool or a tenant that has no row yet: whatever comes is another version. */
const noVersion = -1;

export function createSellableBoard(source: SellableSource): SellableBoard {
  const tenants = new Map<string, WatchedTenant>();

  return {
    watch(tenant, skus) {
      const watched = tenants.get(tenant) ?? { tenant, shared: noVersion, skus: new Map(), pools: new Map() };
      tenants.set(tenant, watched);
      for (const sku of skus) {
        const known = watched.skus.get(sku) ?? newSku(sku);
        known.watchers += 1;
        watched.skus.set(sku, known);
      }
    },
    unwatch(tenant, skus) {
      const watched = tenants.get(tenant);
      if (!watched) return;
      for (const sku of skus) release(watched, sku);
      if (watched.skus.size === 0) tenants.delete(tenant);
    },
    size: () => [...tenants.values()].reduce((sum, { skus }) => sum + skus.size, 0),
    async refresh() {
      const { now, changed } = await source.readChangedVersions([...tenants.values()].flatMap(knownOf));
      for (const version of changed) noteVersion(tenants.get(version.tenant), version);
      const changes = new Map<string, Set<string>>();
      const readAgain = async (watched: WatchedTenant) => {
        const stale = [...watched.skus.values()].filter((sku) => sku.stale || sku.looksAgainAt <= now);
        if (stale.length === 0) return;
        const read = await source.readFaces(
          watched.tenant,
          stale.map(({ sku }) => sku),
        );
        changes.set(watched.tenant, show(watched, stale, read));
      };
      await Promise.all([...tenants.values()].map(readAgain));
      return changes;
    },
    framesOf(tenant, skus) {
      const watched = tenants.get(tenant);
      return Buffer.concat([...skus].flatMap((sku) => watched?.skus.get(sku)?.frame ?? []));
    },
  };
}

function newSku(sku: string): WatchedSku {
  return { sku, watchers: 0, stale: true, looksAgainAt: Number.POSITIVE_INFINITY, version: noVersion };
}

function release(watched: WatchedTenant, sku: string): void {
  const known = watched.skus.get(sku);
  if (!known) return;
  known.watchers -= 1;
  if (known.watchers > 0) return;
  watched.skus.delete(sku);
  for (const [pool, { shownBy }] of watched.pools) {
    shownBy.delete(known);
    if (shownBy.size === 0) watched.pools.delete(pool);
  }
}

function knownOf({ tenant, shared, pools }: WatchedTenant): KnownVersion[] {
  return [
    { tenant, sku: null, version: shared },
    ...[...pools].map(([sku, { version }]) => ({ tenant, sku, version })),
  ];
}

/**
 * Only here a known version rises, never with the faces read afterwards: those may already hold a newer one, of which
 * the other SKUs that show the pool have not heard.
 */
function noteVersion(watched: WatchedTenant | undefined, { sku, version }: KnownVersion): void {
  if (!watched) return;
  if (sku === null) {
    watched.shared = version;
    for (const known of watched.skus.values()) known.stale = true;
    return;
  }
  const pool = watched.pools.get(sku);
  if (!pool) return;
  pool.version = version;
  for (const known of pool.shownBy) known.stale = true;
}

/** Takes over what was read of these SKUs and tells which of them show something else than before. */
function show(watched: WatchedTenant, read: WatchedSku[], { faces, versions }: SellableFaces): Set<string> {
  const bySku = new Map(faces.map((face) => [face.item.sku, face]));
  const changed = new Set<string>();
  for (const known of read) {
    // its last listener may have left meanwhile
    if (watched.skus.get(known.sku) !== known) continue;
    const face = bySku.get(known.sku);
    known.stale = false;
    dependOn(watched, known, { pools: face?.pools ?? [known.sku], versions });
    if (face && takeOver(known, face)) changed.add(known.sku);
  }
  return changed;
}

function dependOn(
  { pools }: WatchedTenant,
  known: WatchedSku,
  now: { pools: string[]; versions: ReadonlyMap<string, number> },
): void {
  for (const sku of now.pools) {
    const pool = pools.get(sku) ?? { version: now.versions.get(sku) ?? noVersion, shownBy: new Set() };
    pool.shownBy.add(known);
    pools.set(sku, pool);
  }
}

/** The frame always carries the newest version, even of the same number: no process may answer an older id than another. */
function takeOver(known: WatchedSku, face: SellableFace): boolean {
  const data = JSON.stringify(face.item);
  const isNews = data !== known.data;
  known.data = data;
  known.version = Math.max(known.version, face.version);
  known.looksAgainAt = face.looksAgainAt;
  known.frame = Buffer.from(`event: sellable\nid: ${known.sku}:${known.version}\ndata: ${data}\n\n`);
  return isNews;
}
