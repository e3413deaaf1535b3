import { type Figure, figure } from '../support/figures';
import { hotOrderBody } from '../support/hotSku';
import type { HttpLoad } from '../support/load/generator';
import type { LoadProcess, LoadResult } from '../support/load/loadProcess';
import type { Servers } from '../support/servers';
import { formatTable } from '../support/table';

/** Requests under way at most, each on a kept connection: whoever comes then is sent late, and that counts. */
const mostUnderWay = 512;
const accepted = '201';

/** A shop that orders are sent to. */
export interface Front {
  url: string;
  key: string;
  /** No run may repeat the orders of another. */
  nextNumber: number;
}

export interface Run extends LoadResult {
  offeredPerSecond: number;
  /** Until the last answer: what a server that cannot keep up needs longer counts. */
  acceptedPerSecond: number;
  /** Whatever was not accepted, the warm-up's included. */
  failed: number;
}

interface Offer {
  ratePerSecond: number;
  seconds: number;
  warmUpSeconds: number;
}

/** Sends orders at a steady rate, whatever becomes of them. */
export async function offer(
  { servers, load }: { servers: Servers; load: LoadProcess<HttpLoad> },
  front: Front,
  { ratePerSecond, seconds, warmUpSeconds }: Offer,
): Promise<Run> {
  const { url, key, nextNumber: firstNumber } = front;
  front.nextNumber += Math.round(ratePerSecond * (seconds + warmUpSeconds));
  const pace = { kind: 'open', callers: mostUnderWay, ratePerSecond } as const;
  const order: Omit<HttpLoad, 'urls' | 'firstNumber'> = {
    method: 'POST',
    path: '/v1/orders',
    keys: [key],
    bodies: [hotOrderBody()],
  };
  const began = performance.now();
  const result = await load.run(
    { plan: { pace, warmUpSeconds, seconds }, load: { ...order, urls: [url], firstNumber } },
    servers.pids(),
  );
  const elapsedSeconds = (performance.now() - began) / 1000;
  servers.expectAlive();
  const taken = acceptedOf(result);
  return {
    ...result,
    offeredPerSecond: ratePerSecond,
    acceptedPerSecond: taken / elapsedSeconds,
    failed: total(result.whole) - taken,
  };
}

export function acceptedOf({ whole }: Pick<Run, 'whole'>): number {
  return whole[accepted] ?? 0;
}

function total(outcomes: Record<string, number>): number {
  return Object.values(outcomes).reduce((sum, count) => sum + count, 0);
}

/** Processor milliseconds for each order of the measured time, by process. */
export function cpuMsPerOrder({ cpuMs, measured }: Run): Record<string, number> {
  const orders = total(measured);
  return Object.fromEntries(Object.entries(cpuMs).map(([name, ms]) => [name, ms / orders]));
}

export function tellProcesses(run: Run): string[] {
  const rows = Object.entries(cpuMsPerOrder(run)).map(([name, ms]) => [
    name,
    (((run.cpuMs[name] as number) / run.seconds / 1000) * 100).toFixed(0),
    ms.toFixed(2),
  ]);
  return ['', ...formatTable([['process', '% of one core', 'CPU ms an order'], ...rows])];
}

export function tellRuns(name: string, runs: readonly Run[]): string[] {
  const rows = runs.map((run) => [
    String(run.offeredPerSecond),
    run.acceptedPerSecond.toFixed(0),
    run.p50Ms.toFixed(1),
    run.p99Ms.toFixed(1),
    run.mostMs.toFixed(0),
    Object.entries(run.whole)
      .map(([outcome, count]) => `${count} × ${outcome}`)
      .join(', '),
  ]);
  const head = [`offered/s, ${name}`, 'accepted/s', 'p50 ms', 'p99 ms', 'most ms', 'answers'];
  return ['', ...formatTable([head, ...rows])];
}

/** A point of a curve, told for information: `naiveP99MsAt300`. */
export function sumUpPoint(run: Run, prefix = ''): Figure[] {
  const name = (what: string) => {
    const whole = `${prefix}${what}At${run.offeredPerSecond}`;
    return whole.charAt(0).toLowerCase() + whole.slice(1);
  };
  return [
    figure(name('RatePerSecond'), run.acceptedPerSecond, { unit: 'orders/s' }),
    figure(name('P50Ms'), run.p50Ms, { unit: 'ms' }),
    figure(name('P99Ms'), run.p99Ms, { unit: 'ms' }),
    figure(name('Failed'), run.failed, { unit: 'orders' }),
  ];
}
