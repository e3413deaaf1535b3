import type { EarlierCampaign } from '../domain/presale/fill';
import type { Purchase, PurchasedGood, RegionProjection, RegionSold } from '../domain/presale/aggregate';
import { clearAttention, raiseAttention } from './attention';
import { lockPools } from './inventory';
import type { Database, TenantTx } from './transaction';

/** A tick of a tenant's aggregation: its scheduled time, and the instant before which everything counts. */
export interface AggregationTick {
  scheduledAt: Date;
  asOf: Date;
}

export interface AggregationKey extends AggregationTick {
  campaignId: string;
}

/** All that a campaign's projection and purchase are made of, as of the tick. */
export interface CampaignAtTick {
  opensAt: Date;
  closesAt: Date;
  deliverFrom: string;
  regions: RegionSold[];
  earlier: EarlierCampaign[];
  goods: PurchasedGood[];
  closedOn: string[][];
}

/** Campaigns that have opened by the tick and whose last delivery day is not over, by id. */
export async function findCampaignsToAggregate(
  db: Database,
  { tenant, asOf }: { tenant: string; asOf: Date },
): Promise<string[]> {
  return db.inTenant(tenant, async (tx) => {
    const { rows } = await tx.query<{ campaignId: string }>(
      `SELECT c.campaign_id AS "campaignId" FROM presale_campaign c JOIN tenant t USING (tenant)
        WHERE c.tenant = $1 AND c.opens_at < $2 AND ($2::timestamptz AT TIME ZONE t.time_zone)::date <= c.deliver_by
        ORDER BY c.campaign_id COLLATE "C"`,
      [tx.tenant, asOf],
    );
    return rows.map(({ campaignId }) => campaignId);
  });
}

/**
 * Reads a campaign as of a tick, from the history of its quota's holds and not from what stands now; null when the
 * campaign is gone. Waits for the SKU's pool lock, which every writer of these holds keeps until it commits: once it
 * is ours, and the database's own clock has passed the tick, nothing can be added before the tick any more. Throws
 * while that clock has not.
 */
export async function readCampaignAtTick(
  tx: TenantTx,
  { campaignId, asOf }: AggregationKey,
): Promise<CampaignAtTick | null> {
  const { rows } = await tx.query<{ sku: string; opensAt: Date; closesAt: Date; deliverFrom: string }>(
    `SELECT sku, opens_at AS "opensAt", closes_at AS "closesAt", deliver_from AS "deliverFrom"
       FROM presale_campaign WHERE tenant = $1 AND campaign_id = $2`,
    [tx.tenant, campaignId],
  );
  const campaign = rows[0];
  if (!campaign) return null;
  const { sku, ...hours } = campaign;
  const [goods, closedOn] = [await readGoods(tx, sku), await readClosedDays(tx, sku)];
  const earlier = await readEarlier(tx, { campaignId, sku, asOf });
  await lockPools(tx, [sku]);
  return { ...hours, goods, closedOn, earlier, regions: await readSold(tx, { campaignId, asOf }) };
}

async function readSold(
  tx: TenantTx,
  { campaignId, asOf }: Pick<AggregationKey, 'campaignId' | 'asOf'>,
): Promise<RegionSold[]> {
  const { rows: clock } = await tx.query<{ passed: boolean }>('SELECT clock_timestamp() >= $1 AS passed', [
    asOf,
  ]);
  if (clock[0]?.passed !== true) throw new Error('the database’s clock has not come to the tick yet');
  const { rows } = await tx.query<RegionSold>(
    `SELECT q.region, q.units AS quota, coalesce(t.committed, 0) AS committed, coalesce(t.held, 0) AS held
       FROM presale_quota q LEFT JOIN quota_taken($1, $2, $3) t USING (region)
      WHERE q.tenant = $1 AND q.campaign_id = $2 AND (q.units > 0 OR t.committed + t.held > 0)
      ORDER BY q.region COLLATE "C"`,
    [tx.tenant, campaignId, asOf],
  );
  return rows;
}

/** As many closed campaigns as say something, the latest first. */
const earlierAtMost = 20;

/**
 * Closed campaigns, each at the same share of its own hours: which part of what finally stood had been paid by then.
 * One of the same SKU counts whole, of the same category half, any other a quarter.
 */
