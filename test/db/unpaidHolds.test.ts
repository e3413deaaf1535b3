import { findOrder } from '../../src/db/order.read';
import type { AcceptedOrder, IntakeAnswer } from '../../src/intake/model';
import { createTestDatabase, type TestDatabase } from '../support/database';
import { expectCoherent } from '../support/expectCoherent';
import {
  givenCampaign,
  givenNetwork,
  givenPayment,
  givenSku,
  givenStock,
  givenTenant,
  type GivenOrder,
  inTenant,
  placeOrder,
} from '../support/fixtures';

let database: TestDatabase;
let tenant: string;
beforeAll(async () => {
  database = await createTestDatabase();
});
beforeEach(async () => {
  tenant = await givenTenant(database);
  await givenNetwork(database, tenant);
});
afterEach(() => expectCoherent(database));
afterAll(() => database.drop());

const place = (given: GivenOrder) => placeOrder(database, tenant, { buyer: { ref: 'Wang' }, ...given });

function accepted(answer: IntakeAnswer): AcceptedOrder {
  if (answer.kind !== 'accepted') throw new Error(`refused: ${JSON.stringify(answer)}`);
  return answer.answer;
}

async function viewOf({ orderId }: { orderId: string }) {
  const found = await inTenant(database, tenant, (tx) => findOrder(tx, { orderId, channel: null }));
  return found?.view as unknown as { state: string; timeline: { kind: string; detail?: object }[] };
}

const stateOf = async (order: { orderId: string }) => (await viewOf(order)).state;

describe('a buyer’s own unpaid hold', () => {
  test('gives way when nothing else is left, and its workflow is told', async () => {
    await givenSku(database, tenant);
    await givenStock(database, tenant, { quantity: 3 });
    const older = accepted(await place({ lines: { apple: 2 } }));
    const other = accepted(await place({ lines: { apple: 1 }, buyer: { ref: 'Li' } }));
    const newer = accepted(await place({ lines: { apple: 2 } }));
    expect(await stateOf(newer)).toBe('awaitingPayment');
    expect(await stateOf(other)).toBe('awaitingPayment');
    const { state, timeline } = await viewOf(older);
    expect(state).toBe('cancelled');
    expect(timeline.at(-1)).toMatchObject({
      kind: 'cancelled',
      detail: { reason: 'replacedByBuyer', replacedBy: newer.orderId },
    });
    const told = await database.query(
      `SELECT payload FROM outbox WHERE tenant = $1 AND subject = $2 AND kind = 'signalOrder'`,
      [tenant, older.orderId],
    );
    expect(told).toMatchObject([{ payload: { stage: 'cancelled', run: 1 } }]);
    expect(await givenPayment(database, tenant, { orderId: older.orderId, amountFen: 2 * 1990 })).toBe(
      'surplus',
    );
  });

  test('stays when there is enough for both, when it is paid, or when it would not help', async () => {
    await givenSku(database, tenant);
    await givenStock(database, tenant, { quantity: 3 });
    const first = accepted(await place({ lines: { apple: 1 } }));
    const second = accepted(await place({ lines: { apple: 1 } }));
    expect(await stateOf(first)).toBe('awaitingPayment');
    expect(await place({ lines: { apple: 4 } })).toMatchObject({ kind: 'soldOut' });
    await givenPayment(database, tenant, { orderId: second.orderId, amountFen: 1990 });
    accepted(await place({ lines: { apple: 2 } }));
    expect([await stateOf(first), await stateOf(second)]).toEqual(['cancelled', 'paid']);
  });

  test('none gives way under a name that a whole shop uses: exactly what there is is sold', async () => {
    await givenSku(database, tenant);
    await givenStock(database, tenant, { quantity: 5 });
    const answers = await Promise.all(Array.from({ length: 12 }, () => place({ lines: { apple: 1 } })));
    expect(answers.filter(({ kind }) => kind === 'accepted')).toHaveLength(5);
    expect(answers.filter(({ kind }) => kind === 'soldOut')).toHaveLength(7);
    expect(await place({ lines: { apple: 1 } })).toMatchObject({ kind: 'soldOut' });
  });

  test('only as many give way as are needed, the oldest first', async () => {
    await givenSku(database, tenant);
    await givenStock(database, tenant, { quantity: 3 });
    const orders: AcceptedOrder[] = [];
    for (let index = 0; index < 3; index += 1) orders.push(accepted(await place({ lines: { apple: 1 } })));
    accepted(await place({ lines: { apple: 2 } }));
    expect(await Promise.all(orders.map(stateOf))).toEqual(['cancelled', 'cancelled', 'awaitingPayment']);
  });

  test('of other goods too, whose pools are locked with it, and of a presale quota', async () => {
    await givenSku(database, tenant);
    await givenSku(database, tenant, { sku: 'aaa-fish', zone: 'frozen' });
    await givenSku(database, tenant, { sku: 'box', components: { apple: 1, 'aaa-fish': 1 } });
    await givenStock(database, tenant, { quantity: 1 });
    await givenStock(database, tenant, { sku: 'aaa-fish', quantity: 1 });
    await givenCampaign(database, tenant, { quotas: { east: 1 } });
    const presale = [{ sku: 'apple', quantity: 1, campaignId: 'early' }];
    const older = accepted(await place({ lines: [{ sku: 'box', quantity: 1 }, ...presale] }));
    const newer = accepted(await place({ lines: { apple: 1 } }));
    expect(await stateOf(older)).toBe('cancelled');
    expect(await place({ lines: presale, buyer: { ref: 'Li' } })).toMatchObject({ kind: 'accepted' });
    expect(await stateOf(newer)).toBe('awaitingPayment');
  });

  test('nobody else’s: another buyer, or the same name in another channel', async () => {
    await givenSku(database, tenant);
    await givenStock(database, tenant, { quantity: 1 });
    accepted(await place({}));
    expect(await place({ buyer: { ref: 'Li' } })).toMatchObject({ kind: 'soldOut' });
    await database.query(`UPDATE orders SET channel = 'other' WHERE tenant = $1`, [tenant]);
    expect(await place({})).toMatchObject({ kind: 'soldOut' });
  });

  test('comes before waiting, and is not offered to those who wait', async () => {
    await givenSku(database, tenant);
    await givenStock(database, tenant, { quantity: 2 });
    const older = accepted(await place({ lines: { apple: 2 } }));
    const waiting = accepted(await place({ acceptLater: true, buyer: { ref: 'Li' } }));
    const newer = accepted(await place({ acceptLater: true, lines: { apple: 2 } }));
    expect(await Promise.all([older, waiting, newer].map(stateOf))).toEqual([
      'cancelled',
      'waiting',
      'awaitingPayment',
    ]);
  });

  test('a purchase limit counts on: open and paid orders together', async () => {
    await givenSku(database, tenant, { purchaseLimit: 2 });
    await givenStock(database, tenant, { quantity: 2 });
    const older = accepted(await place({ lines: { apple: 2 } }));
    expect(await place({})).toMatchObject({ kind: 'purchaseLimit', bought: 2 });
    expect(await stateOf(older)).toBe('awaitingPayment');
  });
});

