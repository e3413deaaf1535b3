import { join } from 'node:path';
import type { Config } from '../config';
import { endRunningCommands } from './command';
import { removeDevFile } from './devFile';
import { tryLock } from './fileLock';
import { openHome } from './home';
import { endLeftovers, findLiving, removePidFile } from './pidFile';
import { isPortFree } from './ports';
import { SetupError, explain } from './setupError';
import { type Stack, createStack } from './stack';
import { runSteps } from './steps';
import { stopOrder } from './supervisor';
import { welcome } from './welcome';

/**
 * The development stack, from nothing to serving, until a signal ends it. Gives the exit code: 0 after a stop that
 * was asked for, 1 when something kept it from starting, which it has then told.
 */
export async function runDev(config: Config): Promise<number> {
  refuseProduction(config);
  const lock = takeHome(config.home);
  // whoever reads our output may go away before us
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);
  let stack: Stack | undefined;
  const stopAsked = waitForSignal();
  try {
    removeDevFile(config.home);
    const ended = await endLeftovers(join(config.home, 'run'), stopOrder);
    if (ended.length > 0) console.log(`• Ended what an earlier start left behind: ${ended.join(', ')}`);
    await requirePort(config);
    stack = await createStack(config);
    const started = runSteps(stack.steps).then(() => 'started' as const);
    // after a stop in the middle the steps fail one way or another: nobody waits for them
    started.catch(() => undefined);
    if ((await Promise.race([started, stopAsked])) === 'started') {
      console.log(welcome(stack));
      if (config.demo) stack.startDemo();
      await stopAsked;
    }
    console.log('\nStopping …');
    return 0;
  } catch (error) {
    await stack?.stop();
    console.error(`\n${explain(error)}`);
    if (config.logLevel === 'debug') console.error(error);
    return 1;
  } finally {
    endRunningCommands();
    removeDevFile(config.home);
    await stack?.stop();
    removePidFile(lock);
  }
}

function refuseProduction({ mode }: Config): void {
  if (mode === 'development') return;
  throw new SetupError(
    '`xianda dev` starts embedded servers with secrets of its own, which production refuses.',
    'In production run migrate, api, worker and dispatch on your own PostgreSQL and Temporal (docker-compose.yml).',
  );
}

/** One supervisor a home: the second one says who is first. */
export function takeHome(path: string): string {
  openHome(path);
  const lock = join(path, 'run', 'supervisor.pid');
  if (tryLock(lock)) return lock;
  throw new SetupError(
    `The stack in ${path} is already running (process ${findLiving(lock)?.pid ?? 'unknown'}).`,
    'Use it (its addresses are in dev.json there), stop it with Ctrl-C, or start another with XIANDA_HOME and PORT set.',
  );
}

async function requirePort({ port, portChosen }: Config): Promise<void> {
  if (await isPortFree(port)) return;
  throw new SetupError(
    portChosen
      ? `Port ${port}, chosen with PORT, is taken by another program.`
      : `Port ${port}, the API's default, is taken by another program.`,
    `Choose another: PORT=${port === 65_535 ? port - 1 : port + 1} npm start. Or end the program that listens there.`,
  );
}

/** Resolves when this process is asked to end. */
export function waitForSignal(): Promise<'stop'> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => resolve('stop'));
  });
}