async function readEarlier(
  tx: TenantTx,
  { campaignId, sku, asOf }: { campaignId: string; sku: string; asOf: Date },
): Promise<EarlierCampaign[]> {
  const { rows } = await tx.query<{ filled: number | null; sellThrough: number; weight: number }>(
    `WITH here AS (
       SELECT c.sku, k.category, least(1, greatest(0, extract(epoch FROM $4::timestamptz - c.opens_at)
                                                    / extract(epoch FROM c.closes_at - c.opens_at))) AS share
         FROM presale_campaign c JOIN sku k USING (tenant, sku) WHERE c.tenant = $1 AND c.campaign_id = $2),
     closed AS (
       SELECT c.campaign_id, c.opens_at + here.share * (c.closes_at - c.opens_at) AS then,
              CASE WHEN c.sku = $3 THEN 1 WHEN k.category = here.category THEN 0.5 ELSE 0.25 END AS weight,
              (SELECT sum(q.units) FROM presale_quota q WHERE q.tenant = $1 AND q.campaign_id = c.campaign_id) AS quota
         FROM here, presale_campaign c JOIN sku k USING (tenant, sku)
        WHERE c.tenant = $1 AND c.campaign_id <> $2 AND c.closes_at <= $4
        ORDER BY c.closes_at DESC, c.campaign_id LIMIT ${earlierAtMost})
     SELECT (sum(h.quantity) FILTER (WHERE h.ended_at < closed.then) / nullif(sum(h.quantity), 0))::float8 AS filled,
            (coalesce(sum(h.quantity), 0) / closed.quota)::float8 AS "sellThrough", closed.weight::float8 AS weight
       FROM closed LEFT JOIN quota_hold h ON h.tenant = $1 AND h.campaign_id = closed.campaign_id
            AND h.state = 'committed' AND h.ended_at < $4 AND (h.uncommitted_at IS NULL OR h.uncommitted_at >= $4)
      WHERE closed.quota > 0
      GROUP BY closed.campaign_id, closed.quota, closed.weight ORDER BY closed.campaign_id`,
    [tx.tenant, campaignId, sku, asOf],
  );
  return rows;
}

/**
 * What is really bought: the SKU itself if it is plain or some supplier lists it, else a gift box's components. Of
 * several suppliers the quickest; the lead is the supplier's or the presale lead of the good and of what is sold,
 * whichever is longest.
 */
async function readGoods(tx: TenantTx, sku: string): Promise<PurchasedGood[]> {
  const { rows } = await tx.query<PurchasedGood>(
    `WITH goods AS (
       SELECT p.component_sku AS sku, p.quantity AS per_unit FROM sku_component p
        WHERE p.tenant = $1 AND p.sku = $2
          AND NOT EXISTS (SELECT 1 FROM supplier s WHERE s.tenant = $1 AND $2 = ANY (s.skus))
       UNION ALL
       SELECT $2, 1 WHERE NOT EXISTS (SELECT 1 FROM sku_component p WHERE p.tenant = $1 AND p.sku = $2)
                       OR EXISTS (SELECT 1 FROM supplier s WHERE s.tenant = $1 AND $2 = ANY (s.skus))),
     leads AS (
       SELECT k.sku, coalesce(k.presale_lead_days, c.presale_lead_days, 0) AS days
         FROM sku k LEFT JOIN category c USING (tenant, category) WHERE k.tenant = $1)
     SELECT g.sku, g.per_unit::bigint AS "perUnit", s.supplier_id AS "supplierId",
            greatest(s.lead_days, own.days, sold.days) AS "leadDays",
            coalesce(t.case_pack, 1)::bigint AS "casePack", coalesce(t.minimum_order, 0)::bigint AS "minimumOrder"
       FROM goods g JOIN leads own ON own.sku = g.sku JOIN leads sold ON sold.sku = $2
       LEFT JOIN LATERAL (SELECT supplier_id, lead_days FROM supplier WHERE tenant = $1 AND g.sku = ANY (skus)
                           ORDER BY lead_days, supplier_id LIMIT 1) s ON true
       LEFT JOIN supplier_term t ON t.tenant = $1 AND t.supplier_id = s.supplier_id AND t.sku = g.sku
      ORDER BY g.sku COLLATE "C"`,
    [tx.tenant, sku],
  );
  return rows;
}

/** Of every site that may take the SKU in; origins only send. */
async function readClosedDays(tx: TenantTx, sku: string): Promise<string[][]> {
  const { rows } = await tx.query<{ closedOn: string[] }>(
    `SELECT s.closed_on AS "closedOn" FROM site s JOIN sku k ON k.tenant = s.tenant AND k.sku = $2
      WHERE s.tenant = $1 AND s.kind <> 'supplier' AND k.zone = ANY (s.zones) ORDER BY s.site_id`,
    [tx.tenant, sku],
  );
  return rows.map(({ closedOn }) => closedOn);
}

export interface Aggregation {
  regions: RegionProjection[];
  purchases: Purchase[];
}

