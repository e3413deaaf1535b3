import { expectCoherent } from '../support/expectCoherent';
import { givenOrder, givenPayment, givenSku, givenStock, placeOrder } from '../support/fixtures';
import { type Stage, eventually, openStage } from './support/stage';

let stage: Stage;
beforeAll(async () => {
  stage = await openStage({ PAYMENT_WINDOW_SECONDS: '3' });
  await givenSku(stage.database, stage.tenant, { sku: 'pear' });
  await givenStock(stage.database, stage.tenant, { sku: 'pear', quantity: 1 });
  await stage.startWorker();
  await stage.startDispatch();
});
afterAll(async () => {
  await expectCoherent(stage.database);
  await stage.close();
});

async function givenWaiting() {
  const answer = await placeOrder(stage.database, stage.tenant, { lines: { pear: 1 }, acceptLater: true });
  if (answer.kind !== 'accepted') throw new Error('the order was refused');
  expect(answer.answer.state).toBe('waiting');
  return answer.answer;
}

const stateOf = async (orderId: string) => (await stage.order(orderId)).state;

test('a promoted order lives as any other: unpaid it expires and the next is served, who pays and is delivered', async () => {
  const holder = await givenOrder(stage.database, stage.tenant, {
    lines: { pear: 1 },
    paymentWindowSeconds: 1,
  });
  const first = await givenWaiting();
  const second = await givenWaiting();
  expect(await stage.isRunning(`order:${stage.tenant}/${first.orderId}`).catch(() => false)).toBe(false);
  await eventually(async () => (await stateOf(first.orderId)) === 'awaitingPayment');
  expect([await stateOf(holder.orderId), await stateOf(second.orderId)]).toEqual(['expired', 'waiting']);
  expect(await stage.outcome(holder.orderId)).toEqual({ state: 'expired' });
  await eventually(async () => (await stateOf(second.orderId)) === 'awaitingPayment');
  expect(await stage.outcome(first.orderId)).toEqual({ state: 'expired' });
  const { orderId, totalFen } = second;
  expect(await givenPayment(stage.database, stage.tenant, { orderId, amountFen: totalFen })).toBe('booked');
  await eventually(async () => (await stage.shipments(orderId)).some(({ state }) => state === 'booked'));
  await stage.deliver(orderId);
  expect(await stage.outcome(orderId)).toEqual({ state: 'delivered' });
});
