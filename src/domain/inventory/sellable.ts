import type { Zone } from '../catalogue/model';
import { addDays, endOfDay, instantOf, localDateOf, nextDeparture } from '../network/calendar';
import type { Carrier, Instant, Leader, LocalDate, Site } from '../network/model';
import { freeUnits, isUsable, poolSellable, siteSellable } from './availability';
import type { LotBalance } from './model';

export interface SellableSku {
  sku: string;
  zone: Zone;
  safetyStock: number;
  minimumLifeDays: number;
  components: { sku: string; quantity: number }[];
}

export interface SellableState {
  now: Instant;
  timeZone: string;
  sites: Site[];
  carriers: Carrier[];
  leaders: Leader[];
  lots: LotBalance[];
  skus: Map<string, SellableSku>;
  /** Units of each SKU that those on the waiting list ask for: nobody behind them may have these. */
  waiting: Map<string, number>;
}

export interface Sellable {
  sellable: number;
  /** Earliest expiry among usable free units; null when there are none. */
  nearestExpiry: LocalDate | null;
}

/**
 * The earliest day on which goods of a zone could be handed over from a site: its next departure plus the
 * quickest carrier's transit, or the day after by leader run. Special goods must leave today. Without any way
 * yet (a brand that is still setting up) the departure's own day; null when the site cannot serve the zone.
 */
export function earliestHandOverDay(site: Site, zone: Zone, state: SellableState): LocalDate | null {
  if (!site.zones.includes(zone)) return null;
  const departure = nextDeparture(site, state.now, state.timeZone);
  if (departure === null) return null;
  const day = localDateOf(departure, state.timeZone);
  if (zone === 'special' && day !== localDateOf(state.now, state.timeZone)) return null;
  const transit = state.carriers
    .filter((carrier) => carrier.zones.includes(zone))
    .map((carrier) => carrier.transitDays);
  if (
    zone !== 'special' &&
    state.leaders.some((leader) => zone === 'ambient' || leader.certificate === 'cold')
  )
    transit.push(1);
  return addDays(day, transit.length > 0 ? Math.min(...transit) : 0);
}

/**
 * Units of a SKU that can be promised now: Σ over sites of max(0, usable − the site's safety stock) − the SKU's
 * own − what those on the waiting list ask for. Of a bundle: what its scarcest component allows.
 */
export function sellableOf(sku: SellableSku, state: SellableState): Sellable {
  if (sku.components.length === 0) return sellablePlain(sku, state);
  const parts = sku.components.map((part) => {
    const component = state.skus.get(part.sku);
    const one = component ? sellablePlain(component, state) : { sellable: 0, nearestExpiry: null };
    return { sellable: Math.floor(one.sellable / part.quantity), nearestExpiry: one.nearestExpiry };
  });
  const expiries = parts.flatMap((part) => (part.nearestExpiry === null ? [] : [part.nearestExpiry]));
  return {
    sellable: Math.min(...parts.map((part) => part.sellable)),
    nearestExpiry: expiries.sort()[0] ?? null,
  };
}

function sellablePlain(sku: SellableSku, state: SellableState): Sellable {
  let nearestExpiry: LocalDate | null = null;
  const perSite = state.sites.map((site) => {
    const handOverOn = earliestHandOverDay(site, sku.zone, state);
    if (handOverOn === null) return 0;
    const usable = state.lots.filter(
      (lot) =>
        lot.sku === sku.sku && lot.siteId === site.siteId && isUsable(lot, handOverOn, sku.minimumLifeDays),
    );
    for (const lot of usable) {
      if (freeUnits(lot) > 0 && (nearestExpiry === null || lot.expiresOn < nearestExpiry))
        nearestExpiry = lot.expiresOn;
    }
    return siteSellable(usable, site.safetyStock);
  });
  const kept = sku.safetyStock + (state.waiting.get(sku.sku) ?? 0);
  return { sellable: poolSellable(perSite, kept), nearestExpiry };
}

/**
 * First instant after now at which the calendar alone may change what is sellable: a day begins, or the first
 * millisecond past a site's cutoff of today.
 */
export function nextCalendarChange({
  now,
  timeZone,
  sites,
}: Pick<SellableState, 'now' | 'timeZone' | 'sites'>): Instant {
  const today = localDateOf(now, timeZone);
  const pastCutoffs = sites.map(({ cutoff }) => instantOf(today, cutoff, timeZone) + 1);
  return Math.min(endOfDay(today, timeZone), ...pastCutoffs.filter((at) => at > now));
}

/** What of one lot can be sold now, before any safety stock: 0 when it is not usable. */
export function sellableOfLot(
  lot: LotBalance,
  handOverOn: LocalDate | null,
  minimumLifeDays: number,
): number {
  return handOverOn !== null && isUsable(lot, handOverOn, minimumLifeDays) ? freeUnits(lot) : 0;
}
