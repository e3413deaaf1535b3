import { chownSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import { run } from '../command';
import type { Home } from '../home';
import type { ProcessSpec } from '../processSpec';
import { SetupError } from '../setupError';
import { type Account, reachableBinaries, settleAccount, settleDataPlace } from './account';
import { type PostgresBinaries, WrongMajor, findPostgres } from './binaries';

/** A database server that is laid out on disk and can be started. */
export interface Cluster {
  spec: ProcessSpec;
  binaries: PostgresBinaries;
  dataFolder: string;
  /** Whether the data had to lie outside the home. */
  outside: boolean;
  url(database: string): string;
}

export interface ClusterOptions {
  home: Home;
  port: number;
  password: string;
  onNote?: (note: string) => void;
}

/** Finds the programs, makes the data directory when there is none, and says how the server is started. */
export async function prepareCluster({ home, port, password, onNote }: ClusterOptions): Promise<Cluster> {
  const account = await settleAccount();
  const { dataFolder, outside } = await settleDataPlace(home, account);
  const binaries = await findFitting(dataFolder, account);
  if (outside) onNote?.(`the user postgres cannot enter ${home.path}: the data lies in ${dataFolder}`);
  if (!existsSync(join(dataFolder, 'PG_VERSION'))) {
    onNote?.(`making a data directory for PostgreSQL ${binaries.major}`);
    await initialise({ binaries, account, dataFolder, password });
  }
  const url = (database: string) =>
    `postgres://postgres:${encodeURIComponent(password)}@127.0.0.1:${port}/${database}`;
  const spec: ProcessSpec = {
    name: 'postgres',
    command: join(binaries.folder, 'postgres'),
    args: serverArguments(dataFolder, port),
    stopSignal: 'SIGINT',
    ...account,
    isReady: () => answers(url('postgres')),
  };
  return { spec, binaries, dataFolder, outside, url };
}

async function findFitting(dataFolder: string, account: Account): Promise<PostgresBinaries> {
  const versionFile = join(dataFolder, 'PG_VERSION');
  const major = existsSync(versionFile) ? Number(readFileSync(versionFile, 'utf8').trim()) : undefined;
  try {
    return await reachableBinaries(await findPostgres(major), account);
  } catch (error) {
    if (!(error instanceof WrongMajor)) throw error;
    const here = error.found.map((binaries) => binaries.major).join(', ');
    throw new SetupError(
      `The data in ${dataFolder} was made by PostgreSQL ${error.dataMajor}; this machine has ${here}.`,
      `Install PostgreSQL ${error.dataMajor}, or erase the data with \`npm run reset\`, or use another XIANDA_HOME.`,
    );
  }
}

// Durability stays as PostgreSQL ships it (fsync and synchronous_commit on): what was acknowledged is kept.
function serverArguments(dataFolder: string, port: number): string[] {
  const settings = {
    listen_addresses: '127.0.0.1',
    port,
    unix_socket_directories: '',
    max_connections: 200,
    max_wal_size: '2GB',
    timezone: 'UTC',
    log_timezone: 'UTC',
    // without the DETAIL line, which quotes the row
    log_error_verbosity: 'terse',
  };
  return [
    '-D',
    dataFolder,
    ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
  ];
}

interface InitialiseOptions {
  binaries: PostgresBinaries;
  account: Account;
  dataFolder: string;
  password: string;
}

/** Made under another name and renamed, so that an interrupted start leaves no half directory that looks whole. */
async function initialise({ binaries, account, dataFolder, password }: InitialiseOptions): Promise<void> {
  const fresh = `${dataFolder}.new`;
  const passwordFile = `${dataFolder}.password`;
  mkdirSync(dirname(dataFolder), { recursive: true });
  rmSync(fresh, { recursive: true, force: true });
  rmSync(dataFolder, { recursive: true, force: true });
  mkdirSync(fresh, { mode: 0o700 });
  writeFileSync(passwordFile, password, { mode: 0o600 });
  try {
    for (const path of [fresh, passwordFile]) {
      if (account.uid !== undefined && account.gid !== undefined) chownSync(path, account.uid, account.gid);
    }
    const options = ['--auth=scram-sha-256', '--encoding=UTF8', '--locale=C', '--username=postgres'];
    const files = [`--pgdata=${fresh}`, `--pwfile=${passwordFile}`];
    await run(join(binaries.folder, 'initdb'), [...options, ...files], { ...account, cwd: '/' });
    renameSync(fresh, dataFolder);
  } finally {
    rmSync(passwordFile, { force: true });
    rmSync(fresh, { recursive: true, force: true });
  }
}

async function answers(url: string): Promise<boolean> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 2_000 });
  try {
    await client.connect();
    return true;
  } catch (error) {
    // 28P01: the server is up and refuses the password of this home; waiting would not mend that
    if ((error as { code?: string }).code === '28P01') {
      throw new SetupError(
        'The database refuses the password in secrets.json: it belongs to other data.',
        'Put the old secrets.json back, or erase the data with `npm run reset`.',
      );
    }
    return false;
  } finally {
    await client.end().catch(() => undefined);
  }
}

/** Makes a database unless it is there; waits out another process that makes the same one. */
export async function ensureDatabase(adminUrl: string, name: string): Promise<void> {
  const client = new Client({ connectionString: adminUrl });
  await client.connect();
  try {
    for (let attempt = 1; ; attempt += 1) {
      const { rowCount } = await client.query('SELECT 1 FROM pg_database WHERE datname = $1', [name]);
      if (rowCount === 1) return;
      try {
        await client.query(`CREATE DATABASE ${client.escapeIdentifier(name)}`);
        return;
      } catch (error) {
        if (attempt >= 5) throw error;
        await sleep(200);
      }
    }
  } finally {
    await client.end();
  }
}
