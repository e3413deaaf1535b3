import fc from 'fast-check';
import { cancelOrder } from '../../src/db/cancel';
import { expireDueOrders } from '../../src/db/expiry';
import type { Database, Row, TenantTx } from '../../src/db/transaction';
import { endDueWaits } from '../../src/db/waitingList';
import { type Batcher, createBatcher } from '../../src/intake/batcher';
import { createIntake, type Intake, usualBatching } from '../../src/intake/intake';
import type { IntakeAnswer, IntakeRequest } from '../../src/intake/model';
import { createTestDatabase, type TestDatabase } from '../support/database';
import { expectCoherent } from '../support/expectCoherent';
import { givenNetwork, givenSku, givenStock, givenTenant } from '../support/fixtures';
import { locksPools, queryingThrough, readsLots, type Way, watched, writesOrders } from './aheadModel';
import { accepted, intakeOn, letHoldsEnd, orderFor, pay, personalData } from './support';

let database: TestDatabase;

beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(async () => {
  await endWaits();
  await expectCoherent(database);
  await database.drop();
});

/** Nobody promotes those in line here, so that they leave it. */
async function endWaits(): Promise<void> {
  await database.query('UPDATE waiting_order SET until = clock_timestamp() WHERE ended_at IS NULL');
  const waiting = await database.query<{ tenant: string }>(
    'SELECT DISTINCT tenant FROM waiting_order WHERE ended_at IS NULL',
  );
  for (const { tenant } of waiting) await endDueWaits(database.as('xianda_app'), tenant, 1000);
}

/** Apples in two lots, pears with safety stock, a box of both; points that hold little. */
async function givenShop(units: number): Promise<string> {
  const tenant = await givenTenant(database);
  await givenSku(database, tenant);
  await givenSku(database, tenant, { sku: 'pear', safetyStock: 1 });
  await givenSku(database, tenant, { sku: 'box', components: { apple: 1, pear: 2 } });
  await givenNetwork(database, tenant);
  await givenStock(database, tenant, { quantity: Math.ceil(units / 2), expiresInDays: 20 });
  await givenStock(database, tenant, { quantity: units });
  await givenStock(database, tenant, { sku: 'pear', quantity: 2 * units });
  await database.query('UPDATE pickup_point SET ambient_millilitres = 20000 WHERE tenant = $1', [tenant]);
  return tenant;
}

const twoLanes = (): Batcher => createBatcher(usualBatching);

function intakeWith(db: Database): Intake {
  return createIntake({ db, personalData, paymentWindowSeconds: 1800, batcher: twoLanes() });
}

const inOneBatch = (intake: Intake, tenant: string, requests: IntakeRequest[]) =>
  Promise.all(requests.map((request) => intake.place(tenant, request, 'test')));

const oneEach = async (intake: Intake, tenant: string, requests: IntakeRequest[]) => {
  const answers: IntakeAnswer[] = [];
  for (const request of requests) answers.push(await intake.place(tenant, request, 'test'));
  return answers;
};

const some = (count: number, given: Partial<IntakeRequest> = {}) =>
  Array.from({ length: count }, () => orderFor(given));

async function balancesOf(tenant: string) {
  return database.query(
    `SELECT sku, site_id, lot_id, on_hand, held, committed FROM stock_balance WHERE tenant = $1
      UNION ALL SELECT pickup_point_id, zone, '', millilitres, 0, 0 FROM point_load WHERE tenant = $1 AND millilitres > 0
      ORDER BY 1, 2, 3`,
    [tenant],
  );
}

async function heldOf(tenant: string): Promise<number> {
  const [row] = await database.query<{ held: number }>(
    'SELECT sum(held)::int AS held FROM stock_balance WHERE tenant = $1',
    [tenant],
  );
  return row?.held ?? -1;
}

async function ordersOf(tenant: string): Promise<number> {
  const [row] = await database.query<{ n: number }>(
    'SELECT count(*)::int AS n FROM orders WHERE tenant = $1',
    [tenant],
  );
  return row?.n ?? -1;
}

