import type { Zone } from '../domain/catalogue/model';
import type { Location, SiteKind } from '../domain/network/model';
import { type PutOutcome, stored } from './putOutcome';
import type { TenantTx } from './transaction';
import { putEndpoint, removeEndpoint, supplierEndpointId } from './webhookEndpoint';

export interface SiteRecord {
  name: string;
  kind: SiteKind;
  location: Location;
  zones: Zone[];
  cutoff: string;
  departsAt: string[];
  closedOn: string[];
  shipmentsPerHour?: number;
  safetyStock: number;
}

/** Makes or replaces a site. A zone is not taken away while goods of that zone lie there or are to leave. */
export async function putSite(tx: TenantTx, siteId: string, site: SiteRecord): Promise<PutOutcome> {
  // against receipts and shipments, whose rows refer to this one and so share its lock
  await tx.query('SELECT 1 FROM site WHERE tenant = $1 AND site_id = $2 FOR UPDATE', [tx.tenant, siteId]);
  const { rows } = await tx.query<{ zone: string }>(
    `SELECT k.zone FROM stock_balance b JOIN sku k USING (tenant, sku)
      WHERE b.tenant = $1 AND b.site_id = $2 AND b.on_hand > 0 AND NOT k.zone = ANY($3::text[])
     UNION
     SELECT zone FROM shipment WHERE tenant = $1 AND site_id = $2 AND NOT zone = ANY($3::text[])
        AND state IN ('planned', 'booked', 'picking', 'packed') LIMIT 1`,
    [tx.tenant, siteId, site.zones],
  );
  if (rows[0])
    return { kind: 'inUse', because: `goods of zone ${rows[0].zone} lie at the site or are to leave it` };
  await tx.query(
    `INSERT INTO site (tenant, site_id, name, kind, lat, lng, zones, cutoff, departs_at, closed_on, shipments_per_hour,
                       safety_stock)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10::date[], $11, $12)
     ON CONFLICT (tenant, site_id) DO UPDATE SET
       name = excluded.name, kind = excluded.kind, lat = excluded.lat, lng = excluded.lng, zones = excluded.zones,
       cutoff = excluded.cutoff, departs_at = excluded.departs_at, closed_on = excluded.closed_on,
       shipments_per_hour = excluded.shipments_per_hour, safety_stock = excluded.safety_stock`,
    [
      tx.tenant,
      siteId,
      site.name,
      site.kind,
      site.location.lat,
      site.location.lng,
      site.zones,
      site.cutoff,
      site.departsAt,
      site.closedOn,
      site.shipmentsPerHour ?? null,
      site.safetyStock,
    ],
  );
  return stored;
}

export interface CommunityRecord {
  name: string;
  region: string;
  location: Location;
  households?: number;
}

export async function putCommunity(
  tx: TenantTx,
  communityId: string,
  community: CommunityRecord,
): Promise<PutOutcome> {
  await tx.query(
    `INSERT INTO community (tenant, community_id, name, region, lat, lng, households) VALUES ($1, $2, $3, $4, $5, $6, $7)
     ON CONFLICT (tenant, community_id) DO UPDATE SET
       name = excluded.name, region = excluded.region, lat = excluded.lat, lng = excluded.lng,
       households = excluded.households`,
    [
      tx.tenant,
      communityId,
      community.name,
      community.region,
      community.location.lat,
      community.location.lng,
      community.households ?? null,
    ],
  );
  return stored;
}

export interface LeaderRecord {
  name: string;
  certificate: 'basic' | 'cold';
}

/**
 * Makes or replaces a leader. The cold certificate stays while cold goods are promised to the leader's points, under
 * way or there (I5): litres are taken at intake and given back when the goods have gone, so the load tells.
 */