describe('the limit on unpaid units', () => {
  test('has older orders give way, refuses one that is beyond it alone, and knows nothing of paid ones', async () => {
    await givenSku(database, tenant, { unpaidLimit: 3 });
    await givenStock(database, tenant);
    const older = accepted(await place({ lines: { apple: 2 } }));
    accepted(await place({ lines: { apple: 1 } }));
    expect(await stateOf(older)).toBe('awaitingPayment');
    accepted(await place({ lines: { apple: 2 } }));
    expect(await stateOf(older)).toBe('cancelled');
    expect(await place({ lines: { apple: 4 } })).toEqual({
      kind: 'unpaidLimit',
      sku: 'apple',
      limit: 3,
      unpaid: 3,
      asked: 4,
    });
    const payment = {
      transactionId: 'channel-9',
      amountFen: 9 * 1990,
      paidAt: new Date().toISOString(),
      heldBy: 'channel' as const,
    };
    accepted(await place({ lines: { apple: 9 }, payment }));
  });

  test('is not outrun by orders at once', async () => {
    await givenSku(database, tenant, { unpaidLimit: 2 });
    await givenStock(database, tenant);
    await Promise.all(Array.from({ length: 8 }, () => place({ lines: { apple: 1 } })));
    const [held] = await database.query<{ units: string }>(
      `SELECT sum(quantity) AS units FROM hold WHERE tenant = $1 AND state = 'held'`,
      [tenant],
    );
    expect(Number(held?.units)).toBeLessThanOrEqual(2);
  });
});

test('scarce goods are held for less: once no more than so many are left', async () => {
  await givenSku(database, tenant, { holdMinutes: 30, scarceHoldMinutes: 5, scarceUnits: 2 });
  await givenStock(database, tenant, { quantity: 4 });
  const minutes = async (buyer: string) => {
    const { expiresAt } = accepted(await place({ buyer: { ref: buyer } }));
    return Math.round((Date.parse(expiresAt as string) - Date.now()) / 60_000);
  };
  expect(await minutes('a')).toBe(30);
  expect(await minutes('b')).toBe(5);
  expect(await minutes('c')).toBe(5);
});
