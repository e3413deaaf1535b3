import { isoUtc } from './isoUtc';
import type { NamedSource } from './named.read';
import { latestPlan } from './presaleAggregation.read';

/** A campaign with what was sold (paid) and is held (unpaid, not yet due) of each region's quota, and its latest plan. */
export const campaignSource: NamedSource = {
  table: 'presale_campaign',
  id: 'campaign_id',
  json: `json_build_object('campaignId', t.campaign_id, 'sku', t.sku, 'opensAt', ${isoUtc('t.opens_at')},
    'closesAt', ${isoUtc('t.closes_at')}, 'deliverFrom', t.deliver_from, 'deliverBy', t.deliver_by,
    'quotas', (SELECT coalesce(json_agg(json_build_object('region', q.region, 'units', q.units) ORDER BY q.region), '[]'::json)
                 FROM presale_quota q WHERE q.tenant = t.tenant AND q.campaign_id = t.campaign_id),
    'priceFen', t.price_fen, 'minimumPerLeader', t.minimum_per_leader,
    'sold', (SELECT coalesce(json_agg(json_build_object('region', q.region, 'units', q.sold, 'held', coalesce(h.held, 0))
                                      ORDER BY q.region), '[]'::json)
               FROM presale_quota q
               LEFT JOIN LATERAL (SELECT sum(quantity) AS held FROM quota_hold h
                                   WHERE h.tenant = q.tenant AND h.campaign_id = q.campaign_id AND h.region = q.region
                                     AND h.state = 'held' AND h.expires_at > clock_timestamp()) h ON true
              WHERE q.tenant = t.tenant AND q.campaign_id = t.campaign_id),
    'latest', ${latestPlan})`,
};
