import fc from 'fast-check';
import type { Database, TenantTx } from '../../src/db/transaction';
import { type Batcher, createBatcher } from '../../src/intake/batcher';
import { createIntake, type Intake, usualBatching } from '../../src/intake/intake';
import type { IntakeAnswer, IntakeRequest } from '../../src/intake/model';
import { createTestDatabase, type TestDatabase } from '../support/database';
import { expectCoherent } from '../support/expectCoherent';
import { givenCampaign, givenNetwork, givenSku, givenStock, givenTenant } from '../support/fixtures';
import { accepted, intakeOn, letHoldsEnd, orderFor, pay, personalData } from './support';

let database: TestDatabase;
let tenant: string;

beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(async () => {
  await expectCoherent(database);
  await database.drop();
});
beforeEach(async () => {
  tenant = await givenShop();
});

/** Apples and pears on the shelf, a box of both, a limited truffle, a small campaign. */
async function givenShop(units = 6): Promise<string> {
  const made = await givenTenant(database);
  await givenSku(database, made);
  await givenSku(database, made, { sku: 'pear', safetyStock: 1 });
  await givenSku(database, made, { sku: 'truffle', purchaseLimit: 2 });
  await givenSku(database, made, { sku: 'box', components: { apple: 1, pear: 2 } });
  await givenNetwork(database, made);
  await givenStock(database, made, { quantity: units });
  await givenStock(database, made, { sku: 'pear', quantity: units });
  await givenStock(database, made, { sku: 'truffle', quantity: units });
  await givenCampaign(database, made, { quotas: { east: 3 } });
  return made;
}

/** Everything handed in during one turn is one batch. */
const inOneBatch = (intake: Intake, requests: IntakeRequest[], of = tenant) =>
  Promise.all(requests.map((request) => intake.place(of, request, 'test')));

const oneLane: Batcher = createBatcher({ ...usualBatching, lanesOfTenant: 1 });
const intakeWith = (db: Database) =>
  createIntake({ db, personalData, paymentWindowSeconds: 1800, batcher: oneLane });

async function rows(table: string, of = tenant): Promise<number> {
  const [row] = await database.query<{ n: number }>(
    `SELECT count(*)::int AS n FROM ${table} WHERE tenant = $1`,
    [of],
  );
  return row?.n ?? -1;
}

