import { fork } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { readCpuMs } from '../processes';
import { createLatencies } from './latencies';
import type { LoopPlan, LoopReport } from './loop';

/** One run as it is handed over. */
export interface LoadRun<Load> {
  plan: LoopPlan;
  load: Load;
}

export type LoadMessage =
  | { kind: 'measuring' | 'measured' }
  | { kind: 'report'; report: LoopReport }
  | { kind: 'failed'; reason: string };

/** What a run gave. */
export interface LoadResult {
  /** Requests that ended in the measured time, however they ended. */
  perSecond: number;
  /** How many ended how; `whole` counts the warm-up and the end too. */
  measured: Record<string, number>;
  whole: Record<string, number>;
  p50Ms: number;
  p99Ms: number;
  mostMs: number;
  seconds: number;
  /** Processor milliseconds by process in the measured time; `callers` is the calling process itself. */
  cpuMs: Record<string, number>;
}

/** A process that calls, beside the bench, so that neither waits for the other. */
export interface LoadProcess<Load> {
  pid: number;
  /** One run at a time. `processes` are those whose processor time belongs to the measurement. */
  run(run: LoadRun<Load>, processes: ReadonlyMap<string, number>): Promise<LoadResult>;
  close(): void;
}

const register = join(__dirname, '..', '..', '..', 'scripts', 'registerTypeScript.cjs');
const generator = join(__dirname, 'generator.ts');

interface LoadOptions {
  /** Where what it prints goes. */
  logFile: string;
  /** A program that serves loads (`serveLoads`); the HTTP generator when left out. */
  program?: string;
  environment?: NodeJS.ProcessEnv;
}

/** Starts a process that calls; the one that sends HTTP requests, unless told otherwise. */
export function startLoad<Load>({
  logFile,
  program = generator,
  environment = process.env,
}: LoadOptions): LoadProcess<Load> {
  const log = openSync(logFile, 'a');
  const child = fork(program, [], {
    execArgv: ['--require', register],
    env: environment,
    stdio: ['ignore', log, log, 'ipc'],
  });
  closeSync(log);
  return {
    pid: child.pid as number,
    run: (run, processes) =>
      new Promise((resolve, reject) => {
        let cpuMs: Record<string, number> = {};
        const onExit = () => reject(new Error(`the calling process ended; its log is ${logFile}`));
        const onMessage = (message: LoadMessage) => {
          if (message.kind === 'measuring') cpuMs = readAll(processes);
          if (message.kind === 'measured') cpuMs = subtract(readAll(processes), cpuMs);
          if (message.kind === 'report') resolve(readReport(message.report, cpuMs));
          if (message.kind === 'failed') reject(new Error(message.reason));
          if (message.kind === 'report' || message.kind === 'failed')
            child.off('message', onMessage).off('exit', onExit);
        };
        child.on('message', onMessage).once('exit', onExit);
        child.send(run);
      }),
    close: () => void child.kill('SIGKILL'),
  };
}

function readAll(processes: ReadonlyMap<string, number>): Record<string, number> {
  return Object.fromEntries([...processes].map(([name, pid]) => [name, readCpuMs(pid)]));
}

function subtract(after: Record<string, number>, before: Record<string, number>): Record<string, number> {
  return Object.fromEntries(Object.entries(after).map(([name, ms]) => [name, ms - (before[name] ?? 0)]));
}

function readReport(report: LoopReport, cpuMs: Record<string, number>): LoadResult {
  const latencies = createLatencies();
  latencies.add(report.latencies);
  return {
    perSecond: latencies.count() / report.seconds,
    measured: report.measured,
    whole: report.whole,
    p50Ms: latencies.percentile(0.5),
    p99Ms: latencies.percentile(0.99),
    mostMs: report.latencies.mostMs,
    seconds: report.seconds,
    cpuMs: { ...cpuMs, callers: report.cpuMs },
  };
}
