import { readFileSync, readdirSync } from 'node:fs';
import { BenchRefusal } from './bench';

/** Linux counts processor time in hundredths of a second, whatever the kernel's own tick is. */
const millisecondsPerTick = 10;

interface Stat {
  parent: number;
  /** Processor time of the process itself and of its children that have ended, in milliseconds. */
  ownMs: number;
  endedChildrenMs: number;
}

/**
 * Processor milliseconds that a process has used so far, with its children, ended or not: PostgreSQL works in one
 * child a connection.
 */
export function readCpuMs(pid: number): number {
  const own = readStat(pid);
  if (own === undefined) return 0;
  return listStats()
    .filter((stat) => stat.parent === pid)
    .reduce((sum, child) => sum + child.ownMs, own.ownMs + own.endedChildrenMs);
}

/** The most memory a process has held since it started, in MB (2^20 bytes). */
export function readPeakMB(pid: number): number {
  return readStatusMB(pid, 'VmHWM');
}

export function readMemoryMB(pid: number): number {
  return readStatusMB(pid, 'VmRSS');
}

function readStatusMB(pid: number, field: 'VmHWM' | 'VmRSS'): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(status)?.[1] ?? Number.NaN) / 1024;
}

function listStats(): Stat[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => readStat(Number(name)) ?? []);
}

function readStat(pid: number): Stat | undefined {
  try {
    return parseStat(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    // it ended while we looked
    return undefined;
  }
}

/** proc(5): behind the command's last bracket, state is field 3, parent 4, user and system time 14 to 17. */
export function parseStat(text: string): Stat {
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const ticks = (from: number) => (Number(fields[from - 3]) + Number(fields[from - 2])) * millisecondsPerTick;
  return { parent: Number(fields[1]), ownMs: ticks(14), endedChildrenMs: ticks(16) };
}

/** Benches read /proc; elsewhere they could tell nothing about processes. */
export function requireProc(): void {
  if (process.platform !== 'linux')
    throw new BenchRefusal('The benches read /proc: they run on Linux alone.');
}
