import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readCpuMs } from '../support/processes';
import type { Peer } from './peerList';

export interface RoundPlan {
  callers: number;
  warmUpSeconds: number;
  seconds: number;
}

export interface PeerRound {
  ordersPerSecond: number;
  p50Ms: number;
  p99Ms: number;
  /** Processor milliseconds an order: of the program with its callers, and of the store. */
  programCpuMs: number;
  storeCpuMs: number;
}

interface Report {
  /** Acknowledged in all, and found in the store afterwards. */
  placed: number;
  recorded: number;
  /** Acknowledged within the measured seconds. */
  orders: number;
  seconds: number;
  cpuMs: number;
  p50Ms: number;
  p99Ms: number;
}

type Message = { kind: 'open' | 'measuring' | 'measured' } | ({ kind: 'report' } & Report);

export interface Stage {
  environment: NodeJS.ProcessEnv;
  /** The process in which this peer's store lives. */
  storePid: number;
  logFolder: string;
}

const register = join(__dirname, '..', '..', 'scripts', 'registerTypeScript.cjs');

/** Lets one peer sell in a process of its own. Throws when it failed, or lost an order it had acknowledged. */
export async function runPeer(
  peer: Peer,
  plan: RoundPlan,
  { environment, storePid, logFolder }: Stage,
): Promise<PeerRound> {
  const logFile = join(logFolder, `${peer.name}.log`);
  const log = openSync(logFile, 'a');
  const execArgv = peer.program.endsWith('.ts') ? ['--require', register] : [];
  const child = fork(peer.program, [], { env: environment, execArgv, stdio: ['ignore', log, log, 'ipc'] });
  closeSync(log);
  try {
    let [cpuFrom, cpuTo] = [Number.NaN, Number.NaN];
    const report = await converse(child, logFile, (message) => {
      if (message.kind === 'open') child.send(plan);
      if (message.kind === 'measuring') cpuFrom = readCpuMs(storePid);
      if (message.kind === 'measured') cpuTo = readCpuMs(storePid);
    });
    if (report.recorded !== report.placed)
      throw new Error(`${peer.label} acknowledged ${report.placed} orders and has ${report.recorded}`);
    return {
      ordersPerSecond: report.orders / report.seconds,
      p50Ms: report.p50Ms,
      p99Ms: report.p99Ms,
      programCpuMs: report.cpuMs / report.orders,
      storeCpuMs: (cpuTo - cpuFrom) / report.orders,
    };
  } finally {
    child.kill('SIGKILL');
  }
}

/** Hears the program out until its report. */
function converse(child: ChildProcess, logFile: string, hear: (message: Message) => void): Promise<Report> {
  const told = new Promise<Report>((resolve) => {
    child.on('message', (message: Message) => {
      hear(message);
      if (message.kind === 'report') resolve(message);
    });
  });
  const ended = once(child, 'exit').then(([code, signal]) => {
    const lastLines = readFileSync(logFile, 'utf8').trimEnd().split('\n').slice(-20).join('\n');
    throw new Error(`its program ended (${code ?? signal}) before it reported:\n${lastLines}`);
  });
  return Promise.race([told, ended]);
}
