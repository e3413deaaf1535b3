import { join } from 'node:path';
import { type Bench, type BenchContext, type Measured, readCount } from '../support/bench';
import { describeServers } from '../support/environment';
import { type Figure, figure, median } from '../support/figures';
import { type HotShop, hotOrderBody, seedHotShop } from '../support/hotSku';
import type { HttpLoad } from '../support/load/generator';
import { type LoadProcess, type LoadResult, startLoad } from '../support/load/loadProcess';
import { type Deployment, type StoreServers, withStore } from '../support/servers';
import { formatTable } from '../support/table';

/** More than any run sells. */
const units = 100_000_000;
/** Kept connections of each tenant: whoever comes when all are under way waits, and the wait counts. */
const connections = { small: 64, flood: 512 };
const warmUpSeconds = 3;
/** The flood is there before the small one is measured, and goes on after it. */
const floodMarginSeconds = 1;
const accepted = '201';

/**
 * A small brand sells at its pace; beside it another one floods the same process at twenty times that pace, both as
 * crowds that come whatever becomes of them. Each latency counts from when the order was to be sent. Rounds: the small
 * one alone, then beside the flood; every other round the other way round. Beside each round the same on a process
 * without fair shares, which is what the shares are worth.
 */
export const isolation: Bench = {
  name: 'isolation',
  summary:
    'one tenant floods at 20 times the rate of another: what the other feels, with and without fair shares',
  options: {
    rate: { type: 'string' },
    times: { type: 'string' },
    seconds: { type: 'string' },
    rounds: { type: 'string' },
  },
  run: (context) => withStore(context, (servers) => measure(servers, context)),
};

interface Plan {
  /** Orders a second of the small tenant. */
  rate: number;
  /** How many times as much the flood sends. */
  times: number;
  seconds: number;
  rounds: number;
}

interface Tenant {
  shop: HotShop;
  load: LoadProcess<HttpLoad>;
  nextNumber: number;
}

interface Scene {
  servers: StoreServers;
  plan: Plan;
  /** Where the process with fair shares listens, and the one without. */
  urls: { shared: string; unshared: string };
  small: Tenant;
  flood: Tenant;
}

/** What the small tenant felt, and what became of the flood. */
interface Run extends LoadResult {
  flood: LoadResult | null;
}

interface Round {
  alone: Run;
  flooded: Run;
  unshared: Run;
}

async function measure(servers: StoreServers, context: BenchContext): Promise<Measured> {
  const plan = readPlan(context);
  const { say } = context;
  const deployment = await servers.deploy('xianda');
  const scene = await openScene(servers, { deployment, plan });
  try {
    say(
      `A brand sells ${plan.rate} a second, another ${plan.rate * plan.times}; ${plan.rounds} rounds of ${plan.seconds} s each.`,
    );
    await run(scene, { url: scene.urls.shared, flooding: true });
    await run(scene, { url: scene.urls.unshared, flooding: true });
    const rounds: Round[] = [];
    while (rounds.length < plan.rounds) {
      rounds.push(await runRound(scene, { floodFirst: rounds.length % 2 === 1 }));
      say(tellRound(rounds.at(-1) as Round));
    }
    for (const line of [...tellRounds(rounds), ...tellProcesses(rounds)]) say(line);
    return {
      figures: sumUp(rounds),
      environment: await describeServers({ databaseUrl: deployment.databaseUrl }),
    };
  } finally {
    for (const { load, shop } of [scene.small, scene.flood]) {
      load.close();
      shop.api.close();
    }
  }
}

function readPlan(context: BenchContext): Plan {
  return {
    rate: readCount(context, 'rate', { otherwise: 40 }),
    times: readCount(context, 'times', { otherwise: 20 }),
    seconds: readCount(context, 'seconds', { otherwise: 30 }),
    rounds: readCount(context, 'rounds', { otherwise: 5 }),
  };
}

async function openScene(
  servers: StoreServers,
  { deployment, plan }: { deployment: Deployment; plan: Plan },
): Promise<Scene> {
  await servers.startRole(deployment, 'api');
  const environment = { ...deployment.environment, SHARED_BUSY_PERCENT: '0' };
  const unshared = await servers.startAnotherApi({ ...deployment, name: 'unshared', environment }, 2);
  const open = async (tenant: string): Promise<Tenant> => ({
    shop: await seedHotShop({ ...deployment, name: tenant }, servers, { units }),
    load: startLoad<HttpLoad>({ logFile: join(servers.home, 'logs', `load-${tenant}.log`) }),
    nextNumber: 0,
  });
  const urls = { shared: deployment.apiUrl, unshared };
  return { servers, plan, urls, small: await open('small'), flood: await open('flood') };
}

/** In every other round the other order, so that what drifts favours neither. */
async function runRound(scene: Scene, { floodFirst }: { floodFirst: boolean }): Promise<Round> {
  const { shared, unshared } = scene.urls;
  const alone = () => run(scene, { url: shared, flooding: false });
  const flooded = () => run(scene, { url: shared, flooding: true });
  const first = await (floodFirst ? flooded : alone)();
  const second = await (floodFirst ? alone : flooded)();
  return {
    alone: floodFirst ? second : first,
    flooded: floodFirst ? first : second,
    unshared: await run(scene, { url: unshared, flooding: true }),
  };
}

async function run(scene: Scene, { url, flooding }: { url: string; flooding: boolean }): Promise<Run> {
  const { servers, plan, small, flood } = scene;
  const processes = new Map([...servers.pids(), ['flood', flood.load.pid]]);
  const flooded = flooding
    ? crowd(flood, {
        url,
        ratePerSecond: plan.rate * plan.times,
        seconds: plan.seconds + floodMarginSeconds,
        callers: connections.flood,
      })
    : null;
  const felt = await crowd(
    small,
    { url, ratePerSecond: plan.rate, seconds: plan.seconds, callers: connections.small },
    processes,
  );
  const result = { ...felt, flood: await flooded };
  servers.expectAlive();
  return result;
}