export async function putLeader(tx: TenantTx, leaderId: string, leader: LeaderRecord): Promise<PutOutcome> {
  await tx.query('SELECT 1 FROM leader WHERE tenant = $1 AND leader_id = $2 FOR NO KEY UPDATE', [
    tx.tenant,
    leaderId,
  ]);
  if (leader.certificate === 'basic' && (await hasColdWork(tx, leaderId))) {
    return { kind: 'inUse', because: 'chilled or frozen goods are promised to this leader or under way' };
  }
  await tx.query(
    `INSERT INTO leader (tenant, leader_id, name, certificate) VALUES ($1, $2, $3, $4)
     ON CONFLICT (tenant, leader_id) DO UPDATE SET name = excluded.name, certificate = excluded.certificate`,
    [tx.tenant, leaderId, leader.name, leader.certificate],
  );
  return stored;
}

/** Makes and locks the load rows of the leader's points first: an intake under way is waited for and then seen. */
async function hasColdWork(tx: TenantTx, leaderId: string): Promise<boolean> {
  await tx.query(
    `INSERT INTO point_load (tenant, pickup_point_id, zone)
     SELECT p.tenant, p.pickup_point_id, z FROM pickup_point p, unnest(ARRAY['chilled', 'frozen']) z
      WHERE p.tenant = $1 AND p.leader_id = $2 ORDER BY p.pickup_point_id, z ON CONFLICT DO NOTHING`,
    [tx.tenant, leaderId],
  );
  const loads = await tx.query<{ millilitres: number }>(
    `SELECT l.millilitres FROM point_load l JOIN pickup_point p USING (tenant, pickup_point_id)
      WHERE l.tenant = $1 AND p.leader_id = $2 AND l.zone IN ('chilled', 'frozen')
      ORDER BY l.pickup_point_id, l.zone FOR UPDATE OF l`,
    [tx.tenant, leaderId],
  );
  if (loads.rows.some((load) => load.millilitres > 0)) return true;
  const shipments = await tx.query(
    `SELECT 1 FROM shipment WHERE tenant = $1 AND leader_id = $2 AND zone IN ('chilled', 'frozen')
        AND state NOT IN ('delivered', 'returned', 'cancelled') LIMIT 1`,
    [tx.tenant, leaderId],
  );
  return shipments.rowCount > 0;
}

export interface PickupPointRecord {
  leaderId: string;
  location: Location;
  communities: string[];
  capacityMillilitres: { ambient: number; chilled: number; frozen: number };
  opens: string;
  closes: string;
  closedOn: string[];
  temporary: boolean;
}

/**
 * Makes or replaces a pickup point. Refuses less room than open orders have taken, and a leader without the cold
 * certificate while cold goods are promised to the point. Its load rows are made and locked, as intake locks them.
 */
export async function putPickupPoint(
  tx: TenantTx,
  pickupPointId: string,
  point: PickupPointRecord,
): Promise<PutOutcome> {
  const unknown = await findUnknownOfPoint(tx, point);
  if (unknown) return unknown;
  await upsertPoint(tx, pickupPointId, point);
  await replaceCommunities(tx, pickupPointId, point.communities);
  return (await checkLoad(tx, pickupPointId, point)) ?? stored;
}

async function findUnknownOfPoint(tx: TenantTx, point: PickupPointRecord): Promise<PutOutcome | null> {
  const leader = await tx.query('SELECT 1 FROM leader WHERE tenant = $1 AND leader_id = $2 FOR SHARE', [
    tx.tenant,
    point.leaderId,
  ]);
  if (leader.rowCount === 0) return { kind: 'unknownReference', path: 'leaderId', id: point.leaderId };
  const { rows } = await tx.query<{ position: number; id: string }>(
    `SELECT position - 1 AS position, id FROM unnest($2::text[]) WITH ORDINALITY AS n(id, position)
      WHERE NOT EXISTS (SELECT 1 FROM community c WHERE c.tenant = $1 AND c.community_id = n.id)
      ORDER BY position LIMIT 1`,
    [tx.tenant, point.communities],
  );
  const missing = rows[0];
  return missing
    ? { kind: 'unknownReference', path: `communities.${missing.position}`, id: missing.id }
    : null;
}

