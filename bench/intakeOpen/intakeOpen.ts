import { Client as Postgres } from 'pg';
import { type Bench, type BenchContext, type Measured, readCount, readCounts } from '../support/bench';
import { type SampleAnswer, askSample, startBare, startGenerator } from '../support/contest';
import { describeServers } from '../support/environment';
import { type Figure, figure } from '../support/figures';
import { type HotShop, seedHotShop } from '../support/hotSku';
import type { HttpLoad } from '../support/load/generator';
import type { LoadProcess } from '../support/load/loadProcess';
import { type Deployment, type Role, type Servers, withServers } from '../support/servers';
import {
  type Front,
  type Run,
  acceptedOf,
  cpuMsPerOrder,
  offer,
  sumUpPoint,
  tellProcesses,
  tellRuns,
} from './offer';

/** More than any run sells. */
const units = 1_000_000_000;
const roles: readonly Role[] = ['api', 'worker', 'dispatch'];
/** At which the naive design can be seen to work at all. */
const naiveRate = 300;
const naiveSeconds = 10;
/** As `intake-http` gives it: more connections wait for the same row. */
const naiveConnections = 28;
const shortWarmUpSeconds = 2;

/**
 * Orders come at their own pace, whatever becomes of them, all for one hot SKU with enough units, while dispatcher,
 * worker and Temporal start their workflows on the same machine. Each latency counts from when its order was to be
 * sent.
 */
export const intakeOpen: Bench = {
  name: 'intake-open',
  summary: 'orders at a steady 1,000 a second over HTTP with the whole stack running: latency, none failed',
  options: {
    rate: { type: 'string' },
    seconds: { type: 'string' },
    'warm-up': { type: 'string' },
    sweep: { type: 'string' },
    'sweep-seconds': { type: 'string' },
    'without-naive': { type: 'boolean' },
  },
  run: (context) => withServers(context, (servers) => measure(servers, context)),
};

interface Plan {
  rate: number;
  seconds: number;
  warmUpSeconds: number;
  /** Further offered loads, for the curve of latency over load. */
  sweep: number[];
  sweepSeconds: number;
  naiveRates: number[];
}

function readPlan(context: BenchContext): Plan {
  const rate = readCount(context, 'rate', { otherwise: 1000 });
  return {
    rate,
    seconds: readCount(context, 'seconds', { otherwise: 30 }),
    warmUpSeconds: readCount(context, 'warm-up', { otherwise: 5, least: 0 }),
    sweep: readCounts(context, 'sweep'),
    sweepSeconds: readCount(context, 'sweep-seconds', { otherwise: 10 }),
    naiveRates: context.options['without-naive'] === true ? [] : [...new Set([naiveRate, rate])],
  };
}

interface Scene {
  servers: Servers;
  load: LoadProcess<HttpLoad>;
  say: BenchContext['say'];
}

/** A design with its stack running. */
interface Opened {
  deployment: Deployment;
  front: Front;
  shop: HotShop;
}

async function measure(servers: Servers, context: BenchContext): Promise<Measured> {
  const plan = readPlan(context);
  const scene: Scene = { servers, load: startGenerator(servers), say: context.say };
  try {
    const ours = await openOurs(servers, 'xianda');
    const sample = await askSample(ours.deployment, ours.shop, 'first');
    const { main, curve } = await measureOurs(scene, ours, plan);
    const naive = await measureNaive(scene, plan, sample);
    for (const line of [...tellRuns('ours', [main, ...curve]), ...tellRuns('naive', naive)])
      context.say(line);
    return {
      figures: [
        ...sumUp(main),
        ...curve.flatMap((run) => sumUpPoint(run)),
        ...naive.flatMap((run) => sumUpPoint(run, 'Naive')),
      ],
      environment: await describeServers({ ...servers, databaseUrl: ours.deployment.databaseUrl }),
    };
  } finally {
    scene.load.close();
  }
}

async function openOurs(servers: Servers, name: string): Promise<Opened> {
  const deployment = await servers.deploy(name);
  for (const role of roles) await servers.startRole(deployment, role);
  const shop = await seedHotShop(deployment, servers, { units });
  shop.api.close();
  return { deployment, shop, front: { url: deployment.apiUrl, key: shop.channelKey, nextNumber: 0 } };
}

