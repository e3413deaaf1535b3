import { z } from 'zod';
import { zones } from '../../domain/catalogue/model';
import { promiseOutcomes, spanKinds } from '../../domain/live/showFacts';
import { brokenKinds } from '../../domain/live/showVerdict';
import { orderStates } from '../../domain/order/model';
import { languages } from '../../report/words';
import { answerInstant, idText } from '../http/schema';

export const reportParams = z.strictObject({ liveSessionId: idText });

const language = z.enum(languages).optional();

export const reportQuery = z.strictObject({ format: z.enum(['json', 'html']).optional(), language });

export const linkQuery = z.strictObject({ token: z.string().max(2000).optional(), language });

export const linkBody = z.strictObject({ language }).meta({ id: 'NewReportLink' });

export const linkAnswer = z.object({ url: z.url(), expiresAt: answerInstant }).meta({ id: 'ReportLink' });

export const streamTokenBody = z.strictObject({}).meta({ id: 'NewStreamToken' });

export const streamTokenAnswer = z
  .object({ token: z.string(), expiresAt: answerInstant })
  .meta({ id: 'StreamToken' });

const count = z.int().min(0);
const signed = z.int();
const seconds = z.number().min(0);
const goods = { sku: idText, name: z.string() };
const perZone = Object.fromEntries(zones.map((name) => [name, count]));
const perOutcome = Object.fromEntries(promiseOutcomes.map((name) => [name, count]));
const back = { expired: count, released: count, uncommitted: count, soldAgain: count };
const tally = {
  opening: signed,
  arrived: count,
  sold: count,
  soldHere: count,
  waste: signed.meta({ description: 'everything else that changed what lies there; positive: gone' }),
  closing: signed,
};

const orders = z.object({
  placed: count,
  paid: count.meta({ description: 'ever paid, also late and also if refunded afterwards' }),
  byState: z.partialRecord(z.enum(orderStates), count),
  byChannel: z.array(z.object({ channel: z.string(), placed: count, paid: count, paidFen: count })),
  byDelivery: z.record(z.string(), count),
  unitsTaken: count,
  unitsKept: count,
});

const soldOut = z.object({
  ...goods,
  zone: z.enum(zones),
  taken: count,
  kept: count,
  gaps: z.array(z.object({ from: answerInstant, until: answerInstant.nullable() })),
  seconds,
});

const waitingList = z.object({
  waited: count.meta({ description: 'served + left + timedOut + unservable + inLine' }),
  served: count,
  paid: count.meta({ description: 'of those served' }),
  left: count.meta({ description: 'cancelled by the buyer or the shop before their turn' }),
  timedOut: count.meta({ description: 'cancelled when their wait was over' }),
  unservable: count.meta({ description: 'could not have been served whatever came free' }),
  inLine: count.meta({ description: 'still waiting' }),
  servedAfter: z
    .object({ p50: seconds, p95: seconds, longest: seconds })
    .nullable()
    .meta({ description: 'seconds in line; null while nobody was served' }),
});

const parcels = z.object({
  shipments: count,
  parcels: count,
  costFen: count,
  byCarrier: count,
  byLeader: count,
  byZone: z.object(perZone),
  bySite: z.array(z.object({ siteId: idText, name: z.string(), parcels: count, ...perZone })),
  ordersInSeveral: count,
  mixed: count.meta({ description: 'parcels that mix temperature zones; must be 0' }),
});

const promises = z.object({
  ...perOutcome,
  rate: z.number().min(0).max(1).nullable().meta({ description: 'kept, of the promises that have come due' }),
  slots: z.array(z.object({ slot: z.string(), ...perOutcome })),
  unkept: z.array(
    z.object({
      orderId: idText,
      channel: z.string(),
      externalId: z.string(),
      outcome: z.enum(['late', 'overdue', 'returned']),
      deliverBy: answerInstant,
      deliveredAt: answerInstant.nullable(),
      sites: z.array(idText),
      via: z.array(idText),
    }),
  ),
});

const latency = z.object({
  spans: z.array(
    z.object({
      kind: z.enum(spanKinds),
      count,
      p50: seconds,
      p90: seconds,
      p99: seconds,
      longest: seconds,
    }),
  ),
  paymentToPlan: z.array(z.object({ bucket: count, p50: seconds, p99: seconds })),
});

const attention = z.object({
  reason: z.string(),
  open: count,
  pastDeadline: count,
  cleared: count,
  decided: count,
  p50Minutes: z.number().nullable(),
  longestMinutes: z.number().nullable(),
});

const recount = z.object({
  movements: count,
  lots: count,
  oversold: count.meta({
    description: 'units promised beyond what was there, at the worst instant; must be 0',
  }),
  unbalanced: count.meta({ description: 'SKUs that do not add up; must be 0' }),
  total: z.object(tally),
  goods: z.array(z.object({ ...goods, difference: signed, ...tally })),
});

const refund = z.object({
  reason: z.string(),
  refunds: count,
  confirmed: count,
  amountFen: count,
  confirmedFen: count,
});

/** A session's report. `bucket` counts from `timeline.from` in steps of `bucketSeconds`. */
export const reportAnswer = z
  .object({
    liveSessionId: idText,
    madeAt: answerInstant,
    timeZone: z.string(),
    startedAt: answerInstant,
    countedUntil: answerInstant,
    verdict: z.object({
      broken: z.array(z.object({ kind: z.enum(brokenKinds), count })),
      unkept: count,
      open: count,
    }),
    orders,
    timeline: z.object({
      from: answerInstant,
      bucketSeconds: count,
      placed: z.array(count),
      paid: z.array(count),
    }),
    hot: z.array(
      z.object({ ...goods, zone: z.enum(zones), taken: count, before: count, sellable: z.array(count) }),
    ),
    soldOut: z.array(soldOut),
    comebacks: z.object({ ...back, goods: z.array(z.object({ ...goods, ...back })) }),
    waitingList,
    parcels,
    promises,
    latency,
    attention: z.array(attention),
    recount,
    money: z.object({ totalFen: count, paidFen: count, refundedFen: count, refunds: z.array(refund) }),
    lateMoney: z.array(z.object({ outcome: z.enum(['reheld', 'repromised', 'refunded']), orders: count })),
    presale: z.array(
      z.object({ campaignId: idText, ...goods, region: z.string(), held: count, paid: count, gone: count }),
    ),
  })
  .meta({ id: 'ShowReport' });