describe('arrival order, all or none', () => {
  const someRequest = fc.record({
    lines: fc.array(
      fc.record({
        sku: fc.constantFrom('apple', 'pear', 'box', 'truffle', 'nothing'),
        quantity: fc.integer({ min: 1, max: 3 }),
        presale: fc.boolean(),
      }),
      { minLength: 1, maxLength: 3 },
    ),
    // a few ids, so that repeats and other bodies under one id occur
    externalId: fc.integer({ min: 1, max: 8 }),
    buyer: fc.constantFrom('anna', 'bo'),
    pointed: fc.boolean(),
    prepaid: fc.option(fc.integer({ min: 1, max: 2 }), { nil: null, freq: 4 }),
  });

  const requestOf = (given: typeof someRequest extends fc.Arbitrary<infer T> ? T : never): IntakeRequest => ({
    channel: 'shop',
    externalId: `id-${given.externalId}`,
    buyer: {
      ref: given.buyer,
      ...(given.pointed ? { pickupPointId: 'point-cold' } : { location: { lat: 31.22, lng: 121.42 } }),
    },
    lines: given.lines.map(({ sku, quantity, presale }) => ({
      sku,
      quantity,
      unitPriceFen: 100,
      ...(presale && sku === 'apple' ? { campaignId: 'early' } : {}),
    })),
    ...(given.prepaid === null
      ? {}
      : {
          payment: {
            transactionId: `t-${given.prepaid}`,
            amountFen: given.lines.reduce((sum, line) => sum + 100 * line.quantity, 0),
            paidAt: '2026-11-11T20:00:00+08:00',
            heldBy: 'tenant' as const,
          },
        }),
  });

  /** Some of them are sent a second time, as they were. */
  const someRequests = fc
    .tuple(fc.array(someRequest, { minLength: 1, maxLength: 10 }), fc.array(fc.nat(9), { maxLength: 3 }))
    .map(([given, repeats]) => {
      const requests = given.map(requestOf);
      return [...requests, ...repeats.flatMap((index) => requests[index] ?? [])];
    });

  /** What was decided, without what differs from tenant to tenant and from moment to moment. */
  const essence = (answer: IntakeAnswer) =>
    'answer' in answer
      ? { kind: answer.kind, lines: answer.answer.lines, state: answer.answer.state }
      : answer;

  test('a batch answers as its orders would one at a time, and leaves the same balances', async () => {
    const kinds = new Set<string>();
    await fc.assert(
      fc.asyncProperty(someRequests, async (requests) => {
        const [together, apart] = [await givenShop(), await givenShop()];
        const answers = await inOneBatch(intakeWith(database.as('xianda_app')), requests, together);
        const intake = intakeOn(database);
        const expected: IntakeAnswer[] = [];
        for (const request of requests) expected.push(await intake.place(apart, request, 'test'));
        expect(answers.map(essence)).toEqual(expected.map(essence));
        for (const { kind } of answers) kinds.add(kind);
        expect(await balancesOf(together)).toEqual(await balancesOf(apart));
      }),
      { numRuns: 25 },
    );
    for (const kind of ['accepted', 'repeated', 'conflict', 'soldOut', 'unknownSku'])
      expect(kinds).toContain(kind);
  });

  async function balancesOf(of: string) {
    return database.query(
      `SELECT sku, site_id, lot_id, on_hand, held, committed FROM stock_balance WHERE tenant = $1
        UNION ALL SELECT campaign_id, region, '', units, held, sold FROM presale_quota WHERE tenant = $1 ORDER BY 1, 2, 3`,
      [of],
    );
  }

  test('the last units go to whoever came first', async () => {
    const answers = await inOneBatch(
      intakeWith(database.as('xianda_app')),
      Array.from({ length: 9 }, () => orderFor()),
    );
    expect(answers.map(({ kind }) => kind)).toEqual([
      ...Array.from({ length: 6 }, () => 'accepted'),
      ...Array.from({ length: 3 }, () => 'soldOut'),
    ]);
  });
});

