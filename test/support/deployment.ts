import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Command, CommanderError } from 'commander';
import { parse } from 'yaml';
import { createProgram } from '../../src/cli';
import { readConfig, requiredInProduction, secretNames, settingNames } from '../../src/config';
import {
  type ComposeFile,
  type ComposeService,
  interpolateAll,
  namesIn,
  parseDuration,
  startOrder,
} from '../../src/dev/topology/compose';

export const root = join(__dirname, '..', '..');

/** The files that deploy the product, as text, so that a test may break them first. */
export interface Deployment {
  compose: string;
  envExample: string;
  dockerfile: string;
  dockerignore: string;
  operations: string;
}

export function readDeployment(): Deployment {
  const read = (name: string) => readFileSync(join(root, name), 'utf8');
  return {
    compose: read('docker-compose.yml'),
    envExample: read('.env.example'),
    dockerfile: read('Dockerfile'),
    dockerignore: read('.dockerignore'),
    operations: read('docs/operations.md'),
  };
}

/** Settings that production leaves alone: the image sets them, or they are of the development stack. */
const notInCompose = [
  'NODE_ENV',
  'XIANDA_HOME',
  'DEMO',
  'SANDBOX_CARRIER_AUTO',
  'SANDBOX_SUPPLIER_URL',
  'WEBHOOK_TIME_SCALE',
];
/** Variables of the compose file that configure the deployment itself. */
const ofComposeAlone = ['POSTGRES_PASSWORD', 'XIANDA_BIND', 'XIANDA_IMAGE'];
const drainMarginSeconds = 5;
const neededSecrets: readonly string[] = [...secretNames, 'POSTGRES_PASSWORD'];

/** Everything that is wrong with these files, in words; empty when they fit the code. */
export function findComplaints(files: Deployment): string[] {
  const compose = parse(files.compose, { merge: true }) as ComposeFile;
  return [
    ...checkVariables(compose, files),
    ...checkSettings(compose),
    ...checkSettingsTable(files.operations),
    ...Object.entries(compose.services).flatMap(([name, service]) => checkService(name, service, compose)),
    ...checkOrder(compose),
    ...checkStart(files),
    ...checkDockerfile(files),
  ];
}

export const isOurs = (service: ComposeService) => service.build !== undefined;

/** Values as an operator would put them, secrets drawn. */
export function exampleVariables(envExample: string): Record<string, string> {
  const drawn = 'x'.repeat(32);
  const given = readEnvExample(envExample);
  return Object.fromEntries(
    Object.entries(given).map(([name, value]) => [
      name,
      name === 'PERSONAL_DATA_KEYS'
        ? `k1:${Buffer.alloc(32, 1).toString('base64')}`
        : value || (neededSecrets.includes(name) ? drawn : ''),
    ]),
  );
}

function readEnvExample(text: string): Record<string, string> {
  const lines = text.split('\n').flatMap((line) => /^([A-Z_]+)=(.*)$/.exec(line)?.slice(1, 3) ?? []);
  const pairs = lines.flatMap((name, index) => (index % 2 === 0 ? [[name, lines[index + 1]]] : []));
  return Object.fromEntries(pairs) as Record<string, string>;
}

function checkVariables(compose: ComposeFile, { envExample }: Deployment): string[] {
  const text = JSON.stringify(compose);
  const used = new Set(namesIn(text));
  const listed = readEnvExample(envExample);
  const known = [...settingNames, ...ofComposeAlone];
  const lines = envExample.split('\n');
  return [
    ...[...used].filter((name) => !(name in listed)).map((name) => `.env.example leaves out ${name}`),
    ...Object.keys(listed).flatMap((name) => [
      ...(used.has(name) ? [] : [`.env.example lists ${name}, which nothing uses`]),
      ...(known.includes(name) ? [] : [`${name} is no setting`]),
      ...(neededSecrets.includes(name) && listed[name] !== '' ? [`${name} has a value in .env.example`] : []),
      ...(isExplained(lines, name) ? [] : [`.env.example does not explain ${name}`]),
    ]),
    ...neededSecrets
      .filter((name) =>
        [...text.matchAll(new RegExp(`\\$\\{${name}(.{0,2})`, 'g'))].some(([, mark]) => mark !== ':?'),
      )
      .map((name) => `${name} could be left out`),
  ];
}

/** A comment stands right above it, or above its neighbour without a blank line between. */
function isExplained(lines: string[], name: string): boolean {
  let at = lines.findIndex((line) => line.startsWith(`${name}=`));
  while (at > 0 && /^[A-Z_]+=/.test(lines[at] ?? '')) at -= 1;
  return (lines[at] ?? '').startsWith('# ');
}

