// Outlives the tests to end their servers: when no process that uses them lives any more, however it ended,
// the servers are stopped. Started by serverPool.ts with the folder as its only argument.
import { readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const folder = process.argv[2];

function startTime(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' ? undefined : fields[19];
  } catch {
    return undefined;
  }
}

function isAlive({ pid, startedAt }) {
  if (process.platform === 'linux') return startTime(pid) === startedAt.split(':').at(-1);
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

function readJson(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return undefined;
  }
}

function countUsers() {
  let living = 0;
  for (const file of readdirSync(join(folder, 'users'))) {
    const user = readJson(join(folder, 'users', file));
    if (user !== undefined && isAlive(user)) living += 1;
    else rmSync(join(folder, 'users', file), { force: true });
  }
  return living;
}

async function end(record) {
  const killAt = Date.now() + 10_000;
  try {
    process.kill(record.pid, record.stopSignal);
    while (isAlive(record)) {
      if (Date.now() > killAt) process.kill(record.pid, 'SIGKILL');
      await sleep(20);
    }
  } catch {
    // it was gone already
  }
}

process.on('SIGINT', () => undefined);
process.on('SIGTERM', () => undefined);
const lock = join(folder, 'lock');

/** The same lock as the tests' set-up takes (src/dev/fileLock.ts), so that nobody joins servers that are ending. */
function tryLock() {
  try {
    const startedAt = process.platform === 'linux' ? `${bootId()}:${startTime(process.pid)}` : 'unknown';
    writeFileSync(lock, JSON.stringify({ pid: process.pid, startedAt, stopSignal: 'SIGTERM' }), {
      flag: 'wx',
    });
    return true;
  } catch {
    return false;
  }
}

function bootId() {
  return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
}

for (let done = false; !done; ) {
  await sleep(200);
  if (countUsers() > 0 || !tryLock()) continue;
  if (countUsers() === 0) {
    const state = readJson(join(folder, 'state.json'));
    rmSync(join(folder, 'state.json'), { force: true });
    await Promise.all((state?.servers ?? []).map(end));
    done = true;
  }
  rmSync(lock, { force: true });
}
