import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync } from 'node:fs';
import { createConnection } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { drawPort } from '../../src/dev/ports';

export interface RedisServer {
  url: string;
  pid: number;
  close(): Promise<void>;
}

const patienceMs = 10_000;

/** The version of the redis-server on the PATH; null where there is none. */
export function findRedis(): string | null {
  try {
    const told = execFileSync('redis-server', ['--version'], { encoding: 'utf8' });
    return /v=(\S+)/.exec(told)?.[1] ?? 'unknown';
  } catch {
    return null;
  }
}

/** Starts redis-server as it is installed, but for a port and a folder of its own. */
export async function startRedis(home: string, settings: readonly string[] = []): Promise<RedisServer> {
  const port = await drawPort();
  const folder = mkdtempSync(join(home, 'redis-'));
  const child = spawn(
    'redis-server',
    ['--port', String(port), '--bind', '127.0.0.1', '--dir', folder, ...settings],
    { stdio: 'ignore' },
  );
  await waitForPort(port, child);
  return {
    url: `redis://127.0.0.1:${port}`,
    pid: child.pid as number,
    async close() {
      child.kill('SIGKILL');
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    },
  };
}

async function waitForPort(port: number, child: ChildProcess): Promise<void> {
  for (const giveUpAt = Date.now() + patienceMs; ; await sleep(50)) {
    if (await answers(port)) return;
    if (child.exitCode !== null || Date.now() > giveUpAt) throw new Error('redis-server does not serve');
  }
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection({ host: '127.0.0.1', port });
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}
