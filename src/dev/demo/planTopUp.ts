import { hotSkus } from '../seed/catalogue';
import type { Show } from './showModel';

/** Of a hot SKU about a third of what is asked for is there; of everything else a fifth more. */
const hotShare = 0.34;
const otherShare = 1.2;
const spareUnits = 6;

/**
 * How many units of each SKU come in for the show. What is still sellable of a hot SKU from earlier shows counts, so that
 * it sells out every time.
 */
export function planTopUp(show: Show, sellable: Map<string, number>): Map<string, number> {
  const units = new Map<string, number>();
  for (const [sku, asked] of show.demand) {
    const wanted = hotSkus.includes(sku)
      ? Math.ceil(asked * hotShare) - (sellable.get(sku) ?? 0)
      : Math.ceil(asked * otherShare) + spareUnits;
    if (wanted > 0) units.set(sku, wanted);
  }
  return units;
}
