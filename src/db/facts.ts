import type { Carrier, Community, Site } from '../domain/network/model';
import type { AdmissionSku } from '../domain/order/admission';
import {
  type PointWithCommunities,
  readCarriers,
  readCommunities,
  readPickupPoints,
  readSites,
  readSkus,
} from './admission.read';
import type { TenantTx } from './transaction';

/** What every order is decided with and what rarely changes: catalogue and network as of one version. */
export interface Facts {
  readonly version: number;
  readonly sites: Site[];
  readonly carriers: Carrier[];
  readonly communities: Map<string, Community>;
  readonly points: Map<string, PointWithCommunities>;
  /** SKUs that were asked for so far, with the components of bundles. */
  readonly skus: Map<string, AdmissionSku>;
}

/** Keeps the facts of tenants in memory, as long as their version stands. */
export interface FactsCache {
  /** The tenant's facts, with these SKUs in them as far as they exist. The version is asked each time. */
  read(tx: TenantTx, skus: Iterable<string>): Promise<Facts>;
}

/** A brand with a thousand SKUs and points takes about a megabyte. */
const mostTenants = 100;

/** The version of the tenant's catalogue and network; every change of either raises it. */
async function readFactsVersion(tx: TenantTx): Promise<number> {
  const { rows } = await tx.query<{ version: number }>(
    'SELECT version FROM tenant_version WHERE tenant = $1',
    [tx.tenant],
  );
  return rows[0]?.version ?? 0;
}

/** The facts as they are now, for whoever decides seldom. */
export async function readFacts(tx: TenantTx, skus: Iterable<string>): Promise<Facts> {
  const facts = await readNetwork(tx, await readFactsVersion(tx));
  await addSkus(tx, facts.skus, skus);
  return facts;
}

/**
 * Facts by tenant, the least recently used forgotten first. Whoever decides on them asks for the version again under
 * the stock locks (`lockAdmissions`): a price or a cutoff that changed in between is never decided on.
 */
export function createFactsCache(): FactsCache {
  const known = new Map<string, Facts>();
  return {
    async read(tx, skus) {
      const version = await readFactsVersion(tx);
      let facts = known.get(tx.tenant);
      if (facts?.version !== version) facts = await readNetwork(tx, version);
      known.delete(tx.tenant);
      known.set(tx.tenant, facts);
      if (known.size > mostTenants) known.delete(known.keys().next().value as string);
      await addSkus(tx, facts.skus, skus);
      return facts;
    },
  };
}

async function readNetwork(tx: TenantTx, version: number): Promise<Facts> {
  const [sites, carriers, communities, points] = await Promise.all([
    readSites(tx),
    readCarriers(tx),
    readCommunities(tx),
    readPickupPoints(tx),
  ]);
  return {
    version,
    sites,
    carriers,
    communities: new Map(communities.map((community) => [community.communityId, community])),
    points: new Map(points.map((point) => [point.pickupPointId, point])),
    skus: new Map(),
  };
}

async function addSkus(
  tx: TenantTx,
  skus: Map<string, AdmissionSku>,
  wanted: Iterable<string>,
): Promise<void> {
  const missing = new Set<string>();
  for (const sku of wanted) if (!skus.has(sku)) missing.add(sku);
  if (missing.size === 0) return;
  for (const [id, sku] of await readSkus(tx, [...missing])) skus.set(id, sku);
}
