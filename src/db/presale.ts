import { lockPools } from './inventory';
import { type PutOutcome, stored } from './putOutcome';
import type { TenantTx } from './transaction';

export interface CampaignRecord {
  sku: string;
  opensAt: Date;
  closesAt: Date;
  deliverFrom: string;
  deliverBy: string;
  quotas: { region: string; units: number }[];
  priceFen?: number;
  minimumPerLeader?: number;
}

/**
 * Makes or replaces a campaign. Lock order: the SKUs' pools, then the quotas. A quota never falls below what is
 * held and sold of it, and the SKU stays while anything is, or while goods that came for it lie in reserve. What was
 * promised to buyers stays as it was promised.
 */
export async function putCampaign(
  tx: TenantTx,
  campaignId: string,
  campaign: CampaignRecord,
): Promise<PutOutcome> {
  const before = await findSkuOfCampaign(tx, campaignId);
  await lockPools(tx, before === null ? [campaign.sku] : [before, campaign.sku]);
  const known = await tx.query('SELECT 1 FROM sku WHERE tenant = $1 AND sku = $2', [tx.tenant, campaign.sku]);
  if (known.rowCount === 0) return { kind: 'unknownReference', path: 'sku', id: campaign.sku };
  const refusal =
    (await checkQuotas(tx, campaignId, campaign)) ?? (await checkReserve(tx, campaignId, campaign.sku));
  if (refusal) return refusal;
  await upsertCampaign(tx, campaignId, campaign);
  await replaceQuotas(tx, campaignId, campaign.quotas);
  return stored;
}

async function findSkuOfCampaign(tx: TenantTx, campaignId: string): Promise<string | null> {
  const { rows } = await tx.query<{ sku: string }>(
    'SELECT sku FROM presale_campaign WHERE tenant = $1 AND campaign_id = $2',
    [tx.tenant, campaignId],
  );
  return rows[0]?.sku ?? null;
}

async function checkQuotas(
  tx: TenantTx,
  campaignId: string,
  campaign: CampaignRecord,
): Promise<PutOutcome | null> {
  const { rows } = await tx.query<{ region: string; taken: number; waiting: number; sku: string }>(
    `SELECT q.region, q.held + q.sold AS taken, q.waiting, p.sku
       FROM presale_quota q JOIN presale_campaign p USING (tenant, campaign_id)
      WHERE q.tenant = $1 AND q.campaign_id = $2 ORDER BY q.region COLLATE "C" FOR UPDATE OF q`,
    [tx.tenant, campaignId],
  );
  const units = new Map(campaign.quotas.map((quota) => [quota.region, quota.units]));
  for (const { region, taken, waiting, sku } of rows) {
    if (taken > (units.get(region) ?? 0))
      return { kind: 'inUse', because: `${taken} units are held or sold in ${region}` };
    if (taken + waiting > 0 && sku !== campaign.sku)
      return { kind: 'inUse', because: 'units of the campaign’s SKU are held, sold or waited for' };
  }
  return null;
}

async function checkReserve(tx: TenantTx, campaignId: string, sku: string): Promise<PutOutcome | null> {
  const { rowCount } = await tx.query(
    `SELECT 1 FROM campaign_reserve r JOIN presale_campaign p USING (tenant, campaign_id)
      WHERE r.tenant = $1 AND r.campaign_id = $2 AND r.units > 0 AND p.sku <> $3 LIMIT 1`,
    [tx.tenant, campaignId, sku],
  );
  return rowCount === 0 ? null : { kind: 'inUse', because: 'goods have come for the campaign’s SKU' };
}

async function upsertCampaign(tx: TenantTx, campaignId: string, campaign: CampaignRecord): Promise<void> {
  await tx.query(
    `INSERT INTO presale_campaign (tenant, campaign_id, sku, opens_at, closes_at, deliver_from, deliver_by, price_fen,
                                   minimum_per_leader)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
     ON CONFLICT (tenant, campaign_id) DO UPDATE SET
       sku = excluded.sku, opens_at = excluded.opens_at, closes_at = excluded.closes_at,
       deliver_from = excluded.deliver_from, deliver_by = excluded.deliver_by, price_fen = excluded.price_fen,
       minimum_per_leader = excluded.minimum_per_leader`,
    [
      tx.tenant,
      campaignId,
      campaign.sku,
      campaign.opensAt,
      campaign.closesAt,
      campaign.deliverFrom,
      campaign.deliverBy,
      campaign.priceFen ?? null,
      campaign.minimumPerLeader ?? null,
    ],
  );
}

async function replaceQuotas(
  tx: TenantTx,
  campaignId: string,
  quotas: CampaignRecord['quotas'],
): Promise<void> {
  const regions = quotas.map((quota) => quota.region);
  // a region that ever held something keeps its row, at zero units: holds refer to it
  await tx.query(
    `DELETE FROM presale_quota q WHERE q.tenant = $1 AND q.campaign_id = $2 AND NOT q.region = ANY($3::text[])
        AND q.waiting = 0 AND NOT EXISTS (SELECT 1 FROM quota_hold h
                         WHERE h.tenant = q.tenant AND h.campaign_id = q.campaign_id AND h.region = q.region)`,
    [tx.tenant, campaignId, regions],
  );
  await tx.query(
    `UPDATE presale_quota SET units = 0 WHERE tenant = $1 AND campaign_id = $2 AND NOT region = ANY($3::text[])`,
    [tx.tenant, campaignId, regions],
  );
  await tx.query(
    `INSERT INTO presale_quota (tenant, campaign_id, region, units)
     SELECT $1, $2, region, units FROM unnest($3::text[], $4::bigint[]) AS q(region, units)
     ON CONFLICT (tenant, campaign_id, region) DO UPDATE SET units = excluded.units`,
    [tx.tenant, campaignId, regions, quotas.map((quota) => quota.units)],
  );
}
