import { type ChildProcess, spawn } from 'node:child_process';
import { join, resolve } from 'node:path';
import { type Stage, bundleFile } from './stage';

const root = resolve(__dirname, '../../..');

/** A worker in a process of its own, so that it can be killed. */
export async function startWorkerChild(stage: Stage): Promise<ChildProcess> {
  const script = `
    const { readConfig } = require(${JSON.stringify(join(root, 'src/config.ts'))});
    const { runWorker } = require(${JSON.stringify(join(root, 'src/worker/run.ts'))});
    runWorker(readConfig(process.env, { joinRunning: false }), { bundleFile: ${JSON.stringify(bundleFile)} })
      .then(() => console.log('polling'), (error) => { console.error(error); process.exit(1); });`;
  const register = join(root, 'scripts', 'registerTypeScript.cjs');
  const child = spawn(process.execPath, ['--require', register, '--eval', script], {
    cwd: root,
    env: { ...process.env, ...stage.environment },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await new Promise<void>((polling, reject) => {
    child.stdout?.once('data', () => polling());
    child.once('exit', (code) => reject(new Error(`the worker ended with ${code}`)));
  });
  return child;
}
