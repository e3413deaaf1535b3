import { spawn } from 'node:child_process';
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Config, type SecretName, readConfig, secretNames } from '../config';
import { migrate } from '../db/migrate';
import { type DevFile, listPids, writeDevFile } from './devFile';
import { type Home, openHome } from './home';
import { endProcess, findLiving, removePidFile, writePidFile } from './pidFile';
import { type PortName, choosePorts } from './ports';
import { ensureDatabase, prepareCluster } from './postgres/cluster';
import type { ProcessSpec } from './processSpec';
import { type Secrets, settleSecrets } from './secrets';
import { runSeed } from './seed/runSeed';
import { SetupError } from './setupError';
import type { Note, Step } from './steps';
import { createSupervisor } from './supervisor';
import { settleTemporal } from './temporal/binary';
import { settleNamespace } from './temporal/namespace';
import { behindIntake, temporalSpec } from './temporal/server';

export interface Stack {
  home: string;
  /** From nothing to dev.json. */
  steps: Step[];
  /** What dev.json says. */
  describe(): DevFile;
  startDemo(): void;
  stop(): Promise<void>;
}

const entry = join(__dirname, '..', 'main.js');
const database = 'xianda';

/** What is known of a stack from the beginning; the rest is found while its steps run. */
interface Plan {
  config: Config;
  home: Home;
  ports: Record<PortName, number>;
  secrets: Secrets;
  databaseUrl: string;
  temporalAddress: string;
}

/** Lays out the stack of a home: which ports and secrets, which steps; nothing runs yet. */
export async function createStack(config: Config, env: NodeJS.ProcessEnv = process.env): Promise<Stack> {
  const plan = await planStack(config, env);
  const home = plan.home.path;
  const tenants: DevFile['tenants'] = [];
  let told = false;
  const supervisor = createSupervisor({
    home,
    onChange: () => {
      if (told) writeDevFile(home, describe());
    },
    onNote: (note) => {
      console.log(`• ${note}`);
      appendFileSync(join(home, 'logs', 'supervisor.log'), `${new Date().toISOString()} ${note}\n`);
    },
  });
  const describe = () => describeStack(plan, supervisor.pidOf, tenants);
  const demo = createDemo(plan, env);
  const seed = async () => {
    tenants.push(await runSeed(readConfig(roleEnvironment(plan, env))));
  };
  const tell = async () => {
    await waitUntilAnswers(describe());
    told = true;
    writeDevFile(home, describe());
  };
  return {
    home,
    steps: layOutSteps({ plan, env, start: supervisor.start, seed, tell }),
    describe,
    startDemo: demo.start,
    async stop() {
      told = false;
      await demo.stop();
      await supervisor.stopAll();
    },
  };
}

interface StepParts {
  plan: Plan;
  env: NodeJS.ProcessEnv;
  start: Start;
  seed: () => Promise<void>;
  /** Waits until everything answers and writes dev.json. */
  tell: () => Promise<void>;
}

function layOutSteps({ plan, env, start, seed, tell }: StepParts): Step[] {
  const role = (title: string, name: string, ...args: string[]): Step => ({
    title,
    run: () => start(roleSpec(plan, env, name, args)),
  });
  const { paymentSandbox, carrierSandbox, supplierSandbox } = plan.ports;
  return [
    {
      title: 'Servers and partners',
      together: [
        { title: 'PostgreSQL', run: (note) => startPostgres(plan, start, note) },
        { title: 'Temporal', run: (note) => startTemporal(plan, start, note) },
        role(
          'Sandbox payment provider',
          'sandbox-payment',
          'sandbox',
          'payment',
          '--port',
          String(paymentSandbox),
        ),
        role('Sandbox carrier', 'sandbox-carrier', 'sandbox', 'carrier', '--port', String(carrierSandbox)),
        role(
          'Sandbox supplier',
          'sandbox-supplier',
          'sandbox',
          'supplier',
          '--port',
          String(supplierSandbox),
        ),
      ],
    },
    { title: 'Migrations', run: () => migrateOrExplain(plan.databaseUrl) },
    {
      title: 'Processes',
      together: [
        role('api', 'api', 'api'),
        role('worker', 'worker', 'worker'),
        role('dispatch', 'dispatch', 'dispatch'),
      ],
    },
    { title: 'Demo tenant', run: seed },
    { title: 'Everything answers', run: tell },
  ];
}

