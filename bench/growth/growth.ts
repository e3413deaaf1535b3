import { join } from 'node:path';
import { usualBatching } from '../../src/intake/intake';
import { type Bench, type BenchContext, type Measured, readCount } from '../support/bench';
import { closeBooks, expectExactly, expectSound } from '../support/books';
import type { CallersLoad } from '../support/callers';
import { describeServers } from '../support/environment';
import { type Figure, figure, median } from '../support/figures';
import { addShelves, seedHotShop } from '../support/hotSku';
import { type LoadProcess, type LoadResult, startLoad } from '../support/load/loadProcess';
import { type Deployment, type StoreServers, withStore } from '../support/servers';
import { formatTable } from '../support/table';
import { readSizeMB, writePast } from './history';

/** More than any shelf sells in a run. */
const units = 1_000_000_000;
const fewOrders = 10_000;
/** Whole examinations of more orders than this take longer than the bench. */
const mostExamined = 1_000_000;

/** Each dimension small and large, in turn, on the same machine in the same run, in process, in a closed loop. */
export const growth: Bench = {
  name: 'growth',
  summary: 'by how much intake slows down with 1,000 SKUs, with up to 10^7 past orders, with 50 tenants',
  options: {
    past: { type: 'string' },
    rounds: { type: 'string' },
    seconds: { type: 'string' },
    'warm-up': { type: 'string' },
    callers: { type: 'string' },
    skus: { type: 'string' },
    tenants: { type: 'string' },
  },
  run: (context) => withStore(context, (servers) => measure(servers, context)),
};

/** One database that orders are placed in. */
interface House {
  deployment: Deployment;
  load: LoadProcess<CallersLoad>;
  placed: number;
}

/** Where the orders of a run go. */
interface Scene {
  words: string;
  house: House;
  shops: CallersLoad['shops'];
}

interface Comparison {
  name: string;
  small: Scene;
  large: Scene;
}

interface Plan {
  past: number;
  rounds: number;
  seconds: number;
  warmUpSeconds: number;
  callers: number;
  skus: number;
  tenants: number;
}

function readPlan(context: BenchContext): Plan {
  return {
    past: readCount(context, 'past', { otherwise: 1_000_000, least: fewOrders }),
    rounds: readCount(context, 'rounds', { otherwise: 5 }),
    seconds: readCount(context, 'seconds', { otherwise: 5 }),
    warmUpSeconds: readCount(context, 'warm-up', { otherwise: 2 }),
    // of fifty tenants each still has forty at a time
    callers: readCount(context, 'callers', { otherwise: 2000 }),
    skus: readCount(context, 'skus', { otherwise: 1000, least: 2 }),
    tenants: readCount(context, 'tenants', { otherwise: 50, least: 2 }),
  };
}

async function measure(servers: StoreServers, context: BenchContext): Promise<Measured> {
  const plan = readPlan(context);
  const { say } = context;
  const wide = await openWide(servers, plan);
  const aged = await openAged(servers, { ...plan, say });
  const houses = [wide.house, aged.few.house, aged.many.house];
  const comparisons: Comparison[] = [
    { name: 'skus', small: wide.one, large: wide.allSkus },
    { name: 'past', small: aged.few, large: aged.many },
    { name: 'tenants', small: wide.one, large: wide.allTenants },
  ];
  try {
    const results: Compared[] = [];
    for (const comparison of comparisons) results.push(await compare(servers, comparison, { ...plan, say }));
    for (const line of tell(results)) say(line);
    for (const { deployment, placed } of houses) await expectExactly(deployment.databaseUrl, placed);
    say('');
    for (const house of houses) {
      if (house === aged.many.house && plan.past > mostExamined) {
        say(`Of the database with ${plan.past} past orders the counts alone were examined.`);
        continue;
      }
      await closeBooks(house.deployment.databaseUrl);
      await expectSound(house.deployment.databaseUrl);
    }
    return {
      figures: [...sumUp(results), ...aged.figures],
      environment: await describeServers({ databaseUrl: wide.house.deployment.databaseUrl }),
    };
  } finally {
    for (const { load } of houses) load.close();
  }
}

/** A tenant with many SKUs beside many tenants with one. */
async function openWide(servers: StoreServers, { skus, tenants }: Plan) {
  const house = await openHouse(servers, 'wide');
  const { deployment } = house;
  await servers.startRole(deployment, 'api');
  const shop = await seedHotShop(deployment, servers, { units });
  const all = await addShelves(shop, { count: skus - 1, units });
  shop.api.close();
  const others: CallersLoad['shops'] = [];
  for (let number = 2; number <= tenants; number += 1) {
    const other = await seedHotShop(deployment, servers, { units, tenant: `wide-${number}` });
    other.api.close();
    others.push({ tenant: other.tenant, skus: [other.sku] });
  }
  await servers.stop('wide-api');
  const { tenant, sku } = shop;
  const one: Scene = { words: 'one tenant, one SKU', house, shops: [{ tenant, skus: [sku] }] };
  const allSkus: Scene = { words: `one tenant, ${skus} SKUs`, house, shops: [{ tenant, skus: all }] };
  const allTenants: Scene = {
    words: `${tenants} tenants, one SKU each`,
    house,
    shops: [...one.shops, ...others],
  };
  return { house, one, allSkus, allTenants };
}

