import { orderIdOf } from '../../db/order';
import type { Example } from './model';
import { channel, tenant } from './settingUp';

/** Order ids are computed from tenant, channel and external id: those of the examples never change. */
function idOf(externalId: string): string {
  return orderIdOf({ tenant, channel, externalId });
}

const toTheDoor = {
  channel,
  externalId: '20261124-0007',
  buyer: {
    ref: 'u-4711',
    name: '李女士',
    phone: '13800000000',
    address: { province: '上海市', city: '上海市', district: '浦东新区', detail: '碧云路 1 号 2 楼' },
    location: { lat: 31.22, lng: 121.54 },
  },
  lines: [
    { sku: 'strawberries', quantity: 2, discountFen: 100 },
    { sku: 'rice-5kg', quantity: 1, unitPriceFen: 6590 },
  ],
  freightFen: 600,
  liveSessionId: 'show-7',
};

/** The first order of the story. */
export const firstOrderId = idOf(toTheDoor.externalId);
/** Three boxes of what has still to grow. */
export const presaleOrderId = idOf('20261124-0009');

const accepted = {
  orderId: firstOrderId,
  state: 'awaitingPayment',
  expiresAt: '2026-11-24T12:30:00.000Z',
  totalFen: 13_070,
  lines: [
    { lineId: '1', sku: 'strawberries', quantity: 2, supply: 'spot', unitPriceFen: 2990 },
    { lineId: '2', sku: 'rice-5kg', quantity: 1, supply: 'spot', unitPriceFen: 6590 },
  ],
  promise: { shipBy: '2026-11-24T22:00:00.000Z', deliverBy: '2026-11-26T15:59:59.999Z' },
};

/** The second has its money with it, and asks for more than there is. */
const comesPaid = {
  channel,
  externalId: '20261124-0008',
  buyer: { ref: 'u-4712', communityId: 'pudong-1', pickupPointId: 'point-01' },
  lines: [
    { sku: 'strawberries', quantity: 40 },
    { sku: 'rice-5kg', quantity: 400 },
  ],
  payment: {
    transactionId: 'ktt-889',
    amountFen: 2_915_600,
    paidAt: '2026-11-24T20:15:00+08:00',
    heldBy: 'channel',
  },
};

const presale = {
  channel,
  externalId: '20261124-0009',
  buyer: { ref: 'u-4713', communityId: 'pudong-1', pickupPointId: 'point-01' },
  lines: [{ sku: 'strawberries', quantity: 3, supply: 'presale', campaignId: 'new-year' }],
};

const giftBox = {
  channel,
  externalId: '20261124-0010',
  buyer: { ref: 'u-4714', communityId: 'pudong-1', pickupPointId: 'point-01' },
  deliveryMethod: 'pickup',
  lines: [{ sku: 'breakfast-box', quantity: 1 }],
};

/** More than there is, by a buyer who would rather wait. */
const waits = {
  channel,
  externalId: '20261124-0011',
  buyer: { ref: 'u-4715', communityId: 'pudong-1' },
  lines: [{ sku: 'rice-5kg', quantity: 9000 }],
  liveSessionId: 'show-7',
  acceptLater: true,
};

function place(summary: string, body: object, outcome: 'created' | 'ok', answer?: object): Example {
  return { route: 'POST /v1/orders', summary, as: 'channel', body, outcome, ...(answer && { answer }) };
}

const ordering: Example[] = [
  {
    route: 'GET /v1/sellable',
    summary: 'What can be promised now',
    as: 'channel',
    query: { sku: 'strawberries' },
    outcome: 'ok',
    answer: {
      at: '2026-11-24T12:00:00.000Z',
      items: [{ sku: 'strawberries', sellable: 400, presaleRemaining: 800, nearestExpiry: '2099-12-31' }],
    },
  },
  {
    route: 'POST /v1/stream-tokens',
    summary: 'For the host’s page, which follows the numbers by GET /v1/sellable/stream?sku=…&token=…',
    as: 'host',
    body: {},
    outcome: 'created',
    answer: { expiresAt: '2026-11-24T12:10:00.000Z' },
  },
  place('To the door, two zones', toTheDoor, 'created', accepted),
  place('The same again: the first answer, word for word', toTheDoor, 'ok', accepted),
  place('It comes already paid, and the channel holds the money', comesPaid, 'created', {
    state: 'paid',
    expiresAt: null,
    totalFen: 2_915_600,
  }),
  place('A presale line takes quota, never the shelf', presale, 'created', { totalFen: 7770 }),
  place('A gift box to a pickup point', giftBox, 'created', { totalFen: 9900 }),
  place('Nothing to be had, and it may wait: in line, holding nothing', waits, 'created', {
    state: 'waiting',
    expiresAt: null,
    waiting: { until: '2026-11-25T12:00:00.000Z' },
  }),
  {
    route: 'GET /v1/orders',
    summary: 'Who is in line',
    as: 'ops',
    query: { state: 'waiting' },
    outcome: 'ok',
    answer: { items: [{ externalId: '20261124-0011', state: 'waiting' }] },
  },
  {
    route: 'POST /v1/payments/{provider}/notifications',
    summary: 'The provider tells of the money',
    as: 'signed',
    params: { provider: 'sandbox' },
    body: {
      notificationId: 'n-1',
      transactionId: 't-1',
      tenant,
      orderId: firstOrderId,
      amountFen: 13_070,
      paidAt: '2026-11-24T20:05:00+08:00',
      outcome: 'paid',
    },
    outcome: 'empty',
  },
  {
    route: 'GET /v1/orders/{orderId}',
    summary: 'One order, one promise, one timeline',
    as: 'channel',
    params: { orderId: firstOrderId },
    outcome: 'ok',
    answer: {
      orderId: firstOrderId,
      channel,
      externalId: '20261124-0007',
      state: 'paid',
      attention: null,
      totalFen: 13_070,
      paidFen: 13_070,
      refundedFen: 0,
      shipments: [],
      timeline: [
        { at: '2026-11-24T12:00:00.000Z', kind: 'placed' },
        { at: '2026-11-24T12:05:00.000Z', kind: 'paid' },
      ],
    },
  },
  {
    route: 'GET /v1/orders',
    summary: 'Found by the shop’s own number',
    as: 'channel',
    query: { externalId: '20261124-0007' },
    outcome: 'ok',
  },
  {
    route: 'POST /v1/orders/{orderId}/cancel',
    summary: 'The buyer thinks again',
    as: 'channel',
    params: { orderId: idOf(giftBox.externalId) },
    body: { reason: '不想要了' },
    outcome: 'ok',
    answer: { outcome: 'done' },
  },
];

/** Orders, their money and their end before anything is picked. */
export const selling: readonly Example[] = ordering;
