import { setTimeout as sleep } from 'node:timers/promises';
import { readConfig } from '../../src/config';
import { runDoctor } from '../../src/doctor/runDoctor';
import { type Bench, type BenchContext, BenchRefusal, type Measured, readCount } from '../support/bench';
import { describeServers } from '../support/environment';
import { figure } from '../support/figures';
import { type HotShop, seedHotShop } from '../support/hotSku';
import { type Deployment, type Servers, withServers } from '../support/servers';
import { type Books, openBooks } from './books';
import { type Asked, type Crowd, acceptedAnswer, gatherCrowd, soldOutAnswer } from './crowd';
import { findFalseRefusals, readHistory } from './falseRefusals';
import { giveBack } from './giveBack';
import { type Sale, describeSale, startMeter, sumUpSale } from './sale';
import { type Workflows, openWorkflows } from './workflows';

const product = 'xianda';
const lookMs = 100;
const tellMs = 15_000;
const stallMs = 120_000;

/**
 * One SKU, everybody at once: so many kept connections bring one buyer after the other as fast as they are answered,
 * while dispatcher, worker and Temporal run on the same machine. Nobody pays. When all have asked, some who got one
 * change their minds while others go on asking, so that a wrong "sold out" could occur at all.
 */
export const flash: Bench = {
  name: 'flash',
  summary:
    '50,000 requests on 10,000 units through the whole stack: exact counts, no false refusal, starts, holds free',
  options: {
    requests: { type: 'string' },
    units: { type: 'string' },
    callers: { type: 'string' },
    hold: { type: 'string' },
    'give-back': { type: 'string' },
  },
  run: (context) => withServers(context, (servers) => measure(servers, context)),
};

interface Plan {
  requests: number;
  units: number;
  callers: number;
  holdSeconds: number;
  givenBack: number;
}

function readPlan(context: BenchContext): Plan {
  const requests = readCount(context, 'requests', { otherwise: 50_000 });
  const units = readCount(context, 'units', { otherwise: 10_000 });
  const givenBack = readCount(context, 'give-back', { otherwise: Math.min(500, units), least: 0 });
  if (units > requests || givenBack > units)
    throw new BenchRefusal('A flash sale needs more requests than units, and no more given back than sold.');
  return {
    requests,
    units,
    callers: readCount(context, 'callers', { otherwise: 256 }),
    // longer than the sale and the three minutes in which all workflows must have started
    holdSeconds: readCount(context, 'hold', { otherwise: 240 }),
    givenBack,
  };
}

/** Everything that looks on and takes part. */
interface Scene {
  servers: Servers;
  deployment: Deployment;
  shop: HotShop;
  crowd: Crowd;
  books: Books;
  workflows: Workflows;
  say: BenchContext['say'];
}

async function measure(servers: Servers, context: BenchContext): Promise<Measured> {
  const plan = readPlan(context);
  const deployed = await servers.deploy(product);
  const environment = { ...deployed.environment, PAYMENT_WINDOW_SECONDS: String(plan.holdSeconds) };
  const deployment = { ...deployed, environment };
  for (const role of ['api', 'worker', 'dispatch'] as const) await servers.startRole(deployment, role);
  const shop = await seedHotShop(deployment, servers, { units: plan.units });
  const crowd = gatherCrowd(servers, { apiUrl: deployment.apiUrl, shop });
  const books = await openBooks(deployment.databaseUrl, shop);
  const workflows = await openWorkflows(servers, deployment, shop.tenant);
  try {
    return await runSale({ servers, deployment, shop, crowd, books, workflows, say: context.say }, plan);
  } finally {
    crowd.close();
    shop.api.close();
    await books.close();
    await workflows.close();
  }
}

async function runSale(scene: Scene, plan: Plan): Promise<Measured> {
  const { say, servers, deployment } = scene;
  say(`${plan.requests} buyers ask for ${plan.units} units over ${plan.callers} connections.`);
  const sale = await sell(scene, plan);
  for (const line of describeSale(sale)) say(line);
  const lost = await scene.books.findLost(sale.accepted.map(({ orderId }) => orderId as string));
  const orders = await scene.books.countOrders();
  const second = await giveBack({ ...scene, sale, givenBack: plan.givenBack, callers: plan.callers });
  say(
    `${second.cancelled.size} gave theirs back; of ${second.asked.length} who went on asking ${second.soldAgain} got one.`,
  );
  const falseRefusals = await judge(scene.books, [...sale.asked, ...second.asked], second.cancelled);
  const kept = [...sale.asked, ...second.asked].filter(
    ({ outcome, orderId }) => outcome === acceptedAnswer && !second.cancelled.has(orderId as string),
  );
  const startedAt = await awaitStarts(scene, kept);
  const holdFreeDelaySeconds = await awaitHoldsFree(scene);
  await awaitClosed(scene);
  await expectAllBack(scene.books, plan, second.cancelled.size);
  const coherent = await examine(scene);
  return {
    figures: [
      figure('accepted', sale.accepted.length, { unit: 'orders', demand: { exactly: plan.units } }),
      figure('refused', sale.refused.length, {
        unit: 'orders',
        demand: { exactly: plan.requests - plan.units },
      }),
      figure('lost', lost.length, { unit: 'orders', demand: { exactly: 0 } }),
      figure('falseRefusals', falseRefusals.length, { unit: 'orders', demand: { exactly: 0 } }),
      figure('allStartedSeconds', (startedAt - sale.endedAt) / 1000, { unit: 's', demand: { atMost: 180 } }),
      figure('holdFreeDelaySeconds', holdFreeDelaySeconds, { unit: 's', demand: { atMost: 2 } }),
      figure('notAcknowledged', orders - sale.accepted.length, { unit: 'orders', demand: { exactly: 0 } }),
      figure('givenBackNotSoldAgain', second.cancelled.size - second.soldAgain, {
        unit: 'units',
        demand: { exactly: 0 },
      }),
      figure('incoherent', coherent ? 0 : 1, { unit: 'runs', demand: { exactly: 0 } }),
      ...sumUpSale(sale),
    ],
    environment: await describeServers({ ...servers, databaseUrl: deployment.databaseUrl }),
  };
}

