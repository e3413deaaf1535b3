import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { isReadyReport } from '../../src/dev/readiness';

export interface RoleChild {
  /** SIGKILL: no handler runs, nothing is finished or given back. Resolves when the process is gone. */
  kill(): Promise<void>;
}

const main = join(__dirname, '..', '..', 'dist', 'main.js');

/** Starts `xianda <role>` in a process of its own and waits until it serves. Needs the build (`npm test` makes it). */
export async function startRole(role: 'api' | 'dispatch', settings: NodeJS.ProcessEnv): Promise<RoleChild> {
  const child = spawn(process.execPath, [main, role], {
    env: { ...process.env, LOG_LEVEL: 'silent', ...settings },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  await new Promise<void>((resolve, reject) => {
    child.on('message', (message) => isReadyReport(message) && resolve());
    child.once('exit', (code, signal) => reject(new Error(`${role} ended with ${code ?? signal}`)));
  });
  return {
    async kill() {
      child.kill('SIGKILL');
      await ended;
    },
  };
}
