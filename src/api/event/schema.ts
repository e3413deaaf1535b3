import { z } from 'zod';
import type { EventType } from '../../domain/event/model';
import { attentionRules } from '../../domain/order/attention';
import { supplierForecast } from '../forecast/schema';
import { pageQuery } from '../http/page';
import { answerDate, answerInstant, fen, idText, text, unitsOrNone, zone } from '../http/schema';

/** What every event of an order says about it, as it stood when the event was published. Nothing says who the buyer is. */
const order = z.object({
  orderId: idText,
  channel: idText,
  externalId: text(128),
  state: z.string(),
  totalFen: fen,
  paidFen: fen,
  refundedFen: fen,
  expiresAt: answerInstant.optional(),
  liveSessionId: idText.optional(),
  promise: z.object({ shipBy: answerInstant, deliverBy: answerInstant }),
});

const shipment = z.object({
  shipmentId: idText,
  zone,
  siteId: idText,
  via: z.union([z.object({ carrierId: idText }), z.object({ leaderId: idText, pickupPointId: idText })]),
  parcels: z.array(
    z.object({
      parcelId: idText,
      waybillNo: z.string().optional(),
      weightGrams: unitsOrNone,
      lines: z.array(z.object({ lineId: idText, sku: idText, quantity: unitsOrNone })),
    }),
  ),
});

const refund = z.object({
  refundId: idText,
  amountFen: fen,
  transactionId: idText,
  heldBy: z
    .enum(['tenant', 'channel'])
    .meta({ description: 'channel: the channel is asked to pay it back.' }),
  state: z.enum(['requested', 'confirmed']),
});

const attention = z.object({ reason: z.enum(Object.keys(attentionRules) as [string, ...string[]]) });
const offerKind = z.enum(['laterDate', 'substitute', 'refund']);
const offers = z.array(
  z.object({
    offerId: idText,
    lineId: idText,
    kind: offerKind,
    deliverOn: answerDate.optional(),
    amountFen: fen.optional(),
    until: answerInstant,
  }),
);

const line = z.object({ lineId: idText, sku: idText, quantity: unitsOrNone });
const cancelledLine = line.extend({
  refundFen: fen
    .optional()
    .meta({ description: 'Left out when the order ends with the line: all of its money goes back then.' }),
});

/** The data of every type of event. The compiler refuses a type without. */
export const eventData = {
  'order.placed': order,
  'order.waiting': order.extend({ waiting: z.object({ until: answerInstant }) }),
  'order.promoted': order,
  'order.paid': order,
  'order.latePayment': order,
  'order.expired': order,
  'order.cancelled': order.extend({
    because: z.enum(['replacedByBuyer', 'waitEnded', 'cannotBeServed']).optional().meta({
      description: 'When the house ended it by itself: another order of the buyer, or its wait.',
    }),
    replacedBy: idText.optional().meta({ description: 'Of replacedByBuyer: the order that has its units.' }),
  }),
  'order.partlyCancelled': order.extend({ cancelledShipments: z.array(idText) }),
  'order.fulfilling': order,
  'order.shipped': order.extend({ shipment }),
  'order.delivered': order,
  'order.refundRequested': order.extend({ refund }),
  'order.refunded': order.extend({ refund }),
  'order.attention': order.extend({ attention }),
  'order.offer': order.extend({ offers }),
  'order.offerAnswered': order.extend({ line: line.extend({ offer: offerKind, accept: z.boolean() }) }),
  'order.repromised': order.extend({ line: line.extend({ deliverBy: answerInstant }) }),
  'order.lineCancelled': order.extend({ line: cancelledLine }),
  'order.goodsArrived': order.extend({ line: line.extend({ campaignId: idText }) }),
  'forecast.published': supplierForecast,
} satisfies Record<EventType, z.ZodType>;

const envelopes = Object.entries(eventData).map(([type, data]) =>
  z
    .object({
      specversion: z.literal('1.0'),
      id: idText.meta({ description: 'Also the webhook-id of every attempt and resend.' }),
      source: z.string().meta({ description: 'urn:xianda:<tenant>' }),
      type: z.literal(type),
      subject: idText.meta({ description: 'Id of the order or forecast it is about.' }),
      time: answerInstant,
      datacontenttype: z.literal('application/json'),
      data,
    })
    .meta({ id: `Event_${type.replace('.', '_')}` }),
);
type Envelope = (typeof envelopes)[number];

/** One CloudEvents 1.0 document; by webhook the very same is posted. */
export const eventAnswer = z
  .discriminatedUnion('type', envelopes as [Envelope, ...Envelope[]])
  .meta({ id: 'Event' });

export const eventsQuery = z.strictObject({
  ...pageQuery,
  type: z.enum(Object.keys(eventData) as [EventType, ...EventType[]]).optional(),
});

/** Unlike other lists the feed has no end: there is always a cursor, to come back with. */
export const eventsAnswer = z.object({ items: z.array(eventAnswer), nextCursor: z.string() });
