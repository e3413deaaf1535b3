import type { Movement } from '../domain/inventory/model';
import { unconverted } from './holds';
import { writeMovements } from './inventory';
import { lockCampaignPools } from './presaleConversion';
import { findServedCampaigns, type ReserveUnits, takeFromReserve } from './presaleReserve';
import type { Database, TenantTx } from './transaction';

export interface CampaignStanding {
  /** Units still set aside, and paid lines still without goods. */
  reserved: number;
  waiting: number;
  /** Units that went to the shelf just now. */
  unreserved: number;
  /** When something may change by itself: the campaign closes, or an unpaid hold of it ends. Null: nothing will. */
  changesAt: Date | null;
}

const actor = 'system:arrival';

/**
 * Gives what is left of a campaign's reserve to the shelf once everybody is served: the campaign is closed, nothing
 * of it is held unpaid and no paid line waits (I3). Else leaves all as it is. Safe to ask at any time.
 */
export async function settleCampaign(
  db: Database,
  { tenant, campaignId }: { tenant: string; campaignId: string },
): Promise<CampaignStanding> {
  return db.inTenant(tenant, async (tx) => {
    const skus = await lockCampaignPools(tx, campaignId);
    const served = await findServedCampaigns(tx, [campaignId]);
    const unreserved = served.length === 0 ? 0 : await unreserve(tx, { campaignId, skus });
    return { unreserved, ...(await readStanding(tx, campaignId)) };
  });
}

/** Of SKUs whose pool is locked; others came this very moment, and have woken the hand-out again. */
async function unreserve(
  tx: TenantTx,
  { campaignId, skus }: { campaignId: string; skus: string[] },
): Promise<number> {
  const { rows } = await tx.query<ReserveUnits>(
    `SELECT campaign_id AS "campaignId", sku, site_id AS "siteId", lot_id AS "lotId", units
       FROM campaign_reserve WHERE tenant = $1 AND campaign_id = $2 AND sku = ANY($3::text[]) AND units > 0
      ORDER BY sku, site_id, lot_id`,
    [tx.tenant, campaignId, skus],
  );
  await takeFromReserve(tx, rows);
  const movements = rows.map(
    ({ sku, siteId, lotId, units }): Movement => ({
      kind: 'unreserved',
      sku,
      siteId,
      lotId,
      quantity: units,
      causeKind: 'campaign',
      causeId: campaignId,
    }),
  );
  await writeMovements(tx, { actor, movements });
  return rows.reduce((sum, row) => sum + row.units, 0);
}

async function readStanding(tx: TenantTx, campaignId: string): Promise<Omit<CampaignStanding, 'unreserved'>> {
  const { rows } = await tx.query<Omit<CampaignStanding, 'unreserved'>>(
    `SELECT coalesce((SELECT sum(units) FROM campaign_reserve r
              WHERE r.tenant = c.tenant AND r.campaign_id = c.campaign_id), 0)::bigint AS reserved,
            (SELECT count(*) FROM quota_hold q
              WHERE q.tenant = c.tenant AND q.campaign_id = c.campaign_id AND ${unconverted}) AS waiting,
            (SELECT min(at) FROM (
               SELECT c.closes_at AS at
               UNION ALL SELECT q.expires_at FROM quota_hold q
                WHERE q.tenant = c.tenant AND q.campaign_id = c.campaign_id AND q.state = 'held') change
              WHERE at > clock_timestamp()) AS "changesAt"
       FROM presale_campaign c WHERE c.tenant = $1 AND c.campaign_id = $2`,
    [tx.tenant, campaignId],
  );
  return rows[0] ?? { reserved: 0, waiting: 0, changesAt: null };
}
