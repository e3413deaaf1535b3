import type { Example } from './model';
import { presaleOrderId } from './selling';
import { tenant } from './settingUp';

const aggregation = `${tenant}:presale-aggregation`;

function tell(what: 'trigger' | 'pause' | 'unpause', summary: string, body: object): Example {
  return {
    route: `POST /v1/schedules/{scheduleId}/${what}`,
    summary,
    as: 'ops',
    params: { scheduleId: aggregation },
    body,
    outcome: 'ok',
    answer: { scheduleId: aggregation, paused: what === 'pause' },
  };
}

const presale: Example[] = [
  {
    route: 'POST /v1/payments/{provider}/notifications',
    summary: 'A presale order is paid',
    as: 'signed',
    params: { provider: 'sandbox' },
    body: {
      notificationId: 'n-2',
      transactionId: 't-2',
      tenant,
      orderId: presaleOrderId,
      amountFen: 7770,
      paidAt: '2026-11-24T20:30:00+08:00',
      outcome: 'paid',
    },
    outcome: 'empty',
  },
  {
    route: 'GET /v1/presale-campaigns/{campaignId}',
    summary: 'What is sold, and what is to be bought until when',
    as: 'ops',
    params: { campaignId: 'new-year' },
    outcome: 'ok',
    answer: {
      campaignId: 'new-year',
      sold: [
        { region: 'hangzhou', units: 0, held: 0 },
        { region: 'shanghai', units: 3, held: 0 },
      ],
      aggregatedAt: null,
    },
  },
  {
    route: 'POST /v1/stock/receipts',
    summary: 'Presale goods arrive: reserved for the campaign, and here too few',
    as: 'warehouse',
    body: {
      reference: 'asn-2026-1201',
      siteId: 'shanghai-dc',
      lots: [
        {
          sku: 'strawberries',
          lotId: 'S1201',
          quantity: 2,
          producedOn: '2026-12-01',
          expiresOn: '2099-12-31',
          campaignId: 'new-year',
        },
      ],
    },
    outcome: 'created',
  },
  {
    route: 'POST /v1/orders/{orderId}/offers/{offerId}/answer',
    summary: 'The buyer wants the money back',
    as: 'channel',
    // the order tells its offers
    params: { orderId: presaleOrderId, offerId: 'f2k4c3q7x5n1' },
    body: { accept: true },
    outcome: 'ok',
  },
];

const forecasts: Example[] = [
  {
    route: 'POST /v1/demand-history',
    summary: 'What the brand’s spreadsheets know of earlier days; the same rows again replace themselves',
    as: 'ops',
    body: {
      rows: [
        { sku: 'strawberries', region: 'shanghai', date: '2026-11-20', units: 36 },
        { sku: 'strawberries', region: 'shanghai', date: '2026-11-21', units: 41, stockout: true },
      ],
    },
    outcome: 'ok',
    answer: { rows: 2 },
  },
  {
    route: 'GET /v1/suppliers/{supplierId}/forecasts',
    summary: 'What a supplier was told, newest first',
    as: 'ops',
    params: { supplierId: 'dandong-farm' },
    outcome: 'ok',
  },
  {
    route: 'POST /v1/supplier-forecasts/{forecastId}/answer',
    summary: 'The supplier confirms a day, or cuts it',
    as: 'ops',
    // the list above tells id and days
    params: { forecastId: 'f7q3m5k2d4' },
    body: { lines: [{ sku: 'strawberries', date: '2026-11-28', confirmed: 30 }] },
    outcome: 'ok',
  },
];

const byTheClock: Example[] = [
  { route: 'GET /v1/schedules', summary: 'What runs by the clock', as: 'ops', outcome: 'ok' },
  tell('trigger', 'Aggregate presale now', {}),
  tell('pause', 'Not during stocktaking', { reason: 'stocktaking until Monday 盘点' }),
  tell('unpause', 'Let it run again', { reason: 'stocktaking is over' }),
];

const afterTheShow: Example[] = [
  {
    route: 'GET /v1/live-sessions/{liveSessionId}/report',
    summary: 'What became of a show',
    as: 'host',
    params: { liveSessionId: 'show-7' },
    outcome: 'ok',
    answer: {
      liveSessionId: 'show-7',
      waitingList: {
        waited: 1,
        served: 0,
        paid: 0,
        left: 0,
        timedOut: 0,
        unservable: 0,
        inLine: 1,
        servedAfter: null,
      },
    },
  },
  {
    route: 'POST /v1/live-sessions/{liveSessionId}/report-links',
    summary: 'A link for people, good for some minutes',
    as: 'host',
    params: { liveSessionId: 'show-7' },
    body: { language: 'zh' },
    outcome: 'created',
  },
];

/** What comes before and after the selling: presale goods, forecasts, the clock, the report. */
export const planning: readonly Example[] = [...presale, ...forecasts, ...byTheClock, ...afterTheShow];
