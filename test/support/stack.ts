import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { DevFile } from '../../src/dev/devFile';
import { findLiving, isAlive } from '../../src/dev/pidFile';
import { resetHome } from '../../src/dev/reset';
import { drawPort } from '../../src/dev/ports';

export type StackRole =
  | 'api'
  | 'worker'
  | 'dispatch'
  | 'temporal'
  | 'postgres'
  | 'sandbox-payment'
  | 'sandbox-carrier'
  | 'sandbox-supplier'
  | 'supervisor';

export interface TestStack {
  home: string;
  /** dev.json as it is now: pids change when a process is restarted. */
  readonly dev: DevFile;
  /** What the supervisor has printed so far. */
  output(): string;
  /** SIGKILL; resolves with the pid that died, at once. */
  kill(role: StackRole): number;
  /** SIGKILL, then waits until the supervisor has started it again and it serves. */
  killAndAwait(role: Exclude<StackRole, 'supervisor'>): Promise<void>;
  /** Asks every 100 ms until `condition` gives something truthy, and gives that. */
  waitUntil<T>(condition: () => T | Promise<T>, what: string, withinMs?: number): Promise<NonNullable<T>>;
  /** SIGTERM to the supervisor; resolves with its exit code. */
  stop(): Promise<number | null>;
  /** Starts the supervisor again on the same home, after stop() or kill('supervisor'). */
  start(): Promise<void>;
  /** Stops what runs and erases the home. */
  erase(): Promise<void>;
}

const root = join(__dirname, '..', '..');

/**
 * The stack that a test asks for: started for it, or the one of the home that XIANDA_TEST_STACK names, which somebody
 * else has started (`npm run topology -- test`) and which the test may kill and stop all the same.
 */
export async function openStack(options: { env?: NodeJS.ProcessEnv } = {}): Promise<TestStack> {
  const home = process.env.XIANDA_TEST_STACK;
  return home === undefined ? startStack(options) : joinStack(home);
}

/** Starts `xianda dev` with DEMO=off in a home of its own and waits for dev.json. Needs the build (`npm test` makes it). */
export async function startStack({ env = {} }: { env?: NodeJS.ProcessEnv } = {}): Promise<TestStack> {
  const home = env.XIANDA_HOME ?? makeHome();
  const port = env.PORT ?? String(await drawPort());
  const settings: NodeJS.ProcessEnv = { ...process.env, DEMO: 'off', ...env, XIANDA_HOME: home, PORT: port };
  for (const name of ['DATABASE_URL', 'TEMPORAL_ADDRESS', 'NODE_ENV']) {
    if (env[name] === undefined) delete settings[name];
  }
  let child: ChildProcess;
  let text = '';
  const hands = handsOn(home, () => text);

  async function start(): Promise<void> {
    child = spawn(process.execPath, [join(root, 'dist', 'main.js'), 'dev'], {
      cwd: root,
      env: settings,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (part: string) => {
        text += part;
      });
    }
    // a killed supervisor leaves the file behind: it is the new one's only once it names it
    await waitUntil(
      () => {
        if (child.exitCode !== null) throw new Error(`the stack did not start:\n${text}`);
        return existsSync(join(home, 'dev.json')) && hands.readDev().pids.supervisor === child.pid;
      },
      'dev.json',
      120_000,
    );
  }

  async function stop(): Promise<number | null> {
    if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
    const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
    child.kill('SIGTERM');
    return ended;
  }

  await start();
  return {
    home,
    get dev() {
      return hands.readDev();
    },
    output: () => text,
    kill: hands.kill,
    killAndAwait: hands.killAndAwait,
    waitUntil,
    stop,
    start,
    async erase() {
      await stop();
      await resetHome({ mode: 'development', home });
    },
  };
}

/** What a test does to a running stack, wherever it came from; `output` is what its supervisor has said so far. */
function handsOn(home: string, output: () => string) {
  const kill = (role: StackRole): number => {
    const living = findLiving(join(home, 'run', `${role}.pid`));
    if (living === undefined) throw new Error(`${role} is not running`);
    process.kill(living.pid, 'SIGKILL');
    return living.pid;
  };
  return {
    readDev: () => JSON.parse(readFileSync(join(home, 'dev.json'), 'utf8')) as DevFile,
    kill,
    async killAndAwait(role: Exclude<StackRole, 'supervisor'>): Promise<void> {
      const mark = output().length;
      kill(role);
      await waitUntil(() => output().slice(mark).includes(`${role} serves again`), `${role} to serve again`);
    },
  };
}

/** Joins a stack that runs already. Its supervisor is nobody's child here: it is known by its files alone. */
function joinStack(home: string): TestStack {
  const output = () => readFileSync(join(home, 'logs', 'supervisor.log'), { encoding: 'utf8', flag: 'a+' });
  const { readDev, kill, killAndAwait } = handsOn(home, output);
  const stop = async () => {
    const supervisor = findLiving(join(home, 'run', 'supervisor.pid'));
    if (supervisor === undefined) return null;
    process.kill(supervisor.pid, 'SIGTERM');
    await waitUntil(() => !isAlive(supervisor), 'the supervisor to end');
    return existsSync(join(home, 'dev.json')) ? 1 : 0;
  };
  return {
    home,
    get dev() {
      return readDev();
    },
    output,
    kill,
    killAndAwait,
    waitUntil,
    stop,
    start: () => Promise.reject(new Error('whoever has started it starts it again')),
    // what it leaves belongs to whoever has started it
    erase: async () => void (await stop()),
  };
}

/** A folder that the postgres user may enter, as mkdtemp's own 0700 is not. */
function makeHome(): string {
  const parent = mkdtempSync(join(tmpdir(), 'xianda-stack-'));
  chmodSync(parent, 0o755);
  process.on('exit', () => rmSync(parent, { recursive: true, force: true }));
  return join(parent, 'home');
}

async function waitUntil<T>(
  condition: () => T | Promise<T>,
  what: string,
  withinMs = 60_000,
): Promise<NonNullable<T>> {
  const giveUpAt = Date.now() + withinMs;
  for (;;) {
    const value = await condition();
    if (value) return value;
    if (Date.now() > giveUpAt) throw new Error(`waited ${withinMs / 1000} s in vain for ${what}`);
    await sleep(100);
  }
}
