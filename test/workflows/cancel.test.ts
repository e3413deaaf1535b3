import { cancelOrder } from '../../src/db/cancel';
import { expectCoherent } from '../support/expectCoherent';
import { givenPaidOrder } from '../support/fixtures';
import { type Stage, eventually, openStage } from './support/stage';

let stage: Stage;
beforeAll(async () => {
  stage = await openStage();
  await stage.startWorker({ partnerRetrySeconds: 1 });
  await stage.startDispatch();
});
afterEach(() => fetch(`${stage.carrier.url}/v1/control`, { method: 'DELETE' }));
afterAll(async () => {
  await expectCoherent(stage.database);
  await stage.close();
});

const cancel = async (orderId: string) =>
  cancelOrder(stage.database.as('xianda_app'), {
    tenant: stage.tenant,
    orderId,
    reason: 'test',
    actor: 'test',
  });

const bookingsOf = async (orderId: string) =>
  (await stage.bookings()).filter((booking) => booking.bookingId.startsWith(`${orderId}.`));

const refunded = (orderId: string) =>
  eventually(async () => {
    const { refunded_fen, paid_fen } = await stage.order(orderId);
    return refunded_fen === paid_fen;
  });

test('a booked order is unbooked at the carrier and its money goes back once', async () => {
  const { orderId, totalFen } = await givenPaidOrder(stage.database, stage.tenant, {
    lines: { apple: 1, fish: 1 },
  });
  await eventually(async () => (await bookingsOf(orderId)).length === 2);
  await eventually(async () =>
    (await stage.shipments(orderId)).every((shipment) => shipment.state === 'booked'),
  );
  expect(await cancel(orderId)).toEqual({ outcome: 'done' });
  expect(await stage.outcome(orderId)).toEqual({ state: 'cancelled' });
  await stage.keepHistory(`order:${stage.tenant}/${orderId}`, 'cancelledBooked');
  expect((await bookingsOf(orderId)).map((booking) => booking.state)).toEqual(['cancelled', 'cancelled']);
  await refunded(orderId);
  const refunds = (await stage.refunds()).filter((refund) => refund.amountFen === totalFen);
  expect(refunds).toHaveLength(1);
  await stage.keepHistory(`refund:${stage.tenant}/${refunds[0]?.refundId}`, 'refunded');
});

test('an order cancelled while the carrier is being asked leaves no booking behind', async () => {
  await stage.misbehave(stage.carrier, { route: 'booking', behaviour: 'slow', delayMs: 1500 });
  const { orderId } = await givenPaidOrder(stage.database, stage.tenant, { lines: { milk: 1 } });
  await eventually(async () => (await stage.shipments(orderId)).length === 1);
  await new Promise((resume) => setTimeout(resume, 300));
  await stage.keepHistory(`order:${stage.tenant}/${orderId}`, 'booking');
  expect(await cancel(orderId)).toEqual({ outcome: 'done' });
  expect(await stage.outcome(orderId)).toEqual({ state: 'cancelled' });
  await stage.keepHistory(`order:${stage.tenant}/${orderId}`, 'cancelledWhileBooking');
  // the slow request still arrives; the carrier has been told before
  await new Promise((resume) => setTimeout(resume, 2000));
  expect((await bookingsOf(orderId)).filter((booking) => booking.state !== 'cancelled')).toEqual([]);
  expect((await stage.shipments(orderId)).map((shipment) => shipment.state)).toEqual(['cancelled']);
  await refunded(orderId);
});

test('an unbooking that the carrier refuses is parked, and done when it is tried again', async () => {
  const { orderId } = await givenPaidOrder(stage.database, stage.tenant, { lines: { apple: 1 } });
  await eventually(async () =>
    (await stage.shipments(orderId)).some((shipment) => shipment.state === 'booked'),
  );
  await stage.misbehave(stage.carrier, { route: 'cancel', behaviour: 'refuse', count: 1 });
  await cancel(orderId);
  await eventually(async () => (await stage.attention(orderId)).includes('unbookingFailed'));
  await stage.keepHistory(`order:${stage.tenant}/${orderId}`, 'unbookingParked');
  expect(await stage.outcome(orderId)).toEqual({ state: 'cancelled' });
  await eventually(async () => !(await stage.attention(orderId)).includes('unbookingFailed'));
  expect((await bookingsOf(orderId)).map((booking) => booking.state)).toEqual(['cancelled']);
  await refunded(orderId);
});
