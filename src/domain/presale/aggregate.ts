import { addDays } from '../network/calendar';
import type { Instant, LocalDate } from '../network/model';
import { type EarlierCampaign, believeFill, believeSellThrough, projectSales } from './fill';

/** What a region of a campaign has sold at an instant. */
export interface RegionSold {
  region: string;
  quota: number;
  committed: number;
  held: number;
}

/** What it will have sold when the campaign closes: `units` at even odds, four times in five between low and high. */
export interface RegionProjection extends RegionSold {
  low: number;
  units: number;
  high: number;
}

const interval = [0.1, 0.5, 0.9];

export interface CampaignSold {
  opensAt: Instant;
  closesAt: Instant;
  regions: RegionSold[];
  earlier: EarlierCampaign[];
}

/** How much of the campaign's hours has passed, 0–1. */
export function elapsedShare(
  { opensAt, closesAt }: Pick<CampaignSold, 'opensAt' | 'closesAt'>,
  at: Instant,
): number {
  return Math.min(1, Math.max(0, (at - opensAt) / (closesAt - opensAt)));
}

/**
 * Projects each region's sales to the campaign's close. Never below what is paid, never above the quota; units held
 * unpaid may all be paid yet, so the upper end reaches at least them; after the close only those are open.
 */
export function projectCampaign(campaign: CampaignSold, at: Instant): RegionProjection[] {
  const elapsed = elapsedShare(campaign, at);
  const fill = believeFill(elapsed, campaign.earlier);
  const sellThrough = believeSellThrough(campaign.earlier);
  return campaign.regions.map((region) => {
    const { committed, held } = region;
    // a quota lowered since may be below what was sold then
    const quota = Math.max(region.quota, committed);
    const [low = committed, units = committed, high = committed] =
      elapsed < 1
        ? projectSales({ committed, quota, fill, sellThrough }, interval)
        : [committed, committed, committed];
    return { ...region, low, units, high: Math.max(high, Math.min(quota, committed + held)) };
  });
}

/** A real good behind the campaign's SKU, and how it is bought. */
export interface PurchasedGood {
  sku: string;
  perUnit: number;
  supplierId: string | null;
  leadDays: number;
  casePack: number;
  minimumOrder: number;
}

export interface Purchase {
  sku: string;
  supplierId: string | null;
  units: number;
  purchaseBy: LocalDate;
  regions: { region: string; units: number }[];
}

export interface PurchaseNeeds {
  regions: Pick<RegionProjection, 'region' | 'units'>[];
  goods: PurchasedGood[];
  deliverFrom: LocalDate;
  /** Closed days of each site that may receive the goods. */
  closedOn: LocalDate[][];
}

/**
 * What to buy for a projection: summed over the regions, raised to the supplier's minimum and to whole cases once for
 * the whole campaign, and given back to the regions in proportion, each at least what it is projected to need. Bought
 * by the day that leaves the lead before the last day on which some site is open to receive the goods.
 */
export function planPurchases({ regions, goods, deliverFrom, closedOn }: PurchaseNeeds): Purchase[] {
  const wanted = regions.reduce((total, region) => total + region.units, 0);
  const receiveOn = lastOpenDay(deliverFrom, closedOn);
  return goods.map(({ sku, perUnit, supplierId, leadDays, casePack, minimumOrder }) => {
    const needed = wanted * perUnit;
    const units = needed === 0 ? 0 : Math.ceil(Math.max(needed, minimumOrder) / casePack) * casePack;
    const shares = apportion(
      units,
      regions.map((region) => region.units),
    );
    return {
      sku,
      supplierId,
      units,
      purchaseBy: addDays(receiveOn, -leadDays),
      regions: regions.map(({ region }, index) => ({ region, units: shares[index] ?? 0 })),
    };
  });
}

const horizonDays = 60;

/** Last day up to `day` on which at least one of the sites is open; `day` itself where none ever is, or none is known. */
function lastOpenDay(day: LocalDate, closedOn: LocalDate[][]): LocalDate {
  if (closedOn.length === 0) return day;
  for (let back = 0; back <= horizonDays; back += 1) {
    const candidate = addDays(day, -back);
    if (closedOn.some((closed) => !closed.includes(candidate))) return candidate;
  }
  return day;
}

/**
 * Whole parts of `total` in proportion to the weights, by largest remainder; among equals the first. They sum to the
 * total exactly; without any weight the first takes all.
 */
export function apportion(total: number, weights: number[]): number[] {
  if (weights.length === 0) return [];
  const sum = weights.reduce((all, weight) => all + BigInt(weight), 0n);
  if (sum === 0n) return weights.map((_, index) => (index === 0 ? total : 0));
  // exact: products of two safe integers are none
  const parts = weights.map((weight, index) => {
    const product = BigInt(total) * BigInt(weight);
    return { index, whole: Number(product / sum), remainder: product % sum };
  });
  let rest = total - parts.reduce((all, { whole }) => all + whole, 0);
  const byRemainder = [...parts].sort((a, b) =>
    a.remainder === b.remainder ? a.index - b.index : a.remainder > b.remainder ? -1 : 1,
  );
  for (const part of byRemainder) {
    if (rest === 0) break;
    part.whole += 1;
    rest -= 1;
  }
  return parts.map(({ whole }) => whole);
}
