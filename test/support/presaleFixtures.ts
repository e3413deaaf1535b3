import { type ConversionResult, convertBatch } from '../../src/db/presaleConversion';
import type { WaitingPlace } from '../../src/db/presaleConversion.read';
import { type CampaignStanding, settleCampaign } from '../../src/db/presaleSettle';
import { asApplication, asSuperuser, givenPaidOrder, type TestDatabaseUrl } from './fixtures';
import type { GivenOrder } from './orderFixtures';

/** What the arrival's workflow does, without its waits. */

export interface GivenHandOut {
  campaignId?: string;
  offerAnswerSeconds?: number;
  /** Lines a batch. */
  limit?: number;
}

/** Hands out what has come, batch by batch, and settles. Answers what was done and how the campaign stands. */
export async function givenHandOut(
  where: TestDatabaseUrl,
  tenant: string,
  { campaignId = 'early', offerAnswerSeconds = 3600, limit }: GivenHandOut = {},
): Promise<Omit<ConversionResult, 'next'> & CampaignStanding & { batches: number }> {
  return asApplication(where, async (db) => {
    const sum = { converted: 0, offered: 0, parked: 0, batches: 0 };
    let after: WaitingPlace | null = null;
    do {
      const batch: ConversionResult = await convertBatch(db, {
        tenant,
        campaignId,
        after,
        offerAnswerSeconds,
        limit,
      });
      sum.converted += batch.converted;
      sum.offered += batch.offered;
      sum.parked += batch.parked;
      sum.batches += 1;
      after = batch.next;
    } while (after !== null);
    return { ...sum, ...(await settleCampaign(db, { tenant, campaignId })) };
  });
}

/** A paid presale order of some `apple` from the campaign `early`. */
export function givenPresaleOrder(
  where: TestDatabaseUrl,
  tenant: string,
  {
    quantity = 1,
    campaignId = 'early',
    sku = 'apple',
    ...given
  }: GivenOrder & { quantity?: number; campaignId?: string; sku?: string } = {},
): Promise<{ orderId: string; totalFen: number }> {
  return givenPaidOrder(where, tenant, { lines: [{ sku, quantity, campaignId }], ...given });
}

/** The campaign's hours are over. */
export async function closeCampaign(
  where: TestDatabaseUrl,
  tenant: string,
  campaignId = 'early',
): Promise<void> {
  await asSuperuser(
    where,
    `UPDATE presale_campaign SET closes_at = clock_timestamp() - interval '1 ms' WHERE tenant = $1 AND campaign_id = $2`,
    [tenant, campaignId],
  );
}

/** Units that lie in reserve for a campaign. */
export async function reservedUnits(
  where: TestDatabaseUrl,
  tenant: string,
  campaignId = 'early',
): Promise<number> {
  const [row] = await asSuperuser<{ units: number }>(
    where,
    'SELECT coalesce(sum(units), 0)::integer AS units FROM campaign_reserve WHERE tenant = $1 AND campaign_id = $2',
    [tenant, campaignId],
  );
  return row?.units ?? 0;
}
