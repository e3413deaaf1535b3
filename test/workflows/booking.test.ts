import { resolveAttention } from '../../src/db/attentionResolve';
import { expectCoherent } from '../support/expectCoherent';
import { givenCampaign, givenOrder, givenPaidOrder, givenPayment } from '../support/fixtures';
import { type Stage, eventually, openStage } from './support/stage';

let stage: Stage;
beforeAll(async () => {
  stage = await openStage();
  await stage.startWorker();
  await stage.startDispatch();
});
afterEach(() => fetch(`${stage.carrier.url}/v1/control`, { method: 'DELETE' }));
afterAll(async () => {
  await expectCoherent(stage.database);
  await stage.close();
});

const retry = async (orderId: string, reason: string) => {
  const [row] = await stage.database.query<{ attention_id: string }>(
    'SELECT attention_id FROM attention WHERE order_id = $1 AND reason = $2 AND resolved_at IS NULL',
    [orderId, reason],
  );
  const attentionId = row?.attention_id as string;
  const answer = { tenant: stage.tenant, attentionId, action: 'retry' as const, actor: 'test' };
  expect(await resolveAttention(stage.database.as('xianda_app'), answer)).toEqual({ kind: 'resolved' });
};

const allBooked = (orderId: string) =>
  eventually(async () => {
    const shipments = await stage.shipments(orderId);
    return shipments.length > 0 && shipments.every((shipment) => shipment.state === 'booked');
  });

test('a booking that the carrier refuses is parked, the other part goes on, and a retry books it', async () => {
  await stage.misbehave(stage.carrier, { route: 'booking', behaviour: 'refuse', count: 1 });
  const { orderId } = await givenPaidOrder(stage.database, stage.tenant, { lines: { apple: 1, fish: 1 } });
  await eventually(async () => (await stage.attention(orderId)).includes('bookingFailed'));
  await eventually(async () =>
    (await stage.shipments(orderId)).some((shipment) => shipment.state === 'booked'),
  );
  await stage.keepHistory(`order:${stage.tenant}/${orderId}`, 'bookingParked');
  await retry(orderId, 'bookingFailed');
  await allBooked(orderId);
  await stage.deliver(orderId);
  expect(await stage.outcome(orderId)).toEqual({ state: 'delivered' });
  await stage.keepHistory(`order:${stage.tenant}/${orderId}`, 'bookingResumed');
});

test.each(['dropAnswer', 'garbage', 'status500', 'status429'])(
  'a carrier that answers %s once has one booking',
  async (behaviour) => {
    await stage.misbehave(stage.carrier, { route: 'booking', behaviour, count: 1 });
    const { orderId } = await givenPaidOrder(stage.database, stage.tenant, { lines: { milk: 1 } });
    await allBooked(orderId);
    const bookings = (await stage.bookings()).filter((booking) =>
      booking.bookingId.startsWith(`${orderId}.`),
    );
    expect(bookings).toHaveLength(1);
    await stage.deliver(orderId);
    expect(await stage.outcome(orderId)).toEqual({ state: 'delivered' });
  },
);

test('an order that nobody may carry any more is parked, and goes when somebody may', async () => {
  const { orderId, totalFen } = await givenOrder(stage.database, stage.tenant, { lines: { fish: 1 } });
  await stage.database.query(`UPDATE carrier SET zones = '{ambient}' WHERE tenant = $1`, [stage.tenant]);
  await givenPayment(stage.database, stage.tenant, { orderId, amountFen: totalFen });
  await eventually(async () => (await stage.attention(orderId)).includes('noRoute'));
  await stage.keepHistory(`order:${stage.tenant}/${orderId}`, 'noRouteParked');
  await stage.database.query(
    `UPDATE carrier SET zones = '{ambient,chilled,frozen,special}' WHERE tenant = $1`,
    [stage.tenant],
  );
  await retry(orderId, 'noRoute');
  await allBooked(orderId);
  await stage.deliver(orderId);
  expect(await stage.outcome(orderId)).toEqual({ state: 'delivered' });
});

test('a paid presale order waits for its goods', async () => {
  await givenCampaign(stage.database, stage.tenant);
  const lines = [{ sku: 'apple', quantity: 2, supply: 'presale' as const, campaignId: 'early' }];
  const { orderId } = await givenPaidOrder(stage.database, stage.tenant, { lines });
  const workflowId = `order:${stage.tenant}/${orderId}`;
  await eventually(() => stage.isRunning(workflowId).catch(() => false));
  await eventually(async () => {
    const { searchAttributes } = await stage.client.workflow.getHandle(workflowId).describe();
    return String(searchAttributes.OrderStage) === 'waitingForGoods';
  });
  await stage.keepHistory(workflowId, 'waitingForGoods');
  expect(await stage.attention(orderId)).toEqual([]);
});

test('a state that must not exist is parked and tried again when it is mended', async () => {
  const { orderId } = await givenOrder(stage.database, stage.tenant, { lines: { apple: 1 } });
  const workflowId = `order:${stage.tenant}/${orderId}`;
  await eventually(() => stage.isRunning(workflowId).catch(() => false));
  // a word to the workflow that its row does not bear out: an unpaid order cannot be planned
  await stage.client.workflow.getHandle(workflowId).signal('paid');
  await eventually(async () => (await stage.attention(orderId)).includes('brokenInvariant'));
  await stage.keepHistory(workflowId, 'brokenInvariant');
  const { total_fen } = await stage.order(orderId);
  await givenPayment(stage.database, stage.tenant, { orderId, amountFen: total_fen as number });
  await retry(orderId, 'brokenInvariant');
  await allBooked(orderId);
  await stage.deliver(orderId);
  expect(await stage.outcome(orderId)).toEqual({ state: 'delivered' });
});
