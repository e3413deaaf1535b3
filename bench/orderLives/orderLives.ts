import { join } from 'node:path';
import { Client as Postgres } from 'pg';
import { type Bench, type BenchContext, type Measured, readCount } from '../support/bench';
import { describeServers } from '../support/environment';
import { type Figure, figure, median } from '../support/figures';
import { type Deployment, type Servers, withServers } from '../support/servers';
import { formatTable } from '../support/table';
import { type Design, openDesign } from './design';
import { type HistoryCost, readHistoryCost } from './histories';
import { type Round, type RoundPlan, runRound } from './round';

const stepSeconds = 0.1;
const sampledHistories = 40;

/**
 * A life: an order of two zones is placed over HTTP, paid at the provider, whose notification reaches us over HTTP,
 * planned into two shipments, both booked with the carrier over HTTP, followed through six scans of the carrier
 * over HTTP to delivered, and its workflow closed.
 */
export const orderLives: Bench = {
  name: 'order-lives',
  summary:
    'whole order lives a second through the real stack, against a naive design on the same SQL and partners',
  options: {
    rounds: { type: 'string' },
    seconds: { type: 'string' },
    'warm-up': { type: 'string' },
    'in-flight': { type: 'string' },
    only: { type: 'string' },
  },
  run: (context) => withServers(context, (servers) => measure(servers, context)),
};

const product = 'xianda';
const naive = 'naive';

async function measure(servers: Servers, context: BenchContext): Promise<Measured> {
  const { say, options } = context;
  const plan: RoundPlan = {
    inFlight: readCount(context, 'in-flight', { otherwise: 96 }),
    seconds: readCount(context, 'seconds', { otherwise: 30 }),
    warmUpSeconds: readCount(context, 'warm-up', { otherwise: 10, least: 0 }),
  };
  const rounds = readCount(context, 'rounds', { otherwise: 3 });
  say(
    'A life: order over HTTP → payment notified over HTTP → plan → two bookings over HTTP → six scans over HTTP →',
  );
  say(
    'delivered → workflow closed. The baseline (bench/naive) shares API, dispatcher, SQL, activities, partners.',
  );
  await setRoad(servers);
  const names = [product, naive].filter((name) => options.only === undefined || options.only === name);
  const designs: Design[] = [];
  for (const name of names) designs.push(await openNamed(servers, name));
  const results = new Map<string, Round[]>(names.map((name) => [name, []]));
  for (let round = 1; round <= rounds; round += 1) {
    for (const design of designs) {
      const result = await runRound(design, servers, plan);
      results.get(design.deployment.name)?.push(result);
      const rate = `${result.livesPerSecond.toFixed(1)} lives/s`;
      say(
        `round ${round} ${design.deployment.name.padEnd(7)} ${rate} (${result.lives} in ${result.seconds.toFixed(0)} s)`,
      );
    }
  }
  const costs = new Map<string, HistoryCost>();
  for (const design of designs) {
    costs.set(design.deployment.name, await readHistoryCost(design.temporal, sampledHistories));
    await expectAllDelivered(design);
    await design.close();
  }
  for (const name of names) for (const line of tellCpu(name, results.get(name) ?? [])) say(line);
  const first = designs[0]?.deployment as Deployment;
  const environment = await describeServers({ ...servers, databaseUrl: first.databaseUrl });
  return { figures: sumUp(results, costs), environment };
}

/** Parcels move as fast as scans can be told: the partners' pace is not what is measured. */
async function setRoad({ carrierUrl }: Servers): Promise<void> {
  const answer = await fetch(`${carrierUrl}/v1/control`, {
    method: 'POST',
    body: JSON.stringify({ stepSeconds }),
  });
  if (!answer.ok) throw new Error(`the sandbox carrier answered ${answer.status}`);
}

