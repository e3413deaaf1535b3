import { setTimeout as sleep } from 'node:timers/promises';
import { drawArrivals } from './arrivals';
import { createLatencies, type LatencyCounts } from './latencies';

/** Who calls, and how fast. */
export type Pace =
  /** So many callers; each sends its next request when its last is answered. */
  | { kind: 'closed'; callers: number }
  /** So many requests a second whatever becomes of them. With `callers` under way, the next is sent late. */
  | { kind: 'open'; callers: number; ratePerSecond: number; seed?: number };

export interface LoopPlan {
  pace: Pace;
  /** Before anything is measured: code is compiled, connections prepare their statements. */
  warmUpSeconds: number;
  seconds: number;
}

export interface LoopReport {
  /** How many requests ended how: of the measured seconds, and of the whole loop. */
  measured: Record<string, number>;
  whole: Record<string, number>;
  /** Of the measured requests: from when each was to be sent until its answer. */
  latencies: LatencyCounts;
  seconds: number;
  /** Processor milliseconds of this process within the measured seconds. */
  cpuMs: number;
}

/** Sends one request as one of the callers, and answers in a word how it ended. */
export type Call = (caller: number) => Promise<string>;

/** Told at both ends of the measured time. */
export interface LoopEnds {
  measuring(): void;
  measured(): void;
}

/**
 * Runs a loop from its warm-up until everything that was sent is answered. In a closed loop the answers of the
 * measured time count; in an open one the requests that were to be sent in it, however late they are answered.
 */
export async function runLoop(plan: LoopPlan, call: Call, ends: LoopEnds): Promise<LoopReport> {
  const book = keepBook(plan.pace.kind, ends);
  const failed = new AbortController();
  const watching = keepTime(plan, book, failed.signal);
  // a caller that fails ends the run at once
  const calling = runPace(plan, call, book).catch((error: unknown) => failed.abort(error));
  await Promise.all([watching, calling]);
  return book.report();
}

async function keepTime(
  { warmUpSeconds, seconds }: LoopPlan,
  book: Book,
  signal: AbortSignal,
): Promise<void> {
  const pass = (time: number) =>
    sleep(time * 1000, undefined, { signal }).catch(() => signal.throwIfAborted());
  await pass(warmUpSeconds);
  book.begin();
  await pass(seconds);
  book.end();
}

function runPace({ pace, warmUpSeconds, seconds }: LoopPlan, call: Call, book: Book): Promise<unknown> {
  const startedAt = performance.now();
  const arrivals =
    pace.kind === 'closed'
      ? null
      : drawArrivals({ rate: pace.ratePerSecond, seconds: warmUpSeconds + seconds, seed: pace.seed ?? 1 });
  let next = 0;
  const lane = async (caller: number) => {
    while (arrivals === null ? !book.isOver() : next < arrivals.length) {
      const dueAt = arrivals === null ? performance.now() : startedAt + (arrivals[next++] as number);
      const earlyMs = dueAt - performance.now();
      // rounded up: what is sent late counts against us, what is sent early would count for us
      if (earlyMs > 0) await sleep(Math.ceil(earlyMs));
      book.note(await call(caller), dueAt);
    }
  };
  return Promise.all(Array.from({ length: pace.callers }, (_, caller) => lane(caller)));
}

interface Book {
  begin(): void;
  end(): void;
  isOver(): boolean;
  note(outcome: string, sentAt: number): void;
  report(): LoopReport;
}

function keepBook(kind: Pace['kind'], ends: LoopEnds): Book {
  const latencies = createLatencies();
  const [measured, whole]: [Record<string, number>, Record<string, number>] = [{}, {}];
  let [from, to] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
  let cpu = process.cpuUsage();
  return {
    begin() {
      ends.measuring();
      from = performance.now();
      cpu = process.cpuUsage();
    },
    end() {
      to = performance.now();
      cpu = process.cpuUsage(cpu);
      ends.measured();
    },
    isOver: () => to !== Number.POSITIVE_INFINITY,
    note(outcome, sentAt) {
      const answeredAt = performance.now();
      whole[outcome] = (whole[outcome] ?? 0) + 1;
      const countsAt = kind === 'closed' ? answeredAt : sentAt;
      if (countsAt < from || countsAt > to) return;
      measured[outcome] = (measured[outcome] ?? 0) + 1;
      latencies.record(answeredAt - sentAt);
    },
    report: () => ({
      measured,
      whole,
      latencies: latencies.counts(),
      seconds: (to - from) / 1000,
      cpuMs: (cpu.user + cpu.system) / 1000,
    }),
  };
}