interface Crowd {
  url: string;
  ratePerSecond: number;
  seconds: number;
  callers: number;
}

function crowd(
  tenant: Tenant,
  { url, ratePerSecond, seconds, callers }: Crowd,
  processes: ReadonlyMap<string, number> = new Map(),
): Promise<LoadResult> {
  const firstNumber = tenant.nextNumber;
  tenant.nextNumber += Math.round(ratePerSecond * (seconds + warmUpSeconds));
  return tenant.load.run(
    {
      plan: {
        pace: { kind: 'open', callers, ratePerSecond, seed: firstNumber + 1 },
        warmUpSeconds,
        seconds,
      },
      load: {
        urls: [url],
        firstNumber,
        method: 'POST',
        path: '/v1/orders',
        keys: [tenant.shop.channelKey],
        bodies: [hotOrderBody()],
      },
    },
    processes,
  );
}

function risePercent(before: number, after: number): number {
  return (after / before - 1) * 100;
}

/** Of a run, all its orders and those that were not accepted. */
function refusedOf({ measured }: LoadResult): { all: number; refused: number } {
  const all = Object.values(measured).reduce((sum, count) => sum + count, 0);
  return { all, refused: all - (measured[accepted] ?? 0) };
}

function refusedPercent(result: LoadResult | null): number {
  if (result === null) return 0;
  const { all, refused } = refusedOf(result);
  return (refused / all) * 100;
}

function acceptedPerSecond(result: LoadResult | null): number {
  return result === null ? 0 : (result.measured[accepted] ?? 0) / result.seconds;
}

function tellRound({ alone, flooded, unshared }: Round): string {
  const p99 = ({ p99Ms }: Run) => `${p99Ms.toFixed(1)} ms`;
  return `  p99 alone ${p99(alone)}, beside the flood ${p99(flooded)}, without shares ${p99(unshared)}`;
}

function tellRounds(rounds: readonly Round[]): string[] {
  const rows = rounds.map(({ alone, flooded, unshared }, index) => [
    String(index + 1),
    ...[alone, flooded, unshared].flatMap(({ p50Ms, p99Ms }) => [p50Ms.toFixed(1), p99Ms.toFixed(1)]),
    risePercent(alone.p99Ms, flooded.p99Ms).toFixed(0),
    risePercent(alone.p99Ms, unshared.p99Ms).toFixed(0),
    acceptedPerSecond(flooded.flood).toFixed(0),
    refusedPercent(flooded.flood).toFixed(0),
    refusedPercent(unshared.flood).toFixed(0),
  ]);
  const head = [
    'round',
    'alone p50',
    'p99',
    'flood p50',
    'p99',
    'no shares p50',
    'p99',
    'rise %',
    'without %',
  ];
  return ['', ...formatTable([[...head, 'flood taken/s', 'refused %', 'without %'], ...rows])];
}

function tellProcesses(rounds: readonly Round[]): string[] {
  const percent = (runs: readonly Run[], name: string) =>
    median(runs.map(({ cpuMs, seconds }) => ((cpuMs[name] ?? 0) / seconds / 1000) * 100)).toFixed(0);
  const kinds = ['alone', 'flooded', 'unshared'] as const;
  const names = Object.keys(rounds[0]?.alone.cpuMs ?? {});
  const rows = names.map((name) => [
    name === 'callers' ? 'small' : name,
    ...kinds.map((kind) =>
      percent(
        rounds.map((round) => round[kind]),
        name,
      ),
    ),
  ]);
  return ['', ...formatTable([['% of one core', 'alone', 'beside the flood', 'without shares'], ...rows])];
}

function sumUp(rounds: readonly Round[]): Figure[] {
  const of = (value: (round: Round) => number) => median(rounds.map(value));
  const failed = rounds
    .flatMap(({ alone, flooded }) => [alone, flooded])
    .reduce((sum, result) => sum + refusedOf(result).refused, 0);
  return [
    figure(
      'p99RisePercent',
      of(({ alone, flooded }) => risePercent(alone.p99Ms, flooded.p99Ms)),
      {
        unit: '%',
        demand: { atMost: 20 },
      },
    ),
    figure('othersRefused', failed, { unit: 'orders', demand: { exactly: 0 } }),
    figure(
      'p50RisePercent',
      of(({ alone, flooded }) => risePercent(alone.p50Ms, flooded.p50Ms)),
      { unit: '%' },
    ),
    figure(
      'p99AloneMs',
      of(({ alone }) => alone.p99Ms),
      { unit: 'ms' },
    ),
    figure(
      'p99FloodedMs',
      of(({ flooded }) => flooded.p99Ms),
      { unit: 'ms' },
    ),
    figure(
      'p99RiseUnsharedPercent',
      of(({ alone, unshared }) => risePercent(alone.p99Ms, unshared.p99Ms)),
      {
        unit: '%',
      },
    ),
    figure(
      'floodAcceptedPerSecond',
      of(({ flooded }) => acceptedPerSecond(flooded.flood)),
      { unit: 'orders/s' },
    ),
    figure(
      'floodRefusedPercent',
      of(({ flooded }) => refusedPercent(flooded.flood)),
      { unit: '%' },
    ),
    figure(
      'unsharedAcceptedPerSecond',
      of(({ unshared }) => acceptedPerSecond(unshared.flood)),
      {
        unit: 'orders/s',
      },
    ),
  ];
}
