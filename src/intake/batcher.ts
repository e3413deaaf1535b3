import { setTimeout as sleep } from 'node:timers/promises';
import { isUnavailable } from '../db/transaction';

/** One kind of work that is done for many requests of one tenant in one transaction. */
export interface BatchKind<Request, Answer> {
  name: string;
  /**
   * Carries out the requests in the order given, in one transaction, and answers each, in the same order. Safe to
   * repeat: whatever became of an earlier try, the requests' keys tell it. Throws when nothing of it was written, or
   * when nobody knows.
   */
  run(tenant: string, requests: readonly Request[]): Promise<readonly Answer[]>;
  /** Goes ahead of the tenant's other kinds, and is not turned away when the queue is full: money that came. */
  urgent?: boolean;
}

export interface Batcher {
  /**
   * Hands in one request; answers when the transaction that carried it out has committed. Throws `Overloaded` at once
   * when too many of the tenant wait already.
   */
  submit<Request, Answer>(
    kind: BatchKind<Request, Answer>,
    tenant: string,
    request: Request,
  ): Promise<Answer>;
  /** How many requests of a tenant wait for a lane. */
  waitingOf(tenant: string): number;
  load(): BatcherLoad;
}

export interface BatcherLoad {
  /** Requests that wait for a lane. */
  waiting: number;
  /** Batches under way. */
  running: number;
  /** Requests answered since the start. */
  answered: number;
  /** Batches that came to their end since the start. */
  batches: number;
}

/** The tenant's queue is full: nothing was done for the request. */
export class Overloaded extends Error {
  override name = 'Overloaded';
  constructor(readonly retryAfterSeconds: number) {
    super('too many requests of the tenant wait already');
  }
}

export interface BatcherOptions {
  /** Batches under way at once, of all tenants. */
  lanes: number;
  /** Of one tenant: with two, one is prepared while the other is written. */
  lanesOfTenant: number;
  /** So many must wait for a batch to leave beside another of the tenant; 1 when not given. */
  leastBeside?: number;
  mostInBatch: number;
  /** Requests of one tenant that may wait. */
  mostWaiting: number;
}

interface Waiting {
  request: unknown;
  resolve(answer: unknown): void;
  reject(error: unknown): void;
}

interface TenantQueue {
  tenant: string;
  /** By kind; urgent kinds are looked at first, then the kinds in turn. */
  kinds: Map<BatchKind<unknown, unknown>, Waiting[]>;
  waiting: number;
  running: number;
}

/** A database that comes back within this long costs a burst some delay and no error. */
const pausesMs = [20, 100, 400];

/**
 * Group commit: while the batches of a tenant are on their way, its next requests gather, and leave together when a
 * lane is free. No timer delays a lone request. One tenant and one kind a batch; tenants take turns. A batch that
 * meets a database that is away is tried again whole; one that fails otherwise is halved until the request that
 * cannot be done fails alone.
 */
export function createBatcher(options: BatcherOptions): Batcher {
  const queues = new Map<string, TenantQueue>();
  const totals = { waiting: 0, running: 0, answered: 0, batches: 0 };
  let pumping = false;

  /** At the end of the event loop's turn: requests that came in together leave together. */
  function pump(): void {
    if (pumping) return;
    pumping = true;
    setImmediate(() => {
      pumping = false;
      while (totals.running < options.lanes) {
        const queue = nextTenant(queues, options);
        if (!queue) return;
        void runNext(queue);
      }
    });
  }

  async function runNext(queue: TenantQueue): Promise<void> {
    const { kind, batch } = takeBatch(queue, options.mostInBatch);
    queue.waiting -= batch.length;
    totals.waiting -= batch.length;
    queue.running += 1;
    totals.running += 1;
    await settle(kind, queue.tenant, batch);
    queue.running -= 1;
    totals.running -= 1;
    totals.answered += batch.length;
    totals.batches += 1;
    if (queue.waiting === 0 && queue.running === 0) queues.delete(queue.tenant);
    pump();
  }

  return {
    submit(kind, tenant, request) {
      const queue = queueOf(queues, tenant);
      if (queue.waiting >= options.mostWaiting && kind.urgent !== true) {
        return Promise.reject(new Overloaded(1));
      }
      return new Promise((resolve, reject) => {
        const waiting = { request, resolve, reject } as Waiting;
        const line = queue.kinds.get(kind as BatchKind<unknown, unknown>);
        if (line) line.push(waiting);
        else queue.kinds.set(kind as BatchKind<unknown, unknown>, [waiting]);
        queue.waiting += 1;
        totals.waiting += 1;
        pump();
      });
    },
    waitingOf: (tenant) => queues.get(tenant)?.waiting ?? 0,
    load: () => ({ ...totals }),
  };
}

/** Tenants take turns: whoever is served goes to the end of the line. */
function nextTenant(
  queues: Map<string, TenantQueue>,
  { lanesOfTenant, leastBeside = 1 }: BatcherOptions,
): TenantQueue | undefined {
  for (const queue of queues.values()) {
    if (queue.running >= lanesOfTenant) continue;
    if (queue.waiting < (queue.running === 0 ? 1 : leastBeside)) continue;
    queues.delete(queue.tenant);
    queues.set(queue.tenant, queue);
    return queue;
  }
  return undefined;
}

function queueOf(queues: Map<string, TenantQueue>, tenant: string): TenantQueue {
  let queue = queues.get(tenant);
  if (!queue) {
    queue = { tenant, kinds: new Map(), waiting: 0, running: 0 };
    queues.set(tenant, queue);
  }
  return queue;
}

interface Batch {
  kind: BatchKind<unknown, unknown>;
  batch: Waiting[];
}

function takeBatch(queue: TenantQueue, most: number): Batch {
  const lines = [...queue.kinds];
  const [kind, line] = lines.find(([each]) => each.urgent === true) ?? (lines[0] as (typeof lines)[number]);
  const batch = line.splice(0, most);
  // kinds take turns too
  queue.kinds.delete(kind);
  if (line.length > 0) queue.kinds.set(kind, line);
  return { kind, batch };
}

/** Carries a batch out and answers everybody in it; never throws. */
async function settle(kind: Batch['kind'], tenant: string, batch: Waiting[]): Promise<void> {
  try {
    const answers = await runPatiently(kind, tenant, batch);
    for (const [index, { resolve }] of batch.entries()) resolve(answers[index]);
  } catch (error) {
    if (batch.length === 1 || isUnavailable(error)) {
      for (const { reject } of batch) reject(error);
      return;
    }
    const middle = Math.ceil(batch.length / 2);
    await settle(kind, tenant, batch.slice(0, middle));
    await settle(kind, tenant, batch.slice(middle));
  }
}

async function runPatiently(
  kind: Batch['kind'],
  tenant: string,
  batch: Waiting[],
): Promise<readonly unknown[]> {
  const requests = batch.map(({ request }) => request);
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await kind.run(tenant, requests);
    } catch (error) {
      const pauseMs = pausesMs[attempt];
      if (pauseMs === undefined || !isUnavailable(error)) throw error;
      await sleep(pauseMs);
    }
  }
}
