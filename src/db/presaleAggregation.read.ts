import { isoUtc } from './isoUtc';
import { type Page, type Slice, sliceOf } from './page';
import type { TenantTx } from './transaction';

export interface AggregationTotals {
  regions: number;
  committed: number;
  held: number;
  low: number;
  units: number;
  high: number;
  purchaseBy: string;
}

/** A campaign's sums at one tick; null when nothing is stored for it. */
export async function findAggregationTotals(
  tx: TenantTx,
  { campaignId, scheduledAt }: { campaignId: string; scheduledAt: Date },
): Promise<AggregationTotals | null> {
  const { rows } = await tx.query<AggregationTotals>(
    `SELECT count(*)::bigint AS regions, sum(committed)::bigint AS committed, sum(held)::bigint AS held,
            sum(low)::bigint AS low, sum(units)::bigint AS units, sum(high)::bigint AS high,
            min(purchase_by) AS "purchaseBy"
       FROM presale_aggregation WHERE tenant = $1 AND campaign_id = $2 AND scheduled_at = $3 HAVING count(*) > 0`,
    [tx.tenant, campaignId, scheduledAt],
  );
  return rows[0] ?? null;
}

/** SQL of the purchase that was planned at the tick of `a`, a row or group of presale_aggregation. */
function purchaseOf(a: string): string {
  return `(SELECT coalesce(json_agg(json_strip_nulls(json_build_object('sku', p.sku, 'supplierId', p.supplier_id,
             'units', p.units, 'purchaseBy', p.purchase_by, 'regions', p.regions)) ORDER BY p.sku), '[]'::json)
       FROM (SELECT sku, supplier_id, purchase_by, sum(units)::bigint AS units,
                    json_agg(json_build_object('region', region, 'units', units) ORDER BY region) AS regions
               FROM presale_purchase WHERE tenant = ${a}.tenant AND campaign_id = ${a}.campaign_id
                AND scheduled_at = ${a}.scheduled_at GROUP BY sku, supplier_id, purchase_by) p)`;
}

/** SQL of the latest plan of the campaign `t`, as JSON fields to be merged into its own; null before the first. */
export const latestPlan = `(
  SELECT json_build_object('aggregatedAt', ${isoUtc('a.as_of')}, 'plan',
           (SELECT json_agg(json_build_object('region', r.region, 'units', r.units, 'low', r.low, 'high', r.high,
                     'purchaseBy', r.purchase_by) ORDER BY r.region)
              FROM presale_aggregation r WHERE r.tenant = a.tenant AND r.campaign_id = a.campaign_id
               AND r.scheduled_at = a.scheduled_at),
           'purchase', ${purchaseOf('a')})
    FROM presale_aggregation a WHERE a.tenant = t.tenant AND a.campaign_id = t.campaign_id
   ORDER BY a.scheduled_at DESC LIMIT 1)`;

export interface AggregationView {
  scheduledAt: string;
  aggregatedAt: string;
  madeAt: string;
  regions: object[];
  purchase: object[];
}

/** A campaign's ticks, newest first; null when the tenant has no such campaign. */
export async function listAggregations(
  tx: TenantTx,
  campaignId: string,
  page: Page<string>,
): Promise<Slice<AggregationView, string> | null> {
  const known = await tx.query('SELECT 1 FROM presale_campaign WHERE tenant = $1 AND campaign_id = $2', [
    tx.tenant,
    campaignId,
  ]);
  if (known.rowCount === 0) return null;
  const { rows } = await tx.query<AggregationView>(
    `SELECT ${isoUtc('a.scheduled_at')} AS "scheduledAt", ${isoUtc('a.as_of')} AS "aggregatedAt",
            ${isoUtc('a.made_at')} AS "madeAt", a.regions, ${purchaseOf('a')} AS purchase
       FROM (SELECT tenant, campaign_id, scheduled_at, as_of, min(made_at) AS made_at,
                    json_agg(json_build_object('region', region, 'quota', quota, 'committed', committed, 'held', held,
                      'low', low, 'units', units, 'high', high) ORDER BY region) AS regions
               FROM presale_aggregation
              WHERE tenant = $1 AND campaign_id = $2 AND ($3::timestamptz IS NULL OR scheduled_at < $3)
              GROUP BY tenant, campaign_id, scheduled_at, as_of ORDER BY scheduled_at DESC LIMIT $4 + 1) a
      ORDER BY a.scheduled_at DESC`,
    [tx.tenant, campaignId, page.after, page.limit],
  );
  return sliceOf(rows, page.limit, { item: (row) => row, position: (row) => row.scheduledAt });
}