async function measureOurs(
  scene: Scene,
  { deployment, front }: Opened,
  plan: Plan,
): Promise<{ main: Run; curve: Run[] }> {
  const { say, servers } = scene;
  say(`${plan.rate} orders a second for ${plan.seconds} s, one SKU, the whole stack on this machine.`);
  const main = await offer(scene, front, { ...plan, ratePerSecond: plan.rate });
  for (const line of tellProcesses(main)) say(line);
  const told = `SELECT count(*)::int AS rows FROM outbox WHERE kind = 'startOrder' AND done_at IS NOT NULL`;
  say(`${await countRows(deployment, told)} workflows were started meanwhile.`);
  const curve: Run[] = [];
  for (const ratePerSecond of plan.sweep) {
    say(`${ratePerSecond} a second for ${plan.sweepSeconds} s`);
    const step = { ratePerSecond, seconds: plan.sweepSeconds, warmUpSeconds: shortWarmUpSeconds };
    curve.push(await offer(scene, front, step));
  }
  // the sample is one more
  await expectNoneLost(deployment, 1 + [main, ...curve].reduce((sum, run) => sum + acceptedOf(run), 0));
  for (const role of roles) await servers.stop(`${deployment.name}-${role}`);
  return { main, curve };
}

/** The naive intake at a load that it can bear, and at ours; its workflows are started as ours are. */
async function measureNaive(scene: Scene, { naiveRates }: Plan, answer: SampleAnswer): Promise<Run[]> {
  if (naiveRates.length === 0) return [];
  const { servers, say } = scene;
  const { deployment, shop } = await openOurs(servers, 'naive');
  await servers.stop('naive-api');
  const { environment } = deployment;
  const options = { kind: 'naive', shop, answer, connections: naiveConnections, environment } as const;
  const { urls, key } = await startBare(servers, options);
  const front: Front = { url: urls[0] as string, key, nextNumber: 0 };
  const runs: Run[] = [];
  for (const ratePerSecond of naiveRates) {
    say(`the naive intake, ${ratePerSecond} a second for ${naiveSeconds} s`);
    const step = { ratePerSecond, seconds: naiveSeconds, warmUpSeconds: shortWarmUpSeconds };
    runs.push(await offer(scene, front, step));
  }
  await expectNoneLost(
    deployment,
    runs.reduce((sum, run) => sum + acceptedOf(run), 0),
  );
  return runs;
}

/** Whoever was told 201 has an order whose unit is held. */
async function expectNoneLost(deployment: Deployment, told: number): Promise<void> {
  const kept = await countRows(
    deployment,
    `SELECT count(*)::int AS rows FROM orders JOIN hold USING (tenant, order_id) WHERE hold.state = 'held'`,
  );
  if (kept !== told) throw new Error(`${told} orders were acknowledged, ${kept} are held`);
}

async function countRows({ databaseUrl }: Deployment, sql: string): Promise<number> {
  const client = new Postgres({ connectionString: databaseUrl });
  await client.connect();
  try {
    return (await client.query<{ rows: number }>(sql)).rows[0]?.rows ?? Number.NaN;
  } finally {
    await client.end();
  }
}

function sumUp(run: Run): Figure[] {
  const cpu = Object.entries(cpuMsPerOrder(run)).filter(([name]) => !name.startsWith('sandbox-'));
  return [
    // a hundredth for the last answers, which come after the last order
    figure('ratePerSecond', run.acceptedPerSecond, {
      unit: 'orders/s',
      demand: { atLeast: run.offeredPerSecond * 0.99 },
    }),
    figure('p50Ms', run.p50Ms, { unit: 'ms', demand: { atMost: 10 } }),
    figure('p99Ms', run.p99Ms, { unit: 'ms', demand: { atMost: 100 } }),
    figure('failed', run.failed, { unit: 'orders', demand: { exactly: 0 } }),
    ...cpu.map(([name, ms]) => figure(`${name.replace(/^xianda-/, '')}CpuMs`, ms, { unit: 'ms' })),
  ];
}