async function openNamed(servers: Servers, name: string): Promise<Design> {
  const deployment = await servers.deploy(name);
  await servers.startRole(deployment, 'api');
  await servers.startRole(deployment, 'dispatch');
  if (name === product) await servers.startRole(deployment, 'worker');
  else await startNaiveWorker(servers, deployment);
  const processes = ['api', 'dispatch', 'worker'].map((role) => `${name}-${role}`);
  return openDesign(servers, deployment, processes);
}

function startNaiveWorker(servers: Servers, { name, environment }: Deployment): Promise<void> {
  const register = join(__dirname, '..', '..', 'scripts', 'registerTypeScript.cjs');
  const args = ['--require', register, join(__dirname, '..', 'naive', 'main.ts')];
  return servers.startNode(`${name}-worker`, { args, environment });
}

/** A life that was lost, or parked for a person, would make the rate a lie. */
async function expectAllDelivered({ deployment, placed }: Design): Promise<void> {
  const client = new Postgres({ connectionString: deployment.databaseUrl });
  await client.connect();
  try {
    const { rows } = await client.query<{ delivered: number; attention: number }>(
      `SELECT (SELECT count(*)::int FROM orders WHERE state = 'delivered') AS delivered,
              (SELECT count(*)::int FROM attention WHERE resolved_at IS NULL) AS attention`,
    );
    if (rows[0]?.delivered === placed() && rows[0].attention === 0) return;
    throw new Error(
      `of ${placed()} orders ${rows[0]?.delivered} were delivered; ${rows[0]?.attention} await a person`,
    );
  } finally {
    await client.end();
  }
}

function tellCpu(name: string, rounds: Round[]): string[] {
  const lives = rounds.reduce((sum, round) => sum + round.lives, 0);
  const processes = [...new Set(rounds.flatMap((round) => Object.keys(round.cpuMs)))];
  const rows = processes.map((process): [string, number] => {
    const used = rounds.reduce((sum, round) => sum + (round.cpuMs[process] ?? 0), 0);
    return [process, used / lives];
  });
  const total = rows.reduce((sum, [, used]) => sum + used, 0);
  const cells = [...rows, ['all', total] as const].map(([process, used]) => [process, used.toFixed(1)]);
  return ['', ...formatTable([[`processor ms a life, ${name}`, 'ms'], ...cells])];
}

function cpuPerLife(rounds: Round[]): number {
  const lives = rounds.reduce((sum, round) => sum + round.lives, 0);
  return rounds.flatMap((round) => Object.values(round.cpuMs)).reduce((sum, used) => sum + used, 0) / lives;
}

function sumUp(results: ReadonlyMap<string, Round[]>, costs: ReadonlyMap<string, HistoryCost>): Figure[] {
  const rates = (name: string) => (results.get(name) ?? []).map((round) => round.livesPerSecond);
  const ours = rates(product);
  const theirs = rates(naive);
  const ratios = ours.map((rate, index) => rate / (theirs[index] ?? Number.NaN));
  const cost = (name: string) => costs.get(name) ?? { events: Number.NaN, workflowTasks: Number.NaN };
  return [
    figure('livesPerSecond', median(ours), { unit: 'lives/s', demand: { atLeast: 15 } }),
    figure('ratioToNaive', median(ratios), { unit: '×', demand: { atLeast: 4 } }),
    figure('eventsPerOrder', cost(product).events, { unit: 'events' }),
    figure('workflowTasksPerOrder', cost(product).workflowTasks, { unit: 'tasks' }),
    figure('cpuMsPerLife', cpuPerLife(results.get(product) ?? []), { unit: 'ms' }),
    figure('naiveLivesPerSecond', median(theirs), { unit: 'lives/s' }),
    figure('naiveEventsPerOrder', cost(naive).events, { unit: 'events' }),
    figure('naiveWorkflowTasksPerOrder', cost(naive).workflowTasks, { unit: 'tasks' }),
    figure('naiveCpuMsPerLife', cpuPerLife(results.get(naive) ?? []), { unit: 'ms' }),
  ];
}
