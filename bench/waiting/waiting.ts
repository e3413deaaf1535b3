import { setTimeout as sleep } from 'node:timers/promises';
import { Connection } from '@temporalio/client';
import { Client as Postgres } from 'pg';
import { type Brand, placeOrder, seedBrand } from '../support/brand';
import { type Bench, type BenchContext, type Measured, readCount } from '../support/bench';
import { rateDriftPercent } from '../support/drift';
import { describeServers } from '../support/environment';
import { figure } from '../support/figures';
import { readCpuMs, readMemoryMB, readPeakMB } from '../support/processes';
import { type Deployment, type Servers, withServers } from '../support/servers';
import { formatTable } from '../support/table';
import { type Watch, watchStarts } from './watch';

const product = 'xianda';
const buyersAtOnce = 32;
const progressMs = 10_000;
/** Longer than the reconciler's pause: it looks at least once at all that wait. */
const holdSeconds = 35;

/**
 * Orders are placed over HTTP and stay unpaid, their window longer than the run. They are all taken in before the
 * dispatcher is started, so that intake is not what limits the rate of starts.
 */
export const waiting: Bench = {
  name: 'waiting',
  summary: 'holds 50,000 unpaid orders: memory of worker and server, and whether starting them slows down',
  options: { orders: { type: 'string' } },
  run: (context) => withServers(context, (servers) => measure(servers, context)),
};

async function measure(servers: Servers, context: BenchContext): Promise<Measured> {
  const { say } = context;
  const orders = readCount(context, 'orders', { otherwise: 50_000, least: 100 });
  const deployment = await servers.deploy(product);
  await servers.startRole(deployment, 'api');
  const brand = await seedBrand(deployment, servers);
  say(
    `Placing ${orders} orders over HTTP, ${buyersAtOnce} at a time; nobody pays, and no dispatcher runs yet.`,
  );
  await placeAll(brand, servers, { orders, say });
  await servers.startRole(deployment, 'worker');
  const idleMB = readMemory(servers);
  const cpuBefore = readCpu(servers);
  say('Starting the dispatcher.');
  const database = new Postgres({ connectionString: deployment.databaseUrl });
  const temporal = await Connection.connect({ address: servers.temporalAddress });
  await database.connect();
  try {
    await servers.startRole(deployment, 'dispatch');
    const watch = await watchStarts({
      database,
      temporal,
      namespace: deployment.namespace,
      servers,
      orders,
      say,
    });
    say(`All wait. Holding them for ${holdSeconds} s.`);
    await sleep(holdSeconds * 1000);
    servers.expectAlive();
    await expectAllWaiting(database, orders);
    for (const line of tellProcesses({ servers, idleMB, cpuBefore, orders })) say(line);
    return await sumUp({ servers, deployment, watch });
  } finally {
    brand.api.close();
    await database.end();
    await temporal.close();
  }
}

async function placeAll(
  brand: Brand,
  servers: Servers,
  { orders, say }: { orders: number; say: BenchContext['say'] },
): Promise<void> {
  const startedAt = performance.now();
  let next = 0;
  let toldAt = startedAt;
  const lane = async () => {
    while (next < orders) {
      await placeOrder(brand, (next += 1));
      if (performance.now() - toldAt < progressMs) continue;
      toldAt = performance.now();
      servers.expectAlive();
      say(`  ${next} placed, ${(next / ((toldAt - startedAt) / 1000)).toFixed(0)} a second`);
    }
  };
  await Promise.all(Array.from({ length: buyersAtOnce }, lane));
  say(`  ${orders} placed in ${((performance.now() - startedAt) / 1000).toFixed(0)} s`);
}

/** An order that ended, or that a person has to look at, would not be waiting. */
async function expectAllWaiting(database: Postgres, orders: number): Promise<void> {
  const { rows } = await database.query<{ waiting: number; attention: number }>(
    `SELECT (SELECT count(*)::int FROM orders WHERE state = 'awaitingPayment') AS waiting,
            (SELECT count(*)::int FROM attention WHERE resolved_at IS NULL) AS attention`,
  );
  if (rows[0]?.waiting === orders && rows[0].attention === 0) return;
  throw new Error(`of ${orders} orders ${rows[0]?.waiting} wait; ${rows[0]?.attention} await a person`);
}

interface Told {
  servers: Servers;
  idleMB: Record<string, number>;
  cpuBefore: Record<string, number>;
  orders: number;
}

function tellProcesses({ servers, idleMB, cpuBefore, orders }: Told): string[] {
  const cpuAfter = readCpu(servers);
  const rows = [...servers.pids()].map(([name, pid]) => [
    name,
    (idleMB[name] ?? 0).toFixed(0),
    readMemoryMB(pid).toFixed(0),
    readPeakMB(pid).toFixed(0),
    (((cpuAfter[name] ?? 0) - (cpuBefore[name] ?? 0)) / orders).toFixed(2),
  ]);
  return [
    '',
    ...formatTable([['process', 'MB before', 'MB holding', 'MB at most', 'CPU ms an order'], ...rows]),
  ];
}

function readMemory(servers: Servers): Record<string, number> {
  return Object.fromEntries([...servers.pids()].map(([name, pid]) => [name, readMemoryMB(pid)]));
}

function readCpu(servers: Servers): Record<string, number> {
  return Object.fromEntries([...servers.pids()].map(([name, pid]) => [name, readCpuMs(pid)]));
}

async function sumUp(measured: {
  servers: Servers;
  deployment: Deployment;
  watch: Watch;
}): Promise<Measured> {
  const { servers, deployment, watch } = measured;
  const peak = (name: string) => readPeakMB(servers.pids().get(name) ?? 0);
  return {
    figures: [
      figure('workerMB', peak(`${product}-worker`), { unit: 'MB', demand: { atMost: 600 } }),
      figure('serverMB', peak('temporal'), { unit: 'MB', demand: { atMost: 800 } }),
      figure('startRateDriftPercent', rateDriftPercent(watch.startedAt), {
        unit: '%',
        demand: { within: 15 },
      }),
      figure('startsPerSecond', watch.startsPerSecond, { unit: 'orders/s' }),
      figure('allWaitingSeconds', watch.seconds, { unit: 's' }),
      figure('dispatchMB', peak(`${product}-dispatch`), { unit: 'MB' }),
    ],
    environment: await describeServers({ ...servers, databaseUrl: deployment.databaseUrl }),
  };
}
