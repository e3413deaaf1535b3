import { setTimeout as sleep } from 'node:timers/promises';
import { readCpuMs } from '../support/processes';
import type { Servers } from '../support/servers';
import type { Design } from './design';

export interface RoundPlan {
  /** Lives under way at any time: enough that the processors, not the waits, are the limit. */
  inFlight: number;
  seconds: number;
  /** Before anything is measured: connections prepare their statements, code is compiled. */
  warmUpSeconds: number;
}

export interface Round {
  lives: number;
  seconds: number;
  livesPerSecond: number;
  /** Processor milliseconds by process within the measured time; `bench` is the client itself. */
  cpuMs: Record<string, number>;
}

const topUpMs = 50;
/** Counting costs the server something too. */
const countMs = 500;
const buyersAtOnce = 64;
const stallMs = 120_000;

/**
 * Keeps `inFlight` lives under way; measures for `seconds` once as many as are under way at a time have ended, so
 * that neither filling up nor running dry is counted; then lets the rest come to their end.
 */
export async function runRound(
  design: Design,
  servers: Servers,
  { inFlight, seconds, warmUpSeconds }: RoundPlan,
): Promise<Round> {
  const before = await design.countClosed();
  const warmAt = performance.now() + warmUpSeconds * 1000;
  const sales = startSelling(design, inFlight);
  try {
    const start = await sales.until(servers, ({ closed, at }) => closed - before >= inFlight && at >= warmAt);
    const end = await sales.until(servers, ({ at }) => at - start.at >= seconds * 1000);
    sales.stop();
    await sales.until(servers, ({ closed }) => closed === design.placed());
    const lives = end.closed - start.closed;
    const elapsed = (end.at - start.at) / 1000;
    const cpuMs = Object.fromEntries(
      Object.entries(end.cpuMs).map(([name, used]) => [name, used - (start.cpuMs[name] ?? 0)]),
    );
    return { lives, seconds: elapsed, livesPerSecond: lives / elapsed, cpuMs };
  } finally {
    await sales.end();
  }
}

/** How things stood at one moment. */
interface Count {
  closed: number;
  at: number;
  cpuMs: Record<string, number>;
}

interface Sales {
  /** The first count, from now on, that is as wanted; throws when a buyer failed, or when nothing ends any more. */
  until(servers: Servers, wanted: (count: Count) => boolean): Promise<Count>;
  /** Sells no more. */
  stop(): void;
  end(): Promise<void>;
}

function startSelling(design: Design, inFlight: number): Sales {
  let closed = design.placed();
  let selling = true;
  let failure: unknown;
  const buyers = new Set<Promise<void>>();
  const send = () => {
    const buyer = design.sell().catch((error: unknown) => void (failure ??= error));
    buyers.add(buyer);
    void buyer.finally(() => buyers.delete(buyer));
  };
  const timer = setInterval(() => {
    while (selling && buyers.size < buyersAtOnce && design.placed() - closed < inFlight) send();
  }, topUpMs);
  return {
    async until(servers, wanted) {
      for (let moved = { closed, at: performance.now() }; ; ) {
        closed = await design.countClosed();
        const at = performance.now();
        const count = { closed, at, cpuMs: readCpu(servers) };
        servers.expectAlive();
        if (failure !== undefined) throw failure;
        if (wanted(count)) return count;
        if (closed !== moved.closed) moved = { closed, at };
        if (at - moved.at > stallMs) throw new Error(`no life has ended for ${stallMs / 1000} s`);
        await sleep(countMs);
      }
    },
    stop: () => void (selling = false),
    async end() {
      selling = false;
      clearInterval(timer);
      await Promise.all(buyers);
    },
  };
}

function readCpu(servers: Servers): Record<string, number> {
  const { user, system } = process.cpuUsage();
  const others = [...servers.pids()].map(([name, pid]): [string, number] => [name, readCpuMs(pid)]);
  return { ...Object.fromEntries(others), bench: (user + system) / 1000 };
}
