import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { tryLock } from '../../src/dev/fileLock';
import {
  endLeftovers,
  endProcess,
  findLiving,
  isAlive,
  readPidFile,
  readStartTime,
  writePidFile,
} from '../../src/dev/pidFile';

let folder: string;
const started: number[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'xianda-pid-'));
});
afterEach(() => {
  for (const pid of started.splice(0)) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // it ended, as most of them should have
    }
  }
  rmSync(folder, { recursive: true, force: true });
});

function startProcess(program = 'setInterval(() => {}, 1000)'): number {
  const { pid } = spawn(process.execPath, ['-e', program], { stdio: 'ignore' });
  if (pid === undefined) throw new Error('no process');
  started.push(pid);
  return pid;
}

test('a process is found by its pid file while it lives and not afterwards', async () => {
  const file = join(folder, 'api.pid');
  writePidFile(file, startProcess());
  const living = findLiving(file);
  expect(living).toBeDefined();
  if (living !== undefined) await endProcess(living);
  expect(findLiving(file)).toBeUndefined();
});

test('a recycled pid is another process: it is neither found nor ended', async () => {
  const stranger = startProcess();
  const file = join(folder, 'api.pid');
  writeFileSync(file, JSON.stringify({ pid: stranger, startedAt: 'long ago', stopSignal: 'SIGKILL' }));
  expect(findLiving(file)).toBeUndefined();
  expect(await endLeftovers(folder, ['api'])).toEqual([]);
  expect(existsSync(file)).toBe(false);
  expect(readStartTime(stranger)).toBeDefined();
});

test('leftovers end in the order given, and the supervisor is not one of them', async () => {
  for (const name of ['postgres', 'api', 'supervisor'])
    writePidFile(join(folder, `${name}.pid`), startProcess());
  expect(await endLeftovers(folder, ['api', 'postgres'])).toEqual(['api', 'postgres']);
  expect(findLiving(join(folder, 'supervisor.pid'))).toBeDefined();
});

test('whoever does not listen to the signal is killed after the grace', async () => {
  const pid = startProcess("process.on('SIGTERM', () => {}); setInterval(() => {}, 1000)");
  await sleep(300);
  const file = join(folder, 'worker.pid');
  writePidFile(file, pid);
  const record = readPidFile(file);
  if (record === undefined) throw new Error('no record');
  await endProcess(record, 100);
  expect(isAlive(record)).toBe(false);
});

test.each(['', 'rubbish', '{"pid":1}', '{"pid":-1}', '{"pid":"x"}'])(
  'a damaged pid file (%s) names nobody',
  (text) => {
    const file = join(folder, 'api.pid');
    writeFileSync(file, text);
    expect(readPidFile(file)).toBeUndefined();
  },
);

test('a lock is refused while its holder lives and taken over when it is dead', () => {
  const lock = join(folder, 'lock');
  expect(tryLock(lock)).toBe(true);
  expect(tryLock(lock)).toBe(false);
  writeFileSync(lock, JSON.stringify({ pid: process.pid, startedAt: 'before', stopSignal: 'SIGTERM' }));
  expect(tryLock(lock)).toBe(true);
});
