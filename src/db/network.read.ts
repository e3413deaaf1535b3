import type { NamedSource } from './named.read';

const location = `json_build_object('lat', t.lat, 'lng', t.lng)`;

export const siteSource: NamedSource = {
  table: 'site',
  id: 'site_id',
  json: `json_build_object('siteId', t.site_id, 'name', t.name, 'kind', t.kind, 'location', ${location}, 'zones', t.zones,
    'cutoff', t.cutoff, 'departsAt', t.departs_at, 'closedOn', t.closed_on, 'shipmentsPerHour', t.shipments_per_hour,
    'safetyStock', t.safety_stock)`,
};

export const communitySource: NamedSource = {
  table: 'community',
  id: 'community_id',
  json: `json_build_object('communityId', t.community_id, 'name', t.name, 'region', t.region, 'location', ${location},
    'households', t.households)`,
};

export const leaderSource: NamedSource = {
  table: 'leader',
  id: 'leader_id',
  json: `json_build_object('leaderId', t.leader_id, 'name', t.name, 'certificate', t.certificate)`,
};

/** A pickup point as stored: `PickupPointRecord` with its id. */
export const pickupPointSource: NamedSource = {
  table: 'pickup_point',
  id: 'pickup_point_id',
  json: `json_build_object('pickupPointId', t.pickup_point_id, 'leaderId', t.leader_id, 'location', ${location},
    'communities', (SELECT coalesce(json_agg(c.community_id ORDER BY c.community_id), '[]'::json)
                      FROM pickup_point_community c
                     WHERE c.tenant = t.tenant AND c.pickup_point_id = t.pickup_point_id),
    'capacityMillilitres', json_build_object('ambient', t.ambient_millilitres, 'chilled', t.chilled_millilitres,
                                             'frozen', t.frozen_millilitres),
    'opens', t.opens, 'closes', t.closes, 'closedOn', t.closed_on, 'temporary', t.temporary)`,
};

export const carrierSource: NamedSource = {
  table: 'carrier',
  id: 'carrier_id',
  json: `json_build_object('carrierId', t.carrier_id, 'name', t.name, 'zones', t.zones,
    'rates', (SELECT coalesce(json_agg(json_build_object('zone', r.zone, 'baseFen', r.base_fen,
                'perKgFen', r.per_kg_fen, 'perKmFen', r.per_km_fen) ORDER BY r.zone), '[]'::json)
                FROM carrier_rate r WHERE r.tenant = t.tenant AND r.carrier_id = t.carrier_id),
    'shipmentsPerDay', t.shipments_per_day, 'transitDays', t.transit_days, 'baseUrl', t.base_url)`,
};

export const supplierSource: NamedSource = {
  table: 'supplier',
  id: 'supplier_id',
  json: `json_build_object('supplierId', t.supplier_id, 'name', t.name, 'skus', t.skus,
    'webhookUrl', (SELECT w.url FROM webhook_endpoint w
                    WHERE w.tenant = t.tenant AND w.supplier_id = t.supplier_id AND w.removed_at IS NULL),
    'leadDays', t.lead_days,
    'terms', (SELECT json_agg(json_build_object('sku', p.sku, 'casePack', p.case_pack, 'minimumOrder', p.minimum_order)
                              ORDER BY p.sku)
                FROM supplier_term p WHERE p.tenant = t.tenant AND p.supplier_id = t.supplier_id))`,
};
