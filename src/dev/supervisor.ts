import type { ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { launch, waitUntilReady } from './launch';
import { endProcess, findLiving, removePidFile, writePidFile } from './pidFile';
import type { ProcessSpec } from './processSpec';

/** Who is ended first: those that take work in, then those that do it, then what they all stand on. */
export const stopOrder = [
  'demo',
  'api',
  'dispatch',
  'worker',
  'sandbox-payment',
  'sandbox-carrier',
  'sandbox-supplier',
  'temporal',
  'postgres',
] as const;

const shortestPauseMs = 100;
const longestPauseMs = 10_000;
const steadyAfterMs = 30_000;

interface SupervisorOptions {
  home: string;
  /** Told whenever a process got another pid. */
  onChange: () => void;
  onNote: (note: string) => void;
}

/** Keeps the processes of the stack alive until it is told to stop them. */
export interface Supervisor {
  /** Starts a process and resolves once it serves; from then on a dead one is started again. */
  start(spec: ProcessSpec): Promise<void>;
  pidOf(name: string): number | undefined;
  stopAll(): Promise<void>;
}

export function createSupervisor({ home, onChange, onNote }: SupervisorOptions): Supervisor {
  const children = new Map<string, ChildProcess>();
  const graces = new Map<string, number | undefined>();
  let stopping = false;

  const pidFile = (name: string) => join(home, 'run', `${name}.pid`);

  async function startOnce(spec: ProcessSpec): Promise<ChildProcess> {
    const logFile = join(home, 'logs', `${spec.name}.log`);
    const child = launch(spec, logFile);
    // a program that cannot be started tells so by this event, which waitUntilReady reports
    child.on('error', () => undefined);
    if (child.pid !== undefined) writePidFile(pidFile(spec.name), child.pid, spec.stopSignal);
    children.set(spec.name, child);
    graces.set(spec.name, spec.graceMs);
    onChange();
    await waitUntilReady({ spec, child, logFile });
    return child;
  }

  async function start(spec: ProcessSpec): Promise<void> {
    const child = await startOnce(spec);
    watch(spec, child, shortestPauseMs);
  }

  function watch(spec: ProcessSpec, child: ChildProcess, pauseMs: number): void {
    const readyAt = Date.now();
    const onExit = () => {
      if (stopping) return;
      const pause = Date.now() - readyAt > steadyAfterMs ? shortestPauseMs : pauseMs;
      onNote(`${spec.name} ended (${child.exitCode ?? child.signalCode}): starting it again`);
      void restart(spec, pause);
    };
    if (child.exitCode !== null || child.signalCode !== null) onExit();
    else child.once('exit', onExit);
  }

  /** Never gives up: a database that comes back after an hour finds everybody waiting for it. */
  async function restart(spec: ProcessSpec, firstPauseMs: number): Promise<void> {
    for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(longestPauseMs, pauseMs * 2)) {
      await sleep(pauseMs);
      if (stopping) return;
      try {
        const child = await startOnce(spec);
        if (stopping) return;
        onNote(`${spec.name} serves again`);
        return watch(spec, child, Math.min(longestPauseMs, pauseMs * 2));
      } catch (error) {
        if (stopping) return;
        onNote(`${spec.name} does not start: ${error instanceof Error ? error.message : String(error)}`);
        await end(spec.name);
      }
    }
  }

  async function end(name: string): Promise<void> {
    const living = findLiving(pidFile(name));
    if (living !== undefined) await endProcess(living, graces.get(name));
    removePidFile(pidFile(name));
  }

  async function stopAll(): Promise<void> {
    stopping = true;
    const names = [...children.keys()].sort((a, b) => rank(a) - rank(b));
    for (const name of names) await end(name);
  }

  return { start, stopAll, pidOf: (name) => children.get(name)?.pid };
}

function rank(name: string): number {
  return (stopOrder as readonly string[]).indexOf(name);
}
