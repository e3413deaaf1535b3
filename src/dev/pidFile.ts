import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** A process, told apart from a later one that got the same number. */
export interface ProcessRecord {
  pid: number;
  /** Opaque; equal only for the very same process. */
  startedAt: string;
  /** How it is asked to end: PostgreSQL's quick stop is SIGINT. */
  stopSignal: NodeJS.Signals;
}

/** When a process started, in the kernel's own words; undefined when there is no such process. */
export function readStartTime(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // the command name may hold blanks and brackets: fields count from behind its last bracket
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const bootId = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    return fields[0] === 'Z' ? undefined : `${bootId}:${fields[19]}`;
  } catch {
    return process.platform === 'linux' ? undefined : askPs(pid);
  }
}

function askPs(pid: number): string | undefined {
  try {
    return execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' }).trim() || undefined;
  } catch {
    return undefined;
  }
}

export function isAlive({ pid, startedAt }: Pick<ProcessRecord, 'pid' | 'startedAt'>): boolean {
  return readStartTime(pid) === startedAt;
}

/** Writes who runs under `name`; a reader sees the old or the new file, never half of one. */
export function writePidFile(file: string, pid: number, stopSignal: NodeJS.Signals = 'SIGTERM'): void {
  mkdirSync(dirname(file), { recursive: true });
  const record: ProcessRecord = { pid, startedAt: readStartTime(pid) ?? 'ended', stopSignal };
  writeFileSync(`${file}.new`, JSON.stringify(record));
  renameSync(`${file}.new`, file);
}

export function readPidFile(file: string): ProcessRecord | undefined {
  try {
    const record = JSON.parse(readFileSync(file, 'utf8')) as ProcessRecord;
    return Number.isSafeInteger(record.pid) && record.pid > 1 ? record : undefined;
  } catch {
    return undefined;
  }
}

/** The live process that a pid file names; undefined when it is gone, whoever has its number now. */
export function findLiving(file: string): ProcessRecord | undefined {
  const record = readPidFile(file);
  return record !== undefined && isAlive(record) ? record : undefined;
}

export function removePidFile(file: string): void {
  rmSync(file, { force: true });
}

/** Asks a process to end and, `graceMs` later, ends it. Resolves when it is gone. */
export async function endProcess(record: ProcessRecord, graceMs = 10_000): Promise<void> {
  signal(record, record.stopSignal);
  const killAt = Date.now() + graceMs;
  let killed = false;
  while (isAlive(record)) {
    if (!killed && Date.now() > killAt) {
      signal(record, 'SIGKILL');
      killed = true;
    }
    await sleep(25);
  }
}

function signal(record: ProcessRecord, name: NodeJS.Signals): void {
  if (!isAlive(record)) return;
  try {
    process.kill(record.pid, name);
  } catch {
    // it ended by itself between the look and the signal
  }
}

/**
 * Ends what a killed supervisor left behind, in the order of `order` (names of pid files); whatever is not named
 * there ends first. Returns the names that were still running.
 */
export async function endLeftovers(folder: string, order: readonly string[]): Promise<string[]> {
  const names = listPidFiles(folder).filter((name) => name !== 'supervisor');
  names.sort((a, b) => rank(order, a) - rank(order, b));
  const ended: string[] = [];
  for (const name of names) {
    const file = join(folder, `${name}.pid`);
    const living = findLiving(file);
    if (living !== undefined) {
      await endProcess(living);
      ended.push(name);
    }
    removePidFile(file);
  }
  return ended;
}

function rank(order: readonly string[], name: string): number {
  return order.indexOf(name.replace(/-\d+$/, ''));
}

function listPidFiles(folder: string): string[] {
  try {
    return readdirSync(folder)
      .filter((file) => file.endsWith('.pid'))
      .map((file) => basename(file, '.pid'));
  } catch {
    return [];
  }
}
