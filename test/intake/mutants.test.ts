import { lockPools } from '../../src/db/inventory';
import type { Database, TenantTx } from '../../src/db/transaction';
import { createIntake, type Intake } from '../../src/intake/intake';
import type { IntakeAnswer } from '../../src/intake/model';
import { createTestDatabase, type TestDatabase } from '../support/database';
import { expectCoherent } from '../support/expectCoherent';
import { givenNetwork, givenSku, givenStock, givenTenant } from '../support/fixtures';
import { accepted, intakeOn, letHoldsEnd, orderFor, personalData } from './support';

/**
 * Deliberately broken ways to take orders in, and the check that catches each: a check that cannot fail proves
 * nothing. Those without locks stand with the doctor's (test/doctor/broken), the second start with dispatch's.
 */

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
  tenant = await givenTenant(database);
  await givenNetwork(database, tenant);
  for (const sku of ['apple', 'pear', 'plum']) {
    await givenSku(database, tenant, { sku });
    await givenStock(database, tenant, { sku, quantity: 2 });
  }
});

describe('sorted locks', () => {
  type Lock = (tx: TenantTx, skus: string[]) => Promise<void>;
  const inTheOrderGiven: Lock = async (tx, skus) => {
    for (const sku of skus)
      await tx.query('SELECT 1 FROM stock_pool WHERE tenant = $1 AND sku = $2 FOR UPDATE', [tenant, sku]);
  };

  /** How many of two writers that lock the same SKUs, each in an order of its own, are thrown out of a circle. */
  async function circlesOf(lock: Lock): Promise<number> {
    let circles = 0;
    for (let round = 0; round < 5; round += 1) {
      let arrived = 0;
      let bothHaveBegun = () => undefined as void;
      const begun = new Promise<void>((resolve) => {
        bothHaveBegun = resolve;
      });
      const write = (skus: string[]) => {
        let tries = 0;
        return database.as('xianda_app').inTenant(tenant, async (tx) => {
          tries += 1;
          if (tries > 1) {
            circles += 1;
            return;
          }
          // the first SKU is locked by both before either goes on, if the order of locks allows that at all
          await lock(tx, skus.slice(0, 1));
          arrived += 1;
          if (arrived === 2) bothHaveBegun();
          await Promise.race([begun, somebodyWaits()]);
          await lock(tx, skus);
        });
      };
      await Promise.all([write(['apple', 'pear']), write(['pear', 'apple'])]);
    }
    return circles;
  }

  async function somebodyWaits(): Promise<void> {
    for (;;) {
      const [row] = await database.query<{ waiting: boolean }>(
        `SELECT EXISTS (SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock') AS waiting`,
      );
      if (row?.waiting) return;
    }
  }

  test('writers that lock all they need in SKU order never meet in a circle; in any other order they do', async () => {
    const atOnce: Lock = (tx) => lockPools(tx, ['pear', 'apple']);
    expect(await circlesOf(atOnce)).toBe(0);
    expect(await circlesOf(inTheOrderGiven)).toBeGreaterThan(0);
  });
});

describe('cached sold-out', () => {
  const remembering = (intake: Intake): Intake => {
    const soldOut = new Map<string, IntakeAnswer>();
    return {
      async place(of, request, actor) {
        const sku = request.lines[0]?.sku ?? '';
        const known = soldOut.get(sku);
        if (known) return known;
        const answer = await intake.place(of, request, actor);
        if (answer.kind === 'soldOut') soldOut.set(sku, answer);
        return answer;
      },
    };
  };

  /** What the next buyer hears after a unit has come back. */
  async function answerAfterReturn(intake: Intake): Promise<IntakeAnswer['kind']> {
    const first = accepted(await intake.place(tenant, orderFor(), 'test'));
    await intake.place(tenant, orderFor(), 'test');
    expect((await intake.place(tenant, orderFor(), 'test')).kind).toBe('soldOut');
    await letHoldsEnd(database, tenant, first.orderId);
    return (await intake.place(tenant, orderFor(), 'test')).kind;
  }

  test('a shop that remembers sold out refuses wrongly; ours sells what came back', async () => {
    expect(await answerAfterReturn(intakeOn(database))).toBe('accepted');
    tenant = await givenTenant(database);
    await givenSku(database, tenant);
    await givenNetwork(database, tenant);
    await givenStock(database, tenant, { quantity: 2 });
    expect(await answerAfterReturn(remembering(intakeOn(database)))).toBe('soldOut');
  });
});

describe('a batch applied twice', () => {
  /** A database that forgets to look whether a shop's order is there, and whose first commit is not heard of. */
  function forgetful(): Database {
    const db = database.as('xianda_app');
    let heard = false;
    return {
      ...db,
      inTenant: async <T>(of: string, work: (tx: TenantTx) => Promise<T>): Promise<T> => {
        const answer = await db.inTenant(of, (tx) => {
          const query: TenantTx['query'] = (text, values) =>
            text.includes('AS w(channel, external_id)')
              ? Promise.resolve({ rows: [], rowCount: 0 })
              : tx.query(text, values);
          return work({ ...tx, query });
        });
        if (!heard) {
          heard = true;
          throw Object.assign(new Error('the connection went away'), { code: 'ECONNRESET' });
        }
        return answer;
      },
    };
  }

  test('is refused by the keys of its rows: nothing is held twice', async () => {
    const intake = createIntake({ db: forgetful(), personalData, paymentWindowSeconds: 1800 });
    await expect(intake.place(tenant, orderFor(), 'test')).rejects.toMatchObject({ code: '23505' });
    const [held] = await database.query(
      'SELECT sum(held)::int AS held FROM stock_balance WHERE tenant = $1',
      [tenant],
    );
    expect(held).toEqual({ held: 1 });
  });
});
