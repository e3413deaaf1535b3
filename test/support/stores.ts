import { execFile } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { Client } from 'pg';
import { findOnPath, isExecutable } from '../../src/dev/command';
import { launch, waitUntilReady } from '../../src/dev/launch';
import { drawPort } from '../../src/dev/ports';
import { settleTemporal } from '../../src/dev/temporal/binary';
import { settleNamespace } from '../../src/dev/temporal/namespace';
import { temporalSpec } from '../../src/dev/temporal/server';
import { testServers } from './servers';

const run = promisify(execFile);

/** Puts a database back to an earlier instant, whoever is connected. */
export type Restore = () => Promise<void>;

/**
 * A backup of a test's database: with pg_dump and pg_restore as an operator makes it, or, where this machine has only
 * the server's own programs, as a copy beside it.
 */
export async function backUpDatabase(url: string): Promise<Restore> {
  const dump = findProgram('pg_dump');
  return dump === undefined ? copyDatabase(url) : dumpDatabase(url, dump);
}

async function dumpDatabase(url: string, dump: string): Promise<Restore> {
  const file = join(mkdtempSync(join(tmpdir(), 'xianda-backup-')), 'xianda.dump');
  await run(dump, ['-Fc', '-f', file, url]);
  return async () => {
    await recreate(url, '');
    await run(join(dirname(dump), 'pg_restore'), ['--exit-on-error', '-d', url, file]);
    rmSync(dirname(file), { recursive: true });
  };
}

async function copyDatabase(url: string): Promise<Restore> {
  const copy = `${nameOf(url)}_copy`;
  await asAdmin(`CREATE DATABASE ${copy} TEMPLATE ${nameOf(url)}`);
  return () => recreate(url, `TEMPLATE ${copy}`);
}

const nameOf = (url: string) => new URL(url).pathname.slice(1);

async function recreate(url: string, how: string): Promise<void> {
  await asAdmin(`DROP DATABASE ${nameOf(url)} WITH (FORCE)`);
  await asAdmin(`CREATE DATABASE ${nameOf(url)} ${how}`);
}

async function asAdmin(statement: string): Promise<void> {
  const client = new Client({ connectionString: testServers().adminUrl });
  await client.connect();
  await client.query(statement).finally(() => client.end());
}

function findProgram(name: string): string | undefined {
  const server = findOnPath('postgres');
  const beside = server === undefined ? undefined : join(dirname(server), name);
  return beside !== undefined && isExecutable(beside) ? beside : findOnPath(name);
}

export interface OwnTemporal {
  address: string;
  start(): Promise<void>;
  stop(): Promise<void>;
  /** While it is stopped: keeps its files. */
  backUp(): void;
  /** While it is stopped: puts back the files that were kept. */
  restore(): void;
  erase(): Promise<void>;
}

/** A Temporal server of one test's own, whose store lies in files. */
export async function startOwnTemporal(): Promise<OwnTemporal> {
  const folder = mkdtempSync(join(tmpdir(), 'xianda-temporal-'));
  const kept = join(folder, 'kept');
  mkdirSync(kept);
  const files = ['temporal.db', 'temporal.db-wal', 'temporal.db-shm'];
  const binary = await settleTemporal(() => undefined);
  const port = await drawPort();
  const spec = temporalSpec({ binary: binary.path, port, databaseFile: join(folder, 'temporal.db') });
  let stopChild = () => Promise.resolve();

  const temporal: OwnTemporal = {
    address: `127.0.0.1:${port}`,
    async start() {
      const logFile = join(folder, 'temporal.log');
      const child = launch(spec, logFile);
      stopChild = () => {
        if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
        const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
        child.kill(spec.stopSignal);
        return ended;
      };
      await waitUntilReady({ spec, child, logFile });
    },
    stop: () => stopChild(),
    backUp: () => copyFiles(folder, kept),
    restore: () => copyFiles(kept, folder),
    async erase() {
      await stopChild();
      rmSync(folder, { recursive: true, force: true });
    },
  };
  function copyFiles(from: string, to: string): void {
    for (const file of files) {
      rmSync(join(to, file), { force: true });
      if (existsSync(join(from, file))) copyFileSync(join(from, file), join(to, file));
    }
  }
  await temporal.start();
  await settleNamespace(temporal.address, 'default');
  return temporal;
}
