import { join } from 'node:path';
import { drawPort } from '../../src/dev/ports';
import type { BareKind } from '../bare/main';
import type { BenchContext } from './bench';
import { median } from './figures';
import { type HotShop, hotOrder, hotOrderBody } from './hotSku';
import type { HttpLoad } from './load/generator';
import { type LoadProcess, type LoadResult, startLoad } from './load/loadProcess';
import type { Deployment, StoreServers } from './servers';
import { formatTable } from './table';

/** One server that orders are sent to. */
export interface Contestant {
  name: string;
  urls: string[];
  key: string;
  /** Its processes and those that work for it. */
  processes: string[];
  /** Orders it has taken so far: numbers of the next run follow on. */
  sent: number;
  accepted: number;
}

export interface ContestPlan {
  callers: number;
  seconds: number;
  warmUpSeconds: number;
}

/** What the product answers to an order, to be answered by others. */
export interface SampleAnswer {
  status: number;
  contentType: string;
  body: string;
}

const register = join(__dirname, '..', '..', 'scripts', 'registerTypeScript.cjs');
const bareProgram = join(__dirname, '..', 'bare', 'main.ts');

export function startGenerator(servers: StoreServers): LoadProcess<HttpLoad> {
  return startLoad<HttpLoad>({ logFile: join(servers.home, 'logs', 'load.log') });
}

/** Places one order at the product, and keeps its answer. */
export async function askSample(deployment: Deployment, shop: HotShop, buyer: string): Promise<SampleAnswer> {
  const response = await fetch(`${deployment.apiUrl}/v1/orders`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${shop.channelKey}` },
    body: JSON.stringify(hotOrder(buyer)),
  });
  const body = await response.text();
  return { status: response.status, contentType: response.headers.get('content-type') ?? '', body };
}

interface BareOptions {
  kind: BareKind;
  shop: HotShop;
  answer: SampleAnswer;
  /** Of the naive intake's pool. */
  connections?: number;
  environment?: NodeJS.ProcessEnv;
}

/** Starts one of bench/bare's servers, as a process with the API's priority. */
export async function startBare(
  servers: StoreServers,
  { kind, shop, answer, connections = 0, environment = process.env }: BareOptions,
): Promise<Contestant> {
  const port = await drawPort();
  // the harness lowers the priority of all processes but those called api
  const name = `${kind}-api`;
  await servers.startNode(name, {
    args: ['--require', register, bareProgram],
    environment: {
      ...environment,
      BENCH_KIND: kind,
      BENCH_PORT: String(port),
      BENCH_KEY: shop.channelKey,
      BENCH_TENANT: shop.tenant,
      BENCH_ANSWER: JSON.stringify(answer),
      BENCH_CONNECTIONS: String(connections),
    },
  });
  const processes = kind === 'naive' ? [name, 'postgres'] : [name];
  return {
    name: kind,
    urls: [`http://127.0.0.1:${port}`],
    key: shop.channelKey,
    processes,
    sent: 0,
    accepted: 0,
  };
}

interface Ring {
  servers: StoreServers;
  load: LoadProcess<HttpLoad>;
  /** The one outcome that counts; any other fails the run. */
  outcome: string;
}

/** One contestant's run. */
export async function runContestant(
  { servers, load, outcome }: Ring,
  contestant: Contestant,
  { callers, seconds, warmUpSeconds }: ContestPlan,
): Promise<LoadResult> {
  const { name, urls, key, processes, sent } = contestant;
  const pids = new Map([...servers.pids()].filter(([process]) => processes.includes(process)));
  const result = await load.run(
    {
      plan: { pace: { kind: 'closed', callers }, seconds, warmUpSeconds },
      load: {
        urls,
        firstNumber: sent,
        method: 'POST',
        path: '/v1/orders',
        keys: [key],
        bodies: [hotOrderBody()],
      },
    },
    pids,
  );
  servers.expectAlive();
  const others = Object.keys(result.whole).filter((each) => each !== outcome);
  if (others.length > 0) throw new Error(`${name} answered ${JSON.stringify(result.whole)}`);
  const answered = result.whole[outcome] ?? 0;
  contestant.sent += answered;
  if (outcome === '201') contestant.accepted += answered;
  return result;
}

/** Results by contestant and number of callers. */
export type Results = ReadonlyMap<string, ReadonlyMap<number, readonly LoadResult[]>>;

interface ContestOptions extends Omit<ContestPlan, 'callers'> {
  callers: readonly number[];
  rounds: number;
  say: BenchContext['say'];
}

/** Rounds of all contestants in turn, each at every number of callers; every round begins with another one. */
export async function runContest(
  ring: Ring,
  contestants: readonly Contestant[],
  { callers, rounds, say, ...plan }: ContestOptions,
): Promise<Results> {
  const results = new Map(
    contestants.map(({ name }) => [name, new Map(callers.map((each): [number, LoadResult[]] => [each, []]))]),
  );
  for (let round = 1; round <= rounds; round += 1) {
    for (const each of callers) {
      const told: string[] = [];
      for (const offset of contestants.keys()) {
        const contestant = contestants[(round - 1 + offset) % contestants.length] as Contestant;
        const result = await runContestant(ring, contestant, { ...plan, callers: each });
        results.get(contestant.name)?.get(each)?.push(result);
        told.push(`${contestant.name} ${result.perSecond.toFixed(0)}/s`);
      }
      say(`round ${round}  ${String(each).padStart(4)} callers  ${told.sort().join(', ')}`);
    }
  }
  return results;
}

export function resultsOf(results: Results, name: string, callers: number): readonly LoadResult[] {
  return results.get(name)?.get(callers) ?? [];
}

/** The median over the rounds of one's rate as a share of the other's in the same round. */
export function shareOf(results: Results, [one, other]: [string, string], callers: number): number {
  const theirs = resultsOf(results, other, callers);
  return median(
    resultsOf(results, one, callers).map(
      ({ perSecond }, round) => perSecond / (theirs[round]?.perSecond ?? Number.NaN),
    ),
  );
}

/** Medians of the rounds: rates, latencies, and processor time a request by process. */
export function tellContest(results: Results): string[] {
  const rows = [...results].flatMap(([name, byCallers]) =>
    [...byCallers].map(([callers, rounds]) => {
      const middle = (pick: (round: LoadResult) => number) => median(rounds.map(pick));
      const cpu = (process: (name: string) => boolean) =>
        (middle((round) => cpuMsPerRequest(round, process)) * 1000).toFixed(0);
      return [
        name,
        String(callers),
        middle(({ perSecond }) => perSecond).toFixed(0),
        middle(({ p50Ms }) => p50Ms).toFixed(1),
        middle(({ p99Ms }) => p99Ms).toFixed(1),
        cpu((process) => process.endsWith('api')),
        cpu((process) => process === 'postgres'),
        cpu((process) => process === 'callers'),
      ];
    }),
  );
  const head = ['median of rounds', 'callers', 'answers/s', 'p50 ms', 'p99 ms'];
  return ['', ...formatTable([[...head, 'CPU µs an answer: server', 'postgres', 'generator'], ...rows])];
}

export function cpuMsPerRequest(
  { cpuMs, perSecond, seconds }: LoadResult,
  counts: (process: string) => boolean,
): number {
  const used = Object.entries(cpuMs).reduce((sum, [name, ms]) => sum + (counts(name) ? ms : 0), 0);
  return used / (perSecond * seconds);
}
