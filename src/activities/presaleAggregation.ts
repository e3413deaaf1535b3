import {
  type AggregationKey,
  findCampaignsToAggregate,
  insertAggregation,
  readCampaignAtTick,
} from '../db/presaleAggregation';
import { type AggregationTotals, findAggregationTotals } from '../db/presaleAggregation.read';
import type { Database } from '../db/transaction';
import { planPurchases, projectCampaign } from '../domain/presale/aggregate';
import { reportingFaults } from './faults';

export interface TenantTick {
  tenant: string;
  /** ISO 8601. */
  scheduledAt: string;
  asOf: string;
}

export interface CampaignTick extends TenantTick {
  campaignId: string;
}

export interface PresaleAggregationActivities {
  /** Campaigns that have opened by the tick and are not over, by id. */
  findCampaigns(tick: TenantTick): Promise<string[]>;
  /** Sums a campaign up as of the tick, projects it to its close and plans the purchase. Null: it is not there any more. */
  aggregateCampaign(tick: CampaignTick): Promise<AggregationTotals | null>;
}

export function createPresaleAggregationActivities({ db }: { db: Database }): PresaleAggregationActivities {
  return reportingFaults({
    findCampaigns: ({ tenant, asOf }) => findCampaignsToAggregate(db, { tenant, asOf: new Date(asOf) }),

    async aggregateCampaign({ tenant, campaignId, ...tick }) {
      const key = { campaignId, scheduledAt: new Date(tick.scheduledAt), asOf: new Date(tick.asOf) };
      // in two transactions: intake of the SKU waits for the first, and need not wait for the arithmetic
      const campaign = await db.inTenant(tenant, (tx) => readCampaignAtTick(tx, key));
      if (campaign === null) return null;
      const aggregation = decide(campaign, key);
      return db.inTenant(tenant, async (tx) => {
        await insertAggregation(tx, key, aggregation);
        return findAggregationTotals(tx, key);
      });
    },
  } satisfies PresaleAggregationActivities);
}

function decide(
  campaign: NonNullable<Awaited<ReturnType<typeof readCampaignAtTick>>>,
  { asOf }: AggregationKey,
) {
  const { regions: sold, earlier, goods, deliverFrom, closedOn } = campaign;
  const hours = { opensAt: campaign.opensAt.getTime(), closesAt: campaign.closesAt.getTime() };
  const regions = projectCampaign({ ...hours, regions: sold, earlier }, asOf.getTime());
  return { regions, purchases: planPurchases({ regions, goods, deliverFrom, closedOn }) };
}
