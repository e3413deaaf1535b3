import { insertOutbox } from './outbox';
import type { TenantTx } from './transaction';

/** Units of a lot that came for a campaign. */
export interface ReserveUnits {
  campaignId: string;
  sku: string;
  siteId: string;
  lotId: string;
  units: number;
}

/** A quota hold `q` that may still want goods: held unpaid, or paid and no goods behind it yet. */
export const wantsGoods = `(q.state = 'held' OR (q.state = 'committed' AND q.uncommitted_at IS NULL AND NOT EXISTS (
  SELECT 1 FROM hold h WHERE h.tenant = q.tenant AND h.order_id = q.order_id AND h.line_id = q.line_id)))`;

/** What a campaign takes in: its own SKU, or the components of its bundle as it is now or as it was sold. */
export async function readCampaignGoods(
  tx: TenantTx,
  campaignIds: string[],
): Promise<Map<string, { sku: string; goods: Set<string> }>> {
  const { rows } = await tx.query<{ campaignId: string; sku: string; goods: string[] }>(
    `SELECT c.campaign_id AS "campaignId", c.sku,
            ARRAY(SELECT p.component_sku FROM sku_component p WHERE p.tenant = c.tenant AND p.sku = c.sku
                  UNION SELECT c.sku WHERE NOT EXISTS (
                    SELECT 1 FROM sku_component p WHERE p.tenant = c.tenant AND p.sku = c.sku)
                  UNION SELECT part ->> 'sku' FROM quota_hold q
                    JOIN order_line l ON l.tenant = q.tenant AND l.order_id = q.order_id AND l.line_id = q.line_id,
                         jsonb_array_elements(l.components) part
                   WHERE q.tenant = c.tenant AND q.campaign_id = c.campaign_id AND ${wantsGoods}) AS goods
       FROM presale_campaign c WHERE c.tenant = $1 AND c.campaign_id = ANY($2::text[])`,
    [tx.tenant, campaignIds],
  );
  return new Map(rows.map(({ campaignId, sku, goods }) => [campaignId, { sku, goods: new Set(goods) }]));
}

/** Adds to what is set aside for campaigns. The caller writes the `reserved` movements and holds the pools' locks. */
export async function addToReserve(tx: TenantTx, added: ReserveUnits[]): Promise<void> {
  if (added.length === 0) return;
  await tx.query(
    `INSERT INTO campaign_reserve (tenant, campaign_id, sku, site_id, lot_id, units)
     SELECT $1, campaign_id, sku, site_id, lot_id, sum(units)
       FROM unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::bigint[])
         AS r(campaign_id, sku, site_id, lot_id, units)
      GROUP BY campaign_id, sku, site_id, lot_id
     ON CONFLICT (tenant, campaign_id, sku, site_id, lot_id)
       DO UPDATE SET units = campaign_reserve.units + excluded.units`,
    [tx.tenant, ...columnsOf(added)],
  );
}

/** Takes from what is set aside; a row that would go below nothing fails the statement (I3). */
export async function takeFromReserve(tx: TenantTx, taken: ReserveUnits[]): Promise<void> {
  if (taken.length === 0) return;
  await tx.query(
    `UPDATE campaign_reserve r SET units = r.units - t.units
       FROM (SELECT campaign_id, sku, site_id, lot_id, sum(units)::bigint AS units
               FROM unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::bigint[])
                 AS u(campaign_id, sku, site_id, lot_id, units) GROUP BY campaign_id, sku, site_id, lot_id) t
      WHERE r.tenant = $1 AND r.campaign_id = t.campaign_id AND r.sku = t.sku AND r.site_id = t.site_id
        AND r.lot_id = t.lot_id`,
    [tx.tenant, ...columnsOf(taken)],
  );
}

function columnsOf(rows: ReserveUnits[]): unknown[] {
  return [
    rows.map((row) => row.campaignId),
    rows.map((row) => row.sku),
    rows.map((row) => row.siteId),
    rows.map((row) => row.lotId),
    rows.map((row) => row.units),
  ];
}

/** Of these campaigns, those that are over and have served everybody: what comes back to them goes to the shelf. */
export async function findServedCampaigns(tx: TenantTx, campaignIds: string[]): Promise<string[]> {
  const { rows } = await tx.query<{ campaignId: string }>(
    `SELECT c.campaign_id AS "campaignId" FROM presale_campaign c
      WHERE c.tenant = $1 AND c.campaign_id = ANY($2::text[]) AND c.closes_at <= clock_timestamp()
        AND NOT EXISTS (SELECT 1 FROM quota_hold q
                         WHERE q.tenant = c.tenant AND q.campaign_id = c.campaign_id AND ${wantsGoods})`,
    [tx.tenant, campaignIds],
  );
  return rows.map((row) => row.campaignId);
}

/**
 * Has the campaigns' goods handed out: starts their arrival's workflow, or tells it that there is something new. Once
 * for all that is told before the dispatcher comes by: the caller holds the pools' locks, for which the hand-out waits.
 */
export async function wakeConversion(tx: TenantTx, campaignIds: string[]): Promise<void> {
  if (campaignIds.length === 0) return;
  const { rows } = await tx.query<{ subject: string }>(
    `SELECT DISTINCT c AS subject FROM unnest($2::text[]) c
      WHERE NOT EXISTS (SELECT 1 FROM outbox b WHERE b.tenant = $1 AND b.subject = c AND b.kind = 'startConversion'
                           AND b.done_at IS NULL AND b.attempts = 0) ORDER BY 1`,
    [tx.tenant, campaignIds],
  );
  await insertOutbox(
    tx,
    rows.map(({ subject }) => ({ kind: 'startConversion', subject, payload: {} })),
  );
}

/** The same for those of the campaigns that have something in reserve; others have nothing to hand out. */
export async function wakeReserved(tx: TenantTx, campaignIds: string[]): Promise<void> {
  if (campaignIds.length === 0) return;
  const { rows } = await tx.query<{ campaign_id: string }>(
    `SELECT DISTINCT campaign_id FROM campaign_reserve
      WHERE tenant = $1 AND campaign_id = ANY($2::text[]) AND units > 0`,
    [tx.tenant, campaignIds],
  );
  await wakeConversion(
    tx,
    rows.map((row) => row.campaign_id),
  );
}

/** Campaigns whose goods an order has paid for and not got. */
export async function findWaitingCampaigns(tx: TenantTx, orderId: string): Promise<string[]> {
  const { rows } = await tx.query<{ campaign_id: string }>(
    `SELECT DISTINCT q.campaign_id FROM quota_hold q WHERE q.tenant = $1 AND q.order_id = $2 AND ${wantsGoods}`,
    [tx.tenant, orderId],
  );
  return rows.map((row) => row.campaign_id);
}