async function planStack(config: Config, env: NodeJS.ProcessEnv): Promise<Plan> {
  const home = openHome(config.home);
  const secrets = settleSecrets(home.path, env);
  const names = [
    'postgres',
    'temporal',
    'temporalUi',
    'paymentSandbox',
    'carrierSandbox',
    'supplierSandbox',
  ] as const;
  const ports = await choosePorts(home.path, names);
  const password = encodeURIComponent(secrets.POSTGRES_PASSWORD);
  return {
    config,
    home,
    ports,
    secrets,
    databaseUrl:
      config.databaseUrl ?? `postgres://postgres:${password}@127.0.0.1:${ports.postgres}/${database}`,
    temporalAddress: config.temporalAddress ?? `127.0.0.1:${ports.temporal}`,
  };
}

type Start = (spec: ProcessSpec) => Promise<void>;

async function startPostgres(plan: Plan, start: Start, note: Note): Promise<void> {
  if (plan.config.databaseUrl !== undefined) return;
  const { home, ports, secrets } = plan;
  const password = secrets.POSTGRES_PASSWORD;
  const cluster = await prepareCluster({ home, port: ports.postgres, password, onNote: note });
  await start(cluster.spec);
  await ensureDatabase(cluster.url('postgres'), database);
}

async function startTemporal(plan: Plan, start: Start, note: Note): Promise<void> {
  const { config, home, ports, temporalAddress } = plan;
  if (config.temporalAddress === undefined) {
    const binary = await settleTemporal(note);
    const databaseFile = join(home.path, 'temporal.db');
    await start(
      temporalSpec({ binary: binary.path, port: ports.temporal, uiPort: ports.temporalUi, databaseFile }),
    );
  }
  try {
    await settleNamespace(temporalAddress, config.temporalNamespace);
  } catch (cause) {
    throw new SetupError(
      `The Temporal server at ${temporalAddress} cannot be used (${(cause as Error).message}).`,
      config.temporalAddress === undefined
        ? `Its log is ${home.path}/logs/temporal.log.`
        : 'Check TEMPORAL_ADDRESS.',
      { cause },
    );
  }
}

async function migrateOrExplain(databaseUrl: string): Promise<void> {
  try {
    await migrate(databaseUrl);
  } catch (cause) {
    const { message } = cause as Error;
    const otherVersion = /checkOrder|preceding already run|Not run migration/i.test(message);
    throw new SetupError(
      otherVersion
        ? `The database was written by another version of Xianda (${message}).`
        : `The database cannot be brought to this version's schema (${message}).`,
      'Start the version that wrote it, erase the data with `npm run reset`, or check DATABASE_URL.',
      { cause },
    );
  }
}

/** What every child gets: the terminal's own environment, and on top what the stack has settled. */
function roleEnvironment(
  { config, home, ports, secrets, ...plan }: Plan,
  env: NodeJS.ProcessEnv,
): NodeJS.ProcessEnv {
  const shared = Object.fromEntries(secretNames.map((name): [SecretName, string] => [name, secrets[name]]));
  return {
    ...env,
    ...shared,
    XIANDA_MODE: 'development',
    XIANDA_HOME: home.path,
    PORT: String(config.port),
    DATABASE_URL: plan.databaseUrl,
    TEMPORAL_ADDRESS: plan.temporalAddress,
    TEMPORAL_UI_URL: temporalUiUrl({ config, ports }) ?? '',
    SANDBOX_PAYMENT_URL: `http://127.0.0.1:${ports.paymentSandbox}`,
    SANDBOX_CARRIER_URL: `http://127.0.0.1:${ports.carrierSandbox}`,
    SANDBOX_SUPPLIER_URL: `http://127.0.0.1:${ports.supplierSandbox}`,
  };
}