function checkSettings(compose: ComposeFile): string[] {
  return Object.entries(compose.services)
    .filter(([, service]) => isOurs(service))
    .flatMap(([name, { environment = {} }]) => [
      ...Object.keys(environment)
        .filter((variable) => !settingNames.includes(variable))
        .map((variable) => `${name} is given ${variable}, which is no setting`),
      ...settingNames
        .filter((setting) => !(setting in environment) && !notInCompose.includes(setting))
        .map((setting) => `${name} is not given ${setting}`),
      ...requiredInProduction
        .filter((setting) => !(setting in environment))
        .map((setting) => `${name} would not start without ${setting}`),
    ]);
}

/** The first column of the table under "Settings" names each setting once. */
function checkSettingsTable(operations: string): string[] {
  const table = /## Settings\n([\s\S]*?)\n## /.exec(operations)?.[1] ?? '';
  const cells = table.split('\n').filter((line) => line.startsWith('| `'));
  const named = cells.flatMap((line) =>
    [...(line.split('|')[1] ?? '').matchAll(/`([A-Z_]+)`/g)].map(([, name]) => name as string),
  );
  const own = [...settingNames.filter((name) => name !== 'NODE_ENV'), 'XIANDA_CACHE'];
  return [
    ...own.filter((name) => !named.includes(name)).map((name) => `operations.md does not explain ${name}`),
    ...named
      .filter((name) => !own.includes(name))
      .map((name) => `operations.md explains ${name}, which is no setting`),
  ];
}

function checkService(name: string, service: ComposeService, compose: ComposeFile): string[] {
  const { limits } = service.deploy?.resources ?? {};
  const endless = service.restart === 'unless-stopped' || service.restart === 'always';
  return [
    ...(limits?.cpus && limits.memory ? [] : [`${name} has no limits`]),
    ...(service.logging ? [] : [`${name} may fill the disk with its log`]),
    ...(service.restart ? [] : [`${name} has no restart policy`]),
    ...(service.image?.includes(':') ? [] : [`${name} has no tag`]),
    ...(service.ports ?? [])
      .filter((port) => !isOnLoopback(port))
      .map((port) => `${name} publishes ${port} to everybody`),
    ...(service.volumes ?? []).flatMap((volume) => checkVolume(name, volume, compose)),
    ...Object.entries(service.depends_on ?? {}).flatMap(([needed, { condition }]) =>
      checkDependency({ name, needed, condition, on: compose.services[needed] }),
    ),
    ...(isOurs(service) ? checkRole(name, service, endless) : []),
  ];
}

const isOnLoopback = (port: string) => /^(127\.0\.0\.1|\$\{XIANDA_BIND:-127\.0\.0\.1\}):\d+:\d+$/.test(port);

function checkVolume(name: string, volume: string, compose: ComposeFile): string[] {
  const [source = ''] = volume.split(':');
  const there = source.startsWith('.') ? existsSync(join(root, source)) : source in (compose.volumes ?? {});
  return there ? [] : [`${name} mounts ${source}, which is not there`];
}

interface Dependency {
  name: string;
  needed: string;
  condition: string;
  on: ComposeService | undefined;
}

function checkDependency({ name, needed, condition, on }: Dependency): string[] {
  if (on === undefined) return [`${name} depends on ${needed}, which is no service`];
  const ends = !(on.restart === 'unless-stopped' || on.restart === 'always');
  switch (condition) {
    case 'service_healthy':
      return on.healthcheck?.test ? [] : [`${name} waits for the health of ${needed}, which has no check`];
    case 'service_completed_successfully':
      return ends ? [] : [`${name} waits for the end of ${needed}, which is started again for ever`];
    default:
      return [`${name} does not wait until ${needed} is of use (${condition})`];
  }
}

/** A service that runs our image: its command, ports, health check, grace and settings. */
function checkRole(name: string, service: ComposeService, endless: boolean): string[] {
  const { environment = {}, command = [], healthcheck, stop_grace_period: grace } = service;
  const port = Number(environment.PORT);
  return [
    ...checkCommand(name, command),
    ...(endless ? checkHealth(name, healthcheck?.test) : []),
    ...(service.ports ?? [])
      .filter((each) => Number(each.split(':').at(-1)) !== port)
      .map((each) => `${name} publishes ${each}, where nobody listens`),
    ...(parseDuration(grace ?? '10s') >= Number(environment.STOP_GRACE_SECONDS) + drainMarginSeconds
      ? []
      : [`${name} is killed before it has drained`]),
    ...(endless && service.depends_on?.migrate?.condition !== 'service_completed_successfully'
      ? [`${name} does not wait for the schema`]
      : []),
  ];
}

function checkHealth(name: string, test: string[] | undefined): string[] {
  if (test === undefined) return [`${name} has no health check`];
  const [kind, node, main, ...args] = test;
  if (kind !== 'CMD' || node !== 'node' || main !== 'dist/main.js')
    return [`${name} is not asked by its own command`];
  return args[0] === 'health' ? checkCommand(name, args) : [`${name} is not asked for its health`];
}

