import { execFileSync } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { type Bench, type BenchContext, BenchRefusal, type Measured, readCount } from '../support/bench';
import { describeServers } from '../support/environment';
import { type Figure, figure, median } from '../support/figures';
import { seedHotShop } from '../support/hotSku';
import { type StoreServers, withStore } from '../support/servers';
import { formatTable } from '../support/table';
import { type Peer, peers as allPeers } from './peerList';
import { findRedis, startRedis } from './redisServer';
import { type PeerRound, type RoundPlan, type Stage, runPeer } from './round';

/** More than any of them sells in a round. */
const units = 100_000_000;

/**
 * One unit of one hot SKU for each order, with a durable record and a payment timeout, through each peer's own public
 * API, called within one process. What starts afterwards (the timeout's run, our workflow) is measured for nobody.
 */
export const peers: Bench = {
  name: 'peers',
  summary:
    'our intake beside DBOS, graphile-worker, pg-boss and Redis with a Lua script, as order flows on one hot SKU',
  options: {
    rounds: { type: 'string' },
    seconds: { type: 'string' },
    'warm-up': { type: 'string' },
    callers: { type: 'string' },
    only: { type: 'string' },
  },
  run: (context) => withStore(context, (servers) => measure(servers, context)),
};

async function measure(servers: StoreServers, context: BenchContext): Promise<Measured> {
  const { say } = context;
  const plan: RoundPlan = {
    callers: readCount(context, 'callers', { otherwise: 512 }),
    seconds: readCount(context, 'seconds', { otherwise: 10 }),
    warmUpSeconds: readCount(context, 'warm-up', { otherwise: 3, least: 0 }),
  };
  const rounds = readCount(context, 'rounds', { otherwise: 3 });
  installPackages(say);
  const chosen = choosePeers(context);
  const results = new Map<Peer, PeerRound[]>(chosen.map((peer) => [peer, []]));
  // told as the environment's schema: the peers' databases lie on the same server
  const ours = await servers.deploy('ours');
  for (let round = 1; round <= rounds; round += 1) {
    for (const peer of chosen) {
      const result = await withStage({ servers, peer, round }, (stage) => runPeer(peer, plan, stage));
      results.get(peer)?.push(result);
      const rate = result.ordersPerSecond.toFixed(0).padStart(6);
      say(`round ${round}  ${peer.label.padEnd(24)} ${rate} orders/s`);
      servers.expectAlive();
    }
  }
  for (const line of tell(results)) say(line);
  return {
    figures: [...results].flatMap(([peer, its]) => sumUp(peer, its)),
    environment: await describeServers({ databaseUrl: ours.databaseUrl }),
  };
}

function choosePeers({ say, options }: BenchContext): Peer[] {
  const named = typeof options.only === 'string' ? options.only.split(',') : undefined;
  const unknown = named?.find((name) => !allPeers.some((peer) => peer.name === name));
  if (unknown !== undefined) {
    throw new BenchRefusal(
      `--only knows ${allPeers.map(({ name }) => name).join(', ')}, and not ${unknown}.`,
    );
  }
  const wanted = allPeers.filter(({ name }) => named?.includes(name) ?? true);
  if (wanted.every(({ store }) => store !== 'redis')) return wanted;
  const version = findRedis();
  if (version !== null) {
    say(`Redis is ${version}, from the PATH.`);
    return wanted;
  }
  say('Redis is left out: there is no redis-server on the PATH (Debian: apt-get install redis-server).');
  return wanted.filter(({ store }) => store !== 'redis');
}

/** The peers' packages belong to this bench alone: they are installed here, on first use, from this folder's lock. */
function installPackages(say: BenchContext['say']): void {
  const lock = join(__dirname, 'package-lock.json');
  const installed = join(__dirname, 'node_modules', '.package-lock.json');
  if (existsSync(installed) && statSync(installed).mtimeMs >= statSync(lock).mtimeMs) return;
  say('Installing the peers (npm ci in bench/peers)');
  execFileSync('npm', ['ci', '--no-audit', '--no-fund'], { cwd: __dirname, stdio: ['ignore', 2, 2] });
}

interface StageNeeds {
  servers: StoreServers;
  peer: Peer;
  round: number;
}

/** A store of this peer's own, empty, for one round. */
async function withStage(
  { servers, peer, round }: StageNeeds,
  work: (stage: Stage) => Promise<PeerRound>,
): Promise<PeerRound> {
  const storePid = servers.pids().get('postgres') as number;
  const logFolder = join(servers.home, 'logs');
  const name = `${peer.name}${round}`;
  if (peer.store === 'redis') {
    const redis = await startRedis(servers.home, peer.redisArguments);
    const environment = { ...process.env, REDIS_URL: redis.url };
    return work({ environment, storePid: redis.pid, logFolder }).finally(() => redis.close());
  }
  const environment =
    peer.name === 'ours'
      ? await openOurShop(servers, name)
      : { ...process.env, DATABASE_URL: await servers.createDatabase(name) };
  return work({ environment, storePid, logFolder });
}

/** Our schema; the API is there to put the goods, and idle afterwards. */
async function openOurShop(servers: StoreServers, name: string): Promise<NodeJS.ProcessEnv> {
  const deployment = await servers.deploy(name);
  await servers.startRole(deployment, 'api');
  const { tenant, api } = await seedHotShop(deployment, servers, { units });
  api.close();
  return { ...deployment.environment, BENCH_TENANT: tenant };
}

function tell(results: ReadonlyMap<Peer, PeerRound[]>): string[] {
  const rows = [...results].map(([peer, rounds]) => {
    const middle = (pick: (round: PeerRound) => number) => median(rounds.map(pick));
    return [
      peer.label,
      middle((round) => round.ordersPerSecond).toFixed(0),
      middle((round) => round.p50Ms).toFixed(1),
      middle((round) => round.p99Ms).toFixed(1),
      middle((round) => round.programCpuMs).toFixed(2),
      middle((round) => round.storeCpuMs).toFixed(2),
    ];
  });
  const head = ['what', 'orders/s', 'p50 ms', 'p99 ms', 'CPU ms, program', 'CPU ms, store'];
  const words = [...results.keys()].map(({ label, guarantees }) => `${label.padEnd(24)} ${guarantees}`);
  return ['', ...formatTable([head, ...rows]), '', 'What an acknowledged order is sure of:', ...words];
}

function sumUp({ name }: Peer, rounds: readonly PeerRound[]): Figure[] {
  const middle = (pick: (round: PeerRound) => number) => median(rounds.map(pick));
  return [
    figure(
      `${name}OrdersPerSecond`,
      middle((round) => round.ordersPerSecond),
      { unit: 'orders/s' },
    ),
    figure(
      `${name}CpuMs`,
      middle((round) => round.programCpuMs + round.storeCpuMs),
      { unit: 'ms' },
    ),
  ];
}
