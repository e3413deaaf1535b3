import { answerOffer } from '../../src/db/offerEnd';
import { arrivalWorkflowId } from '../../src/workflows/presale/messages';
import { expectCoherent } from '../support/expectCoherent';
import { dayFromToday, givenCampaign, givenPaidOrder, givenStock } from '../support/fixtures';
import { givenPresaleOrder, reservedUnits } from '../support/presaleFixtures';
import { type Stage, eventually, openStage } from './support/stage';

let stage: Stage;
beforeAll(async () => {
  stage = await openStage();
  await stage.startWorker();
  await stage.startDispatch();
});
afterAll(async () => {
  await expectCoherent(stage.database);
  await stage.close();
});

let campaigns = 0;

async function givenOwnCampaign(): Promise<string> {
  campaigns += 1;
  return givenCampaign(stage.database, stage.tenant, { campaignId: `c${campaigns}`, quotas: { east: 100 } });
}

const order = (campaignId: string, quantity = 1) =>
  givenPresaleOrder(stage.database, stage.tenant, { campaignId, quantity });
const arrive = (campaignId: string, quantity: number, lotId = `${campaignId}-first`) =>
  givenStock(stage.database, stage.tenant, { campaignId, quantity, lotId });
const workflowOf = (orderId: string) => `order:${stage.tenant}/${orderId}`;
const arrivalOf = (campaignId: string) => arrivalWorkflowId({ tenant: stage.tenant, campaignId });

async function waitingForGoods(orderId: string): Promise<void> {
  await eventually(async () => {
    const description = await stage.client.workflow
      .getHandle(workflowOf(orderId))
      .describe()
      .catch(() => null);
    return String(description?.searchAttributes.OrderStage) === 'waitingForGoods';
  });
}

async function booked(orderId: string, count = 1): Promise<void> {
  await eventually(async () => {
    const shipments = await stage.shipments(orderId);
    return shipments.length === count && shipments.every((shipment) => shipment.state === 'booked');
  });
}

async function offered(orderId: string): Promise<Record<string, string>> {
  const open = () =>
    stage.database.query<{ kind: string; offer_id: string }>(
      `SELECT kind, offer_id FROM offer WHERE order_id = $1 AND state = 'open'`,
      [orderId],
    );
  await eventually(async () => (await open()).length === 2);
  return Object.fromEntries((await open()).map(({ kind, offer_id }) => [kind, offer_id]));
}

const accept = (orderId: string, offerId: string | undefined) =>
  answerOffer(stage.database.as('xianda_app'), {
    tenant: stage.tenant,
    orderId,
    offerId: offerId ?? '',
    accept: true,
    actor: 'test',
  });

test('goods that come are handed out, every order is planned and booked, and what is left goes to the shelf at closing', async () => {
  const campaignId = await givenOwnCampaign();
  const orders = [];
  for (let count = 0; count < 3; count += 1) orders.push(await order(campaignId));
  for (const { orderId } of orders) await waitingForGoods(orderId);
  await stage.database.query(
    `UPDATE presale_campaign SET closes_at = clock_timestamp() + interval '6 seconds' WHERE tenant = $1 AND campaign_id = $2`,
    [stage.tenant, campaignId],
  );
  await arrive(campaignId, 6);
  for (const { orderId } of orders) await booked(orderId);
  // paid when the goods are there already
  const late = await order(campaignId);
  await booked(late.orderId);
  expect(await reservedUnits(stage.database, stage.tenant, campaignId)).toBe(2);
  await stage.keepHistory(arrivalOf(campaignId), 'arrivalReserving');
  for (const { orderId } of [...orders, late]) {
    await stage.deliver(orderId);
    expect(await stage.outcome(orderId)).toEqual({ state: 'delivered' });
  }
  await stage.keepHistory(workflowOf(orders[0]?.orderId ?? ''), 'presaleDelivered');
  const outcome = await stage.client.workflow.getHandle(arrivalOf(campaignId)).result();
  expect(outcome).toEqual({ converted: 4, offered: 0, unreserved: 2 });
  await stage.keepHistory(arrivalOf(campaignId), 'arrivalSurplus');
  expect(await reservedUnits(stage.database, stage.tenant, campaignId)).toBe(0);
});

