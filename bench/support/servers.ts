import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { secretNames } from '../../src/config';
import { migrate } from '../../src/db/migrate';
import { type Home, openHome } from '../../src/dev/home';
import { launch, waitUntilReady } from '../../src/dev/launch';
import { type ProcessRecord, endProcess, readStartTime } from '../../src/dev/pidFile';
import { drawPort } from '../../src/dev/ports';
import { readOutsideFolder } from '../../src/dev/postgres/account';
import { type Cluster, ensureDatabase, prepareCluster } from '../../src/dev/postgres/cluster';
import type { ProcessSpec } from '../../src/dev/processSpec';
import { type Secrets, settleSecrets } from '../../src/dev/secrets';
import { settleTemporal } from '../../src/dev/temporal/binary';
import { settleNamespace } from '../../src/dev/temporal/namespace';
import { behindIntake, temporalSpec } from '../../src/dev/temporal/server';
import type { BenchContext } from './bench';
import { requireProc } from './processes';

/** The product's roles, each a process of its own as in production. */
export type Role = 'api' | 'worker' | 'dispatch';

/** One design under test: its own database, namespace and task queue on the shared servers. */
export interface Deployment {
  name: string;
  apiUrl: string;
  databaseUrl: string;
  namespace: string;
  /** What its processes are started with. */
  environment: NodeJS.ProcessEnv;
}

/** PostgreSQL in a home of its own, with what runs beside it. */
export interface StoreServers {
  home: string;
  secrets: Secrets;
  /** Where a carrier is, or would be: what books nothing needs none. */
  carrierUrl: string;
  /** A fresh database with the schema that `xianda migrate` makes; where Temporal runs, its namespace too. */
  deploy(name: string): Promise<Deployment>;
  /** An empty database on the same PostgreSQL, for somebody else's tables; answers its URL. */
  createDatabase(name: string): Promise<string>;
  startRole(deployment: Deployment, role: Role): Promise<void>;
  /** One more API process on the deployment's database; answers where it listens. Its name ends in `-<number>-api`. */
  startAnotherApi(deployment: Deployment, number: number): Promise<string>;
  /** Starts any other Node program and waits until it says that it serves. */
  startNode(name: string, program: { args: string[]; environment: NodeJS.ProcessEnv }): Promise<void>;
  /** Ends what was started under this name. */
  stop(name: string): Promise<void>;
  /** By process name; a role's is `<deployment>-<role>`. */
  pids(): ReadonlyMap<string, number>;
  /** Throws when a process has ended by itself: what was measured since then is worth nothing. */
  expectAlive(): void;
  close(): Promise<void>;
}

/** With Temporal and both sandboxes. */
export interface Servers extends StoreServers {
  temporalAddress: string;
  temporalStorage: string;
  paymentUrl: string;
}

const entry = join(__dirname, '..', '..', 'dist', 'main.js');

/** Starts the servers of a bench and stops them, and erases their data, when `work` has ended. */
export function withServers<Answer>(
  context: BenchContext,
  work: (servers: Servers) => Promise<Answer>,
): Promise<Answer> {
  return withOpened(() => openServers(context), work);
}

/** The same with PostgreSQL alone, for what needs no Temporal and no partner. */
export function withStore<Answer>(
  context: BenchContext,
  work: (servers: StoreServers) => Promise<Answer>,
): Promise<Answer> {
  return withOpened(async () => (await openStore(context)).servers, work);
}

async function withOpened<Opened extends StoreServers, Answer>(
  open: () => Promise<Opened>,
  work: (servers: Opened) => Promise<Answer>,
): Promise<Answer> {
  requireProc();
  const servers = await open();
  const onSignal = () => void servers.close().finally(() => process.exit(130));
  process.once('SIGINT', onSignal).once('SIGTERM', onSignal);
  try {
    return await work(servers);
  } finally {
    process.off('SIGINT', onSignal).off('SIGTERM', onSignal);
    await servers.close();
  }
}

interface Store {
  servers: StoreServers;
  crew: ReturnType<typeof createCrew>;
  settings: NodeJS.ProcessEnv;
}

async function openStore({ say, options }: BenchContext): Promise<Store> {
  const home = makeHome();
  const secrets = settleSecrets(home.path, {});
  const crew = createCrew(home.path);
  try {
    const [port, carrierPort] = [await drawPort(), await drawPort()];
    const cluster = await prepareCluster({ home, port, password: secrets.POSTGRES_PASSWORD, onNote: say });
    const carrierUrl = `http://127.0.0.1:${carrierPort}`;
    const settings = sharedEnvironment(home.path, secrets, carrierUrl);
    const profile = options.profile as string | undefined;
    const profiling = profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${resolve(profile)}`];
    const startNode: StoreServers['startNode'] = (name, { args, environment }) =>
      crew.start(nodeSpec(name, { args: [...profiling, ...args], environment }));
    await crew.start(cluster.spec);
    const servers: StoreServers = {
      home: home.path,
      secrets,
      carrierUrl,
      deploy: (name) => deploy(name, { cluster, settings }),
      async createDatabase(name) {
        await ensureDatabase(cluster.url('postgres'), name);
        return cluster.url(name);
      },
      startRole: ({ name, environment }, role) =>
        startNode(`${name}-${role}`, { args: [entry, role], environment }),
      async startAnotherApi({ name, environment }, number) {
        const another = await drawPort();
        const args = [entry, 'api', '--port', String(another)];
        await startNode(`${name}-${number}-api`, { args, environment });
        return `http://127.0.0.1:${another}`;
      },
      startNode,
      stop: crew.stop,
      pids: crew.pids,
      expectAlive: crew.expectAlive,
      close: () => closeAll(crew, home.path),
    };
    return { servers, crew, settings };
  } catch (error) {
    await closeAll(crew, home.path);
    throw error;
  }
}

