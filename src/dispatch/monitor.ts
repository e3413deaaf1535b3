import { Histogram, type Registry } from 'prom-client';
import type { Config } from '../config';
import type { PoolLoad } from '../db/transaction';
import { type Monitor, addCounter, addGauge, addPoolGauges, createRegistry, serveMonitor } from '../metrics';
import type { Heat } from './heat';
import type { LoopWatch } from './loop';
import type { OutboxWatch } from './outbox';
import type { Pace } from './pace';

export interface DispatchMonitor extends LoopWatch, OutboxWatch {
  serve(): Promise<Monitor>;
}

interface MonitorOptions {
  config: Config;
  pools: readonly { load(): PoolLoad }[];
  pace: Pick<Pace, 'limit' | 'swiftMs'>;
  heat: Pick<Heat, 'level' | 'perSecond'>;
  /** By how much the latest Temporal Schedule is behind its time. */
  scheduleLateSeconds(): number;
}

/** The loops that orders wait for; the others may be behind without anybody noticing. */
const vital = ['outbox', 'sweeper', 'sealer'];
const lateMs = 30_000;

/** Keeps when each loop last had a good round, and shows it. */
export function createDispatchMonitor({
  config,
  pools,
  pace,
  heat,
  scheduleLateSeconds,
}: MonitorOptions): DispatchMonitor {
  const lastGoodMs = new Map<string, number>();
  const registry = createRegistry();
  addGauge(registry, {
    name: 'xianda_loop_last_good_round_seconds',
    help: 'Seconds since each loop of the dispatcher last had a round that did not fail.',
    labelNames: ['loop'],
    read: () =>
      [...lastGoodMs].map(([loop, atMs]) => ({ value: (performance.now() - atMs) / 1000, labels: { loop } })),
  });
  const failures = addCounter(registry, {
    name: 'xianda_loop_failures_total',
    help: 'Rounds that failed; what they should have done is done by a later one.',
    labelNames: ['loop'],
  });
  addGauge(registry, {
    name: 'xianda_schedule_late_seconds',
    help: 'By how much the latest Temporal Schedule was behind its time when last listed.',
    read: scheduleLateSeconds,
  });
  addPoolGauges(registry, () => pools.map((pool) => pool.load()));
  addPaceGauges(registry, { pace, heat });
  const calls = new Histogram({
    name: 'xianda_temporal_call_seconds',
    help: 'Calls to Temporal by what was told and whether it was taken.',
    labelNames: ['kind', 'outcome'],
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5],
    registers: [registry],
  });
  return {
    onCall: (kind, { good, milliseconds }) =>
      calls.observe({ kind, outcome: good ? 'taken' : 'failed' }, milliseconds / 1000),
    onRound(loop, good) {
      if (good) lastGoodMs.set(loop, performance.now());
      else failures.inc({ loop });
    },
    serve: () =>
      serveMonitor({
        port: config.metricsPort,
        host: config.mode === 'production' ? '0.0.0.0' : '127.0.0.1',
        registry,
        readiness: () => {
          const late = vital.filter(
            (loop) => performance.now() - (lastGoodMs.get(loop) ?? Number.NEGATIVE_INFINITY) > lateMs,
          );
          return late.length === 0
            ? { ok: true, reason: 'all loops turn' }
            : { ok: false, reason: `no good round within ${lateMs / 1000} s: ${late.join(', ')}` };
        },
      }),
  };
}

/** What the dispatcher has learnt: how much Temporal takes, and how much intake leaves of the machine. */
function addPaceGauges(registry: Registry, { pace, heat }: Pick<MonitorOptions, 'pace' | 'heat'>): void {
  addGauge(registry, {
    name: 'xianda_dispatch_calls_limit',
    help: 'Calls to Temporal that may be under way at once.',
    read: () => pace.limit,
  });
  addGauge(registry, {
    name: 'xianda_dispatch_swift_call_seconds',
    help: 'How long a call to Temporal takes while nothing queues, as learnt; the limit falls when calls take six times as long.',
    read: () => pace.swiftMs / 1000,
  });
  addGauge(registry, {
    name: 'xianda_intake_heat',
    help: 'How hot intake is: above 0 the starts of unpaid orders make way, at 1 they all but stop.',
    read: () => heat.level,
  });
  addGauge(registry, {
    name: 'xianda_outbox_written_per_second',
    help: 'Messages for Temporal written by all processes, lately.',
    read: () => heat.perSecond,
  });
}
