import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import type { Registry } from 'prom-client';
import type { Config } from '../config';
import { type PoolLoad } from '../db/transaction';
import { type Monitor, addGauge, addPoolGauges, createRegistry, serveMonitor } from '../metrics';

/** Where the engine's own exporter listens: on loopback, and what it tells is handed on with ours. */
export interface EngineMetrics {
  address: string;
}

const longestScrapeMs = 2000;

/** Undefined when nobody watches this worker: the engine then counts nothing. */
export async function settleEngineMetrics({
  metricsPort,
}: Pick<Config, 'metricsPort'>): Promise<EngineMetrics | undefined> {
  return metricsPort === undefined ? undefined : { address: `127.0.0.1:${await findFreePort()}` };
}

interface WatchOptions {
  config: Config;
  engine: EngineMetrics | undefined;
  /** Whether tasks are being taken now. */
  polling(): boolean;
  pools: readonly { load(): PoolLoad }[];
}

/** Serves the worker's metrics, the engine's among them, and whether it takes work. */
export function watchWorker({ config, engine, polling, pools }: WatchOptions): Promise<Monitor> {
  return serveMonitor({
    port: config.metricsPort,
    host: config.mode === 'production' ? '0.0.0.0' : '127.0.0.1',
    registry: createWorkerRegistry(polling, pools),
    readiness: () =>
      polling()
        ? { ok: true, reason: 'takes tasks' }
        : { ok: false, reason: 'waits for PostgreSQL or Temporal' },
    more: () => readEngine(engine),
  });
}

function createWorkerRegistry(polling: () => boolean, pools: WatchOptions['pools']): Registry {
  const registry = createRegistry();
  addGauge(registry, {
    name: 'xianda_worker_polling',
    help: '1 while this worker takes tasks.',
    read: () => Number(polling()),
  });
  addPoolGauges(registry, () => pools.map((pool) => pool.load()));
  return registry;
}

/** Empty while the engine does not answer: ours are worth showing alone. */
async function readEngine(engine: EngineMetrics | undefined): Promise<string> {
  if (engine === undefined) return '';
  try {
    const response = await fetch(`http://${engine.address}/metrics`, {
      signal: AbortSignal.timeout(longestScrapeMs),
    });
    return response.ok ? await response.text() : '';
  } catch {
    return '';
  }
}

/** The engine wants a number and cannot be asked for the one it drew. */
function findFreePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}
