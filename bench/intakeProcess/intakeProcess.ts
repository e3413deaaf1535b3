import { join } from 'node:path';
import { type Bench, type BenchContext, type Measured, readCount, readCounts } from '../support/bench';
import { closeBooks, expectExactly, expectSound } from '../support/books';
import type { CallersLoad } from '../support/callers';
import { describeServers } from '../support/environment';
import { type Figure, figure, median } from '../support/figures';
import { seedHotShop } from '../support/hotSku';
import { type LoadProcess, type LoadResult, startLoad } from '../support/load/loadProcess';
import { type Deployment, type StoreServers, withStore } from '../support/servers';
import { formatTable } from '../support/table';

/** More than both designs sell in a run. */
const units = 1_000_000_000;
const designs = ['ours', 'naive'] as const;
type DesignName = (typeof designs)[number];

/**
 * One hot SKU with stock for all, callers and intake in one Node process, PostgreSQL beside it, nothing else. Each
 * caller places its next order when its last is answered.
 */
export const intakeProcess: Bench = {
  name: 'intake-process',
  summary: 'orders a second on one hot SKU, in process, against one transaction an order on the same tables',
  options: {
    rounds: { type: 'string' },
    seconds: { type: 'string' },
    'warm-up': { type: 'string' },
    callers: { type: 'string' },
    connections: { type: 'string' },
    'naive-connections': { type: 'string' },
    sweep: { type: 'string' },
  },
  run: (context) => withStore(context, (servers) => measure(servers, context)),
};

/** One design with a database of its own, so that neither grows the other's tables. */
interface Design {
  name: DesignName;
  deployment: Deployment;
  load: LoadProcess<CallersLoad>;
  shops: CallersLoad['shops'];
  connections: number;
  /** Orders acknowledged so far, which are all there may be. */
  accepted: number;
}

interface Plan {
  callers: number;
  seconds: number;
  warmUpSeconds: number;
}

async function measure(servers: StoreServers, context: BenchContext): Promise<Measured> {
  const { say } = context;
  const rounds = readCount(context, 'rounds', { otherwise: 5 });
  const plan: Plan = {
    callers: readCount(context, 'callers', { otherwise: 512 }),
    seconds: readCount(context, 'seconds', { otherwise: 8 }),
    warmUpSeconds: readCount(context, 'warm-up', { otherwise: 2 }),
  };
  const connections = {
    ours: readCount(context, 'connections', { otherwise: 24 }),
    naive: readCount(context, 'naive-connections', { otherwise: 28 }),
  };
  const opened = await openDesigns(servers, connections);
  try {
    const results = new Map<DesignName, LoadResult[]>(designs.map((name) => [name, []]));
    for (let round = 1; round <= rounds; round += 1) {
      for (const design of opened) {
        const result = await runRound(servers, design, plan);
        results.get(design.name)?.push(result);
        say(`round ${round}  ${design.name.padEnd(5)} ${tellRate(result)}`);
      }
    }
    const sweep = await runSweep(servers, opened, { ...plan, sweep: readCounts(context, 'sweep'), say });
    for (const line of tell(results)) say(line);
    for (const { deployment, accepted } of opened) await expectWhole(deployment, accepted);
    say('');
    say(
      'Acknowledged orders, held units and rows of every table are exactly as many, and every check of the',
    );
    say('doctor that is SQL finds nothing, in both databases.');
    return {
      figures: [...sumUp(results), ...sweep],
      environment: await describeServers({ databaseUrl: (opened[0] as Design).deployment.databaseUrl }),
    };
  } finally {
    for (const { load } of opened) load.close();
  }
}

async function openDesigns(
  servers: StoreServers,
  connections: Record<DesignName, number>,
): Promise<Design[]> {
  const opened: Design[] = [];
  for (const name of designs) {
    const deployment = await servers.deploy(name);
    // the goods are put over HTTP, as any tenant does; what is measured needs no API
    await servers.startRole(deployment, 'api');
    const { tenant, sku, api } = await seedHotShop(deployment, servers, { units });
    api.close();
    await servers.stop(`${name}-api`);
    opened.push({
      name,
      deployment,
      load: startLoad<CallersLoad>({
        logFile: join(servers.home, 'logs', `${name}-callers.log`),
        program: join(__dirname, '..', 'support', 'callers.ts'),
        environment: deployment.environment,
      }),
      shops: [{ tenant, skus: [sku] }],
      connections: connections[name],
      accepted: 0,
    });
  }
  return opened;
}

