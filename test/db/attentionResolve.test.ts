import { createPresaleAggregationActivities } from '../../src/activities/presaleAggregation';
import { raiseAttention } from '../../src/db/attention';
import { resolveAttention } from '../../src/db/attentionResolve';
import { publishEvents } from '../../src/db/event';
import { planFulfilment } from '../../src/db/fulfilment';
import { parkRefund } from '../../src/db/refund';
import { recordAttempt } from '../../src/db/webhookDelivery';
import { putEndpoint } from '../../src/db/webhookEndpoint';
import {
  type AttentionAction,
  type AttentionReason,
  attentionActions,
  attentionRules,
} from '../../src/domain/order/attention';
import { createTestDatabase, type TestDatabase } from '../support/database';
import { expectCoherent } from '../support/expectCoherent';
import { givenStock } from '../support/fixtures';
import { givenCut } from './forecastJourney';
import {
  balanceOf,
  decideMoney,
  digestOf,
  givenJourney,
  type Journey,
  litresOf,
  orderFacts,
  outboxOf,
  quotaOf,
} from './orderJourney';

let database: TestDatabase;
let journey: Journey;

beforeAll(async () => {
  database = await createTestDatabase();
});
beforeEach(async () => {
  journey = await givenJourney(database);
});
afterAll(async () => {
  await decideMoney(database);
  await expectCoherent(database);
  await database.drop();
});

/** Something parked for a reason, as it comes about in life: the order it is about (if any) and what it is about. */
interface Parked {
  orderId?: string;
  subject: string;
  totalFen?: number;
  /** Of a cut: an order that is kept, and one at risk. */
  orders?: string[];
}

const resumed = { kind: 'signalOrder', stage: 'resumed' };
const cancelled = { kind: 'signalOrder', stage: 'cancelled' };
const now = () => new Date().toISOString();

async function raise(
  reason: AttentionReason,
  about: { subject: string; orderId?: string; shipmentId?: string },
) {
  await journey.db.inTenant(journey.tenant, (tx) => raiseAttention(tx, { reason, ...about }));
}

async function parkedShipment(reason: AttentionReason): Promise<Parked> {
  const { orderId, shipments, totalFen } = await journey.planned();
  const subject = shipments[0] as string;
  await raise(reason, { subject, orderId, shipmentId: subject });
  return { orderId, subject, totalFen };
}

async function parkedAlone(reason: AttentionReason): Promise<Parked> {
  await raise(reason, { subject: `${reason}-1` });
  return { subject: `${reason}-1` };
}

async function shortOrder(): Promise<Parked> {
  const payment = {
    transactionId: `p-${journey.tenant}`,
    amountFen: 150_000,
    paidAt: now(),
    heldBy: 'tenant' as const,
  };
  const order = await journey.place({ lines: [{ sku: 'apple', quantity: 150 }], payment });
  return { orderId: order.orderId, subject: order.orderId, totalFen: 150_000 };
}

async function wrongAmount(): Promise<Parked> {
  const order = await journey.place();
  const transactionId = `wrong-${order.orderId}`;
  await journey.pay(order, transactionId, order.totalFen - 1);
  return { orderId: order.orderId, subject: transactionId, totalFen: order.totalFen };
}

async function refundOf(payment?: { heldBy: 'channel' }): Promise<Parked> {
  const prepaid = payment && {
    transactionId: `c-${journey.tenant}`,
    amountFen: 2000,
    paidAt: now(),
    heldBy: payment.heldBy,
  };
  const { orderId, totalFen } = await journey.planned({ payment: prepaid });
  await journey.cancel(orderId);
  const [row] = await database.query<{ refund_id: string }>(
    'SELECT refund_id FROM refund WHERE order_id = $1',
    [orderId],
  );
  return { orderId, subject: row?.refund_id as string, totalFen };
}