async function upsertPoint(tx: TenantTx, pickupPointId: string, point: PickupPointRecord): Promise<void> {
  const { ambient, chilled, frozen } = point.capacityMillilitres;
  await tx.query(
    `INSERT INTO pickup_point (tenant, pickup_point_id, leader_id, lat, lng, ambient_millilitres, chilled_millilitres,
                               frozen_millilitres, opens, closes, closed_on, temporary)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11::date[], $12)
     ON CONFLICT (tenant, pickup_point_id) DO UPDATE SET
       leader_id = excluded.leader_id, lat = excluded.lat, lng = excluded.lng,
       ambient_millilitres = excluded.ambient_millilitres, chilled_millilitres = excluded.chilled_millilitres,
       frozen_millilitres = excluded.frozen_millilitres, opens = excluded.opens, closes = excluded.closes,
       closed_on = excluded.closed_on, temporary = excluded.temporary`,
    [
      tx.tenant,
      pickupPointId,
      point.leaderId,
      point.location.lat,
      point.location.lng,
      ambient,
      chilled,
      frozen,
      point.opens,
      point.closes,
      point.closedOn,
      point.temporary,
    ],
  );
}

async function replaceCommunities(tx: TenantTx, pickupPointId: string, communities: string[]): Promise<void> {
  const point = [tx.tenant, pickupPointId];
  await tx.query('DELETE FROM pickup_point_community WHERE tenant = $1 AND pickup_point_id = $2', point);
  await tx.query(
    `INSERT INTO pickup_point_community (tenant, pickup_point_id, community_id) SELECT $1, $2, unnest($3::text[])`,
    [...point, communities],
  );
}

async function checkLoad(
  tx: TenantTx,
  pickupPointId: string,
  point: PickupPointRecord,
): Promise<PutOutcome | null> {
  await tx.query(
    `INSERT INTO point_load (tenant, pickup_point_id, zone)
     SELECT $1, $2, unnest(ARRAY['ambient', 'chilled', 'frozen']) ON CONFLICT DO NOTHING`,
    [tx.tenant, pickupPointId],
  );
  const { rows } = await tx.query<{
    zone: 'ambient' | 'chilled' | 'frozen';
    millilitres: number;
    cold: boolean;
  }>(
    `SELECT l.zone, l.millilitres, d.certificate = 'cold' AS cold
       FROM point_load l JOIN leader d ON d.tenant = l.tenant AND d.leader_id = $3
      WHERE l.tenant = $1 AND l.pickup_point_id = $2 ORDER BY l.zone FOR UPDATE OF l`,
    [tx.tenant, pickupPointId, point.leaderId],
  );
  for (const { zone, millilitres, cold } of rows) {
    if (millilitres > point.capacityMillilitres[zone]) {
      return {
        kind: 'inUse',
        because: `${millilitres / 1000} litres of zone ${zone} are taken by open orders`,
      };
    }
    if (millilitres > 0 && zone !== 'ambient' && !cold) {
      return {
        kind: 'inUse',
        because: `goods of zone ${zone} are promised to the point, and the leader has no cold certificate`,
      };
    }
  }
  return null;
}

export interface CarrierRecord {
  name: string;
  zones: Zone[];
  rates: { zone: Zone; baseFen: number; perKgFen: number; perKmFen: number }[];
  shipmentsPerDay: number;
  transitDays: number;
  baseUrl: string;
}

