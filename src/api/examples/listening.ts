import type { Example } from './model';
import { channel } from './settingUp';

const endpointId = 'shop-events';
/** The event’s id; the log of deliveries tells it. */
const deliveryId = 'e4m2q7x5k3c6';

/** A shop that is told of its orders instead of asking; before the first order, so that it hears of all. */
export const listening: readonly Example[] = [
  {
    route: 'PUT /v1/webhook-endpoints/{endpointId}',
    summary: 'Where a shop wants to hear of its orders',
    as: 'ops',
    params: { endpointId },
    body: {
      url: 'https://shop.example/xianda',
      types: ['order.paid', 'order.shipped', 'order.delivered'],
      channel,
    },
    outcome: 'ok',
    answer: { endpointId, url: 'https://shop.example/xianda', channel, liveSecrets: 0 },
  },
  {
    route: 'POST /v1/webhook-endpoints/{endpointId}/secrets',
    summary: 'The secret that signs what is sent: shown once, two live at most',
    as: 'ops',
    params: { endpointId },
    body: {},
    outcome: 'created',
  },
  {
    route: 'POST /v1/suppliers/{supplierId}/webhook-secrets',
    summary: 'The same for a supplier with a webhookUrl',
    as: 'ops',
    params: { supplierId: 'dandong-farm' },
    body: {},
    outcome: 'created',
  },
];

/** What was told, and told again. */
export const told: readonly Example[] = [
  {
    route: 'GET /v1/events',
    summary: 'The same events to ask for: from a cursor on, none left out',
    as: 'channel',
    query: { type: 'order.paid' },
    outcome: 'ok',
  },
  {
    route: 'GET /v1/webhook-endpoints/{endpointId}/deliveries',
    summary: 'The log of deliveries, with every attempt',
    as: 'ops',
    params: { endpointId },
    outcome: 'ok',
  },
  {
    route: 'POST /v1/webhook-endpoints/{endpointId}/deliveries/{deliveryId}/resend',
    summary: 'Once more, under the same webhook-id',
    as: 'ops',
    params: { endpointId, deliveryId },
    body: {},
    outcome: 'ok',
    answer: { state: 'pending' },
  },
  {
    route: 'POST /v1/webhook-endpoints/{endpointId}/enable',
    summary: 'The shop is back: what was pending goes out',
    as: 'ops',
    params: { endpointId },
    body: {},
    outcome: 'ok',
    answer: { endpointId, liveSecrets: 1 },
  },
];
