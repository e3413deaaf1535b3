import { type Bench, type BenchContext, type Measured, readCount, readCounts } from '../support/bench';
import { closeBooks, expectExactly, expectSound } from '../support/books';
import {
  type Contestant,
  type Results,
  askSample,
  cpuMsPerRequest,
  resultsOf,
  runContest,
  runContestant,
  shareOf,
  startBare,
  startGenerator,
  tellContest,
} from '../support/contest';
import { describeServers } from '../support/environment';
import { type Figure, figure, median } from '../support/figures';
import { type HotShop, seedHotShop } from '../support/hotSku';
import type { HttpLoad } from '../support/load/generator';
import type { LoadProcess } from '../support/load/loadProcess';
import { type Deployment, type StoreServers, withStore } from '../support/servers';
import { formatTable } from '../support/table';

/** More than anybody sells in a run. */
const units = 1_000_000_000;
const usualCallers = [64, 256];
const accepted = '201';

/**
 * One hot SKU with stock for all, over HTTP: the product's API, a bare handler behind the same middleware, and the
 * naive intake behind it, each in a process of its own; a generator in another keeps so many callers busy.
 */
export const intakeHttp: Bench = {
  name: 'intake-http',
  summary: 'orders a second over HTTP as a share of a handler that stores nothing; 1, 2 and 4 api processes',
  options: {
    rounds: { type: 'string' },
    seconds: { type: 'string' },
    'warm-up': { type: 'string' },
    callers: { type: 'string' },
    'naive-connections': { type: 'string' },
  },
  run: (context) => withStore(context, (servers) => measure(servers, context)),
};

interface Plan {
  rounds: number;
  seconds: number;
  warmUpSeconds: number;
  callers: number[];
}

/** Everything that takes part. */
interface Scene {
  servers: StoreServers;
  load: LoadProcess<HttpLoad>;
  ours: Contestant;
  bare: Contestant;
  naive: Contestant;
  deployments: { ours: Deployment; naive: Deployment };
}

async function measure(servers: StoreServers, context: BenchContext): Promise<Measured> {
  const { say } = context;
  const extra = readCounts(context, 'callers');
  const plan: Plan = {
    rounds: readCount(context, 'rounds', { otherwise: 5 }),
    seconds: readCount(context, 'seconds', { otherwise: 4 }),
    warmUpSeconds: readCount(context, 'warm-up', { otherwise: 1 }),
    callers: [...new Set([...usualCallers, ...extra])].sort((a, b) => a - b),
  };
  const connections = readCount(context, 'naive-connections', { otherwise: 28 });
  const load = startGenerator(servers);
  try {
    const { scene, ceiling } = await openScene(servers, { load, connections, plan });
    const { ours, bare, naive, deployments } = scene;
    const ring = { servers, load, outcome: accepted };
    const results = await runContest(ring, [ours, bare, naive], { ...plan, say });
    for (const line of tellContest(results)) say(line);
    const spread = await runSpread(scene, { ...plan, say });
    for (const each of ['ours', 'naive'] as const) {
      const { databaseUrl } = deployments[each];
      await expectExactly(databaseUrl, scene[each].accepted);
      await closeBooks(databaseUrl);
      await expectSound(databaseUrl);
    }
    say('Acknowledged orders, held units and rows are exactly as many in both databases, and sound.');
    const fastest = Math.max(...plan.callers.map((each) => rateOf(results, 'bare', each)));
    say(
      `The generator alone reached ${ceiling.toFixed(0)}/s, ${(ceiling / fastest).toFixed(1)} × the fastest of these.`,
    );
    return {
      figures: [
        ...sumUp(results, plan.callers),
        figure('generatorTimesBare', ceiling / fastest, { unit: '×', demand: { atLeast: 2 } }),
        ...spread,
      ],
      environment: await describeServers({ databaseUrl: deployments.ours.databaseUrl }),
    };
  } finally {
    load.close();
  }
}

interface Opening {
  load: LoadProcess<HttpLoad>;
  connections: number;
  plan: Plan;
}