async function runRound(
  servers: StoreServers,
  design: Design,
  { callers, seconds, warmUpSeconds }: Plan,
): Promise<LoadResult> {
  const { name, load, shops, connections, accepted } = design;
  const result = await load.run(
    {
      plan: { pace: { kind: 'closed', callers }, seconds, warmUpSeconds },
      load: { design: name, connections, shops, firstNumber: accepted },
    },
    servers.pids(),
  );
  servers.expectAlive();
  const { accepted: taken = 0, ...others } = result.whole;
  if (Object.keys(others).length > 0) throw new Error(`${name} answered ${JSON.stringify(others)}`);
  design.accepted += taken;
  return result;
}

async function expectWhole({ databaseUrl }: Deployment, accepted: number): Promise<void> {
  await expectExactly(databaseUrl, accepted);
  await closeBooks(databaseUrl);
  await expectSound(databaseUrl);
}

interface Sweep extends Plan {
  sweep: readonly number[];
  say: BenchContext['say'];
}

/** The same for other numbers of callers, once each: for the chart. */
async function runSweep(
  servers: StoreServers,
  opened: Design[],
  { sweep, say, ...plan }: Sweep,
): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const callers of sweep) {
    for (const design of opened) {
      const result = await runRound(servers, design, { ...plan, callers });
      say(`${String(callers).padStart(5)} callers  ${design.name.padEnd(5)} ${tellRate(result)}`);
      const name = design.name === 'ours' ? 'ordersPerSecond' : 'naiveOrdersPerSecond';
      figures.push(figure(`${name}At${callers}`, result.perSecond, { unit: 'orders/s' }));
    }
  }
  return figures;
}

function tellRate({ perSecond, p50Ms, p99Ms }: LoadResult): string {
  return `${perSecond.toFixed(0).padStart(6)} orders/s, p50 ${p50Ms.toFixed(1)} ms, p99 ${p99Ms.toFixed(1)} ms`;
}

const nodeMs = ({ cpuMs, perSecond, seconds }: LoadResult) => (cpuMs.callers ?? 0) / (perSecond * seconds);
const postgresMs = ({ cpuMs, perSecond, seconds }: LoadResult) =>
  (cpuMs.postgres ?? 0) / (perSecond * seconds);

function tell(results: ReadonlyMap<DesignName, LoadResult[]>): string[] {
  const rows = [...results].map(([name, rounds]) => [
    name,
    ...[
      middle(rounds, ({ perSecond }) => perSecond).toFixed(0),
      middle(rounds, ({ p50Ms }) => p50Ms).toFixed(1),
      middle(rounds, ({ p99Ms }) => p99Ms).toFixed(1),
      middle(rounds, nodeMs).toFixed(3),
      middle(rounds, postgresMs).toFixed(3),
    ],
  ]);
  const head = ['median of rounds', 'orders/s', 'p50 ms', 'p99 ms', 'CPU ms an order: node', 'postgres'];
  return ['', ...formatTable([head, ...rows])];
}

function middle(rounds: readonly LoadResult[], pick: (round: LoadResult) => number): number {
  return median(rounds.map(pick));
}

function sumUp(results: ReadonlyMap<DesignName, LoadResult[]>): Figure[] {
  const ours = results.get('ours') ?? [];
  const naive = results.get('naive') ?? [];
  const ratios = ours.map(({ perSecond }, round) => perSecond / (naive[round]?.perSecond ?? Number.NaN));
  const rate = ({ perSecond }: LoadResult) => perSecond;
  return [
    figure('ordersPerSecond', middle(ours, rate), { unit: 'orders/s', demand: { atLeast: 8_000 } }),
    figure('ratioToNaive', median(ratios), { unit: '×', demand: { atLeast: 12 } }),
    figure('naiveOrdersPerSecond', middle(naive, rate), { unit: 'orders/s' }),
    ...(
      [
        ['', ours],
        ['naive', naive],
      ] as const
    ).flatMap(([prefix, rounds]) =>
      (
        [
          ['p50Ms', ({ p50Ms }: LoadResult) => p50Ms],
          ['p99Ms', ({ p99Ms }: LoadResult) => p99Ms],
          ['nodeCpuMs', nodeMs],
          ['postgresCpuMs', postgresMs],
        ] as const
      ).map(([name, pick]) => {
        const full = prefix === '' ? name : `${prefix}${name.slice(0, 1).toUpperCase()}${name.slice(1)}`;
        return figure(full, middle(rounds, pick), { unit: 'ms' });
      }),
    ),
  ];
}
