import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Connection } from '@temporalio/client';
import { run } from '../command';
import type { ProcessSpec } from '../processSpec';
import { SetupError } from '../setupError';
import { type ComposeService, parseDuration } from './compose';

/** Where each service of the compose file listens on this host. */
export interface Places {
  postgres: number;
  temporal: number;
  /** The four further ports that a Temporal server with all its parts opens, and those of its gossip. */
  temporalInside: number[];
  roles: Record<string, { port: number; metricsPort: number }>;
}

const root = join(__dirname, '..', '..', '..');
const entry = join(root, 'dist', 'main.js');

/** Names that containers find each other by become addresses on loopback, wherever a setting holds one. */
function translate(environment: ComposeService['environment'], places: Places): Record<string, string> {
  const names: [inside: string, here: string][] = [
    ['postgres:5432', `127.0.0.1:${places.postgres}`],
    ['temporal:7233', `127.0.0.1:${places.temporal}`],
  ];
  const pairs = Object.entries(environment ?? {}).map(([name, value]) => [
    name,
    names.reduce((text, [inside, here]) => text.replaceAll(inside, here), String(value)),
  ]);
  return Object.fromEntries(pairs) as Record<string, string>;
}

/** A process sees what its container would and nothing of this terminal but where programs are. */
const bare = () => ({ PATH: process.env.PATH ?? '', HOME: process.env.HOME ?? '/' });

/** The job that lays out Temporal's databases: the compose file's own script, with the programs of the image. */
export async function runSchemaJob(
  service: ComposeService,
  { places, programs }: { places: Places; programs: string },
): Promise<void> {
  const [shell = '/bin/sh', ...args] = [...(service.entrypoint ?? []), ...(service.command ?? [])];
  const env = {
    ...bare(),
    PATH: `${programs}:${process.env.PATH ?? ''}`,
    ...translate(service.environment, places),
    SQL_HOST: '127.0.0.1',
    SQL_PORT: String(places.postgres),
  };
  await run(shell, args, { env, cwd: root });
}

/** The server, with the settings of its container and ports that are free here. */
export function temporalServerSpec(
  service: ComposeService,
  { places, programs }: { places: Places; programs: string },
): ProcessSpec {
  const [matching, history, worker, http, ...gossip] = places.temporalInside.map(String);
  const env = {
    ...bare(),
    ...translate(service.environment, places),
    POSTGRES_SEEDS: '127.0.0.1',
    DB_PORT: String(places.postgres),
    BIND_ON_IP: '127.0.0.1',
    FRONTEND_GRPC_PORT: String(places.temporal),
    FRONTEND_HTTP_PORT: http,
    MATCHING_GRPC_PORT: matching,
    HISTORY_GRPC_PORT: history,
    WORKER_GRPC_PORT: worker,
    FRONTEND_MEMBERSHIP_PORT: gossip[0],
    MATCHING_MEMBERSHIP_PORT: gossip[1],
    HISTORY_MEMBERSHIP_PORT: gossip[2],
    WORKER_MEMBERSHIP_PORT: gossip[3],
    PROMETHEUS_ENDPOINT: `127.0.0.1:${gossip[4]}`,
    DYNAMIC_CONFIG_FILE_PATH: mountedFile(service),
  };
  return {
    name: 'temporal',
    command: join(programs, 'temporal-server'),
    args: ['start'],
    env,
    stopSignal: 'SIGTERM',
    graceMs: graceOf(service),
    isReady: () => isServing(`127.0.0.1:${places.temporal}`),
  };
}

/** How many ports `temporalInside` wants. */
export const temporalInsidePorts = 9;

/** The file of the tree that the service mounts. */
function mountedFile(service: ComposeService): string {
  const [source] = (service.volumes?.[0] ?? '').split(':');
  if (!source?.startsWith('.')) throw new Error('the Temporal service mounts no file of the tree');
  return join(root, source);
}

async function isServing(address: string): Promise<boolean> {
  try {
    const connection = await Connection.connect({ address, connectTimeout: 1_000 });
    try {
      await connection.withDeadline(Date.now() + 2_000, () => connection.healthService.check({}));
      return true;
    } finally {
      await connection.close();
    }
  } catch {
    return false;
  }
}

/** What a role's container is given, with the ports that are its own here. */
export function roleEnvironment(
  name: string,
  service: ComposeService,
  places: Places,
): Record<string, string> {
  const environment = { ...bare(), ...translate(service.environment, places) };
  const own = places.roles[name];
  if (own === undefined) return environment;
  return { ...environment, PORT: String(own.port), METRICS_PORT: String(own.metricsPort) };
}

/** A role that serves: our image's entry point with the service's command, ready when its health check says so. */
export function roleSpec(name: string, service: ComposeService, places: Places): ProcessSpec {
  const env = roleEnvironment(name, service, places);
  return {
    name,
    command: process.execPath,
    args: [entry, ...(service.command ?? [])],
    env,
    stopSignal: 'SIGTERM',
    graceMs: graceOf(service),
    isReady: () => isHealthy(service, env),
  };
}

/** A role that comes to an end. */
export async function runRoleToEnd(name: string, service: ComposeService, places: Places): Promise<void> {
  const env = roleEnvironment(name, service, places);
  try {
    await run(process.execPath, [entry, ...(service.command ?? [])], { env, cwd: root });
  } catch (cause) {
    throw new SetupError(`${name} failed: ${(cause as Error).message}`, 'Read the lines above.', { cause });
  }
}

function graceOf({ stop_grace_period: grace = '10s' }: ComposeService): number {
  return parseDuration(grace) * 1000;
}

const betweenChecksMs = 500;

/** Runs the container's health check, the very command; exit 0 is healthy. */
async function isHealthy({ healthcheck }: ComposeService, env: Record<string, string>): Promise<boolean> {
  const [, command = '', ...args] = healthcheck?.test ?? [];
  const timeoutMs = parseDuration(healthcheck?.timeout ?? '30s') * 1000;
  const code = await new Promise<number | null>((resolve) => {
    const child = spawn(command, args, { env, cwd: root, stdio: 'ignore', timeout: timeoutMs });
    child.once('error', () => resolve(null)).once('exit', resolve);
  });
  if (code === 0) return true;
  await sleep(betweenChecksMs);
  return false;
}
