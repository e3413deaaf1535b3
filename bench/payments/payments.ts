import { createHash } from 'node:crypto';
import { readConfig } from '../../src/config';
import { bookPayment, type PaymentNotice } from '../../src/db/payment';
import { createPersonalData } from '../../src/db/personalData';
import { createDatabase, type Database } from '../../src/db/transaction';
import { createBatcher } from '../../src/intake/batcher';
import { createIntake } from '../../src/intake/intake';
import { createTill } from '../../src/intake/till';
import { type Bench, type BenchContext, type Measured, readCount } from '../support/bench';
import { describeServers } from '../support/environment';
import { figure, median } from '../support/figures';
import { hotOrder, type HotShop, seedHotShop } from '../support/hotSku';
import { type Deployment, type Servers, withServers } from '../support/servers';
import { formatTable } from '../support/table';

/** What the API's pool had when every notice was a transaction of its own. */
const connections = 24;
const placingAtOnce = 512;

/**
 * Payments of one hot SKU, as they come in the minutes after a sale: every notice a transaction of its own, and in
 * batches. Both write the same rows with the same statements on the same database, in turn.
 */
export const payments: Bench = {
  name: 'payments',
  summary: 'payments of one hot SKU a second, in batches beside one transaction for each',
  options: { rounds: { type: 'string' }, orders: { type: 'string' }, callers: { type: 'string' } },
  run: (context) => withServers(context, (servers) => measure(servers, context)),
};

interface Way {
  label: string;
  book(notice: PaymentNotice): Promise<{ kind: string }>;
  /** Statements sent so far. */
  statements(): number;
  rounds: Round[];
}

interface Round {
  perSecond: number;
  statementsEach: number;
  p50Ms: number;
  p99Ms: number;
}

async function measure(servers: Servers, context: BenchContext): Promise<Measured> {
  const rounds = readCount(context, 'rounds', { otherwise: 3 });
  const orders = readCount(context, 'orders', { otherwise: 2_000 });
  const callers = readCount(context, 'callers', { otherwise: 256 });
  const deployment = await servers.deploy('payments');
  await servers.startRole(deployment, 'api');
  const shop = await seedHotShop(deployment, servers, { units: 100_000_000 });
  shop.api.close();
  const db = createDatabase({
    url: deployment.databaseUrl,
    role: 'xianda_app',
    maxConnections: connections,
  });
  try {
    const [naive, ours] = [oneByOne(db), inBatches(db)];
    // once unmeasured: connections prepare their statements, code is compiled
    for (let round = 0; round <= rounds; round += 1) {
      for (const way of [naive, ours]) {
        const notices = await placeOrders({ db, deployment, shop, orders });
        const result = await payAll(way, notices, callers);
        if (round === 0) continue;
        way.rounds.push(result);
        context.say(
          `round ${round}  ${way.label.padEnd(12)} ${result.perSecond.toFixed(0).padStart(6)} payments/s`,
        );
      }
    }
    await expectAllPaid(db, shop, 2 * (rounds + 1) * orders);
    for (const line of tell([naive, ours])) context.say(line);
    const perSecond = (way: Way) => median(way.rounds.map((round) => round.perSecond));
    return {
      figures: [
        figure('paymentsPerSecond', perSecond(ours), { unit: 'payments/s' }),
        figure('ratioToNaive', perSecond(ours) / perSecond(naive), { unit: 'times' }),
      ],
      environment: await describeServers({ ...servers, databaseUrl: deployment.databaseUrl }),
    };
  } finally {
    await db.close();
  }
}

function oneByOne(db: Database): Way {
  const counted = counting(db);
  return {
    label: 'one by one',
    book: (notice) => bookPayment(counted, notice),
    statements: counted.statements,
    rounds: [],
  };
}

function inBatches(db: Database): Way {
  const counted = counting(db);
  const batcher = createBatcher({ lanes: 8, lanesOfTenant: 2, mostInBatch: 256, mostWaiting: 5_000 });
  const till = createTill({ batcher, lanes: counted, db: counted });
  return { label: 'in batches', book: till.book, statements: counted.statements, rounds: [] };
}

