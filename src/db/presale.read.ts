import { unconverted } from './holds';
import { isoUtc } from './isoUtc';
import type { NamedSource } from './named.read';
import { latestPlan } from './presaleAggregation.read';
import { supplyOfCampaign } from './supplierWords.read';

/** How what came for campaign `t` stands: units in reserve, units paid for and without goods, lines with open offers. */
const arrival = `json_build_object(
    'reserved', (SELECT coalesce(sum(r.units), 0) FROM campaign_reserve r
                  WHERE r.tenant = t.tenant AND r.campaign_id = t.campaign_id),
    'waiting', (SELECT coalesce(sum(q.quantity), 0) FROM quota_hold q
                 WHERE q.tenant = t.tenant AND q.campaign_id = t.campaign_id AND ${unconverted}),
    'offered', (SELECT count(DISTINCT (f.order_id, f.line_id)) FROM offer f
                  JOIN order_line l ON l.tenant = f.tenant AND l.order_id = f.order_id AND l.line_id = f.line_id
                 WHERE f.tenant = t.tenant AND l.campaign_id = t.campaign_id AND f.state = 'open'))`;

/**
 * A campaign with what was sold (paid) and is held (unpaid, not yet due) of each region's quota, its latest plan, and
 * what suppliers will bring.
 */
export const campaignSource: NamedSource = {
  table: 'presale_campaign',
  id: 'campaign_id',
  json: `json_build_object('campaignId', t.campaign_id, 'sku', t.sku, 'opensAt', ${isoUtc('t.opens_at')},
    'closesAt', ${isoUtc('t.closes_at')}, 'deliverFrom', t.deliver_from, 'deliverBy', t.deliver_by,
    'quotas', (SELECT coalesce(json_agg(json_build_object('region', q.region, 'units', q.units) ORDER BY q.region), '[]'::json)
                 FROM presale_quota q WHERE q.tenant = t.tenant AND q.campaign_id = t.campaign_id),
    'arrival', ${arrival}, 'priceFen', t.price_fen, 'minimumPerLeader', t.minimum_per_leader,
    'sold', (SELECT coalesce(json_agg(json_build_object('region', q.region, 'units', q.sold, 'held', coalesce(h.held, 0))
                                      ORDER BY q.region), '[]'::json)
               FROM presale_quota q
               LEFT JOIN LATERAL (SELECT sum(quantity) AS held FROM quota_hold h
                                   WHERE h.tenant = q.tenant AND h.campaign_id = q.campaign_id AND h.region = q.region
                                     AND h.state = 'held' AND h.expires_at > clock_timestamp()) h ON true
              WHERE q.tenant = t.tenant AND q.campaign_id = t.campaign_id),
    'supply', ${supplyOfCampaign}, 'latest', ${latestPlan})`,
};