async function openServers(context: BenchContext): Promise<Servers> {
  const binary = await settleTemporal(context.say);
  const { servers, crew, settings } = await openStore(context);
  try {
    const [port, paymentPort] = [await drawPort(), await drawPort()];
    const temporalAddress = `127.0.0.1:${port}`;
    const paymentUrl = `http://127.0.0.1:${paymentPort}`;
    const added = { TEMPORAL_ADDRESS: temporalAddress, SANDBOX_PAYMENT_URL: paymentUrl };
    const databaseFile = join(servers.home, 'temporal.db');
    const sandbox = (kind: string, url: string) =>
      servers.startNode(`sandbox-${kind}`, {
        args: [entry, 'sandbox', kind, '--port', new URL(url).port],
        environment: { ...settings, ...added },
      });
    await Promise.all([
      crew.start(temporalSpec({ binary: binary.path, port, databaseFile })),
      sandbox('payment', paymentUrl),
      sandbox('carrier', servers.carrierUrl),
    ]);
    return {
      ...servers,
      temporalAddress,
      temporalStorage: 'SQLite file, journal_mode=WAL, synchronous=NORMAL',
      paymentUrl,
      async deploy(name) {
        const deployment = await servers.deploy(name);
        await settleNamespace(temporalAddress, name);
        return { ...deployment, environment: { ...deployment.environment, ...added } };
      },
    };
  } catch (error) {
    await servers.close();
    throw error;
  }
}

function sharedEnvironment(home: string, secrets: Secrets, carrierUrl: string): NodeJS.ProcessEnv {
  return {
    ...process.env,
    ...Object.fromEntries(secretNames.map((name) => [name, secrets[name]])),
    // production refuses partners on loopback; nothing else differs in what is measured
    XIANDA_MODE: 'development',
    XIANDA_HOME: home,
    PAYMENT_WINDOW_SECONDS: '86400',
    SANDBOX_CARRIER_AUTO: 'on',
    SANDBOX_CARRIER_URL: carrierUrl,
  };
}

async function deploy(
  name: string,
  { cluster, settings }: { cluster: Cluster; settings: NodeJS.ProcessEnv },
): Promise<Deployment> {
  await ensureDatabase(cluster.url('postgres'), name);
  const databaseUrl = cluster.url(name);
  await migrate(databaseUrl);
  const port = await drawPort();
  const apiUrl = `http://127.0.0.1:${port}`;
  const environment = {
    ...settings,
    PORT: String(port),
    PUBLIC_URL: apiUrl,
    DATABASE_URL: databaseUrl,
    TEMPORAL_NAMESPACE: name,
    TEMPORAL_TASK_QUEUE: name,
  };
  return { name, apiUrl, databaseUrl, namespace: name, environment };
}

/** A Node process as the supervisor starts its own: all but the API give way to the buyers. */
function nodeSpec(
  name: string,
  { args, environment }: { args: readonly string[]; environment: NodeJS.ProcessEnv },
): ProcessSpec {
  return {
    name,
    command: process.execPath,
    args,
    env: environment,
    ...(name.endsWith('-api') ? {} : { niceness: behindIntake }),
    stopSignal: 'SIGTERM',
    isReady: 'reports',
  };
}

/** Processes in the order they were started; stopped the other way round. */
function createCrew(home: string) {
  const members = new Map<string, ProcessRecord>();
  let lost: string | undefined;
  let closing = false;
  return {
    async start(spec: ProcessSpec): Promise<void> {
      const logFile = join(home, 'logs', `${spec.name}.log`);
      const child = launch(spec, logFile);
      const pid = child.pid ?? 0;
      members.set(spec.name, { pid, startedAt: readStartTime(pid) ?? 'ended', stopSignal: spec.stopSignal });
      await waitUntilReady({ spec, child, logFile });
      child.once('exit', (code, signal) => {
        if (!closing && members.has(spec.name))
          lost ??= `${spec.name} ended (${code ?? signal}) while it was measured`;
      });
    },
    async stop(name: string): Promise<void> {
      const record = members.get(name);
      if (record === undefined) return;
      members.delete(name);
      await endProcess(record);
    },
    pids: () => new Map([...members].map(([name, { pid }]) => [name, pid])),
    expectAlive() {
      if (lost !== undefined) throw new Error(lost);
    },
    async close(): Promise<void> {
      closing = true;
      for (const record of [...members.values()].reverse()) await endProcess(record);
      members.clear();
    },
  };
}

async function closeAll(crew: ReturnType<typeof createCrew>, home: string): Promise<void> {
  await crew.close();
  const outside = readOutsideFolder(home);
  if (outside !== undefined) rmSync(outside, { recursive: true, force: true });
  rmSync(home, { recursive: true, force: true });
}

/** A folder that the postgres user may enter, as mkdtemp's own 0700 is not. */
function makeHome(): Home {
  const folder = mkdtempSync(join(tmpdir(), 'xianda-bench-'));
  chmodSync(folder, 0o755);
  return openHome(folder);
}