export async function putCarrier(
  tx: TenantTx,
  carrierId: string,
  carrier: CarrierRecord,
): Promise<PutOutcome> {
  await tx.query(
    `INSERT INTO carrier (tenant, carrier_id, name, zones, shipments_per_day, transit_days, base_url)
     VALUES ($1, $2, $3, $4, $5, $6, $7)
     ON CONFLICT (tenant, carrier_id) DO UPDATE SET
       name = excluded.name, zones = excluded.zones, shipments_per_day = excluded.shipments_per_day,
       transit_days = excluded.transit_days, base_url = excluded.base_url`,
    [
      tx.tenant,
      carrierId,
      carrier.name,
      carrier.zones,
      carrier.shipmentsPerDay,
      carrier.transitDays,
      carrier.baseUrl,
    ],
  );
  await tx.query('DELETE FROM carrier_rate WHERE tenant = $1 AND carrier_id = $2', [tx.tenant, carrierId]);
  await tx.query(
    `INSERT INTO carrier_rate (tenant, carrier_id, zone, base_fen, per_kg_fen, per_km_fen)
     SELECT $1, $2, * FROM unnest($3::text[], $4::bigint[], $5::bigint[], $6::bigint[])`,
    [
      tx.tenant,
      carrierId,
      carrier.rates.map((rate) => rate.zone),
      carrier.rates.map((rate) => rate.baseFen),
      carrier.rates.map((rate) => rate.perKgFen),
      carrier.rates.map((rate) => rate.perKmFen),
    ],
  );
  return stored;
}

export interface SupplierRecord {
  name: string;
  skus: string[];
  webhookUrl?: string;
  leadDays: number;
  terms?: SupplierTerm[];
}

/** How a supplier sells a SKU: whole cases only, and at least so much in one purchase. */
export interface SupplierTerm {
  sku: string;
  casePack?: number;
  minimumOrder?: number;
}

/** Makes or replaces a supplier; its `webhookUrl` is an endpoint of its own, made, changed or removed along with it. */
export async function putSupplier(
  tx: TenantTx,
  supplierId: string,
  supplier: SupplierRecord,
): Promise<PutOutcome> {
  const { rows } = await tx.query<{ position: number; id: string }>(
    `SELECT position - 1 AS position, id FROM unnest($2::text[]) WITH ORDINALITY AS n(id, position)
      WHERE NOT EXISTS (SELECT 1 FROM sku k WHERE k.tenant = $1 AND k.sku = n.id) ORDER BY position LIMIT 1`,
    [tx.tenant, supplier.skus],
  );
  const missing = rows[0];
  if (missing) return { kind: 'unknownReference', path: `skus.${missing.position}`, id: missing.id };
  await tx.query(
    `INSERT INTO supplier (tenant, supplier_id, name, skus, lead_days) VALUES ($1, $2, $3, $4, $5)
     ON CONFLICT (tenant, supplier_id) DO UPDATE SET
       name = excluded.name, skus = excluded.skus, lead_days = excluded.lead_days`,
    [tx.tenant, supplierId, supplier.name, supplier.skus, supplier.leadDays],
  );
  const endpointId = supplierEndpointId(supplierId);
  if (supplier.webhookUrl === undefined) await removeEndpoint(tx, endpointId);
  else await putEndpoint(tx, endpointId, { url: supplier.webhookUrl, supplierId });
  await replaceTerms(tx, supplierId, supplier.terms ?? []);
  return stored;
}

async function replaceTerms(tx: TenantTx, supplierId: string, terms: SupplierTerm[]): Promise<void> {
  await tx.query('DELETE FROM supplier_term WHERE tenant = $1 AND supplier_id = $2', [tx.tenant, supplierId]);
  if (terms.length === 0) return;
  await tx.query(
    `INSERT INTO supplier_term (tenant, supplier_id, sku, case_pack, minimum_order)
     SELECT $1, $2, sku, case_pack, minimum_order
       FROM unnest($3::text[], $4::bigint[], $5::bigint[]) AS t(sku, case_pack, minimum_order)`,
    [
      tx.tenant,
      supplierId,
      terms.map((term) => term.sku),
      terms.map((term) => term.casePack ?? 1),
      terms.map((term) => term.minimumOrder ?? 0),
    ],
  );
}
