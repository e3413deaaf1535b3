import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client } from 'pg';
import { withFileLock } from '../../src/dev/fileLock';
import { openHome } from '../../src/dev/home';
import { launch, waitUntilReady } from '../../src/dev/launch';
import { type ProcessRecord, isAlive, readStartTime } from '../../src/dev/pidFile';
import { choosePorts } from '../../src/dev/ports';
import { ensureDatabase, prepareCluster } from '../../src/dev/postgres/cluster';
import type { ProcessSpec } from '../../src/dev/processSpec';
import { settleSecrets } from '../../src/dev/secrets';
import { settleTemporal } from '../../src/dev/temporal/binary';
import { settleNamespace } from '../../src/dev/temporal/namespace';
import { temporalSpec } from '../../src/dev/temporal/server';
import { migrate, migrationsFolder } from '../../src/db/migrate';

/** What tests connect to; kept in `<folder>/state.json` while the servers run. */
export interface TestServers {
  /** Superuser, database `postgres`. */
  adminUrl: string;
  /** A migrated database that is only ever cloned. */
  templateDatabase: string;
  temporalAddress: string;
  temporalNamespace: string;
  servers: ProcessRecord[];
}

export const poolFolder = join(__dirname, '..', '..', '.test-stack');
const stateFile = join(poolFolder, 'state.json');
const userFile = join(poolFolder, 'users', `${process.pid}.json`);

/**
 * Joins the PostgreSQL and Temporal that another test run on this clone has started, or starts them. They end by
 * themselves (guard.mjs) when the last run has left, however it ended.
 */
export async function joinServers(): Promise<TestServers> {
  openHome(poolFolder);
  return withFileLock(join(poolFolder, 'lock'), async () => {
    mkdirSync(join(poolFolder, 'users'), { recursive: true });
    writeFileSync(userFile, JSON.stringify({ pid: process.pid, startedAt: readStartTime(process.pid) }));
    const running = readState();
    const servers = running ?? (await startServers());
    const templateDatabase = await settleTemplate(servers.adminUrl, running === undefined);
    const state = { ...servers, templateDatabase };
    writeFileSync(stateFile, JSON.stringify(state));
    return state;
  });
}

/** Says that this run needs the servers no more, and waits until they are gone if it was the last. */
export async function leaveServers(): Promise<void> {
  rmSync(userFile, { force: true });
  while (existsSync(stateFile) && readdirSync(join(poolFolder, 'users')).length === 0) {
    await new Promise((resume) => setTimeout(resume, 50));
  }
  const { servers } = lastState ?? { servers: [] };
  while (!existsSync(stateFile) && servers.some(isAlive))
    await new Promise((resume) => setTimeout(resume, 50));
}

let lastState: TestServers | undefined;

function readState(): TestServers | undefined {
  try {
    const state = JSON.parse(readFileSync(stateFile, 'utf8')) as TestServers;
    if (!state.servers.every(isAlive)) return undefined;
    lastState = state;
    return state;
  } catch {
    return undefined;
  }
}

async function startServers(): Promise<TestServers> {
  const home = openHome(poolFolder);
  const secrets = settleSecrets(poolFolder, {});
  const ports = await choosePorts(poolFolder, ['postgres', 'temporal']);
  const [cluster, binary] = await Promise.all([
    prepareCluster({ home, port: ports.postgres, password: secrets.POSTGRES_PASSWORD }),
    settleTemporal((note) => process.stderr.write(`${note}\n`)),
  ]);
  const specs = [cluster.spec, temporalSpec({ binary: binary.path, port: ports.temporal })];
  const servers: ProcessRecord[] = [];
  await Promise.all(specs.map((spec) => startServer(spec, servers)));
  const temporalAddress = `127.0.0.1:${ports.temporal}`;
  await settleNamespace(temporalAddress, 'default');
  lastState = {
    adminUrl: cluster.url('postgres'),
    templateDatabase: '',
    temporalAddress,
    temporalNamespace: 'default',
    servers,
  };
  return lastState;
}

async function startServer(spec: ProcessSpec, servers: ProcessRecord[]): Promise<void> {
  const logFile = join(poolFolder, 'logs', `${spec.name}.log`);
  const child = launch(spec, logFile);
  const pid = child.pid ?? 0;
  servers.push({ pid, startedAt: readStartTime(pid) ?? 'ended', stopSignal: spec.stopSignal });
  // known to the guard before anything can go wrong
  writeFileSync(stateFile, JSON.stringify({ servers }));
  if (servers.length === 1) spawnGuard();
  await waitUntilReady({ spec, child, logFile });
  child.unref();
}

function spawnGuard(): void {
  const guard = join(__dirname, 'guard.mjs');
  spawn(process.execPath, [guard, poolFolder], { detached: true, stdio: 'ignore' }).unref();
}

/** One template per state of the migrations; clones and templates of earlier runs are dropped. */
async function settleTemplate(adminUrl: string, alone: boolean): Promise<string> {
  const files = readdirSync(migrationsFolder).sort();
  const hash = createHash('sha256');
  for (const file of files) hash.update(file).update(readFileSync(join(migrationsFolder, file)));
  const name = `template_${hash.digest('hex').slice(0, 12)}`;
  const client = new Client({ connectionString: adminUrl });
  await client.connect();
  try {
    if (alone) await dropStale(client, name);
    const { rowCount } = await client.query('SELECT 1 FROM pg_database WHERE datname = $1', [name]);
    if (rowCount === 1) return name;
    const fresh = `fresh_${name}`;
    await client.query(`DROP DATABASE IF EXISTS ${fresh}`);
    await ensureDatabase(adminUrl, fresh);
    const url = new URL(adminUrl);
    url.pathname = fresh;
    await migrate(url.href);
    await client.query(`ALTER DATABASE ${fresh} RENAME TO ${name}`);
    return name;
  } finally {
    await client.end();
  }
}

async function dropStale(client: Client, keep: string): Promise<void> {
  const { rows } = await client.query<{ datname: string }>(
    "SELECT datname FROM pg_database WHERE datname ~ '^(test|template|fresh_template)_' AND datname <> $1",
    [keep],
  );
  for (const { datname } of rows) await client.query(`DROP DATABASE IF EXISTS "${datname}" WITH (FORCE)`);
}