/** The same database, with its statements counted; BEGIN and COMMIT are two. */
function counting(db: Database): Database & { statements(): number } {
  let sent = 0;
  return {
    ...db,
    statements: () => sent,
    inTenant: (tenant, work) => {
      sent += 2;
      return db.inTenant(tenant, (tx) =>
        work({
          tenant: tx.tenant,
          query: (text, values) => {
            sent += 1;
            return tx.query(text, values);
          },
        }),
      );
    },
  };
}

let placed = 0;

interface Placing {
  db: Database;
  deployment: Deployment;
  shop: HotShop;
  orders: number;
}

/** Places orders of one unit each through the product's own intake; answers what a provider would tell of them. */
async function placeOrders({ db, deployment, shop, orders }: Placing): Promise<PaymentNotice[]> {
  const { personalDataKeys } = readConfig(deployment.environment);
  const personalData = createPersonalData(personalDataKeys);
  const intake = createIntake({ db, personalData, paymentWindowSeconds: 86_400 });
  const numbers = Array.from({ length: orders }, () => (placed += 1));
  const notices: PaymentNotice[] = [];
  await inParallel(placingAtOnce, numbers, async (number) => {
    const answer = await intake.place(shop.tenant, hotOrder(number), 'bench');
    if (answer.kind !== 'accepted') throw new Error(`an order was ${answer.kind}`);
    const { orderId, totalFen: amountFen } = answer.answer;
    notices.push({
      tenant: shop.tenant,
      provider: 'sandbox',
      notificationId: `n-${number}`,
      transactionId: `t-${number}`,
      orderId,
      amountFen,
      paidAt: new Date(),
      bodyDigest: createHash('sha256').update(orderId).digest(),
    });
  });
  return notices;
}

async function payAll(way: Way, notices: PaymentNotice[], callers: number): Promise<Round> {
  const latencies: number[] = [];
  const statementsBefore = way.statements();
  const from = performance.now();
  await inParallel(callers, notices, async (notice) => {
    const sentAt = performance.now();
    const { kind } = await way.book(notice);
    if (kind !== 'booked') throw new Error(`a payment was ${kind}`);
    latencies.push(performance.now() - sentAt);
  });
  const seconds = (performance.now() - from) / 1000;
  latencies.sort((a, b) => a - b);
  const at = (share: number) => latencies[Math.floor(latencies.length * share)] ?? Number.NaN;
  return {
    perSecond: notices.length / seconds,
    statementsEach: (way.statements() - statementsBefore) / notices.length,
    p50Ms: at(0.5),
    p99Ms: at(0.99),
  };
}

/** So many at once; whoever is done takes the next. */
async function inParallel<T>(callers: number, all: T[], work: (each: T) => Promise<void>): Promise<void> {
  const left = all.values();
  await Promise.all(
    Array.from({ length: callers }, async () => {
      for (const each of left) await work(each);
    }),
  );
}

async function expectAllPaid(db: Database, { tenant }: HotShop, expected: number): Promise<void> {
  const { rows } = await db.inTenant(tenant, (tx) =>
    tx.query<{ paid: number; committed: number }>(
      `SELECT (SELECT count(*) FROM orders WHERE state = 'paid') AS paid,
              (SELECT sum(committed)::bigint FROM stock_balance) AS committed`,
    ),
  );
  if (rows[0]?.paid !== expected || rows[0].committed !== expected)
    throw new Error(`of ${expected} paid orders the books say ${JSON.stringify(rows[0])}`);
}

function tell(ways: Way[]): string[] {
  const middle = (way: Way, pick: (round: Round) => number) => median(way.rounds.map(pick));
  return [
    '',
    ...formatTable([
      ['how', 'payments/s', 'statements each', 'p50 ms', 'p99 ms'],
      ...ways.map((way) => [
        way.label,
        middle(way, (round) => round.perSecond).toFixed(0),
        middle(way, (round) => round.statementsEach).toFixed(2),
        middle(way, (round) => round.p50Ms).toFixed(1),
        middle(way, (round) => round.p99Ms).toFixed(1),
      ]),
    ]),
  ];
}
