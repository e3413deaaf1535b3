import { freeUnits } from '../inventory/availability';
import type { LotBalance } from '../inventory/model';
import type { PointZone } from '../network/model';
import type { Admitted } from './admission';
import type { LedgerState } from './admissionLedger';

/** What of a ledger's state the stock locks guard. */
export type GuardedStock = Pick<LedgerState, 'lots' | 'pointLoads' | 'waiting'>;

/** What orders take of it. */
export interface StockTakes {
  /** By `lotKey`. */
  units: Map<string, number>;
  /** Millilitres, by pickup point. */
  litres: Map<string, Record<PointZone, number>>;
}

type Lot = Pick<LotBalance, 'sku' | 'siteId' | 'lotId'>;

function lotKey({ sku, siteId, lotId }: Lot): string {
  return JSON.stringify([sku, siteId, lotId]);
}

/** All that orders take which were admitted. */
export function sumTakes(
  orders: readonly { admitted: Admitted; pickupPointId: string | null }[],
): StockTakes {
  const units = new Map<string, number>();
  const litres: StockTakes['litres'] = new Map();
  for (const { admitted, pickupPointId } of orders) {
    for (const hold of admitted.holds) {
      const key = lotKey(hold);
      units.set(key, (units.get(key) ?? 0) + hold.quantity);
    }
    if (pickupPointId === null || admitted.capacity.length === 0) continue;
    const taken = litres.get(pickupPointId) ?? { ambient: 0, chilled: 0, frozen: 0 };
    for (const { zone, millilitres } of admitted.capacity) taken[zone] += millilitres;
    litres.set(pickupPointId, taken);
  }
  return { units, litres };
}

/** The stock as the next would find it once these are held. */
export function afterTakes(stock: GuardedStock, { units, litres }: StockTakes): GuardedStock {
  const lots = stock.lots.map((lot) => ({ ...lot, held: lot.held + (units.get(lotKey(lot)) ?? 0) }));
  const pointLoads = new Map(
    [...stock.pointLoads].map(([id, load]) => {
      const taken = litres.get(id);
      return [id, taken ? addLitres(load, taken) : load];
    }),
  );
  return { lots, pointLoads, waiting: stock.waiting };
}

function addLitres(a: Record<PointZone, number>, b: Record<PointZone, number>): Record<PointZone, number> {
  return {
    ambient: a.ambient + b.ambient,
    chilled: a.chilled + b.chilled,
    frozen: a.frozen + b.frozen,
  };
}

/**
 * Whether every order is decided alike on both. A decision sees of a lot how many units are free and not why the others
 * are not: money that comes turns held units into committed ones and changes nothing.
 */
export function decidesAlike(a: GuardedStock, b: GuardedStock): boolean {
  return (
    sameEntries(freeByLot(a.lots), freeByLot(b.lots)) &&
    sameEntries(a.waiting, b.waiting) &&
    sameEntries(millilitresByZone(a), millilitresByZone(b))
  );
}

/** By lot and its last day. A lot that has nothing to give is as good as none. */
function freeByLot(lots: readonly LotBalance[]): Map<string, number> {
  const free = new Map<string, number>();
  for (const lot of lots) {
    const units = freeUnits(lot);
    if (units > 0) free.set(`${lotKey(lot)} ${lot.expiresOn}`, units);
  }
  return free;
}

function millilitresByZone({ pointLoads }: GuardedStock): Map<string, number> {
  const taken = new Map<string, number>();
  for (const [id, load] of pointLoads) {
    for (const [zone, millilitres] of Object.entries(load)) {
      if (millilitres > 0) taken.set(`${id} ${zone}`, millilitres);
    }
  }
  return taken;
}

function sameEntries(a: Map<string, number>, b: Map<string, number>): boolean {
  if (a.size !== b.size) return false;
  for (const [key, value] of a) if (b.get(key) !== value) return false;
  return true;
}

const minuteMs = 60_000;
const mostApartMs = 1000;

/**
 * Whether a decision made for one moment is that of a later one too, but for how long its holds last. All that the clock
 * decides of an order for the shelf turns at whole minutes (days, cutoffs and departures), as seen from the moment
 * itself and from the ends of its holds.
 */
export function sameMoment(planned: number, now: number, holdsMs: Iterable<number>): boolean {
  if (now < planned || now - planned > mostApartMs) return false;
  for (const ms of [0, ...holdsMs]) {
    // strictly between two whole minutes, both: some limits include their minute and some do not
    if (Math.floor((planned + ms - 1) / minuteMs) !== Math.floor((now + ms) / minuteMs)) return false;
  }
  return true;
}