describe('batches that follow each other, with others in between', () => {
  const someOrder = fc.record({
    sku: fc.constantFrom('apple', 'apple', 'apple', 'pear', 'box'),
    quantity: fc.integer({ min: 1, max: 2 }),
    at: fc.constantFrom('door', 'door', 'point-cold', 'point-basic'),
    paid: fc.constantFrom(false, false, true),
    mayWait: fc.constantFrom(...Array<boolean>(9).fill(false), true),
  });
  /** What somebody else does before the next batch; `order` counts from the oldest one that was taken in. */
  const someDeed = fc.record({
    kind: fc.constantFrom(
      'nothing',
      'nothing',
      'pay',
      'cancel',
      'sweep',
      'due',
      'otherProcess',
      'rush',
      'rush',
      'receive',
    ),
    order: fc.nat(9),
  });
  const someRounds = fc.array(
    fc.record({
      deed: someDeed,
      orders: fc.array(someOrder, { minLength: 1, maxLength: 4 }),
      lostCommit: fc.constantFrom(false, false, false, true),
    }),
    { minLength: 3, maxLength: 8 },
  );
  type Round = typeof someRounds extends fc.Arbitrary<(infer T)[]> ? T : never;

  let ids = 0;
  function requestsOf({ orders }: Round): IntakeRequest[] {
    return orders.map(({ sku, quantity, at, paid, mayWait }) => {
      ids += 1;
      const where = at === 'door' ? { location: { lat: 31.22, lng: 121.42 } } : { pickupPointId: at };
      return {
        channel: 'shop',
        externalId: `ahead-${ids}`,
        buyer: { ref: `ahead-${ids}`, ...where },
        lines: [{ sku, quantity, unitPriceFen: 100 }],
        ...(mayWait && !paid ? { acceptLater: true } : {}),
        ...(paid
          ? {
              payment: {
                transactionId: `ahead-${ids}`,
                amountFen: 100 * quantity,
                paidAt: '2026-11-11T20:00:00+08:00',
                heldBy: 'tenant' as const,
              },
            }
          : {}),
      };
    });
  }

  interface Twin {
    tenant: string;
    taken: { orderId: string; totalFen: number }[];
  }

  async function doDeed(
    twin: Twin,
    { kind, order }: Round['deed'],
    requests: IntakeRequest[],
  ): Promise<void> {
    const { tenant, taken } = twin;
    const chosen = taken[order % Math.max(1, taken.length)];
    const db = database.as('xianda_app');
    if (kind === 'receive')
      await givenStock(database, tenant, { quantity: 1, lotId: `more-${ids}-${order}` });
    if (kind === 'rush') await oneEach(intakeOn(database), tenant, rushOf(order));
    if (kind === 'otherProcess') note(twin, await oneEach(intakeOn(database), tenant, requests));
    if (!chosen) return;
    const { orderId } = chosen;
    if (kind === 'pay') await pay(database, tenant, chosen, { transactionId: `pay-${orderId}` });
    if (kind === 'cancel') await cancelOrder(db, { tenant, orderId, reason: 'test', actor: 'buyer' });
    if (kind === 'due' || kind === 'sweep') await letHoldsEnd(database, tenant, orderId);
    if (kind === 'sweep') await expireDueOrders(db, tenant, 100);
  }

  /** Buyers of another process, for what is left of the apples. */
  const rushOf = (many: number) => some(4 * many + 4);

  function note({ taken }: Twin, answers: IntakeAnswer[]): void {
    for (const answer of answers) if (answer.kind === 'accepted') taken.push(answer.answer);
  }

  /** Its next transaction, when asked, is undone at its end, as by a connection that broke. */
  function losing(db: Database): { db: Database; loseNext(): void } {
    let lose = false;
    return {
      loseNext: () => {
        lose = true;
      },
      db: {
        ...db,
        inTenant: <T>(of: string, work: (tx: TenantTx) => Promise<T>) =>
          db.inTenant(of, async (tx) => {
            const done = await work(tx);
            if (!lose) return done;
            lose = false;
            throw Object.assign(new Error('the connection went away'), { code: 'ECONNRESET' });
          }),
      },
    };
  }

  /** How short the stock is depends on when within the batch one looks; whether it is does not. */
  const essence = (answer: IntakeAnswer) => {
    if (!('answer' in answer)) return { kind: answer.kind };
    const { lines, state, promise } = answer.answer;
    return { kind: answer.kind, lines, state, promise };
  };

  test('decide as their orders would one at a time, and leave the same books', async () => {
    const seen = new Map<Way, number>();
    const kinds = new Set<string>();
    await fc.assert(
      fc.asyncProperty(someRounds, fc.integer({ min: 10, max: 30 }), async (rounds, units) => {
        const ahead: Twin = { tenant: await givenShop(units), taken: [] };
        const apart: Twin = { tenant: await givenShop(units), taken: [] };
        const { db, ways } = watched(database.as('xianda_app'));
        const lossy = losing(db);
        const batches = intakeWith(lossy.db);
        const single = intakeOn(database);
        for (const round of rounds) {
          const others = requestsOf(round);
          const requests = requestsOf(round);
          await doDeed(ahead, round.deed, others);
          await doDeed(apart, round.deed, others);
          if (round.lostCommit) lossy.loseNext();
          const answers = await inOneBatch(batches, ahead.tenant, requests);
          const expected = await oneEach(single, apart.tenant, requests);
          expect(answers.map(essence)).toEqual(expected.map(essence));
          note(ahead, answers);
          note(apart, expected);
          for (const { kind } of answers) kinds.add(kind);
          expect(await balancesOf(ahead.tenant)).toEqual(await balancesOf(apart.tenant));
        }
        for (const way of ways) seen.set(way, (seen.get(way) ?? 0) + 1);
      }),
      { numRuns: 40 },
    );
    // batches were planned ahead, undone, and decided under the locks
    for (const way of ['ahead', 'aheadUndone', 'locked'] as const)
      expect(seen.get(way) ?? 0).toBeGreaterThan(way === 'aheadUndone' ? 0 : 10);
    for (const kind of ['accepted', 'soldOut']) expect(kinds).toContain(kind);
  });

  test('under way at once, some of them lost: everybody served is served once, and never more than there is', async () => {
    const tenant = await givenShop(40);
    const { db, ways } = watched(database.as('xianda_app'));
    const lossy = losing(db);
    const batcher = createBatcher({ ...usualBatching, lanesOfTenant: 4, mostInBatch: 4 });
    const intake = createIntake({ db: lossy.db, personalData, paymentWindowSeconds: 1800, batcher });
    await inOneBatch(intake, tenant, some(1));
    const answers: IntakeAnswer[] = [];
    for (let wave = 0; wave < 3; wave += 1) {
      lossy.loseNext();
      answers.push(...(await inOneBatch(intake, tenant, some(25))));
    }
    const served = answers.filter(({ kind }) => kind === 'accepted').length;
    // 20 and 40 units lie on the shelf, and one was sold before
    expect(served).toBe(59);
    expect(await heldOf(tenant)).toBe(60);
    expect(await ordersOf(tenant)).toBe(60);
    expect(ways.filter((way) => way === 'ahead').length).toBeGreaterThan(3);
  });
});