/** An endpoint that answers 410, with one more event waiting. */
async function disabledEndpoint(): Promise<Parked> {
  endpoints += 1;
  const endpointId = `hook-${endpoints}`;
  await journey.db.inTenant(journey.tenant, (tx) =>
    putEndpoint(tx, endpointId, { url: 'https://hook.example.com/', types: ['order.placed'] }),
  );
  await journey.place();
  await journey.place();
  await publishEvents(journey.db, { tenant: journey.tenant, limit: 500 });
  const [first] = await pendingOf(endpointId);
  const result = { eventId: first as string, durationMs: 1, outcome: 'gone' as const, status: 410 };
  await recordAttempt(
    journey.db,
    { tenant: journey.tenant, endpointId },
    { result, rules: { timeScale: 1, jitter: 0 } },
  );
  return { subject: endpointId };
}
let endpoints = 0;

async function pendingOf(endpointId: string): Promise<string[]> {
  const rows = await database.query<{ event_id: string }>(
    `SELECT event_id FROM webhook_delivery WHERE endpoint_id = $1 AND state = 'pending' AND next_attempt_at <= clock_timestamp()
      ORDER BY position`,
    [endpointId],
  );
  return rows.map((row) => row.event_id);
}

/** How each reason comes about. */
const given: Record<AttentionReason, () => Promise<Parked>> = {
  paidShort: shortOrder,
  async noRoute() {
    const order = await journey.place({ lines: [{ sku: 'ice', quantity: 1 }] });
    await journey.pay(order);
    await database.query(`UPDATE carrier SET zones = '{ambient}' WHERE tenant = $1`, [journey.tenant]);
    await planFulfilment(journey.db, { tenant: journey.tenant, orderId: order.orderId });
    return { orderId: order.orderId, subject: order.orderId, totalFen: order.totalFen };
  },
  bookingFailed: () => parkedShipment('bookingFailed'),
  webhookDisabled: disabledEndpoint,
  async unbookingFailed() {
    const { orderId, shipments } = await journey.planned();
    await journey.cancel(orderId);
    await raise('unbookingFailed', { subject: shipments[0] as string, orderId, shipmentId: shipments[0] });
    return { orderId, subject: shipments[0] as string };
  },
  overdue: () => parkedShipment('overdue'),
  async deliveryFailed() {
    const { orderId, shipments, totalFen } = await journey.planned({ freightFen: 300 });
    await journey.tell({ kind: 'failed', shipmentId: shipments[0] });
    return { orderId, subject: shipments[0] as string, totalFen };
  },
  async movedAfterCancel() {
    const { orderId, shipments } = await journey.planned();
    await journey.cancel(orderId);
    await journey.tell({ kind: 'pickedUp', shipmentId: shipments[0] });
    return { orderId, subject: shipments[0] as string };
  },
  async cancelAsked() {
    const { orderId, shipments, totalFen } = await journey.planned();
    await journey.tell({ kind: 'packed', shipmentId: shipments[0] });
    await journey.cancel(orderId);
    return { orderId, subject: orderId, totalFen };
  },
  async presaleOverdue() {
    const order = await journey.place({ lines: [{ sku: 'pear', quantity: 2, supply: 'presale' }] });
    await journey.pay(order);
    await raise('presaleOverdue', { subject: order.orderId, orderId: order.orderId });
    return { orderId: order.orderId, subject: order.orderId, totalFen: order.totalFen };
  },
  async supplyCut() {
    const { kept, atRisk } = await givenCut(journey);
    return { subject: 'pear', orders: [kept, atRisk] };
  },
  async purchaseDue() {
    const order = await journey.place({ lines: [{ sku: 'pear', quantity: 2, supply: 'presale' }] });
    await journey.pay(order);
    await aggregatePears(2);
    return { subject: 'early' };
  },
  wrongAmount,
  unknownOrder: () => parkedAlone('unknownOrder'),
  conflictingNotice: () => parkedAlone('conflictingNotice'),
  async refundFailed() {
    const refund = await refundOf();
    await parkRefund(journey.db, { tenant: journey.tenant, refundId: refund.subject });
    return refund;
  },
  channelRefund: () => refundOf({ heldBy: 'channel' }),
  async unknownShipment() {
    const source = 'carrier/swift';
    await journey.tell({
      kind: 'delivered',
      shipmentId: 'nobody',
      eventId: 'stray',
      source,
      carrierId: 'swift',
    });
    return { subject: 'carrier/swift/stray' };
  },
  async brokenInvariant() {
    const { orderId } = await journey.planned();
    await raise('brokenInvariant', { subject: orderId, orderId });
    return { orderId, subject: orderId };
  },
  unknownTenant: () => parkedAlone('unknownTenant'),
};