/**
 * Stores what a tick came to; the first to do so wins, and later runs of the same tick change nothing, even if the
 * campaign has changed between them. Locks the campaign's row. The campaign's latest tick also decides whether
 * somebody has to buy.
 */
export async function insertAggregation(
  tx: TenantTx,
  { campaignId, scheduledAt, asOf }: AggregationKey,
  { regions, purchases }: Aggregation,
): Promise<void> {
  await tx.query('SELECT 1 FROM presale_campaign WHERE tenant = $1 AND campaign_id = $2 FOR NO KEY UPDATE', [
    tx.tenant,
    campaignId,
  ]);
  const { rows } = await tx.query<{ known: boolean; latest: boolean }>(
    `SELECT coalesce(bool_or(scheduled_at = $3), false) AS known, coalesce(max(scheduled_at) < $3, true) AS latest
       FROM presale_aggregation WHERE tenant = $1 AND campaign_id = $2`,
    [tx.tenant, campaignId, scheduledAt],
  );
  if (rows[0]?.known === true) return;
  const purchaseBy = purchases.map((purchase) => purchase.purchaseBy).sort()[0];
  await tx.query(
    `INSERT INTO presale_aggregation (tenant, campaign_id, scheduled_at, as_of, region, quota, committed, held, low, units,
                                      high, purchase_by)
     SELECT $1, $2, $3, $4, r.*, $5::date
       FROM unnest($6::text[], $7::bigint[], $8::bigint[], $9::bigint[], $10::bigint[], $11::bigint[], $12::bigint[]) AS r`,
    [
      tx.tenant,
      campaignId,
      scheduledAt,
      asOf,
      purchaseBy,
      ...(['region', 'quota', 'committed', 'held', 'low', 'units', 'high'] as const).map((field) =>
        regions.map((region) => region[field]),
      ),
    ],
  );
  await insertPurchases(tx, { campaignId, scheduledAt }, purchases);
  if (rows[0]?.latest === true) await remindToBuy(tx, { campaignId, asOf }, purchases);
}

async function insertPurchases(
  tx: TenantTx,
  { campaignId, scheduledAt }: Pick<AggregationKey, 'campaignId' | 'scheduledAt'>,
  purchases: Purchase[],
): Promise<void> {
  const rows = purchases.flatMap(({ regions, ...purchase }) =>
    regions.map((part) => ({ ...purchase, ...part })),
  );
  await tx.query(
    `INSERT INTO presale_purchase (tenant, campaign_id, scheduled_at, sku, region, units, supplier_id, purchase_by)
     SELECT $1, $2, $3, r.* FROM unnest($4::text[], $5::text[], $6::bigint[], $7::text[], $8::date[]) AS r`,
    [
      tx.tenant,
      campaignId,
      scheduledAt,
      ...(['sku', 'region', 'units', 'supplierId', 'purchaseBy'] as const).map((field) =>
        rows.map((row) => row[field]),
      ),
    ],
  );
}

/**
 * On and after the day by which goods must be bought somebody is shown how many. Settling it says that so many are
 * bought; it comes back only when more are needed.
 */
async function remindToBuy(
  tx: TenantTx,
  { campaignId, asOf }: Pick<AggregationKey, 'campaignId' | 'asOf'>,
  purchases: Purchase[],
): Promise<void> {
  const { rows } = await tx.query<{ today: string; bought: { sku: string; units: number }[] | null }>(
    `SELECT ($3::timestamptz AT TIME ZONE t.time_zone)::date AS today,
            (SELECT a.detail -> 'purchases' FROM attention a
              WHERE a.tenant = $1 AND a.reason = 'purchaseDue' AND a.subject = $2 AND a.action = 'settle'
              ORDER BY a.resolved_at DESC LIMIT 1) AS bought
       FROM tenant t WHERE t.tenant = $1`,
    [tx.tenant, campaignId, asOf],
  );
  const { today = '', bought } = rows[0] ?? {};
  const boughtOf = (sku: string) => bought?.find((each) => each.sku === sku)?.units ?? 0;
  const due = purchases
    .filter(({ sku, units, purchaseBy }) => purchaseBy <= today && units > boughtOf(sku))
    .map(({ regions: _regions, ...purchase }) => purchase);
  if (due.length === 0) return clearAttention(tx, 'purchaseDue', campaignId);
  const detail = { campaignId, purchases: due };
  await raiseAttention(tx, { reason: 'purchaseDue', subject: campaignId, detail });
  await tx.query(
    `UPDATE attention SET detail = $3 WHERE tenant = $1 AND reason = 'purchaseDue' AND subject = $2 AND resolved_at IS NULL`,
    [tx.tenant, campaignId, JSON.stringify(detail)],
  );
}
