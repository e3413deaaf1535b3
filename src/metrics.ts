import { type Server, type ServerResponse, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Counter, Gauge, Registry, collectDefaultMetrics } from 'prom-client';
import type { PoolLoad } from './db/transaction';

/** Whether a role can do its work now, with the reason in words. */
export interface Readiness {
  ok: boolean;
  reason: string;
}

/** A registry of a role's own, so that several may live in one process. */
export function createRegistry(): Registry {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry, prefix: 'xianda_' });
  return registry;
}

export interface Sample {
  value: number;
  labels?: Record<string, string>;
}

interface GaugeOptions {
  name: string;
  help: string;
  labelNames?: readonly string[];
  /** Asked at every scrape; when it throws the scrape goes on and shows NaN. */
  read(): number | Sample[] | Promise<number | Sample[]>;
}

export function addGauge(registry: Registry, { name, help, labelNames = [], read }: GaugeOptions): void {
  new Gauge({
    name,
    help,
    labelNames: [...labelNames],
    registers: [registry],
    async collect() {
      this.reset();
      const answer = await Promise.resolve()
        .then(read)
        .catch(() => Number.NaN);
      const samples = typeof answer === 'number' ? [{ value: answer }] : answer;
      for (const { value, labels } of samples) this.set(labels ?? {}, value);
    },
  });
}

export function addCounter(
  registry: Registry,
  options: { name: string; help: string; labelNames: readonly string[] },
): Counter {
  return new Counter({ ...options, labelNames: [...options.labelNames], registers: [registry] });
}

/** How busy a role's pools are: callers that wait for a connection are the first sign of an exhausted pool. */
export function addPoolGauges(registry: Registry, read: () => PoolLoad[] | Promise<PoolLoad[]>): void {
  addGauge(registry, {
    name: 'xianda_database_connections',
    help: 'Connections of each pool, busy or idle, and callers that wait for one.',
    labelNames: ['pool', 'state'],
    read: async () =>
      (await read()).flatMap(({ name, busy, idle, waiting }) =>
        Object.entries({ busy, idle, waiting }).map(([state, value]) => ({
          value,
          labels: { pool: name, state },
        })),
      ),
  });
  addGauge(registry, {
    name: 'xianda_database_connections_max',
    help: 'How many connections each pool may open.',
    labelNames: ['pool'],
    read: async () => (await read()).map(({ name, most }) => ({ value: most, labels: { pool: name } })),
  });
}

interface MonitorOptions {
  /** Undefined: nobody watches, and nothing listens. */
  port: number | undefined;
  host: string;
  registry: Registry;
  readiness(): Readiness | Promise<Readiness>;
  /** Further text in the same format, from a source that is no registry. */
  more?(): Promise<string>;
}

export interface Monitor {
  url: string | undefined;
  close(): Promise<void>;
}

/** Serves `/metrics`, `/healthz` and `/readyz` of a role to the inside of the house. */
export async function serveMonitor(options: MonitorOptions): Promise<Monitor> {
  const { port, host } = options;
  if (port === undefined) return { url: undefined, close: () => Promise.resolve() };
  const server = createServer((request, response) => {
    answer(options, request.url ?? '', response).catch(() => response.destroy());
  });
  await listen(server, port, host);
  return {
    url: `http://${host}:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function answer({ registry, readiness, more }: MonitorOptions, path: string, response: ServerResponse) {
  const json = (status: number, body: object) =>
    response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(body));
  switch (path) {
    case '/metrics': {
      const parts = [await registry.metrics(), (await more?.()) ?? ''];
      response.writeHead(200, { 'Content-Type': registry.contentType }).end(parts.join(''));
      return;
    }
    case '/healthz':
      return json(200, { ok: true });
    case '/readyz': {
      const ready = await readiness();
      return json(ready.ok ? 200 : 503, ready);
    }
    default:
      return json(404, { ok: false, reason: 'metrics, healthz and readyz are here' });
  }
}

function listen(server: Server, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      reject(
        error.code === 'EADDRINUSE'
          ? new Error(`METRICS_PORT ${port} is taken: give each role on this host one of its own, or off.`)
          : error,
      );
    });
    server.listen(port, host, resolve);
  });
}

/** Asks the role that runs beside us whether it is ready; what a container's health check runs. */
export async function askReadiness(port: number, withinMs = 4000): Promise<Readiness> {
  try {
    const response = await fetch(`http://127.0.0.1:${port}/readyz`, {
      signal: AbortSignal.timeout(withinMs),
    });
    return (await response.json()) as Readiness;
  } catch {
    return { ok: false, reason: `nobody answers on port ${port}` };
  }
}
