import { Connection } from '@temporalio/client';
import type { ProcessSpec } from '../processSpec';

export interface TemporalServerOptions {
  binary: string;
  port: number;
  uiPort?: number;
  /** SQLite; without it everything is in memory. */
  databaseFile?: string;
}

// A development server's limits are made for a few hand-started workflows; a broadcast starts thousands.
const limits: Record<string, number | boolean> = {
  'frontend.namespaceCount': 20_000,
  'frontend.rps': 100_000,
  'frontend.namespaceRPS': 100_000,
  'history.rps': 100_000,
  'matching.rps': 100_000,
  'frontend.persistenceMaxQPS': 100_000,
  'history.persistenceMaxQPS': 100_000,
  'matching.persistenceMaxQPS': 100_000,
  'worker.persistenceMaxQPS': 100_000,
  // some 50 kB of memory each; orders that only wait for payment are read again when they are told of it
  'history.hostLevelCacheMaxSize': 4_000,
  // an activity goes straight back to the worker that asked for it: a trip through the task queue less
  'system.enableActivityEagerExecution': true,
};

/** On a small machine the buyers' answers go first: what follows an order may wait a second, its acceptance may not. */
export const behindIntake = 5;

/** How the Temporal development server is started: loopback only, file-backed, its limits raised. */
export function temporalSpec({ binary, port, uiPort, databaseFile }: TemporalServerOptions): ProcessSpec {
  const storage = ['--sqlite-pragma', 'journal_mode=WAL', '--sqlite-pragma', 'synchronous=NORMAL'];
  return {
    name: 'temporal',
    command: binary,
    args: [
      ...['server', 'start-dev', '--ip', '127.0.0.1', '--port', String(port), '--log-level', 'warn'],
      ...(uiPort === undefined ? ['--headless'] : ['--ui-port', String(uiPort), '--ui-disable-news-fetch']),
      ...(databaseFile === undefined ? [] : ['--db-filename', databaseFile, ...storage]),
      ...Object.entries(limits).flatMap(([name, value]) => ['--dynamic-config-value', `${name}=${value}`]),
    ],
    // close to it the server collects its garbage sooner, instead of growing to twice what it needs
    env: { GOMEMLIMIT: '640MiB', ...process.env },
    niceness: behindIntake,
    stopSignal: 'SIGTERM',
    isReady: () => serves(`127.0.0.1:${port}`),
  };
}

async function serves(address: string): Promise<boolean> {
  try {
    const connection = await Connection.connect({ address, connectTimeout: 1_000 });
    try {
      const ask = () => connection.workflowService.describeNamespace({ namespace: 'default' });
      await connection.withDeadline(Date.now() + 2_000, ask);
      return true;
    } finally {
      await connection.close();
    }
  } catch {
    return false;
  }
}
