import { type Figure, figure } from '../support/figures';
import { readCpuMs } from '../support/processes';
import type { Servers } from '../support/servers';
import { formatTable } from '../support/table';
import { type Asked, acceptedAnswer, soldOutAnswer } from './crowd';

/** The main burst, as its buyers saw it. */
export interface Sale {
  asked: Asked[];
  accepted: Asked[];
  refused: Asked[];
  /** First request and last answer, in milliseconds. */
  startedAt: number;
  endedAt: number;
  /** Processor milliseconds by process meanwhile. */
  cpuMs: Record<string, number>;
}

export function startMeter(servers: Servers, crowdPid: number): { stop(): Record<string, number> } {
  const read = () =>
    Object.fromEntries(
      [...servers.pids(), ['buyers', crowdPid] as const].map(([name, pid]) => [name, readCpuMs(pid)]),
    );
  const before = read();
  return {
    stop: () =>
      Object.fromEntries(Object.entries(read()).map(([name, ms]) => [name, ms - (before[name] ?? 0)])),
  };
}

export function describeSale({ asked, accepted, refused, startedAt, endedAt, cpuMs }: Sale): string[] {
  const seconds = (endedAt - startedAt) / 1000;
  const row = (name: string, some: readonly Asked[]) => [
    name,
    String(some.length),
    ...[0.5, 0.99, 1].map((part) => latencyMs(some, part).toFixed(0)),
  ];
  const others = asked.filter(({ outcome }) => outcome !== acceptedAnswer && outcome !== soldOutAnswer);
  const repeated = asked.filter(({ attempts }) => attempts > 1).length;
  const processes = Object.entries(cpuMs).map(([name, ms]) => [
    name,
    ((ms / 1000 / seconds) * 100).toFixed(0),
  ]);
  return [
    `All were answered in ${seconds.toFixed(1)} s; ${repeated} were sent more than once.`,
    ...formatTable([
      ['answer', 'requests', 'p50 ms', 'p99 ms', 'most ms'],
      row('accepted', accepted),
      row('sold out', refused),
      ...[...new Set(others.map(({ outcome }) => outcome))].map((each) =>
        row(
          each,
          others.filter(({ outcome }) => outcome === each),
        ),
      ),
    ]),
    '',
    ...formatTable([['process', '% of one core'], ...processes]),
  ];
}

/** From the sending that was answered; what came before it was told to wait. */
function latencyMs(asked: readonly Asked[], part: number): number {
  if (asked.length === 0) return Number.NaN;
  const sorted = Float64Array.from(asked, ({ sentAt, answeredAt }) => answeredAt - sentAt).sort();
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] as number;
}

export function sumUpSale({ asked, accepted, refused, startedAt, endedAt }: Sale): Figure[] {
  return [
    figure('requestsPerSecond', (asked.length / (endedAt - startedAt)) * 1000, { unit: 'requests/s' }),
    figure('acceptedP99Ms', latencyMs(accepted, 0.99), { unit: 'ms' }),
    figure('refusedP99Ms', latencyMs(refused, 0.99), { unit: 'ms' }),
  ];
}
