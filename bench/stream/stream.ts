import { setTimeout as sleep } from 'node:timers/promises';
import { Client as Postgres } from 'pg';
import { type Bench, type BenchContext, type Measured, readCount } from '../support/bench';
import { type Brand, placeOrder, seedBrand } from '../support/brand';
import { describeServers } from '../support/environment';
import { figure } from '../support/figures';
import { readCpuMs, readMemoryMB, readPeakMB } from '../support/processes';
import { type Deployment, type Servers, withServers } from '../support/servers';
import { formatTable } from '../support/table';
import { type Audience, gatherAudience } from './audience';
import { type Change, type Delays, measureDelays } from './delays';

const product = 'xianda';
const api = `${product}-api`;
/** What every page shows; orders take two of forty SKUs in turn, so that these change all the time. */
const shown = ['ambient-0', 'ambient-1', 'chilled-0', 'chilled-1'];
/** Who reads nothing follows all of them, so that what is sent does fill the connection. */
const everything = ['ambient', 'chilled'].flatMap((zone) =>
  Array.from({ length: 20 }, (_, index) => `${zone}-${index}`),
);
const blindPages = 50;
const settleMs = 2_000;
const askedForComparison = 300;
/** A page that asks instead of listening, as fresh as the stream promises to be. */
const asksPerSecond = 4;

/**
 * The sellable clock with its house full: so many pages listen to a show's SKUs while orders change them, and fifty
 * more connections read nothing at all. Beside it what the same freshness would cost if every page asked.
 */
export const stream: Bench = {
  name: 'stream',
  summary: '5,000 listeners of one process: from a change to each of them, memory, slow ones; beside asking',
  options: { listeners: { type: 'string' }, seconds: { type: 'string' }, rate: { type: 'string' } },
  run: (context) => withServers(context, (servers) => measure(servers, context)),
};

interface Plan {
  listeners: number;
  seconds: number;
  /** Orders a second. */
  rate: number;
}

interface Scene {
  servers: Servers;
  deployment: Deployment;
  brand: Brand;
  audience: Audience;
  database: Postgres;
  say: BenchContext['say'];
}

async function measure(servers: Servers, context: BenchContext): Promise<Measured> {
  const plan = {
    listeners: readCount(context, 'listeners', { otherwise: 5_000 }),
    seconds: readCount(context, 'seconds', { otherwise: 30 }),
    rate: readCount(context, 'rate', { otherwise: 100 }),
  };
  const audience = gatherAudience(servers, { pages: plan.listeners + blindPages });
  const deployment = await servers.deploy(product);
  await servers.startRole(deployment, 'api');
  const brand = await seedBrand(deployment, servers);
  const database = new Postgres({ connectionString: deployment.databaseUrl });
  await database.connect();
  try {
    return await runShow({ servers, deployment, brand, audience, database, say: context.say }, plan);
  } finally {
    audience.close();
    brand.api.close();
    await database.end();
  }
}

async function runShow(scene: Scene, plan: Plan): Promise<Measured> {
  const { servers, deployment, audience, say } = scene;
  const emptyMB = readMemoryMB(pidOf(scene));
  await openPages(scene, plan);
  say(`${plan.listeners} listen, ${blindPages} more read nothing.`);
  const sold = await sell(scene, plan);
  const { heard, open } = await audience.tell('pages');
  const changes = await readChanges(scene, sold);
  const delays = measureDelays(changes, heard);
  const known = await countKnowing(scene, plan);
  const frames = await readFrames(deployment);
  const peakMB = readPeakMB(pidOf(scene));
  const asked = await askInstead(scene);
  for (const line of tellProcesses(sold, plan)) say(line);
  return {
    figures: [
      figure('delayMsP99', delays.percentile(99), { unit: 'ms', demand: { atMost: 250 } }),
      figure('listeners', Math.min(open, known.pages), {
        unit: 'streams',
        demand: { atLeast: plan.listeners },
      }),
      figure('rssMB', peakMB, { unit: 'MB', demand: { atMost: 300 } }),
      figure('slowGotTheNewest', known.blind, { unit: 'streams', demand: { exactly: blindPages } }),
      ...sideFigures({ delays, changes, sold, plan, frames }),
      figure('kbPerListener', ((peakMB - emptyMB) * 1024) / plan.listeners, { unit: 'kB' }),
      figure('coresIfAsked', (asked * plan.listeners * asksPerSecond) / 1000, { unit: 'cores' }),
    ],
    environment: await describeServers({ ...servers, databaseUrl: deployment.databaseUrl }),
  };
}

function pidOf({ servers }: Scene): number {
  return servers.pids().get(api) as number;
}

async function openPages({ deployment, brand, audience }: Scene, { listeners }: Plan): Promise<void> {
  const path = '/v1/stream-tokens';
  const answer = await brand.api.send('POST', path, { key: brand.channelKey, body: {} });
  const { token } = answer.body as { token: string };
  const to = { apiUrl: deployment.apiUrl, token };
  await audience.open({ ...to, group: 'blind', skus: everything, count: blindPages, noted: false });
  await audience.closeEyes('blind');
  await audience.open({ ...to, group: 'pages', skus: shown, count: listeners, noted: true });
  await audience.forget();
}

interface Sold {
  from: Date;
  until: Date;
  orders: number;
  seconds: number;
  cpuMs: Record<string, number>;
}

