import { setTimeout as sleep } from 'node:timers/promises';
import type { Config } from '../config';
import { createLogger } from '../log';
import { addGauge, createRegistry, serveMonitor } from '../metrics';
import type { CoherenceReport } from './checkCoherence';
import { invariantTitles } from './report';
import { type DoctorConfig, examine } from './runDoctor';

type WatchConfig = DoctorConfig & Pick<Config, 'mode' | 'metricsPort' | 'logLevel'>;

export interface RunningWatch {
  monitorUrl: string | undefined;
  close(): Promise<void>;
}

const findingsLogged = 20;

/**
 * Looks again and again, and shows what the last look found as metrics: 0 for an invariant that holds, nothing for
 * one that could not be looked at. Answers once the first look is over; a look that fails is followed by the next.
 */
export async function keepWatch(
  config: WatchConfig,
  { everySeconds }: { everySeconds: number },
): Promise<RunningWatch> {
  const logger = createLogger({ role: 'doctor', level: config.logLevel });
  const stop = new AbortController();
  const seen: Seen = { report: undefined, atMs: undefined };
  const monitor = await serveMonitor({
    port: config.metricsPort,
    host: config.mode === 'production' ? '0.0.0.0' : '127.0.0.1',
    registry: createDoctorRegistry(seen),
    // findings are the alert's business: a doctor that can look is well
    readiness: () =>
      seen.atMs === undefined
        ? { ok: false, reason: 'has not seen the database yet' }
        : { ok: true, reason: 'looks' },
  });

  async function look(): Promise<void> {
    const report = await examine(config);
    seen.report = report;
    // a partner that cannot be asked leaves its one invariant out; a database that cannot, everything
    if (report.notLooked.every(({ invariant }) => invariant > 0)) seen.atMs = Date.now();
    for (const finding of report.findings.slice(0, findingsLogged)) logger.error({ finding }, 'found');
    for (const { invariant, reason } of report.notLooked) logger.warn({ invariant, reason }, 'not looked');
    logger.info({ findings: report.findings.length, notLooked: report.notLooked.length }, 'looked');
  }

  await look();
  const ended = (async () => {
    while (!stop.signal.aborted) {
      await sleep(everySeconds * 1000, undefined, { signal: stop.signal }).catch(() => undefined);
      if (!stop.signal.aborted) await look();
    }
  })();
  return {
    monitorUrl: monitor.url,
    async close() {
      stop.abort();
      await ended;
      await monitor.close();
    },
  };
}

interface Seen {
  report: CoherenceReport | undefined;
  /** When a look last saw the whole database. */
  atMs: number | undefined;
}

function createDoctorRegistry(seen: Seen) {
  const registry = createRegistry();
  addGauge(registry, {
    name: 'xianda_doctor_findings',
    help: 'Findings of the last look, by invariant; an invariant that could not be looked at is left out.',
    labelNames: ['invariant'],
    read: () => countFindings(seen.report),
  });
  addGauge(registry, {
    name: 'xianda_doctor_looked_timestamp_seconds',
    help: 'When a look last saw the whole database; 0 if none has.',
    read: () => (seen.atMs ?? 0) / 1000,
  });
  return registry;
}

function countFindings(report: CoherenceReport | undefined) {
  if (report === undefined || report.checks.length === 0) return [];
  const blind = new Set(report.notLooked.map(({ invariant }) => invariant));
  return Object.keys(invariantTitles)
    .map(Number)
    .filter((invariant) => invariant > 0 && !blind.has(invariant))
    .map((invariant) => ({
      value: report.findings.filter((finding) => finding.invariant === invariant).length,
      labels: { invariant: String(invariant) },
    }));
}