async function openScene(
  servers: StoreServers,
  { load, connections, plan }: Opening,
): Promise<{ scene: Scene; ceiling: number }> {
  const [ourShop, naiveShop] = [await openShop(servers, 'ours'), await openShop(servers, 'naive')];
  await servers.stop('naive-api');
  const { deployment, shop } = ourShop;
  const answer = await askSample(deployment, shop, 'first');
  if (answer.status !== 201) throw new Error(`the first order was answered ${answer.status}: ${answer.body}`);
  const nothing = await startBare(servers, { kind: 'nothing', shop, answer });
  const ring = { servers, load, outcome: accepted };
  const { perSecond: ceiling } = await runContestant(ring, nothing, { ...plan, callers: 64 });
  await servers.stop('nothing-api');
  const { environment } = naiveShop.deployment;
  const ours = {
    name: 'ours',
    urls: [deployment.apiUrl],
    key: shop.channelKey,
    processes: ['ours-api', 'postgres'],
    sent: 0,
    // the sample
    accepted: 1,
  };
  const scene: Scene = {
    servers,
    load,
    ours,
    bare: await startBare(servers, { kind: 'bare', shop, answer }),
    naive: await startBare(servers, {
      kind: 'naive',
      shop: naiveShop.shop,
      answer,
      connections,
      environment,
    }),
    deployments: { ours: deployment, naive: naiveShop.deployment },
  };
  return { scene, ceiling };
}

async function openShop(
  servers: StoreServers,
  name: string,
): Promise<{ deployment: Deployment; shop: HotShop }> {
  const deployment = await servers.deploy(name);
  await servers.startRole(deployment, 'api');
  const shop = await seedHotShop(deployment, servers, { units });
  shop.api.close();
  return { deployment, shop };
}

/** The same orders over 1, 2 and 4 API processes on one database and two cores: exact, and at which rate. */
async function runSpread(
  scene: Scene,
  { seconds, warmUpSeconds, say }: Plan & Pick<BenchContext, 'say'>,
): Promise<Figure[]> {
  const { servers, load, ours, deployments } = scene;
  const figures: Figure[] = [];
  const rows: string[][] = [];
  for (const processes of [1, 2, 4]) {
    while (ours.urls.length < processes) {
      const number = ours.urls.length + 1;
      ours.urls.push(await servers.startAnotherApi(deployments.ours, number));
      ours.processes.push(`ours-${number}-api`);
    }
    const ring = { servers, load, outcome: accepted };
    // twice as long: a new process has its code to compile
    const plan = { callers: 256, seconds: 2 * seconds, warmUpSeconds: 2 * warmUpSeconds };
    const result = await runContestant(ring, ours, plan);
    await expectExactly(deployments.ours.databaseUrl, ours.accepted);
    const isApi = (process: string) => process.endsWith('api');
    rows.push([
      String(processes),
      result.perSecond.toFixed(0),
      result.p50Ms.toFixed(1),
      result.p99Ms.toFixed(1),
      (cpuMsPerRequest(result, isApi) * 1000).toFixed(0),
      (cpuMsPerRequest(result, (process) => process === 'postgres') * 1000).toFixed(0),
      'yes',
    ]);
    figures.push(figure(`ordersPerSecondWith${processes}Api`, result.perSecond, { unit: 'orders/s' }));
  }
  const head = ['api processes', 'orders/s', 'p50 ms', 'p99 ms', 'CPU µs: api', 'postgres', 'exact'];
  for (const line of ['', ...formatTable([head, ...rows]), '']) say(line);
  return figures;
}

function rateOf(results: Results, name: string, callers: number): number {
  return median(resultsOf(results, name, callers).map(({ perSecond }) => perSecond));
}

function sumUp(results: Results, callers: readonly number[]): Figure[] {
  const ratios = usualCallers.map((each) => shareOf(results, ['ours', 'naive'], each));
  return [
    ...usualCallers.map((each) =>
      figure(`shareOfBarePercent${each}`, shareOf(results, ['ours', 'bare'], each) * 100, {
        unit: '%',
        demand: { atLeast: 60 },
      }),
    ),
    // the worse of the two
    figure('ratioToNaive', Math.min(...ratios), { unit: '×', demand: { atLeast: 5 } }),
    ...callers.flatMap((each) =>
      [
        ['ordersPerSecond', 'ours'],
        ['bareAnswersPerSecond', 'bare'],
        ['naiveOrdersPerSecond', 'naive'],
      ].map(([figureName, name]) =>
        figure(`${figureName}At${each}`, rateOf(results, name as string, each), { unit: 'orders/s' }),
      ),
    ),
  ];
}
