import type { Instant, LocalDate } from '../network/model';

/** A presale campaign (预售) sells a capped virtual quota per region, never the shelf. */
export interface Campaign {
  campaignId: string;
  sku: string;
  opensAt: Instant;
  closesAt: Instant;
  deliverFrom: LocalDate;
  deliverBy: LocalDate;
  priceFen: number | null;
  quotas: Quota[];
}

export interface Quota {
  region: string;
  units: number;
  /** Unpaid units; a hold past its end does not count. */
  held: number;
  sold: number;
  /** Units that those on the waiting list ask for: nobody behind them may have these. */
  waiting: number;
}

/** Units of a region's quota that can still be promised at an instant; 0 outside the campaign's hours. */
export function quotaRemaining(campaign: Campaign, region: string, at: Instant): number {
  if (at < campaign.opensAt || at >= campaign.closesAt) return 0;
  const quota = campaign.quotas.find((candidate) => candidate.region === region);
  return quota ? Math.max(0, quota.units - quota.held - quota.sold - quota.waiting) : 0;
}

/** First instant after `at` at which a campaign opens or closes; null when it has closed. */
export function nextCampaignChange({ opensAt, closesAt }: Campaign, at: Instant): Instant | null {
  if (at < opensAt) return opensAt;
  return at < closesAt ? closesAt : null;
}