test('a short arrival offers; a later date is waited for, the money back ends the order, and a later delivery serves who waits', async () => {
  const campaignId = await givenOwnCampaign();
  const served = await order(campaignId, 2);
  const patient = await order(campaignId, 2);
  const gone = await order(campaignId, 2);
  const silent = await order(campaignId, 2);
  for (const { orderId } of [served, patient, gone, silent]) await waitingForGoods(orderId);
  await arrive(campaignId, 2);
  await booked(served.orderId);
  const outcome = await stage.client.workflow.getHandle(arrivalOf(campaignId)).result();
  expect(outcome).toEqual({ converted: 1, offered: 3, unreserved: 0 });
  await stage.keepHistory(arrivalOf(campaignId), 'arrivalShort');

  expect(await accept(patient.orderId, (await offered(patient.orderId)).laterDate)).toEqual({
    kind: 'answered',
  });
  expect(await accept(gone.orderId, (await offered(gone.orderId)).refund)).toEqual({ kind: 'answered' });
  expect(await stage.outcome(gone.orderId)).toEqual({ state: 'cancelled' });
  await stage.keepHistory(workflowOf(gone.orderId), 'presaleRefunded');
  await offered(silent.orderId);
  await stage.database.query(`UPDATE offer SET until = clock_timestamp() WHERE order_id = $1`, [
    silent.orderId,
  ]);
  expect(await stage.outcome(silent.orderId)).toEqual({ state: 'cancelled' });
  for (const { orderId, totalFen } of [gone, silent]) {
    await eventually(async () => (await stage.order(orderId)).refunded_fen === totalFen);
  }

  await arrive(campaignId, 2, `${campaignId}-second`);
  await booked(patient.orderId);
  for (const { orderId } of [served, patient]) {
    await stage.deliver(orderId);
    expect(await stage.outcome(orderId)).toEqual({ state: 'delivered' });
  }
  await stage.keepHistory(workflowOf(patient.orderId), 'presaleRepromised');
});

test('a mixed order sends what it has, and the rest when it comes', async () => {
  const campaignId = await givenOwnCampaign();
  const { orderId } = await givenPaidOrder(stage.database, stage.tenant, {
    lines: [
      { sku: 'milk', quantity: 1 },
      { sku: 'apple', quantity: 2, campaignId },
    ],
  });
  await booked(orderId);
  await stage.deliver(orderId);
  expect(await stage.order(orderId)).toMatchObject({ state: 'fulfilling' });
  await arrive(campaignId, 2);
  await eventually(async () => (await stage.shipments(orderId)).length === 2);
  await eventually(async () => (await stage.shipments(orderId))[1]?.state === 'booked');
  await stage.deliver(orderId);
  expect(await stage.outcome(orderId)).toEqual({ state: 'delivered' });
  await stage.keepHistory(workflowOf(orderId), 'presaleMixed');
});

test('a presale promise that passes without goods is shown to people, until the goods come', async () => {
  const campaignId = await givenOwnCampaign();
  await stage.database.query(
    'UPDATE presale_campaign SET deliver_from = $3, deliver_by = $3 WHERE tenant = $1 AND campaign_id = $2',
    [stage.tenant, campaignId, dayFromToday(-1)],
  );
  const { orderId } = await order(campaignId);
  await eventually(async () => (await stage.attention(orderId)).includes('presaleOverdue'));
  await stage.keepHistory(workflowOf(orderId), 'presaleOverdue');
  await arrive(campaignId, 1);
  await booked(orderId);
  expect(await stage.attention(orderId)).not.toContain('presaleOverdue');
  await stage.deliver(orderId);
  expect(await stage.outcome(orderId)).toEqual({ state: 'delivered' });
});