/** A tick of the campaign, with the lead such that its goods have to be bought by today. */
async function aggregatePears(leadDays: number): Promise<void> {
  await database.query('UPDATE sku SET presale_lead_days = $2 WHERE tenant = $1', [journey.tenant, leadDays]);
  const asOf = new Date();
  await createPresaleAggregationActivities({ db: journey.db }).aggregateCampaign({
    tenant: journey.tenant,
    campaignId: 'early',
    scheduledAt: new Date(asOf.getTime() - 1000).toISOString(),
    asOf: asOf.toISOString(),
  });
}

async function attentionOn(reason: AttentionReason, subject: string): Promise<string> {
  const [row] = await database.query<{ attention_id: string }>(
    'SELECT attention_id FROM attention WHERE tenant = $1 AND reason = $2 AND subject = $3 AND resolved_at IS NULL',
    [journey.tenant, reason, subject],
  );
  if (!row) throw new Error(`nothing open for ${reason} on ${subject}`);
  return row.attention_id;
}

function resolve(attentionId: string, action: AttentionAction) {
  return resolveAttention(journey.db, {
    tenant: journey.tenant,
    attentionId,
    action,
    detail: 'as told',
    actor: 'ops:anna',
  });
}

async function lastOf(subject: string) {
  return (await outboxOf(database, subject)).at(-1);
}

async function expectCancelledAndRefunded({ orderId = '', totalFen = 0 }: Parked): Promise<void> {
  expect(await orderFacts(database, orderId)).toMatchObject({
    state: 'cancelled',
    attention: [],
    refunds: [totalFen],
  });
  expect(await outboxOf(database, orderId)).toContainEqual(cancelled);
}

const expectResumed = async ({ orderId = '' }: Parked) => expect(await lastOf(orderId)).toEqual(resumed);
const expectJustClosed = async ({ orderId }: Parked) => {
  if (orderId) expect(await outboxOf(database, orderId)).not.toContainEqual(resumed);
};

async function disabledBecause(endpointId: string): Promise<string | null | undefined> {
  const [row] = await database.query<{ because: string | null }>(
    'SELECT disabled_because AS because FROM webhook_endpoint WHERE endpoint_id = $1',
    [endpointId],
  );
  return row?.because;
}

