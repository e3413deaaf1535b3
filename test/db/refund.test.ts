import { decideLateMoney } from '../../src/db/lateMoney';
import { confirmRefund, findRefund, parkRefund, refundPayments, requestRefund } from '../../src/db/refund';
import { createTestDatabase, type TestDatabase } from '../support/database';
import { expectCoherent } from '../support/expectCoherent';
import { givenJourney, type Journey, orderFacts, outboxOf } from './orderJourney';

let database: TestDatabase;
let journey: Journey;

beforeAll(async () => {
  database = await createTestDatabase();
});
beforeEach(async () => {
  journey = await givenJourney(database);
});
afterAll(async () => {
  await expectCoherent(database);
  await database.drop();
});

/** A cancelled paid order and the refund it asked for. */
async function givenRefund() {
  const order = await journey.planned();
  await journey.cancel(order.orderId);
  const [row] = await database.query<{ refund_id: string }>(
    'SELECT refund_id FROM refund WHERE order_id = $1',
    [order.orderId],
  );
  return { ...order, refund: { tenant: journey.tenant, refundId: row?.refund_id as string } };
}

it('has one identity per cause, and a workflow of its own', async () => {
  const { orderId, refund, totalFen } = await givenRefund();
  expect(refund.refundId).toMatch(/^r[a-z2-7]{24}$/);
  expect(await outboxOf(database, refund.refundId)).toEqual([{ kind: 'startRefund' }]);
  const request = {
    orderId,
    provider: 'sandbox',
    transactionId: `t-${orderId}`,
    amountFen: totalFen,
    reason: 'cancelled',
  };
  const again = await journey.db.inTenant(journey.tenant, (tx) => requestRefund(tx, request));
  expect(again).toBe(refund.refundId);
  expect(await outboxOf(database, refund.refundId)).toHaveLength(1);
  expect(await findRefund(journey.db, refund)).toEqual({
    ...request,
    refundId: refund.refundId,
    state: 'requested',
    heldBy: 'tenant',
  });
  expect(await findRefund(journey.db, { ...refund, refundId: 'r-none' })).toBeNull();
});

it('never passes what was paid, whatever the causes', async () => {
  const { orderId, totalFen } = await journey.planned();
  const ask = (amountFen: number, reason: string) =>
    journey.db.inTenant(journey.tenant, (tx) =>
      requestRefund(tx, { orderId, provider: 'sandbox', transactionId: `t-${orderId}`, amountFen, reason }),
    );
  await ask(totalFen - 100, 'rest:a');
  await expect(ask(101, 'rest:b')).rejects.toThrow('I7');
  const rest = await journey.db.inTenant(journey.tenant, (tx) =>
    refundPayments(tx, { orderId, reason: 'undelivered' }),
  );
  expect(rest).toBe(100);
  await expect(
    journey.db.inTenant(journey.tenant, (tx) =>
      requestRefund(tx, {
        orderId,
        provider: 'sandbox',
        transactionId: 'unknown',
        amountFen: 1,
        reason: 'x',
      }),
    ),
  ).rejects.toThrow('I7');
  // what was asked for above is real money: let it end
  for (const { refund_id: refundId } of await database.query<{ refund_id: string }>(
    'SELECT refund_id FROM refund WHERE order_id = $1',
    [orderId],
  )) {
    await confirmRefund(journey.db, { tenant: journey.tenant, refundId });
  }
  await journey.tell({ kind: 'returned', shipmentId: `${orderId}.1` });
});

it('is booked once when confirmed, also when told twice at once', async () => {
  const { orderId, refund, totalFen } = await givenRefund();
  const both = await Promise.all([confirmRefund(journey.db, refund), confirmRefund(journey.db, refund)]);
  expect(both.sort()).toEqual(['confirmed', 'repeated']);
  expect(await orderFacts(database, orderId)).toMatchObject({
    paid: totalFen,
    refunded: totalFen,
    late: null,
  });
  expect(await confirmRefund(journey.db, { ...refund, refundId: 'r-none' })).toBe('unknown');
});

it('is shown when it fails, and cleared when it goes through after all', async () => {
  const { orderId, refund } = await givenRefund();
  await parkRefund(journey.db, refund);
  await parkRefund(journey.db, refund);
  expect((await orderFacts(database, orderId)).attention).toEqual(['refundFailed']);
  await confirmRefund(journey.db, refund);
  expect((await orderFacts(database, orderId)).attention).toEqual([]);
  await parkRefund(journey.db, refund);
  expect((await orderFacts(database, orderId)).attention).toEqual([]);
});

it('ends late money as refunded', async () => {
  const order = await journey.place({ lines: [{ sku: 'apple', quantity: 100 }] });
  await database.query(`UPDATE orders SET expires_at = now() - interval '1 s' WHERE order_id = $1`, [
    order.orderId,
  ]);
  await database.query(`UPDATE hold SET expires_at = now() - interval '1 s' WHERE order_id = $1`, [
    order.orderId,
  ]);
  expect(await journey.pay(order)).toBe('late');
  await journey.planned({ lines: [{ sku: 'apple', quantity: 60 }] });
  const money = { tenant: journey.tenant, provider: 'sandbox', transactionId: `t-${order.orderId}` };
  const decided = await decideLateMoney(journey.db, money);
  if (decided.outcome !== 'refunding') throw new Error(decided.outcome);
  expect(await decideLateMoney(journey.db, money)).toEqual({ outcome: 'alreadyDecided' });
  await confirmRefund(journey.db, { tenant: journey.tenant, refundId: decided.refundId });
  expect(await orderFacts(database, order.orderId)).toMatchObject({
    state: 'expired',
    paid: order.totalFen,
    refunded: order.totalFen,
    late: 'refunded',
  });
});