async function sell({ servers, crowd }: Scene, plan: Plan): Promise<Sale> {
  const meter = startMeter(servers, crowd.pid);
  const asked = await crowd.ask({ callers: plan.callers, from: 0, upTo: plan.requests });
  servers.expectAlive();
  const cpuMs = meter.stop();
  return {
    asked,
    accepted: asked.filter(({ outcome }) => outcome === acceptedAnswer),
    refused: asked.filter(({ outcome }) => outcome === soldOutAnswer),
    startedAt: Math.min(...asked.map(({ sentAt }) => sentAt)),
    endedAt: Math.max(...asked.map(({ answeredAt }) => answeredAt)),
    cpuMs,
  };
}

async function judge(
  books: Books,
  asked: readonly Asked[],
  cancelled: ReadonlyMap<string, number>,
): Promise<object[]> {
  const refusals = asked.flatMap(({ outcome, sentAt, answeredAt }) =>
    outcome === soldOutAnswer ? [{ sentAt, answeredAt, quantity: 1 }] : [],
  );
  const lastAnswer = Math.max(...asked.map(({ answeredAt }) => answeredAt));
  if ((await books.findFirstDue()) < lastAnswer)
    throw new BenchRefusal('Holds fell due while buyers still asked: give a longer --hold.');
  const placed = new Map(asked.map(({ orderId, answeredAt }) => [orderId, answeredAt]));
  const batches = await books.readBatches(({ kind, orderId }) => {
    if (kind === 'held') return placed.get(orderId);
    return kind === 'released' ? cancelled.get(orderId) : undefined;
  });
  const history = readHistory(0, batches);
  const { onHand, held, committed } = await books.readBalance();
  const told = history.changes.reduce((sellable, { units }) => sellable + units, 0);
  if (told !== onHand - held - committed)
    throw new Error(`the journal tells of ${told} sellable units, the balance differs`);
  return findFalseRefusals(history, refusals);
}

/** When the last workflow of the orders that stand was started; NaN when one never was. */
async function awaitStarts(
  { books, workflows, servers, say }: Scene,
  kept: readonly Asked[],
): Promise<number> {
  const told = await waitFor(servers, { say, what: 'starts to be told' }, async () => {
    const last = await books.findLastStart();
    return last === null ? undefined : last;
  });
  const found = await workflows.findLastStart(kept.map(({ orderId }) => orderId as string));
  say(found === null ? 'Some workflows were never started.' : `All ${kept.length} workflows have started.`);
  return found === null ? Number.NaN : Math.max(told, found);
}

/** What the rows say of themselves, or what another reader saw meanwhile, whichever is worse. */
async function awaitHoldsFree({ books, servers, say }: Scene): Promise<number> {
  let seen = 0;
  await waitFor(servers, { say, what: 'holds to end' }, async () => {
    const { standing, dueForSeconds } = await books.readHolds();
    seen = Math.max(seen, dueForSeconds);
    return standing === 0 ? true : undefined;
  });
  const written = await books.readLongestDelay();
  say(
    `All holds have ended; the last ${written.toFixed(2)} s after it was due, seen as due for ${seen.toFixed(2)} s.`,
  );
  return Math.max(seen, written);
}

async function awaitClosed({ workflows, servers, say }: Scene): Promise<void> {
  await waitFor(servers, { say, what: 'workflows to close', pauseMs: 2000 }, async () =>
    (await workflows.countRunning()) === 0 ? true : undefined,
  );
  say('All workflows have closed.');
}

interface Waiting {
  say: BenchContext['say'];
  what: string;
  pauseMs?: number;
}

/** Looks until there is an answer; the sale's own time-outs are longer than any of these waits should be. */
async function waitFor<Answer>(
  servers: Servers,
  { say, what, pauseMs = lookMs }: Waiting,
  look: () => Promise<Answer | undefined>,
): Promise<Answer> {
  const began = Date.now();
  for (let toldAt = began; ; await sleep(pauseMs)) {
    const answer = await look();
    if (answer !== undefined) return answer;
    servers.expectAlive();
    if (Date.now() - toldAt > tellMs) {
      toldAt = Date.now();
      say(`  waiting for ${what}: ${((toldAt - began) / 1000).toFixed(0)} s`);
    }
    if (Date.now() - began > 5 * stallMs) throw new Error(`waited ${(5 * stallMs) / 1000} s for ${what}`);
  }
}

/** Nobody paid: every unit is on the shelf again, and every order has ended. */
async function expectAllBack(books: Books, { units }: Plan, cancelled: number): Promise<void> {
  const balance = await books.readBalance();
  const { expired = 0, cancelled: gone = 0, ...others } = await books.countByState();
  const odd = Object.values(others).reduce((sum, orders) => sum + orders, 0);
  if (
    balance.onHand === units &&
    balance.held === 0 &&
    balance.committed === 0 &&
    odd === 0 &&
    gone === cancelled
  )
    return;
  throw new Error(
    `the shelf has ${JSON.stringify(balance)}, orders ${JSON.stringify({ expired, gone, ...others })}`,
  );
}

async function examine({ deployment, say }: Scene): Promise<boolean> {
  const code = await runDoctor(readConfig(deployment.environment), { json: false, write: say });
  return code === 0;
}