/** Whether the command line takes these arguments: they are parsed by the program itself, and nothing is run. */
function checkCommand(name: string, args: string[]): string[] {
  const program = createProgram();
  const ran: string[] = [];
  disarm(program, ran);
  try {
    program.parse(args, { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
  }
  return ran.length === 1 ? [] : [`${name}: xianda ${args.join(' ')} is no command`];
}

function disarm(command: Command, ran: string[]): void {
  command.exitOverride().configureOutput({ writeErr: () => undefined, writeOut: () => undefined });
  if (command.commands.length === 0) command.action(() => void ran.push(command.name()));
  for (const child of command.commands) disarm(child, ran);
}

function checkOrder(compose: ComposeFile): string[] {
  try {
    startOrder(compose.services);
    return [];
  } catch (error) {
    return [(error as Error).message];
  }
}

function checkDockerfile({ dockerfile, dockerignore }: Deployment): string[] {
  const lines = dockerfile.replaceAll(/\\\n\s*(#.*\n\s*)*/g, ' ').split('\n');
  const of = (instruction: string) =>
    lines
      .filter((line) => line.startsWith(`${instruction} `))
      .map((line) => line.slice(instruction.length + 1));
  const ignored = dockerignore.split('\n').filter(Boolean);
  const copies = of('COPY');
  const fromTree = copies
    .filter((copy) => !copy.startsWith('--from'))
    .flatMap((copy) => copy.split(/\s+/).slice(0, -1));
  const built = copies
    .filter((copy) => copy.startsWith('--from=build'))
    .map((copy) => copy.split(/\s+/)[1]?.replace('/app/', '') ?? '');
  const imagePorts = readConfig({ ...bareProduction, ...environmentOf(of('ENV')) });
  const ports = of('EXPOSE').flatMap((line) => line.split(' ').map(Number));
  const health = of('HEALTHCHECK')[0] ?? '';
  const exec = (text: string) => JSON.parse(text.slice(text.indexOf('['))) as string[];
  return [
    ...fromTree
      .filter((source) => !existsSync(join(root, source)))
      .map((source) => `the image copies ${source}, which is not in the tree`),
    ...fromTree
      .filter((source) => ignored.includes(source))
      .map((source) => `.dockerignore keeps ${source} out of the build`),
    ...built
      .filter((source) => !['dist', 'node_modules'].includes(source) && !existsSync(join(root, source)))
      .map((source) => `the image copies ${source}, which the build does not have`),
    ...(built.includes('src/db/migrations') ? [] : ['the image has no migrations']),
    ...(of('USER').at(-1) === 'node' ? [] : ['the image runs as root']),
    ...(ports.includes(Number(imagePorts.port)) && ports.includes(imagePorts.metricsPort ?? 0)
      ? []
      : ['the image exposes other ports than it listens on']),
    ...checkEntry(of('ENTRYPOINT')[0]),
    ...(health.includes('[')
      ? checkHealth('the image', ['CMD', ...exec(health)])
      : ['the image has no health check of its own']),
    ...(of('CMD')[0] ? checkCommand('the image', exec(of('CMD')[0] as string)) : []),
  ];
}

/** Whatever production must be given, so that its defaults can be seen. */
const bareProduction = {
  DATABASE_URL: 'postgres://x/x',
  TEMPORAL_ADDRESS: 'x:1',
  PUBLIC_URL: 'https://x',
  PLATFORM_KEY: 'x'.repeat(32),
  PERSONAL_DATA_KEYS: `k1:${Buffer.alloc(32, 1).toString('base64')}`,
};

function environmentOf(lines: string[]): Record<string, string> {
  const pairs = lines.flatMap((line) => line.trim().split(/\s+/)).map((pair) => pair.split('='));
  return Object.fromEntries(pairs) as Record<string, string>;
}

function checkStart({ compose, envExample }: Deployment): string[] {
  try {
    readProduction(compose, envExample);
    return [];
  } catch (error) {
    return [`production does not start: ${(error as Error).message}`];
  }
}

/** Exec form: a shell in between would keep the signals to itself. */
function checkEntry(entry: string | undefined): string[] {
  return entry === '["node", "dist/main.js"]' ? [] : ['signals do not reach the process'];
}

/** What the program makes of the compose file's settings; throws what it would throw at its start. */
export function readProduction(compose: string, envExample: string) {
  const { services } = parse(compose, { merge: true }) as ComposeFile;
  const role = Object.values(services).find(isOurs)?.environment ?? {};
  const filled = interpolateAll(role, exampleVariables(envExample));
  const texts = Object.entries(filled).map(([name, value]) => [name, String(value)]);
  return readConfig(Object.fromEntries(texts) as NodeJS.ProcessEnv);
}
