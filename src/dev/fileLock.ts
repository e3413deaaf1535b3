import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { findLiving, readStartTime } from './pidFile';

/** Runs `work` while no other process of this machine does so under the same file; a dead holder is passed over. */
export async function withFileLock<T>(file: string, work: () => Promise<T>, onWait?: () => void): Promise<T> {
  let told = false;
  while (!tryLock(file)) {
    if (!told) onWait?.();
    told = true;
    await sleep(100);
  }
  try {
    return await work();
  } finally {
    rmSync(file, { force: true });
  }
}

/** Takes the lock, or says that a living process has it. */
export function tryLock(file: string): boolean {
  mkdirSync(dirname(file), { recursive: true });
  const record = { pid: process.pid, startedAt: readStartTime(process.pid), stopSignal: 'SIGTERM' };
  for (let attempt = 1; attempt <= 2; attempt += 1) {
    try {
      writeFileSync(file, JSON.stringify(record), { flag: 'wx' });
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      if (findLiving(file) !== undefined) return false;
      rmSync(file, { force: true });
    }
  }
  return false;
}