/** What each action of each reason must have done. */
const expected: {
  [R in AttentionReason]: {
    [A in (typeof attentionRules)[R]['actions'][number]]: (parked: Parked) => Promise<void>;
  };
} = {
  paidShort: {
    async retry({ orderId = '', subject }) {
      // nothing came in the meantime: parked again
      expect(await lastOf(orderId)).toEqual({ kind: 'startOrder' });
      const again = await attentionOn('paidShort', subject);
      await givenStock(database, journey.tenant, { sku: 'apple', lotId: 'more', quantity: 60 });
      expect(await resolve(again, 'retry')).toEqual({ kind: 'resolved' });
      await expectResumed({ orderId, subject });
      expect(await balanceOf(database, journey.tenant, 'apple')).toEqual([160, 0, 150]);
      expect((await orderFacts(database, orderId)).attention).toEqual([]);
    },
    refund: expectCancelledAndRefunded,
  },
  noRoute: { retry: expectResumed, refund: expectCancelledAndRefunded },
  bookingFailed: { retry: expectResumed, refund: expectCancelledAndRefunded },
  webhookDisabled: {
    async enable({ subject }) {
      expect(await disabledBecause(subject)).toBeNull();
      expect(await pendingOf(subject)).toHaveLength(2);
      expect(await lastOf(subject)).toEqual({ kind: 'wakeWebhook' });
    },
    async dismiss({ subject }) {
      expect(await disabledBecause(subject)).toBe('gone');
      expect(await pendingOf(subject)).toHaveLength(1);
    },
  },
  unbookingFailed: { retry: expectResumed, settle: expectResumed },
  overdue: { keepWaiting: expectJustClosed, refund: expectCancelledAndRefunded },
  deliveryFailed: {
    keepWaiting: expectJustClosed,
    async refund({ orderId = '', totalFen = 0, subject }) {
      // the goods are away, the buyer has nothing: all of it goes back, freight too, and once
      expect(await orderFacts(database, orderId)).toMatchObject({
        state: 'fulfilling',
        shipments: ['failed'],
        refunds: [totalFen],
      });
      await journey.tell({ kind: 'failed', shipmentId: subject });
      await resolve(await attentionOn('deliveryFailed', subject), 'refund');
      expect((await orderFacts(database, orderId)).refunds).toEqual([totalFen]);
      await journey.tell({ kind: 'returned', shipmentId: subject });
      expect((await orderFacts(database, orderId)).state).toBe('delivered');
    },
  },
  movedAfterCancel: { settle: expectJustClosed },
  cancelAsked: {
    accept: expectCancelledAndRefunded,
    async decline({ orderId = '' }) {
      expect(await orderFacts(database, orderId)).toMatchObject({
        state: 'fulfilling',
        shipments: ['packed'],
        refunds: [],
      });
      const told = await database.query(
        `SELECT 1 FROM order_event WHERE order_id = $1 AND kind = 'cancelDeclined'`,
        [orderId],
      );
      expect(told).toHaveLength(1);
    },
  },
  presaleOverdue: {
    keepWaiting: expectJustClosed,
    async refund(parked) {
      await expectCancelledAndRefunded(parked);
      expect(await quotaOf(database, journey.tenant)).toEqual([10, 0, 0]);
    },
  },
  purchaseDue: {
    async settle({ subject }) {
      // said to be bought: not asked for again, until more is needed
      await aggregatePears(3);
      await expect(attentionOn('purchaseDue', subject)).rejects.toThrow('nothing open');
      await database.query('UPDATE presale_quota SET units = units * 10 WHERE tenant = $1', [journey.tenant]);
      await aggregatePears(4);
      await attentionOn('purchaseDue', subject);
    },
  },
  wrongAmount: {
    async refund({ orderId = '', totalFen = 0 }) {
      expect(await orderFacts(database, orderId)).toMatchObject({
        state: 'awaitingPayment',
        paid: totalFen - 1,
        refunds: [totalFen - 1],
      });
    },
    async settle({ orderId = '', subject }) {
      expect(await orderFacts(database, orderId)).toMatchObject({ paid: 0, refunds: [] });
      expect(await database.query('SELECT state FROM payment WHERE transaction_id = $1', [subject])).toEqual([
        { state: 'settled' },
      ]);
    },
  },
  supplyCut: {
    settle: expectJustClosed,
    keepWaiting: expectJustClosed,
    async refund({ orders = [] }) {
      const [kept, atRisk] = await Promise.all(orders.map((orderId) => orderFacts(database, orderId)));
      expect(kept).toMatchObject({ state: 'paid', refunds: [] });
      expect(atRisk).toMatchObject({ state: 'cancelled', refunds: [1500] });
    },
  },
  unknownOrder: { settle: expectJustClosed },
  conflictingNotice: { settle: expectJustClosed },
  refundFailed: {
    async retry({ subject }) {
      expect(await lastOf(subject)).toEqual({ kind: 'signalRefund' });
    },
    async settle({ orderId = '', subject, totalFen = 0 }) {
      expect(await lastOf(subject)).toEqual({ kind: 'signalRefund' });
      expect((await orderFacts(database, orderId)).refunded).toBe(totalFen);
    },
  },
  channelRefund: {
    async settle({ orderId = '' }) {
      expect(await orderFacts(database, orderId)).toMatchObject({
        state: 'cancelled',
        refunded: 2000,
        attention: [],
      });
    },
  },
  unknownShipment: { settle: expectJustClosed },
  brokenInvariant: { retry: expectResumed, settle: expectResumed },
  unknownTenant: { settle: expectJustClosed },
};

const cases = (Object.keys(attentionRules) as AttentionReason[]).flatMap((reason) =>
  attentionRules[reason].actions.map((action): [AttentionReason, AttentionAction] => [reason, action]),
);