describe('what is written ahead', () => {
  let tenant: string;
  beforeEach(async () => {
    tenant = await givenShop(20);
  });

  /** An intake that has just seen the stock, and how its batches go from now on. */
  async function seeing(db = database.as('xianda_app')) {
    const { db: seen, ways } = watched(db);
    const intake = intakeWith(seen);
    await inOneBatch(intake, tenant, some(1));
    expect(ways.splice(0)).toEqual(['locked']);
    return { intake, ways };
  }

  test('stands when the stock is as foreseen: paid, by express, to a point and in bundles', async () => {
    const { intake, ways } = await seeing();
    await inOneBatch(intake, tenant, [orderFor({ lines: [{ sku: 'box', quantity: 1 }] })]);
    await inOneBatch(intake, tenant, [orderFor({ buyer: { ref: 'p', pickupPointId: 'point-cold' } })]);
    ways.length = 0;
    const payment = { transactionId: 'first', amountFen: 1990, paidAt: '2026-11-11T20:00:00+08:00' };
    const answers = await inOneBatch(intake, tenant, [
      orderFor(),
      orderFor({ lines: [{ sku: 'box', quantity: 2 }] }),
      orderFor({ buyer: { ref: 'p', pickupPointId: 'point-cold' } }),
      orderFor({ payment: { ...payment, heldBy: 'tenant' } }),
      orderFor({ payment: { ...payment, heldBy: 'tenant' } }),
    ]);
    expect(answers.map(({ kind }) => kind)).toEqual([...Array(4).fill('accepted'), 'transactionUsed']);
    expect(ways).toEqual(['ahead']);
  });

  test('stands when money came meanwhile, and when other lots give the units', async () => {
    const { intake, ways } = await seeing();
    const [first] = await inOneBatch(intake, tenant, some(1));
    await pay(database, tenant, accepted(first as IntakeAnswer));
    await inOneBatch(intake, tenant, some(2));
    // another process takes what is left of the lot that would have been the next
    await inOneBatch(intakeOn(database), tenant, some(6));
    await inOneBatch(intake, tenant, some(2));
    expect(ways).toEqual(['ahead', 'ahead', 'ahead']);
    expect(await balancesOf(tenant)).toMatchObject([
      { lot_id: 'lot-20d', held: 9, committed: 1 },
      { lot_id: 'lot-30d', held: 2 },
      { sku: 'pear' },
    ]);
  });

  test('is undone when somebody is served no more, and all are decided under the locks', async () => {
    const { intake, ways } = await seeing();
    await inOneBatch(intakeOn(database), tenant, some(28));
    const answers = await inOneBatch(intake, tenant, some(3));
    expect(answers.map(({ kind }) => kind)).toEqual(['accepted', 'soldOut', 'soldOut']);
    expect(ways).toEqual(['aheadUndone', 'locked']);
    expect(await ordersOf(tenant)).toBe(30);
    await givenStock(database, tenant, { quantity: 9 });
    // and then nothing is written ahead for a while
    ways.length = 0;
    await inOneBatch(intake, tenant, some(1));
    expect(ways).toEqual(['locked']);
  });

  test('is undone when the same orders are in another process’s hands, and the next batch waits for its locks first', async () => {
    let met = false;
    const { intake, ways } = await seeing(
      queryingThrough(database.as('xianda_app'), async (text, values, send) => {
        if (met && writesOrders(text)) {
          met = false;
          throw Object.assign(new Error('deadlock detected'), { code: '40P01' });
        }
        return send(text, values);
      }),
    );
    met = true;
    const answers = [
      await intake.place(tenant, orderFor(), 'test'),
      await intake.place(tenant, orderFor(), 'test'),
    ];
    expect(answers.map(({ kind }) => kind)).toEqual(['accepted', 'accepted']);
    expect(ways).toEqual(['aheadUndone', 'locked', 'locked']);
    expect(await heldOf(tenant)).toBe(3);
  });

  test('is undone when it was planned for a moment that is long past', async () => {
    const late = queryingThrough(database.as('xianda_app'), async (text, values, send) => {
      const answer = await send(text, values);
      if (text !== 'SELECT clock_timestamp() AS now, time_zone FROM tenant WHERE tenant = $1') return answer;
      return {
        ...answer,
        rows: answer.rows.map((row) => ({ ...row, now: new Date(Number(row.now) - 2000) })),
      };
    });
    const { intake, ways } = await seeing(late);
    const [answer] = await inOneBatch(intake, tenant, some(1));
    expect(ways).toEqual(['aheadUndone', 'locked']);
    const [row] = await database.query<{ hold: number }>(
      `SELECT extract(epoch FROM expires_at - created_at)::float8 AS hold FROM orders WHERE tenant = $1 AND order_id = $2`,
      [tenant, accepted(answer as IntakeAnswer).orderId],
    );
    expect(row?.hold).toBeGreaterThan(1799);
  });

  test.each([
    ['a purchase limit', 'UPDATE sku SET purchase_limit = 5 WHERE tenant = $1'],
    ['a limit of unpaid units', 'UPDATE sku SET unpaid_limit = 5 WHERE tenant = $1'],
  ])('is nothing where %s must be counted', async (_, limit) => {
    const { intake, ways } = await seeing();
    await database.query(limit, [tenant]);
    await inOneBatch(intake, tenant, some(1));
    await inOneBatch(intake, tenant, some(1));
    expect(ways).toEqual(['locked', 'locked']);
  });

  test('meets the same order under the locks of another process: a circle, undone, and one order', async () => {
    const { intake, ways } = await seeing();
    const request = orderFor();
    // the other process has the locks, and writes the order when ours has written it and waits for them
    const held = deferred();
    let looks = 0;
    const other = watched(
      queryingThrough(database.as('xianda_app'), async (text, values, send) => {
        const answer = await send(text, values);
        if (!readsLots(text)) return answer;
        looks += 1;
        held.resolve();
        if (looks === 1) await somebodyWaits();
        return answer;
      }),
    );
    const theirs = intakeWith(other.db).place(tenant, request, 'test');
    await held.promise;
    const ours = intake.place(tenant, request, 'test');
    const kinds = (await Promise.all([ours, theirs])).map(({ kind }) => kind);
    expect(kinds.sort()).toEqual(['accepted', 'repeated']);
    // whoever has waited for a second first
    expect(
      [ways[0], other.ways[0]].filter((way) => way === 'aheadUndone' || way === 'lockedUndone'),
    ).toHaveLength(1);
    expect(await ordersOf(tenant)).toBe(2);
    expect(await heldOf(tenant)).toBe(2);
  });

  async function somebodyWaits(): Promise<void> {
    for (;;) {
      const [row] = await database.query<{ waiting: boolean }>(
        `SELECT EXISTS (SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock') AS waiting`,
      );
      if (row?.waiting) return;
    }
  }
});

