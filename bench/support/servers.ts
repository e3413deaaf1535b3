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

/** PostgreSQL, Temporal and both sandboxes in a home of their own, with what runs beside them. */
export interface Servers {
  home: string;
  secrets: Secrets;
  temporalAddress: string;
  temporalStorage: string;
  paymentUrl: string;
  carrierUrl: string;
  /** A fresh database with the schema that `xianda migrate` makes, and a namespace as `xianda migrate` settles it. */
  deploy(name: string): Promise<Deployment>;
  /** An empty database on the same PostgreSQL, for somebody else's tables; answers its URL. */
  createDatabase(name: string): Promise<string>;
  startRole(deployment: Deployment, role: Role): Promise<void>;
  /** Starts any other Node program and waits until it says that it serves. */
  startNode(name: string, program: { args: string[]; environment: NodeJS.ProcessEnv }): Promise<void>;
  /** By process name; a role's is `<deployment>-<role>`. */
  pids(): ReadonlyMap<string, number>;
  /** Throws when a process has ended by itself: what was measured since then is worth nothing. */
  expectAlive(): void;
  close(): Promise<void>;
}

const entry = join(__dirname, '..', '..', 'dist', 'main.js');

/** Starts the servers of a bench and stops them, and erases their data, when `work` has ended. */
export async function withServers<Answer>(
  { say, options }: BenchContext,
  work: (servers: Servers) => Promise<Answer>,
): Promise<Answer> {
  requireProc();
  const servers = await openServers(say, options.profile as string | undefined);
  const onSignal = () => void servers.close().finally(() => process.exit(130));
  process.once('SIGINT', onSignal).once('SIGTERM', onSignal);
  try {
    return await work(servers);
  } finally {
    process.off('SIGINT', onSignal).off('SIGTERM', onSignal);
    await servers.close();
  }
}

async function openServers(say: BenchContext['say'], profileFolder?: string): Promise<Servers> {
  const home = makeHome();
  const secrets = settleSecrets(home.path, {});
  const crew = createCrew(home.path);
  try {
    const [binary, ports] = await Promise.all([settleTemporal(say), drawPorts()]);
    const password = secrets.POSTGRES_PASSWORD;
    const cluster = await prepareCluster({ home, port: ports.postgres, password, onNote: say });
    const databaseFile = join(home.path, 'temporal.db');
    const settings = sharedEnvironment(home.path, secrets, ports);
    const profiling =
      profileFolder === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${resolve(profileFolder)}`];
    const startNode: Servers['startNode'] = (name, { args, environment }) =>
      crew.start(nodeSpec(name, { args: [...profiling, ...args], environment }));
    const sandbox = (name: string, kind: string, port: number) =>
      startNode(name, { args: [entry, 'sandbox', kind, '--port', String(port)], environment: settings });
    await Promise.all([
      crew.start(cluster.spec),
      crew.start(temporalSpec({ binary: binary.path, port: ports.temporal, databaseFile })),
      sandbox('sandbox-payment', 'payment', ports.payment),
      sandbox('sandbox-carrier', 'carrier', ports.carrier),
    ]);
    const temporalAddress = settings.TEMPORAL_ADDRESS as string;
    return {
      home: home.path,
      secrets,
      temporalAddress,
      temporalStorage: 'SQLite file, journal_mode=WAL, synchronous=NORMAL',
      paymentUrl: settings.SANDBOX_PAYMENT_URL as string,
      carrierUrl: settings.SANDBOX_CARRIER_URL as string,
      deploy: (name) => deploy(name, { cluster, settings }),
      async createDatabase(name) {
        await ensureDatabase(cluster.url('postgres'), name);
        return cluster.url(name);
      },
      startRole: ({ name, environment }, role) =>
        startNode(`${name}-${role}`, { args: [entry, role], environment }),
      startNode,
      pids: crew.pids,
      expectAlive: crew.expectAlive,
      close: () => closeAll(crew, home.path),
    };
  } catch (error) {
    await closeAll(crew, home.path);
    throw error;
  }
}

type Ports = Awaited<ReturnType<typeof drawPorts>>;

async function drawPorts() {
  const [postgres, temporal, payment, carrier] = [
    await drawPort(),
    await drawPort(),
    await drawPort(),
    await drawPort(),
  ];
  return { postgres, temporal, payment, carrier };
}

function sharedEnvironment(home: string, secrets: Secrets, ports: Ports): NodeJS.ProcessEnv {
  return {
    ...process.env,
    ...Object.fromEntries(secretNames.map((name) => [name, secrets[name]])),
    // production refuses partners on loopback; nothing else differs in what is measured
    XIANDA_MODE: 'development',
    XIANDA_HOME: home,
    PAYMENT_WINDOW_SECONDS: '86400',
    SANDBOX_CARRIER_AUTO: 'on',
    TEMPORAL_ADDRESS: `127.0.0.1:${ports.temporal}`,
    SANDBOX_PAYMENT_URL: `http://127.0.0.1:${ports.payment}`,
    SANDBOX_CARRIER_URL: `http://127.0.0.1:${ports.carrier}`,
  };
}

async function deploy(
  name: string,
  { cluster, settings }: { cluster: Cluster; settings: NodeJS.ProcessEnv },
): Promise<Deployment> {
  await ensureDatabase(cluster.url('postgres'), name);
  const databaseUrl = cluster.url(name);
  await migrate(databaseUrl);
  await settleNamespace(settings.TEMPORAL_ADDRESS as string, name);
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
        if (!closing) lost ??= `${spec.name} ended (${code ?? signal}) while it was measured`;
      });
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