/** Orders at an even rate, whether or not those before are answered. */
async function sell({ servers, brand, audience, say }: Scene, { seconds, rate }: Plan): Promise<Sold> {
  const meter = () => ({
    ...Object.fromEntries([...servers.pids()].map(([name, pid]) => [name, readCpuMs(pid)])),
    'listeners’ client': readCpuMs(audience.pid),
    'orders’ client': readCpuMs(process.pid),
  });
  const before: Record<string, number> = meter();
  const from = new Date();
  const startedAt = performance.now();
  const placing: Promise<unknown>[] = [];
  for (let number = 1; number <= seconds * rate; number += 1) {
    await sleep(Math.max(0, startedAt + (number * 1000) / rate - performance.now()));
    placing.push(placeOrder(brand, number));
    if (number % (10 * rate) === 0) say(`  ${number} orders placed`);
  }
  await Promise.all(placing);
  const elapsed = (performance.now() - startedAt) / 1000;
  const until = new Date();
  await sleep(settleMs);
  servers.expectAlive();
  const cpuMs = Object.entries(meter()).map(([name, ms]) => [name, ms - (before[name] ?? 0)]);
  return { from, until, orders: placing.length, seconds: elapsed, cpuMs: Object.fromEntries(cpuMs) };
}

/** What each order made of the SKUs shown: the journal counted down from what could be sold before. */
async function readChanges({ database }: Scene, { from, until }: Sold): Promise<Change[]> {
  const { rows } = await database.query<{ sku: string; sellable: number; at: number }>(
    `SELECT sku, (sum(on_hand - held) OVER past)::int AS sellable, (extract(epoch FROM at) * 1000)::float8 AS at
       FROM stock_movement WHERE sku = ANY($1)
     WINDOW past AS (PARTITION BY sku ORDER BY at, batch_id, position)`,
    [shown],
  );
  return rows.filter(({ at }) => at >= from.getTime() && at <= until.getTime());
}

/** Pages that show what `GET /v1/sellable` answers now; those that read nothing have a look first. */
async function countKnowing(
  { brand, audience }: Scene,
  { listeners }: Plan,
): Promise<{ pages: number; blind: number }> {
  const read = async (skus: string[]) => {
    const query = skus.map((sku) => `sku=${sku}`).join('&');
    const { body } = await brand.api.send('GET', `/v1/sellable?${query}`, { key: brand.channelKey });
    const { items } = body as { items: { sku: string; sellable: number }[] };
    return Object.fromEntries(items.map(({ sku, sellable }) => [sku, sellable]));
  };
  const pages = await audience.countKnowing('pages', await read(shown));
  await audience.openEyes('blind');
  const numbers = await read(everything);
  for (let look = 0; ; look += 1) {
    const blind = await audience.countKnowing('blind', numbers);
    if (blind === blindPages || look === 50) return { pages: Math.min(pages, listeners), blind };
    await sleep(100);
  }
}

async function readFrames({ apiUrl }: Deployment): Promise<{ sent: number; dropped: number }> {
  const text = await (await fetch(`${apiUrl}/metrics`)).text();
  const read = (outcome: string) =>
    Number(new RegExp(`^xianda_stream_frames_total\\{outcome="${outcome}"\\} (\\d+)$`, 'm').exec(text)?.[1]);
  return { sent: read('sent'), dropped: read('dropped') };
}

/** Processor milliseconds of API and database for one `GET /v1/sellable` of what a page shows. */
async function askInstead({ servers, brand }: Scene): Promise<number> {
  const cpu = () =>
    [api, 'postgres'].reduce((sum, name) => sum + readCpuMs(servers.pids().get(name) as number), 0);
  const path = `/v1/sellable?${shown.map((sku) => `sku=${sku}`).join('&')}`;
  const before = cpu();
  for (let number = 0; number < askedForComparison; number += 1)
    await brand.api.send('GET', path, { key: brand.channelKey });
  return (cpu() - before) / askedForComparison;
}

function sideFigures(measured: {
  delays: Delays;
  changes: readonly Change[];
  sold: Sold;
  plan: Plan;
  frames: { sent: number; dropped: number };
}) {
  const { delays, changes, sold, plan, frames } = measured;
  const pairs = changes.length * plan.listeners;
  return [
    figure('delayMsP50', delays.percentile(50), { unit: 'ms' }),
    figure('delayMsLongest', delays.longest, { unit: 'ms' }),
    figure('notToldPercent', (1 - delays.pairs / pairs) * 100, { unit: '%', demand: { exactly: 0 } }),
    figure('ordersPerSecond', sold.orders / sold.seconds, { unit: 'orders/s' }),
    figure('framesPerSecond', frames.sent / sold.seconds, { unit: 'frames/s' }),
    figure('framesDropped', frames.dropped, { unit: 'frames' }),
    figure('apiCores', (sold.cpuMs[api] ?? 0) / sold.seconds / 1000, { unit: 'cores' }),
  ];
}

function tellProcesses({ cpuMs, seconds }: Sold, { rate }: Plan): string[] {
  const rows = Object.entries(cpuMs)
    .filter(([, ms]) => ms >= 10)
    .map(([name, ms]) => [name, (ms / 1000 / seconds).toFixed(2)]);
  return ['', ...formatTable([['process', `cores at ${rate} orders/s`], ...rows])];
}