describe('poison', () => {
  test('an order that the database cannot store fails alone, and its batch mates are accepted', async () => {
    const poison = orderFor({ buyer: { ref: 'nul \u0000 byte', location: { lat: 31.22, lng: 121.42 } } });
    const told = await Promise.allSettled(
      [orderFor(), poison, orderFor(), orderFor()].map((request) =>
        intakeWith(database.as('xianda_app')).place(tenant, request, 'test'),
      ),
    );
    expect(told.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled', 'fulfilled']);
    expect(await rows('orders')).toBe(3);
  });
});

describe('unknown outcomes', () => {
  const gone = () => Object.assign(new Error('the connection went away'), { code: 'ECONNRESET' });

  /** A database whose commits go wrong a few times: before they happened, or after, with nobody told. */
  function failing(when: 'beforeCommit' | 'afterCommit', times: number): Database {
    const db = database.as('xianda_app');
    let left = times;
    return {
      ...db,
      inTenant: async <T>(of: string, work: (tx: TenantTx) => Promise<T>): Promise<T> => {
        const answer = await db.inTenant(of, async (tx) => {
          const done = await work(tx);
          if (when === 'beforeCommit' && left > 0) {
            left -= 1;
            throw gone();
          }
          return done;
        });
        if (when === 'afterCommit' && left > 0) {
          left -= 1;
          throw gone();
        }
        return answer;
      },
    };
  }

  test.each(['beforeCommit', 'afterCommit'] as const)(
    'lost %s: every order exists once and is answered',
    async (when) => {
      const requests = Array.from({ length: 5 }, () => orderFor());
      const answers = await inOneBatch(intakeWith(failing(when, 2)), requests);
      const ids = answers.map((answer) => accepted(answer).orderId);
      expect(new Set(ids).size).toBe(5);
      expect(await rows('orders')).toBe(5);
      expect(await rows('hold')).toBe(5);
      const again = await inOneBatch(intakeOn(database), requests);
      expect(again.map((answer) => accepted(answer).orderId)).toEqual(ids);
      expect(again.every(({ kind }) => kind === 'repeated')).toBe(true);
    },
  );

  test('an order lost after its commit is not refused as sold out by its own hold', async () => {
    const requests = Array.from({ length: 6 }, () => orderFor());
    const answers = await inOneBatch(intakeWith(failing('afterCommit', 1)), requests);
    expect(answers.every((answer) => 'answer' in answer)).toBe(true);
  });

  test('a database that stays away fails every caller, and asking again tells the truth', async () => {
    const requests = Array.from({ length: 3 }, () => orderFor());
    const told = await Promise.allSettled(
      requests.map((request) => intakeWith(failing('afterCommit', 100)).place(tenant, request, 'test')),
    );
    expect(told.every(({ status }) => status === 'rejected')).toBe(true);
    const again = await inOneBatch(intakeOn(database), requests);
    expect(again.map(({ kind }) => kind)).toEqual(['repeated', 'repeated', 'repeated']);
    expect(await rows('orders')).toBe(3);
  });
});

describe('repeats', () => {
  test('inside one batch: one order, and the first answer word for word', async () => {
    const request = orderFor();
    const [first, again, other] = await inOneBatch(intakeWith(database.as('xianda_app')), [
      request,
      request,
      { ...request, lines: [{ sku: 'apple', quantity: 2 }] },
    ]);
    expect([first?.kind, again?.kind, other?.kind]).toEqual(['accepted', 'repeated', 'conflict']);
    expect(accepted(again as IntakeAnswer)).toEqual(accepted(first as IntakeAnswer));
    expect(await rows('orders')).toBe(1);
  });

  test('in two processes at once: one order, whichever was faster', async () => {
    const processes = [1, 2, 3].map(() => intakeOn(database));
    const requests = Array.from({ length: 4 }, () => orderFor());
    const answers = await Promise.all(processes.map((intake) => inOneBatch(intake, requests)));
    const ids = answers.map((each) => each.map((answer) => accepted(answer).orderId));
    expect(ids[1]).toEqual(ids[0]);
    expect(ids[2]).toEqual(ids[0]);
    expect(answers.flat().filter(({ kind }) => kind === 'accepted')).toHaveLength(4);
    expect(await rows('hold')).toBe(4);
  });

  test('under one id for other goods, at once in two processes: one is accepted, the other is a conflict', async () => {
    const request = orderFor();
    const other = { ...request, lines: [{ sku: 'pear', quantity: 1 }] };
    const answers = await Promise.all([
      intakeOn(database).place(tenant, request, 'test'),
      intakeOn(database).place(tenant, other, 'test'),
    ]);
    expect(answers.map(({ kind }) => kind).sort()).toEqual(['accepted', 'conflict']);
  });
});

describe('sold out is true at the moment it is said', () => {
  test('units that come back are sold to the next who asks, by the same process', async () => {
    const intake = intakeWith(database.as('xianda_app'));
    const held = await inOneBatch(
      intake,
      Array.from({ length: 6 }, () => orderFor()),
    );
    expect((await intake.place(tenant, orderFor(), 'test')).kind).toBe('soldOut');
    expect((await intake.place(tenant, orderFor(), 'test')).kind).toBe('soldOut');
    await letHoldsEnd(database, tenant, accepted(held[0] as IntakeAnswer).orderId);
    expect((await intake.place(tenant, orderFor(), 'test')).kind).toBe('accepted');
    await givenStock(database, tenant, { quantity: 1, lotId: 'another' });
    expect((await intake.place(tenant, orderFor(), 'test')).kind).toBe('accepted');
    expect((await intake.place(tenant, orderFor(), 'test')).kind).toBe('soldOut');
  });

  test('a repeat of an accepted order is told so, however short the stock is', async () => {
    const intake = intakeWith(database.as('xianda_app'));
    const requests = Array.from({ length: 6 }, () => orderFor());
    await inOneBatch(intake, requests);
    expect((await intake.place(tenant, orderFor(), 'test')).kind).toBe('soldOut');
    expect((await intake.place(tenant, requests[3] as IntakeRequest, 'test')).kind).toBe('repeated');
  });

  test('a refusal takes no lock: somebody who holds the SKU delays nobody who cannot have it', async () => {
    const intake = intakeWith(database.as('xianda_app'));
    await inOneBatch(
      intake,
      Array.from({ length: 7 }, () => orderFor()),
    );
    await database.as('xianda_app').inTenant(tenant, async (tx) => {
      await tx.query(`SELECT 1 FROM stock_pool WHERE tenant = $1 AND sku = 'apple' FOR UPDATE`, [tenant]);
      expect((await intake.place(tenant, orderFor(), 'test')).kind).toBe('soldOut');
    });
  });
});

describe('what is remembered of catalogue and network', () => {
  test('is never decided on once it has changed', async () => {
    const intake = intakeWith(database.as('xianda_app'));
    expect(accepted(await intake.place(tenant, orderFor(), 'test')).totalFen).toBe(1990);
    await database.query(`UPDATE sku SET price_fen = 5 WHERE tenant = $1 AND sku = 'apple'`, [tenant]);
    expect(accepted(await intake.place(tenant, orderFor(), 'test')).totalFen).toBe(5);
    await database.query(`UPDATE sku SET safety_stock = 4 WHERE tenant = $1 AND sku = 'apple'`, [tenant]);
    expect((await intake.place(tenant, orderFor(), 'test')).kind).toBe('soldOut');
    await database.query(`UPDATE site SET zones = '{frozen}' WHERE tenant = $1`, [tenant]);
    expect(
      (await intake.place(tenant, orderFor({ lines: [{ sku: 'pear', quantity: 1 }] }), 'test')).kind,
    ).toBe('noRoute');
  });

  test('a change between the look and the locks sends the batch round again', async () => {
    const intake = intakeWith(database.as('xianda_app'));
    accepted(await intake.place(tenant, orderFor(), 'test'));
    let placed: Promise<IntakeAnswer> | undefined;
    await database.as('xianda_app').inTenant(tenant, async (tx) => {
      await tx.query(`SELECT 1 FROM stock_pool WHERE tenant = $1 AND sku = 'apple' FOR UPDATE`, [tenant]);
      placed = intake.place(tenant, orderFor(), 'test');
      await untilSomebodyWaits();
      // somebody commits a shorter hold after the batch has looked at the old one, and before it has its lock
      await database.query(`INSERT INTO category (tenant, category, hold_minutes) VALUES ($1, 'food', 7)`, [
        tenant,
      ]);
    });
    const { expiresAt } = accepted((await placed) as IntakeAnswer);
    expect(Date.parse(expiresAt ?? '') - Date.now()).toBeLessThan(8 * 60_000);
  });

  async function untilSomebodyWaits(): Promise<void> {
    for (;;) {
      const [row] = await database.query<{ waiting: boolean }>(
        `SELECT EXISTS (SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock') AS waiting`,
      );
      if (row?.waiting) return;
    }
  }
});

test('an order that comes back to life after the batch: payment and expiry meet batches as they met single orders', async () => {
  const intake = intakeWith(database.as('xianda_app'));
  const answers = await inOneBatch(
    intake,
    Array.from({ length: 6 }, () => orderFor()),
  );
  const orders = answers.map(accepted);
  expect(
    (await Promise.all(orders.slice(0, 3).map((order) => pay(database, tenant, order)))).map(
      ({ kind }) => kind,
    ),
  ).toEqual(['booked', 'booked', 'booked']);
  await letHoldsEnd(database, tenant, orders[5]?.orderId ?? '');
  expect((await intake.place(tenant, orderFor(), 'test')).kind).toBe('accepted');
  expect((await pay(database, tenant, orders[5] as never)).kind).toBe('late');
});
