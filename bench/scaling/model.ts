/**
 * Who uses a processor for an order; `client` and `partners` only where a bench runs them on the same machine. An `api`
 * process computes in two threads: `api` is the one that reads and answers HTTP, `counter` the one that takes orders in.
 */
export type Role =
  | 'client'
  | 'partners'
  | 'api'
  | 'counter'
  | 'postgres'
  | 'dispatch'
  | 'worker'
  | 'temporal';

/** Processor milliseconds that one unit of work (an order taken, a workflow started, a life) costs each role. */
export type Work = Readonly<Partial<Record<Role, number>>>;

/** Machines that some roles share. */
export interface Pool {
  name: string;
  cores: number;
  roles: readonly Role[];
}

export interface Layout {
  pools: readonly Pool[];
  /** For roles whose process computes in one thread: how many of them run. Absent: no limit but the pool's. */
  threads?: Readonly<Partial<Record<Role, number>>>;
  /** How many batches may be under way at once for what everybody wants: 1 where one SKU is one row. */
  lanes?: number;
}

/** One lane commits one batch at a time: a fixed time each (round trips, flush) and a little for every order in it. */
export interface Batch {
  fixedMs: number;
  perOrderMs: number;
  mostOrders: number;
}

export interface Limit {
  resource: string;
  perSecond: number;
}

export interface Load {
  work: Work;
  perSecond: number;
}

/**
 * What each resource of a layout allows of one kind of work, lowest first: the first of the list saturates first.
 * `beside` is other work that has precedence. Queueing is left out: these are limits, not what a user should be let
 * in for; capacity is planned with room (`coresFor`).
 */
export function limitsOf(
  { pools, threads = {}, lanes = 1 }: Layout,
  { work, batch, beside = [] }: { work: Work; batch?: Batch; beside?: readonly Load[] },
): Limit[] {
  const limit = (resource: string, freeMs: number, costMs: number): Limit[] =>
    costMs > 0 ? [{ resource, perSecond: Math.max(0, freeMs) / costMs }] : [];
  const ofPools = pools.flatMap(({ name, cores, roles }) => {
    const taken = beside.reduce((sum, load) => sum + load.perSecond * costOf(load.work, roles), 0);
    return limit(name, cores * 1000 - taken, costOf(work, roles));
  });
  const ofThreads = (Object.entries(threads) as [Role, number][]).flatMap(([role, count]) => {
    const taken = beside.reduce((sum, load) => sum + load.perSecond * (load.work[role] ?? 0), 0);
    return limit(`${role} threads`, count * 1000 - taken, work[role] ?? 0);
  });
  const ofLanes = batch === undefined ? [] : [{ resource: 'hot lanes', perSecond: lanes * laneRate(batch) }];
  return [...ofPools, ...ofThreads, ...ofLanes].sort((a, b) => a.perSecond - b.perSecond);
}

function costOf(work: Work, roles: readonly Role[]): number {
  return roles.reduce((sum, role) => sum + (work[role] ?? 0), 0);
}

/** Orders a second that one lane commits when its batches are full. */
function laneRate({ fixedMs, perOrderMs, mostOrders }: Batch): number {
  return (mostOrders / (fixedMs + mostOrders * perOrderMs)) * 1000;
}

/**
 * The batch that settles in under a steady rate: while one is on its way the next gathers, so that orders = rate ×
 * time of a batch. Null where full batches cannot keep up.
 */
export function batchAt(perSecond: number, batch: Batch): { orders: number; ms: number } | null {
  const { fixedMs, perOrderMs, mostOrders } = batch;
  if (perSecond > laneRate(batch)) return null;
  const perMs = perSecond / 1000;
  // slower than one at a time: most orders leave alone, at once
  if (perMs * (fixedMs + perOrderMs) <= 1) return { orders: 1, ms: fixedMs + perOrderMs };
  const ms = fixedMs / (1 - perMs * perOrderMs);
  return { orders: Math.min(mostOrders, perMs * ms), ms };
}

/** Cores each role needs for some loads together, used to at most `share` of their time. */
export function coresFor(
  loads: readonly Load[],
  { share }: { share: number },
): Partial<Record<Role, number>> {
  const cores: Partial<Record<Role, number>> = {};
  for (const { work, perSecond } of loads) {
    for (const [role, costMs] of Object.entries(work) as [Role, number][]) {
      cores[role] = (cores[role] ?? 0) + (perSecond * costMs) / 1000 / share;
    }
  }
  return cores;
}
