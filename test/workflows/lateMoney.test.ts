import { resolveAttention } from '../../src/db/attentionResolve';
import { expectCoherent } from '../support/expectCoherent';
import { givenOrder, givenPayment, givenSku, givenStock } from '../support/fixtures';
import { type Stage, eventually, openStage } from './support/stage';

let stage: Stage;
beforeAll(async () => {
  stage = await openStage();
  await givenSku(stage.database, stage.tenant, { sku: 'last' });
  await givenStock(stage.database, stage.tenant, { sku: 'last', quantity: 1 });
  await stage.startWorker();
  await stage.startDispatch();
});
afterEach(() => fetch(`${stage.payment.url}/v1/control`, { method: 'DELETE' }));
afterAll(async () => {
  await expectCoherent(stage.database);
  await stage.close();
});

async function givenExpiredOrder(sku: string) {
  const order = await givenOrder(stage.database, stage.tenant, {
    lines: { [sku]: 1 },
    paymentWindowSeconds: 1,
  });
  await eventually(async () => (await stage.order(order.orderId)).state === 'expired');
  return order;
}

test('late money whose goods are still there is held again and delivered by a second workflow', async () => {
  const { orderId, totalFen } = await givenExpiredOrder('apple');
  expect(await stage.outcome(orderId)).toEqual({ state: 'expired' });
  expect(await givenPayment(stage.database, stage.tenant, { orderId, amountFen: totalFen })).toBe('late');
  await eventually(async () =>
    (await stage.shipments(orderId)).some((shipment) => shipment.state === 'booked'),
  );
  await stage.deliver(orderId);
  expect(await stage.outcome(orderId, 2)).toEqual({ state: 'delivered' });
  await stage.keepHistory(`money:${stage.tenant}/t-${orderId}`, 'lateMoney');
  expect(await stage.order(orderId)).toMatchObject({ late_outcome: 'reheld', refunded_fen: 0 });
  expect(await stage.refunds()).toEqual([]);
});

async function givenSoldMeanwhile() {
  const late = await givenExpiredOrder('last');
  const winner = await givenOrder(stage.database, stage.tenant, { lines: { last: 1 } });
  return { late, winner };
}

test.each([
  ['answers', []],
  ['drops its answer after paying', [{ route: 'refund', behaviour: 'dropAnswer', count: 2 }]],
  ['answers garbage', [{ route: 'refund', behaviour: 'garbage', count: 1 }]],
  ['needs its time', [{ route: 'refund', behaviour: 'processing', count: 1, delayMs: 1500 }]],
])('late money whose goods are gone is refunded once by a provider that %s', async (provider, rules) => {
  const { late, winner } = await givenSoldMeanwhile();
  for (const rule of rules) await stage.misbehave(stage.payment, rule);
  const before = (await stage.refunds()).length;
  await givenPayment(stage.database, stage.tenant, { orderId: late.orderId, amountFen: late.totalFen });
  await eventually(async () => (await stage.order(late.orderId)).late_outcome === 'refunded', 30_000);
  expect(await stage.order(late.orderId)).toMatchObject({ state: 'expired', refunded_fen: late.totalFen });
  const refunds = await stage.refunds();
  expect(refunds).toHaveLength(before + 1);
  const kept =
    { answers: 'refundAnswered', 'needs its time': 'refundProcessed' }[provider] ?? 'refundRepeated';
  await stage.keepHistory(`refund:${stage.tenant}/${refunds.at(-1)?.refundId}`, kept);
  await stage.database.query(`UPDATE orders SET expires_at = clock_timestamp() WHERE order_id = $1`, [
    winner.orderId,
  ]);
  await eventually(async () => (await stage.order(winner.orderId)).state === 'expired');
});

test('a refund that the provider refuses is shown to finance, and made when they say so', async () => {
  const { late } = await givenSoldMeanwhile();
  await stage.misbehave(stage.payment, { route: 'refund', behaviour: 'refuse', count: 1 });
  const before = (await stage.refunds()).length;
  await givenPayment(stage.database, stage.tenant, { orderId: late.orderId, amountFen: late.totalFen });
  await eventually(async () => (await stage.attention(late.orderId)).includes('refundFailed'));
  const [row] = await stage.database.query<{ attention_id: string; subject: string }>(
    `SELECT attention_id, subject FROM attention WHERE order_id = $1 AND reason = 'refundFailed'`,
    [late.orderId],
  );
  await stage.keepHistory(`refund:${stage.tenant}/${row?.subject}`, 'refundParked');
  expect(await stage.refunds()).toHaveLength(before);
  await resolveAttention(stage.database.as('xianda_app'), {
    tenant: stage.tenant,
    attentionId: row?.attention_id as string,
    action: 'retry',
    actor: 'test',
  });
  await eventually(async () => (await stage.order(late.orderId)).late_outcome === 'refunded');
  expect(await stage.refunds()).toHaveLength(before + 1);
});
