/** Goods of one SKU at one site when a day begins: usable units that nobody has taken. */
export interface SiteAtDawn {
  siteId: string;
  free: number;
  /** Units of the site that no order may touch. */
  safetyStock: number;
}

/** What one site's free units changed by within one slot of the day. */
export interface SlotChange {
  siteId: string;
  /** Counted from local midnight, in slots. */
  slot: number;
  delta: number;
}

export const slotMinutes = 10;
/** Hardly anybody buys before six in the morning: a shelf that is empty then misses nothing. */
const sellingFromSlot = (6 * 60) / slotMinutes;
const slotsOfDay = (24 * 60) / slotMinutes;
const sellingMinutes = (slotsOfDay - sellingFromSlot) * slotMinutes;
/** Shorter gaps are noise: a hold that comes back, a pallet that is booked late. */
const stockoutMinutes = 60;

export interface StockoutOfDay {
  stockout: boolean;
  /** Minutes from 06:00 to midnight at which nothing could be sold. */
  missedMinutes: number;
}

/**
 * Whether a SKU was sold out for a while on a finished day: an hour or more of its selling hours at which the pool's
 * sellable units — Σ over sites of max(0, free − the site's safety stock) − the SKU's own — were none.
 */
export function judgeStockout(day: {
  sites: readonly SiteAtDawn[];
  changes: readonly SlotChange[];
  /** The SKU's own. */
  safetyStock: number;
}): StockoutOfDay {
  const sites = new Map(day.sites.map((site) => [site.siteId, { ...site }]));
  const changes = [...day.changes].sort((a, b) => a.slot - b.slot);
  let next = 0;
  let missed = 0;
  for (let slot = 0; slot < slotsOfDay; slot += 1) {
    for (let change = changes[next]; change !== undefined && change.slot <= slot; change = changes[next]) {
      const site = sites.get(change.siteId);
      if (site) site.free += change.delta;
      next += 1;
    }
    if (slot >= sellingFromSlot && sellableOf(sites.values(), day.safetyStock) <= 0) missed += slotMinutes;
  }
  return { stockout: missed >= stockoutMinutes, missedMinutes: missed };
}

/** A stockout's minutes as a share of the selling hours. */
export function missedShareOf(missedMinutes: number): number {
  return Math.min(1, missedMinutes / sellingMinutes);
}

function sellableOf(sites: Iterable<SiteAtDawn>, safetyStock: number): number {
  let units = -safetyStock;
  for (const site of sites) units += Math.max(0, site.free - site.safetyStock);
  return units;
}