describe('a plan that is not compared with what stands under the locks', () => {
  let broken: TestDatabase;
  beforeAll(async () => {
    broken = await createTestDatabase();
  });
  afterAll(() => broken.drop());

  /** Shows under the locks, after the first look, what was foreseen instead of what is there. */
  function credulous(db: Database): Database {
    let foreseen: Row[] | null = null;
    return queryingThrough(db, async (text, values, send) => {
      if (!readsLots(text)) return send(text, values);
      if (foreseen) return { rows: foreseen, rowCount: foreseen.length };
      const seen = await send(text, values);
      // as it will be when the first order is written
      foreseen = seen.rows.map((row, at) => (at === 0 ? { ...row, held: Number(row.held) + 1 } : row));
      return seen;
    });
  }

  /** The last unit that may be sold goes to another process, between two orders of ours. */
  async function sellLast(on: TestDatabase, db: Database, safetyStock: number): Promise<IntakeAnswer> {
    const tenant = await givenTenant(on);
    await givenNetwork(on, tenant);
    await givenSku(on, tenant, { safetyStock });
    await givenStock(on, tenant, { quantity: 2 + safetyStock });
    const intake = intakeWith(db);
    await inOneBatch(intake, tenant, some(1));
    await inOneBatch(intakeOn(on), tenant, some(1));
    const [answer] = await inOneBatch(intake, tenant, some(1));
    return answer as IntakeAnswer;
  }

  test('sells what is gone: the books refuse it, and the doctor sees the safety stock sold; ours tells sold out', async () => {
    for (const safetyStock of [0, 1])
      expect((await sellLast(database, database.as('xianda_app'), safetyStock)).kind).toBe('soldOut');
    await expect(sellLast(broken, credulous(broken.as('xianda_app')), 0)).rejects.toMatchObject({
      code: '23514',
    });
    await expectCoherent(broken);
    expect((await sellLast(broken, credulous(broken.as('xianda_app')), 1)).kind).toBe('accepted');
    await expect(expectCoherent(broken)).rejects.toThrow('a hold crossed the safety stock');
  });
});

function deferred(): { promise: Promise<void>; resolve(): void } {
  let resolve = () => undefined as void;
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}

// the pools' locks are what all of this is about: the model must know them when it sees them
test('the lock that the tests look for is the one that intake takes', async () => {
  const texts: string[] = [];
  const tenant = await givenShop(3);
  const db = queryingThrough(database.as('xianda_app'), (text, values, send) => {
    texts.push(text);
    return send(text, values);
  });
  await inOneBatch(intakeWith(db), tenant, some(1));
  expect(texts.filter(locksPools)).toHaveLength(1);
  expect(texts.filter(writesOrders)).toHaveLength(1);
});
