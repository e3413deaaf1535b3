import type { Config } from '../config';
import type { PoolLoad } from '../db/transaction';
import { type Monitor, addCounter, addGauge, addPoolGauges, createRegistry, serveMonitor } from '../metrics';
import type { LoopWatch } from './loop';

export interface DispatchMonitor extends LoopWatch {
  serve(): Promise<Monitor>;
}

interface MonitorOptions {
  config: Config;
  pools: readonly { load(): PoolLoad }[];
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
  addPoolGauges(registry, pools);
  return {
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
