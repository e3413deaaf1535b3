import { join } from 'node:path';
import { Client as Postgres } from 'pg';
import { type Bench, type BenchContext, BenchRefusal, type Measured, readCount } from '../support/bench';
import { describeServers } from '../support/environment';
import { type Figure, figure } from '../support/figures';
import { type HotShop, hotOrderBody, seedHotShop } from '../support/hotSku';
import type { HttpLoad } from '../support/load/generator';
import { type LoadProcess, type LoadResult, startLoad } from '../support/load/loadProcess';
import { type Deployment, type Servers, withServers } from '../support/servers';
import { formatTable } from '../support/table';

/** More than any run sells. */
const units = 100_000_000;
/** Requests under way at most, each on a kept connection: whoever comes then is sent late, and that counts. */
const mostUnderWay = 512;
const accepted = '201';

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
}

function readPlan(context: BenchContext): Plan {
  return {
    rate: readCount(context, 'rate', { otherwise: 1000 }),
    seconds: readCount(context, 'seconds', { otherwise: 30 }),
    warmUpSeconds: readCount(context, 'warm-up', { otherwise: 5, least: 0 }),
    sweep: readRates(context),
    sweepSeconds: readCount(context, 'sweep-seconds', { otherwise: 10 }),
  };
}

function readRates({ options }: BenchContext): number[] {
  if (typeof options.sweep !== 'string') return [];
  const rates = options.sweep.split(',').map(Number);
  if (rates.every((rate) => Number.isSafeInteger(rate) && rate > 0)) return rates;
  throw new BenchRefusal('--sweep is a list of whole numbers: 250,500,1000.');
}

/** One design with its shop open, its stack running and its crowd at the door. */
interface Scene {
  servers: Servers;
  deployment: Deployment;
  shop: HotShop;
  load: LoadProcess<HttpLoad>;
  say: BenchContext['say'];
  /** The next order's number: no run may repeat the orders of another. */
  nextNumber: number;
}

interface Run extends LoadResult {
  offeredPerSecond: number;
  /** Until the last answer: what a server that cannot keep up needs longer counts. */
  acceptedPerSecond: number;
  failed: number;
}

async function measure(servers: Servers, context: BenchContext): Promise<Measured> {
  const plan = readPlan(context);
  const { say } = context;
  const deployment = await servers.deploy('xianda');
  for (const role of ['api', 'worker', 'dispatch'] as const) await servers.startRole(deployment, role);
  const shop = await seedHotShop(deployment, servers, { units });
  shop.api.close();
  const load = startLoad<HttpLoad>({ logFile: join(servers.home, 'logs', 'load.log') });
  const scene: Scene = { servers, deployment, shop, load, say, nextNumber: 0 };
  try {
    say(`${plan.rate} orders a second for ${plan.seconds} s, one SKU, the whole stack on this machine.`);
    const main = await offer(scene, { ...plan, ratePerSecond: plan.rate });
    for (const line of tellProcesses(main)) say(line);
    const started = await countStarted(deployment);
    say(`${started} workflows were started meanwhile.`);
    const curve: Run[] = [];
    for (const ratePerSecond of plan.sweep) {
      curve.push(await offer(scene, { ratePerSecond, seconds: plan.sweepSeconds, warmUpSeconds: 2 }));
    }
    for (const line of tellRuns([main, ...curve])) say(line);
    await expectNoneLost(scene, [main, ...curve]);
    return {
      figures: [...sumUp(main), ...curve.flatMap(sumUpPoint)],
      environment: await describeServers({ ...servers, databaseUrl: deployment.databaseUrl }),
    };
  } finally {
    load.close();
  }
}

async function offer(
  scene: Scene,
  {
    ratePerSecond,
    seconds,
    warmUpSeconds,
  }: { ratePerSecond: number; seconds: number; warmUpSeconds: number },
): Promise<Run> {
  const { servers, deployment, shop, load } = scene;
  const { nextNumber: firstNumber } = scene;
  scene.nextNumber += Math.round(ratePerSecond * (seconds + warmUpSeconds));
  const pace = { kind: 'open', callers: mostUnderWay, ratePerSecond } as const;
  const began = performance.now();
  const result = await load.run(
    {
      plan: { pace, warmUpSeconds, seconds },
      load: {
        urls: [deployment.apiUrl],
        firstNumber,
        method: 'POST',
        path: '/v1/orders',
        keys: [shop.channelKey],
        bodies: [hotOrderBody()],
      },
    },
    servers.pids(),
  );
  const elapsedSeconds = (performance.now() - began) / 1000;
  servers.expectAlive();
  const taken = result.whole[accepted] ?? 0;
  return {
    ...result,
    offeredPerSecond: ratePerSecond,
    acceptedPerSecond: taken / elapsedSeconds,
    failed: total(result.whole) - taken,
  };
}