/** The same shop with few and with many orders behind it. */
async function openAged(servers: StoreServers, { past, say }: Plan & Pick<BenchContext, 'say'>) {
  const open = async (name: string, orders: number): Promise<Scene> => {
    const house = await openHouse(servers, name);
    const { deployment } = house;
    await servers.startRole(deployment, 'api');
    const { tenant, sku, api } = await seedHotShop(deployment, servers, { units });
    api.close();
    await servers.stop(`${name}-api`);
    let told = 0;
    await writePast(deployment.databaseUrl, { tenant, sku, orders }, (written) => {
      if (written - told < orders / 10) return;
      told = written;
      say(`  ${written} past orders written`);
    });
    return { words: `${orders} past orders`, house, shops: [{ tenant, skus: [sku] }] };
  };
  const few = await open('few', fewOrders);
  const startedAt = performance.now();
  const many = await open('many', past);
  const seconds = (performance.now() - startedAt) / 1000;
  const sizeMB = await readSizeMB(many.house.deployment.databaseUrl);
  say(`${past} past orders took ${seconds.toFixed(0)} s to write and take ${sizeMB.toFixed(0)} MB.`);
  const figures = [
    figure('pastOrders', past, { unit: 'orders' }),
    figure('pastMB', sizeMB, { unit: 'MB' }),
    figure('pastSeconds', seconds, { unit: 's' }),
  ];
  return { few, many, figures };
}

async function openHouse(servers: StoreServers, name: string): Promise<House> {
  const deployment = await servers.deploy(name);
  const load = startLoad<CallersLoad>({
    logFile: join(servers.home, 'logs', `${name}-callers.log`),
    program: join(__dirname, '..', 'support', 'callers.ts'),
    environment: deployment.environment,
  });
  return { deployment, load, placed: 0 };
}

interface Compared {
  comparison: Comparison;
  small: LoadResult[];
  large: LoadResult[];
}

async function compare(
  servers: StoreServers,
  comparison: Comparison,
  { rounds, say, ...plan }: Plan & Pick<BenchContext, 'say'>,
): Promise<Compared> {
  const compared: Compared = { comparison, small: [], large: [] };
  for (let round = 1; round <= rounds; round += 1) {
    // each comes first in every other round
    const order = round % 2 === 1 ? (['small', 'large'] as const) : (['large', 'small'] as const);
    for (const size of order) {
      const result = await runScene(servers, comparison[size], plan);
      compared[size].push(result);
      say(`${comparison.name.padEnd(8)} round ${round}  ${describe(comparison[size], result)}`);
    }
  }
  return compared;
}

function describe({ words }: Scene, { perSecond, p99Ms }: LoadResult): string {
  return `${words.padEnd(24)} ${perSecond.toFixed(0).padStart(6)} orders/s, p99 ${p99Ms.toFixed(0)} ms`;
}

async function runScene(
  servers: StoreServers,
  { house, shops }: Scene,
  { callers, seconds, warmUpSeconds }: Pick<Plan, 'callers' | 'seconds' | 'warmUpSeconds'>,
): Promise<LoadResult> {
  const result = await house.load.run(
    {
      plan: { pace: { kind: 'closed', callers }, seconds, warmUpSeconds },
      load: { design: 'ours', connections: usualBatching.lanes, shops, firstNumber: house.placed },
    },
    servers.pids(),
  );
  servers.expectAlive();
  const { accepted = 0, ...others } = result.whole;
  if (Object.keys(others).length > 0) throw new Error(`orders were answered ${JSON.stringify(others)}`);
  house.placed += accepted;
  return result;
}

const rates = (results: readonly LoadResult[]) => results.map(({ perSecond }) => perSecond);

/** The median over the rounds, each compared with its own. */
function dropPercent({ small, large }: Compared): number {
  const [before, after] = [rates(small), rates(large)];
  return median(before.map((rate, round) => (1 - (after[round] ?? Number.NaN) / rate) * 100));
}

function tell(results: readonly Compared[]): string[] {
  const cpu = (rounds: readonly LoadResult[], process: string) =>
    median(
      rounds.map(({ cpuMs, perSecond, seconds }) => ((cpuMs[process] ?? 0) / (perSecond * seconds)) * 1000),
    ).toFixed(0);
  const rows = results.flatMap((compared) =>
    (['small', 'large'] as const).map((size) => [
      compared.comparison[size].words,
      median(rates(compared[size])).toFixed(0),
      cpu(compared[size], 'callers'),
      cpu(compared[size], 'postgres'),
      size === 'small' ? '' : dropPercent(compared).toFixed(1),
    ]),
  );
  return [
    '',
    ...formatTable([['median of rounds', 'orders/s', 'CPU µs: node', 'postgres', 'drop %'], ...rows]),
  ];
}

function sumUp(results: readonly Compared[]): Figure[] {
  const drops = results.map(dropPercent);
  return [
    figure('worstRateDropPercent', Math.max(...drops), { unit: '%', demand: { atMost: 20 } }),
    ...results.map(({ comparison: { name } }, index) =>
      figure(`${name}RateDropPercent`, drops[index] as number, { unit: '%' }),
    ),
    ...results.flatMap(({ comparison: { name }, small, large }) => [
      figure(`${name}SmallOrdersPerSecond`, median(rates(small)), { unit: 'orders/s' }),
      figure(`${name}LargeOrdersPerSecond`, median(rates(large)), { unit: 'orders/s' }),
    ]),
  ];
}
