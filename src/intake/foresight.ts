import type { Wanted } from '../db/admission';
import type { LotBalance } from '../domain/inventory/model';
import type { PointZone } from '../domain/network/model';
import { afterTakes, type GuardedStock, type StockTakes } from '../domain/order/stockForecast';

/**
 * What this process last saw under stock locks, less what its batches under way are about to take. A forecast and
 * nothing else: it chooses what is written before the locks are had, and never what is promised.
 */
export interface Foresight {
  /** The stock as a batch will find it if all that is under way commits; null where that cannot be told. */
  foresee(tenant: string, wanted: Wanted): GuardedStock | null;
  /** A batch sets out to take these: those after it reckon with that until it has arrived under its locks, or failed. */
  setOut(tenant: string, takes: StockTakes): void;
  arrive(tenant: string, takes: StockTakes): void;
  /** What stood under the locks of a batch, and what it takes of that. */
  noteSeen(tenant: string, seen: Seen): void;
  /** Nobody knows what became of a batch. */
  forget(tenant: string): void;
  /** What was written ahead could stay, or had to be undone: then nobody plans ahead for a while. */
  noteOutcome(tenant: string, outcome: 'right' | 'wrong'): void;
}

export interface Seen {
  wanted: Wanted;
  stock: GuardedStock;
  takes: StockTakes;
}

/** Older knowledge is worth little: others have been there since. */
const freshMs = 2000;
const shortestPauseMs = 250;
const longestPauseMs = 60_000;
const mostTenants = 100;
const mostOfTenant = 10_000;

interface Known<Value> {
  value: Value;
  seenMs: number;
}

interface TenantSight {
  goods: Map<string, Known<LotBalance[]>>;
  /** By what is sold. */
  waiting: Map<string, Known<number>>;
  points: Map<string, Known<Record<PointZone, number>>>;
  underWay: Set<StockTakes>;
  pauseMs: number;
  pausedUntilMs: number;
}

/** `clock` is for tests: milliseconds that only rise. */
export function createForesight(clock = () => performance.now()): Foresight {
  const tenants = new Map<string, TenantSight>();

  function sightOf(tenant: string): TenantSight {
    const sight = tenants.get(tenant) ?? blind();
    tenants.delete(tenant);
    tenants.set(tenant, sight);
    if (tenants.size > mostTenants) tenants.delete(tenants.keys().next().value as string);
    return sight;
  }

  return {
    foresee(tenant, { skus, goods, pointIds }) {
      const sight = tenants.get(tenant);
      const now = clock();
      if (!sight || now < sight.pausedUntilMs) return null;
      const since = now - freshMs;
      const waiting = recall(sight.waiting, skus, since);
      const lots = recall(sight.goods, goods, since);
      const loads = recall(sight.points, pointIds, since);
      if (!waiting || !lots || !loads) return null;
      let stock: GuardedStock = {
        lots: [...lots.values()].flat(),
        pointLoads: loads,
        waiting: new Map([...waiting].filter(([, units]) => units > 0)),
      };
      for (const takes of sight.underWay) stock = afterTakes(stock, takes);
      return stock;
    },
    setOut(tenant, takes) {
      sightOf(tenant).underWay.add(takes);
    },
    arrive(tenant, takes) {
      tenants.get(tenant)?.underWay.delete(takes);
    },
    noteSeen(tenant, { wanted, stock, takes }) {
      const sight = sightOf(tenant);
      if (sight.goods.size + sight.waiting.size + sight.points.size > mostOfTenant) forgetStock(sight);
      const seenMs = clock();
      const left = afterTakes(stock, takes);
      for (const sku of wanted.skus) sight.waiting.set(sku, { value: left.waiting.get(sku) ?? 0, seenMs });
      for (const sku of wanted.goods) sight.goods.set(sku, { value: [], seenMs });
      for (const lot of left.lots) sight.goods.get(lot.sku)?.value.push(lot);
      for (const [id, load] of left.pointLoads) sight.points.set(id, { value: load, seenMs });
    },
    forget(tenant) {
      const sight = tenants.get(tenant);
      if (sight) forgetStock(sight);
    },
    noteOutcome(tenant, outcome) {
      const sight = sightOf(tenant);
      if (outcome === 'right') {
        sight.pauseMs *= 0.9;
        return;
      }
      sight.pauseMs = Math.min(longestPauseMs, Math.max(shortestPauseMs, sight.pauseMs * 2));
      sight.pausedUntilMs = clock() + sight.pauseMs;
    },
  };
}

function blind(): TenantSight {
  return {
    goods: new Map(),
    waiting: new Map(),
    points: new Map(),
    underWay: new Set(),
    pauseMs: 0,
    pausedUntilMs: 0,
  };
}

function forgetStock({ goods, waiting, points }: TenantSight): void {
  for (const map of [goods, waiting, points]) map.clear();
}

/** What is known of all of these; null when of one of them nothing is known that was seen since. */
function recall<Value>(
  known: Map<string, Known<Value>>,
  ids: readonly string[],
  since: number,
): Map<string, Value> | null {
  const recalled = new Map<string, Value>();
  for (const id of ids) {
    const each = known.get(id);
    if (!each || each.seenMs < since) return null;
    recalled.set(id, each.value);
  }
  return recalled;
}