function total(outcomes: Record<string, number>): number {
  return Object.values(outcomes).reduce((sum, count) => sum + count, 0);
}

function tellProcesses({ cpuMs, measured, seconds }: Run): string[] {
  const orders = total(measured);
  const rows = Object.entries(cpuMs).map(([name, ms]) => [
    name,
    ((ms / seconds / 1000) * 100).toFixed(0),
    (ms / orders).toFixed(2),
  ]);
  return ['', ...formatTable([['process', '% of one core', 'CPU ms an order'], ...rows])];
}

function tellRuns(runs: readonly Run[]): string[] {
  const rows = runs.map((run) => [
    String(run.offeredPerSecond),
    run.acceptedPerSecond.toFixed(0),
    run.p50Ms.toFixed(1),
    run.p99Ms.toFixed(1),
    run.mostMs.toFixed(0),
    Object.entries(run.whole)
      .map(([outcome, count]) => `${count} × ${outcome}`)
      .join(', '),
  ]);
  return [
    '',
    ...formatTable([['offered/s', 'accepted/s', 'p50 ms', 'p99 ms', 'most ms', 'answers'], ...rows]),
  ];
}

async function countStarted({ databaseUrl }: Deployment): Promise<number> {
  return countRows(
    databaseUrl,
    `SELECT count(*)::int AS rows FROM outbox WHERE kind = 'startOrder' AND done_at IS NOT NULL`,
  );
}

/** Whoever was told 201 has an order whose unit is held. */
async function expectNoneLost({ deployment }: Scene, runs: readonly Run[]): Promise<void> {
  const told = runs.reduce((sum, { whole }) => sum + (whole[accepted] ?? 0), 0);
  const kept = await countRows(
    deployment.databaseUrl,
    `SELECT count(*)::int AS rows FROM orders JOIN hold USING (tenant, order_id) WHERE hold.state = 'held'`,
  );
  if (kept !== told) throw new Error(`${told} orders were acknowledged, ${kept} are held`);
}

async function countRows(databaseUrl: string, sql: string): Promise<number> {
  const client = new Postgres({ connectionString: databaseUrl });
  await client.connect();
  try {
    return (await client.query<{ rows: number }>(sql)).rows[0]?.rows ?? Number.NaN;
  } finally {
    await client.end();
  }
}

function sumUp(run: Run): Figure[] {
  const orders = total(run.measured);
  const cpu = Object.entries(run.cpuMs).map(([name, ms]) =>
    figure(
      `${name.replace(/^xianda-/, '').replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase())}CpuMs`,
      ms / orders,
      {
        unit: 'ms',
      },
    ),
  );
  return [
    // a hundredth for the last answers, which come after the last order
    figure('ratePerSecond', run.acceptedPerSecond, {
      unit: 'orders/s',
      demand: { atLeast: run.offeredPerSecond * 0.99 },
    }),
    figure('p50Ms', run.p50Ms, { unit: 'ms', demand: { atMost: 10 } }),
    figure('p99Ms', run.p99Ms, { unit: 'ms', demand: { atMost: 100 } }),
    figure('failed', run.failed, { unit: 'orders', demand: { exactly: 0 } }),
    ...cpu,
  ];
}

function sumUpPoint(run: Run): Figure[] {
  const at = `At${run.offeredPerSecond}`;
  return [
    figure(`ratePerSecond${at}`, run.acceptedPerSecond, { unit: 'orders/s' }),
    figure(`p50Ms${at}`, run.p50Ms, { unit: 'ms' }),
    figure(`p99Ms${at}`, run.p99Ms, { unit: 'ms' }),
    figure(`failed${at}`, run.failed, { unit: 'orders' }),
  ];
}
