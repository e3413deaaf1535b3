import { randomInt } from 'node:crypto';
import { appendFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { secretNames } from '../../config';
import { endRunningCommands } from '../command';
import { type DevFile, listPids, removeDevFile, writeDevFile } from '../devFile';
import { openHome } from '../home';
import { endLeftovers, removePidFile } from '../pidFile';
import { choosePorts, isPortFree } from '../ports';
import { ensureDatabase, prepareCluster } from '../postgres/cluster';
import { takeHome, waitForSignal } from '../run';
import { type Secrets, settleSecrets } from '../secrets';
import { explain } from '../setupError';
import { type Note, type Step, runSteps } from '../steps';
import { type Supervisor, createSupervisor, stopOrder } from '../supervisor';
import { type ComposeFile, type Variables, interpolateAll, startOrder } from './compose';
import { outsideSpec } from './outside';
import {
  type Places,
  roleSpec,
  runRoleToEnd,
  runSchemaJob,
  temporalInsidePorts,
  temporalServerSpec,
} from './services';
import { settleTemporalServer } from './temporalServer';

const defaultHome = '.xianda-topology';
const database = 'xianda';
const roles = ['api', 'worker', 'dispatch', 'doctor'] as const;
const outsiders = ['sandbox-payment', 'sandbox-carrier'] as const;

interface Topology {
  home: string;
  compose: ComposeFile;
  secrets: Secrets;
  places: Places;
  outside: Record<(typeof outsiders)[number], number>;
}

/**
 * Runs the compose file without containers: its services as processes of this host, with its settings, commands,
 * health checks and order, in production mode, on PostgreSQL and a Temporal server that keeps its data there. The
 * sandbox partners join from outside. Until a signal ends it; answers the exit code.
 */
export async function runTopology(
  compose: ComposeFile,
  env: NodeJS.ProcessEnv = process.env,
): Promise<number> {
  const home = resolve(env.XIANDA_HOME || defaultHome);
  const lock = takeHome(home);
  let supervisor: Supervisor | undefined;
  const stopAsked = waitForSignal();
  try {
    removeDevFile(home);
    await endLeftovers(join(home, 'run'), stopOrder);
    const topology = await layOut(home, compose);
    const variables = settleVariables(topology, env);
    const state = { told: false };
    supervisor = createTopologySupervisor(topology, state);
    const started = runSteps(steps({ ...topology, compose: filledIn(compose, variables) }, supervisor));
    started.catch(() => undefined);
    if ((await Promise.race([started.then(() => 'started' as const), stopAsked])) === 'started') {
      state.told = true;
      writeDevFile(home, describe(topology, supervisor));
      console.log(`\nIt serves at ${apiUrl(topology)}. Addresses and process ids: ${join(home, 'dev.json')}`);
      await stopAsked;
    }
    console.log('\nStopping …');
    return 0;
  } catch (error) {
    console.error(`\n${explain(error)}`);
    return 1;
  } finally {
    endRunningCommands();
    removeDevFile(home);
    await supervisor?.stopAll();
    removePidFile(lock);
  }
}

async function layOut(path: string, compose: ComposeFile): Promise<Topology> {
  const home = openHome(path);
  const inside = Array.from({ length: temporalInsidePorts }, (_, index) => `temporalInside${index}`);
  const ofRoles = roles.flatMap((role) => [role, `${role}Metrics`]);
  const ports: Record<string, number> = {
    ...(await choosePorts(home.path, ['postgres', ...ofRoles, ...outsiders])),
    ...(await choosePorts(home.path, ['temporal', ...inside], drawSmallPort)),
  };
  const port = (name: string) => ports[name] as number;
  return {
    home: home.path,
    compose,
    secrets: settleSecrets(home.path, {}),
    places: {
      postgres: port('postgres'),
      temporal: port('temporal'),
      temporalInside: inside.map(port),
      roles: Object.fromEntries(
        roles.map((role) => [role, { port: port(role), metricsPort: port(`${role}Metrics`) }]),
      ),
    },
    outside: {
      'sandbox-payment': port('sandbox-payment'),
      'sandbox-carrier': port('sandbox-carrier'),
    },
  };
}

/** A Temporal server writes its ports down as 16 bits with a sign. */
async function drawSmallPort(): Promise<number> {
  for (;;) {
    const port = randomInt(20_000, 32_000);
    if (await isPortFree(port)) return port;
  }
}

const apiUrl = ({ places }: Topology) => `http://127.0.0.1:${places.roles.api?.port}`;
const outsideUrl = ({ outside }: Topology, name: (typeof outsiders)[number]) =>
  `http://127.0.0.1:${outside[name]}`;

/** The `.env` of this deployment, every secret drawn; written down so that it can be read beside the compose file. */
function settleVariables(topology: Topology, env: NodeJS.ProcessEnv): Variables {
  const { home, secrets } = topology;
  const variables: Record<string, string> = {
    POSTGRES_PASSWORD: secrets.POSTGRES_PASSWORD,
    ...Object.fromEntries(secretNames.map((name) => [name, secrets[name]])),
    PUBLIC_URL: apiUrl(topology),
    SANDBOX_PAYMENT_URL: outsideUrl(topology, 'sandbox-payment'),
    SANDBOX_CARRIER_URL: outsideUrl(topology, 'sandbox-carrier'),
    PAYMENT_WINDOW_SECONDS: env.PAYMENT_WINDOW_SECONDS ?? '',
    LOG_LEVEL: env.LOG_LEVEL ?? '',
  };
  const lines = Object.entries(variables).map(([name, value]) => `${name}=${value}`);
  writeFileSync(join(home, '.env'), `${lines.join('\n')}\n`, { mode: 0o600 });
  return variables;
}

function filledIn(compose: ComposeFile, variables: Variables): ComposeFile {
  return { ...compose, services: interpolateAll(compose.services, variables) };
}

function createTopologySupervisor(topology: Topology, state: { told: boolean }): Supervisor {
  const { home } = topology;
  const supervisor: Supervisor = createSupervisor({
    home,
    onChange: () => {
      if (state.told) writeDevFile(home, describe(topology, supervisor));
    },
    onNote: (note) => {
      console.log(`• ${note}`);
      appendFileSync(join(home, 'logs', 'supervisor.log'), `${new Date().toISOString()} ${note}\n`);
    },
  });
  return supervisor;
}

/** Partners first, since they are there before us; then the services in the order that the file asks for. */
function steps(topology: Topology, supervisor: Supervisor): Step[] {
  const names = startOrder(topology.compose.services);
  return [
    {
      title: 'Partners outside',
      together: outsiders.map((name) => ({
        title: name,
        run: () => supervisor.start(outsideSpec({ ...topology, name, port: topology.outside[name] })),
      })),
    },
    ...names.map((name) => ({
      title: name,
      run: (note: Note) => startService(name, { topology, supervisor, note }),
    })),
  ];
}

interface Starting {
  topology: Topology;
  supervisor: Supervisor;
  note: Note;
}

async function startService(name: string, { topology, supervisor, note }: Starting): Promise<void> {
  const { compose, places } = topology;
  const service = compose.services[name];
  if (service === undefined) throw new Error(`${name} is no service`);
  switch (name) {
    case 'postgres':
      return startPostgres(topology, supervisor, note);
    case 'temporal-schema':
      return runSchemaJob(service, { places, programs: (await settleTemporalServer(note)).folder });
    case 'temporal':
      return supervisor.start(
        temporalServerSpec(service, { places, programs: (await settleTemporalServer(note)).folder }),
      );
    case 'temporal-ui':
      return note('left out: its image alone holds it');
    case 'migrate':
      return runRoleToEnd(name, service, places);
    default:
      return supervisor.start(roleSpec(name, service, places));
  }
}

async function startPostgres({ home, secrets, places }: Topology, supervisor: Supervisor, note: Note) {
  const password = secrets.POSTGRES_PASSWORD;
  const cluster = await prepareCluster({
    home: openHome(home),
    port: places.postgres,
    password,
    onNote: note,
  });
  await supervisor.start(cluster.spec);
  await ensureDatabase(cluster.url('postgres'), database);
}

/** As the development stack tells of itself, so that whoever can use the one can use the other. */
function describe(topology: Topology, { pidOf }: Supervisor): DevFile {
  const { places, secrets } = topology;
  const password = encodeURIComponent(secrets.POSTGRES_PASSWORD);
  return {
    apiUrl: apiUrl(topology),
    temporalUiUrl: null,
    temporalAddress: `127.0.0.1:${places.temporal}`,
    temporalNamespace: 'default',
    databaseUrl: `postgres://postgres:${password}@127.0.0.1:${places.postgres}/${database}`,
    sandbox: {
      paymentUrl: outsideUrl(topology, 'sandbox-payment'),
      carrierUrl: outsideUrl(topology, 'sandbox-carrier'),
      supplierUrl: null,
    },
    platformKey: secrets.PLATFORM_KEY,
    tenants: [],
    pids: listPids(pidOf, outsiders),
  };
}
