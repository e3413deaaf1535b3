import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync, renameSync, statSync } from 'node:fs';
import { setPriority } from 'node:os';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ProcessSpec } from './processSpec';
import { isReadyReport } from './readiness';
import { SetupError } from './setupError';

const longestLogBytes = 50 * 1024 ** 2;

/**
 * Starts a process in a session of its own (a Ctrl-C at the terminal reaches the supervisor alone, which then
 * stops everything in order), its output going straight to the log file, which works without us too.
 */
export function launch(spec: ProcessSpec, logFile: string): ChildProcess {
  mkdirSync(dirname(logFile), { recursive: true });
  rotate(logFile);
  const log = openSync(logFile, 'a', 0o600);
  try {
    const child = spawn(spec.command, [...spec.args], {
      env: spec.env ?? process.env,
      uid: spec.uid,
      gid: spec.gid,
      cwd: spec.uid === undefined ? process.cwd() : '/',
      detached: true,
      stdio: spec.isReady === 'reports' ? ['ignore', log, log, 'ipc'] : ['ignore', log, log],
    });
    giveWay(child, spec);
    return child;
  } finally {
    closeSync(log);
  }
}

function giveWay({ pid }: ChildProcess, { niceness }: ProcessSpec): void {
  if (pid === undefined || niceness === undefined) return;
  try {
    setPriority(pid, niceness);
  } catch {
    // it has ended already; whoever waits for it will say so
  }
}

function rotate(logFile: string): void {
  try {
    if (statSync(logFile).size > longestLogBytes) renameSync(logFile, `${logFile}.1`);
  } catch {
    // there is none yet
  }
}

interface ReadinessOptions {
  spec: ProcessSpec;
  child: ChildProcess;
  logFile: string;
  withinMs?: number;
}

/** Resolves once the process serves; throws with the end of its log when it ends first or takes too long. */
export async function waitUntilReady({
  spec,
  child,
  logFile,
  withinMs = 60_000,
}: ReadinessOptions): Promise<void> {
  const giveUpAt = Date.now() + withinMs;
  const { isReady } = spec;
  let failure: Error | undefined;
  let reported = false;
  const onMessage = (message: unknown) => {
    if (isReadyReport(message)) reported = true;
  };
  const onError = (error: Error) => {
    failure = error;
  };
  child.on('message', onMessage).once('error', onError);
  try {
    for (;;) {
      if (failure !== undefined) throw failure;
      if (child.exitCode !== null || child.signalCode !== null) throw endedEarly(spec.name, child, logFile);
      if (isReady === 'reports' ? reported : await isReady()) return;
      if (Date.now() > giveUpAt) throw tooSlow(spec.name, withinMs, logFile);
      await sleep(isReady === 'reports' ? 10 : 50);
    }
  } finally {
    child.off('message', onMessage).off('error', onError);
  }
}

function endedEarly(name: string, child: ChildProcess, logFile: string): SetupError {
  return new SetupError(
    `${name} ended (${child.exitCode ?? child.signalCode}) before it served:\n${lastLines(logFile)}`,
    `The whole log is ${logFile}.`,
  );
}

function tooSlow(name: string, withinMs: number, logFile: string): SetupError {
  return new SetupError(
    `${name} did not serve within ${withinMs / 1000} s:\n${lastLines(logFile)}`,
    `The whole log is ${logFile}.`,
  );
}

function lastLines(logFile: string): string {
  const lines = readFileSync(logFile, 'utf8').trimEnd().split('\n').slice(-6);
  return lines.map((line) => `  ${line.slice(0, 400)}`).join('\n');
}
