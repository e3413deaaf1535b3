import type { Example } from './model';
import { firstOrderId } from './selling';
import { tenant } from './settingUp';

/** Shipments are numbered within their order, in the order of zones: ambient first. */
const ambient = `${firstOrderId}.1`;
const chilled = `${firstOrderId}.2`;

/** From the shelf to the buyer, told by people and by carriers, and what the machine leaves to people. */
export const delivering: readonly Example[] = [
  {
    route: 'GET /v1/shipments',
    summary: 'The work list of a warehouse',
    as: 'warehouse',
    query: { siteId: 'shanghai-dc', state: 'planned' },
    outcome: 'ok',
  },
  {
    route: 'POST /v1/shipments/{shipmentId}/events',
    summary: 'Picked and packed',
    as: 'warehouse',
    params: { shipmentId: ambient },
    body: { eventId: 'scan-1', kind: 'packed', at: '2026-11-24T20:40:00+08:00' },
    outcome: 'created',
    answer: { shipmentId: ambient, eventId: 'scan-1', state: 'packed' },
  },
  {
    route: 'POST /v1/carriers/{carrierId}/events',
    summary: 'The carrier has it',
    as: 'signed',
    params: { carrierId: 'cold-van' },
    body: {
      eventId: 'e-1',
      tenant,
      shipmentId: chilled,
      kind: 'pickedUp',
      at: '2026-11-24T21:10:00+08:00',
      place: '上海总仓',
      temperatureC: 2.5,
    },
    outcome: 'empty',
  },
  {
    route: 'GET /v1/stock',
    summary: 'Balances by lot',
    as: 'ops',
    query: { sku: 'strawberries' },
    outcome: 'ok',
    answer: {
      items: [
        {
          sku: 'strawberries',
          siteId: 'shanghai-dc',
          lotId: 'S1123',
          expiresOn: '2099-12-31',
          onHand: 398,
          held: 0,
          committed: 0,
          quarantined: 0,
          sellable: 398,
        },
      ],
      nextCursor: null,
    },
  },
  {
    route: 'GET /v1/stock/movements',
    summary: 'Why: the journal, newest first',
    as: 'ops',
    query: { sku: 'strawberries', siteId: 'shanghai-dc' },
    outcome: 'ok',
  },
  { route: 'GET /v1/attention', summary: 'What waits for a person', as: 'ops', outcome: 'ok' },
  {
    route: 'POST /v1/attention/{attentionId}/resolve',
    summary: 'No goods came: give the money back',
    as: 'ops',
    // drawn at random; the list above tells it
    params: { attentionId: '1f0c7d1e-3c59-4f0e-9a51-6d2f0f5f7a11' },
    body: { action: 'refund', detail: '补不到货，已告知买家' },
    outcome: 'ok',
    answer: { action: 'refund' },
  },
];