/** The Web UI of a server that is somebody else's is known only if it was told. */
function temporalUiUrl({ config, ports }: Pick<Plan, 'config' | 'ports'>): string | null {
  if (config.temporalAddress === undefined) return `http://127.0.0.1:${ports.temporalUi}`;
  return config.temporalUiUrl ?? null;
}

function roleSpec(plan: Plan, env: NodeJS.ProcessEnv, name: string, args: readonly string[]): ProcessSpec {
  return {
    name,
    command: process.execPath,
    args: [entry, ...args],
    env: roleEnvironment(plan, env),
    ...(name === 'api' ? {} : { niceness: behindIntake }),
    stopSignal: 'SIGTERM',
    isReady: 'reports',
  };
}

function describeStack(
  { config, ports, secrets, databaseUrl, temporalAddress }: Plan,
  pidOf: (name: string) => number | undefined,
  tenants: DevFile['tenants'],
): DevFile {
  return {
    apiUrl: `http://127.0.0.1:${config.port}`,
    temporalUiUrl: temporalUiUrl({ config, ports }),
    temporalAddress,
    temporalNamespace: config.temporalNamespace,
    databaseUrl,
    sandbox: {
      paymentUrl: `http://127.0.0.1:${ports.paymentSandbox}`,
      carrierUrl: `http://127.0.0.1:${ports.carrierSandbox}`,
      supplierUrl: `http://127.0.0.1:${ports.supplierSandbox}`,
    },
    platformKey: secrets.PLATFORM_KEY,
    tenants,
    pids: listPids(pidOf, ['sandbox-payment', 'sandbox-carrier', 'sandbox-supplier']),
  };
}

async function waitUntilAnswers({ apiUrl, sandbox }: DevFile, withinMs = 30_000): Promise<void> {
  const giveUpAt = Date.now() + withinMs;
  const sandboxes = Object.values(sandbox).filter((each) => each !== null);
  const addresses = [`${apiUrl}/readyz`, ...sandboxes.map((each) => `${each}/healthz`)];
  for (const address of addresses) {
    let last = 'nobody listens';
    while (!(await answersWell(address, (reason) => (last = reason)))) {
      if (Date.now() > giveUpAt)
        throw new SetupError(`${address} does not answer: ${last}`, 'Look into the logs.');
      await sleep(50);
    }
  }
}

async function answersWell(address: string, onReason: (reason: string) => void): Promise<boolean> {
  try {
    const response = await fetch(address, { signal: AbortSignal.timeout(5_000) });
    if (!response.ok) onReason((await response.text()).slice(0, 400));
    return response.ok;
  } catch {
    return false;
  }
}

/** The demo broadcast writes to this terminal; when it fails the stack goes on serving. */
function createDemo(plan: Plan, env: NodeJS.ProcessEnv): { start(): void; stop(): Promise<void> } {
  const file = join(plan.home.path, 'run', 'demo.pid');
  let stopping = false;
  return {
    start() {
      const child = spawn(process.execPath, [entry, 'demo'], {
        env: roleEnvironment(plan, env),
        stdio: 'inherit',
      });
      if (child.pid !== undefined) writePidFile(file, child.pid);
      child.once('exit', (code, signal) => {
        removePidFile(file);
        if (code === 0 || stopping) return;
        const how =
          code === 1 ? 'could not end well: see what it says above' : `ended early (${code ?? signal})`;
        console.log(`• The demo broadcast ${how}. The stack goes on serving.`);
      });
    },
    async stop() {
      stopping = true;
      const living = findLiving(file);
      if (living !== undefined) await endProcess(living);
      removePidFile(file);
    },
  };
}
