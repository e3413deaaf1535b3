import { freeUnits } from './availability';
import type { LotBalance } from './model';

export interface LotTake {
  lotId: string;
  quantity: number;
}

/** First expired, first out; equal dates by lot id so that a plan repeats. */
export function byExpiry(a: LotBalance, b: LotBalance): number {
  if (a.expiresOn !== b.expiresOn) return a.expiresOn < b.expiresOn ? -1 : 1;
  return a.lotId < b.lotId ? -1 : a.lotId > b.lotId ? 1 : 0;
}

/**
 * Takes `quantity` units from usable lots of one site, earliest expiry first. Takes less when there is less;
 * the caller has checked what the site can give and keeps its safety stock.
 */
export function takeFefo(usableLots: LotBalance[], quantity: number): LotTake[] {
  const takes: LotTake[] = [];
  let missing = quantity;
  for (const lot of [...usableLots].sort(byExpiry)) {
    const units = Math.min(missing, freeUnits(lot));
    if (units > 0) takes.push({ lotId: lot.lotId, quantity: units });
    missing -= units;
  }
  return takes;
}