it.each(cases)('%s: %s does what it says, once', async (reason, action) => {
  const parked = await given[reason]();
  const attentionId = await attentionOn(reason, parked.subject);
  const forbidden = attentionActions.find(
    (other) => !(attentionRules[reason].actions as readonly string[]).includes(other),
  );
  expect(await resolve(attentionId, forbidden as AttentionAction)).toEqual({
    kind: 'notAllowed',
    actions: attentionRules[reason].actions,
  });
  const both = await Promise.all([resolve(attentionId, action), resolve(attentionId, action)]);
  expect(both.map((answer) => answer.kind).sort()).toEqual(['alreadyResolved', 'resolved']);
  const [closed] = await database.query(
    'SELECT action, resolved_by, resolution FROM attention WHERE attention_id = $1',
    [attentionId],
  );
  expect(closed).toEqual({ action, resolved_by: 'ops:anna', resolution: { detail: 'as told' } });
  await (expected[reason] as Record<string, (parked: Parked) => Promise<void>>)[action]?.(parked);
  expect(await resolve(attentionId, action)).toEqual({ kind: 'alreadyResolved' });
});

it('knows nothing of another tenant’s, nor of what is not there', async () => {
  const parked = await given.brokenInvariant();
  const attentionId = await attentionOn('brokenInvariant', parked.subject);
  const neighbour = await givenJourney(database);
  const answer = { tenant: neighbour.tenant, attentionId, action: 'retry' as const, actor: 'x' };
  expect(await resolveAttention(neighbour.db, answer)).toEqual({ kind: 'notFound' });
  expect(await resolve('not-an-id', 'retry')).toEqual({ kind: 'notFound' });
});

describe('refunding what is left while a part is on its way', () => {
  const lines = [
    { sku: 'apple', quantity: 3, unitPriceFen: 1000, discountFen: 100 },
    { sku: 'milk', quantity: 1, unitPriceFen: 700 },
    { sku: 'pear', quantity: 1, supply: 'presale' as const, unitPriceFen: 400 },
  ];
  const buyer = { ref: 'b', pickupPointId: 'point-cold' };

  it('pays back the worth of what has not left and lets the rest go on', async () => {
    const { orderId, shipments } = await journey.planned({ buyer, lines, freightFen: 500 });
    await journey.tell({ kind: 'inTransit', shipmentId: shipments[0] });
    await raise('presaleOverdue', { subject: orderId, orderId });
    await resolve(await attentionOn('presaleOverdue', orderId), 'refund');
    expect(await orderFacts(database, orderId)).toMatchObject({
      state: 'fulfilling',
      shipments: ['inTransit', 'cancelled'],
      refunds: [1100],
    });
    expect(await balanceOf(database, journey.tenant, 'milk')).toEqual([100, 0, 0]);
    expect(await quotaOf(database, journey.tenant)).toEqual([10, 0, 0]);
    expect(await litresOf(database, journey.tenant)).toBe(6000);
    await journey.tell({ kind: 'delivered', shipmentId: shipments[0] });
    expect((await orderFacts(database, orderId)).state).toBe('delivered');
    expect(await litresOf(database, journey.tenant)).toBe(0);
  });

  it('pays back a lost part once, however often it is given up', async () => {
    const { orderId, shipments } = await journey.planned({
      buyer,
      lines: lines.slice(0, 2),
      freightFen: 500,
    });
    const [apples, milk] = shipments as [string, string];
    await journey.tell({ kind: 'delivered', shipmentId: milk });
    for (const round of [1, 2]) {
      await journey.tell({ kind: 'failed', shipmentId: apples, bodyDigest: digestOf(`failed ${round}`) });
      await resolve(await attentionOn('deliveryFailed', apples), 'refund');
      expect((await orderFacts(database, orderId)).refunds).toEqual([2900]);
    }
    expect((await orderFacts(database, orderId)).state).toBe('fulfilling');
    await journey.tell({ kind: 'returned', shipmentId: apples });
    expect((await orderFacts(database, orderId)).state).toBe('delivered');
  });
});
