import { z } from 'zod';
import { orderStates } from '../../domain/order/model';
import { offerKinds } from '../../domain/presale/offer';
import { shipmentView } from '../fulfilment/schema';
import { pageQuery } from '../http/page';
import {
  answerDate,
  answerInstant,
  fen,
  idText,
  instantText,
  location,
  text,
  units,
  unitsOrNone,
  workflowLink,
} from '../http/schema';

const supply = z.enum(['spot', 'presale']);

const line = z.strictObject({
  lineId: idText.optional().meta({ description: 'Its position, from "1", when left out.' }),
  sku: idText,
  quantity: units,
  unitPriceFen: fen.optional().meta({ description: 'What the shop charged; the SKU’s price when left out.' }),
  discountFen: fen.optional().meta({ description: 'Of the whole line.' }),
  supply: supply.optional(),
  campaignId: idText.optional(),
});

const address = z.strictObject({
  province: text(100),
  city: text(100),
  district: text(100),
  detail: text(500),
});

const buyer = z.strictObject({
  ref: text(128).meta({ description: 'The shop’s own name for the buyer; purchase limits count by it.' }),
  communityId: idText.optional(),
  pickupPointId: idText.optional(),
  name: text(100).optional(),
  phone: text(40).optional(),
  address: address.optional(),
  location: location.optional(),
});

const window = z
  .strictObject({ from: instantText, to: instantText })
  .refine(({ from, to }) => Date.parse(from) < Date.parse(to), { error: 'later than from', path: ['to'] });

const payment = z.strictObject({
  transactionId: idText,
  amountFen: fen,
  paidAt: instantText,
  heldBy: z.enum(['tenant', 'channel']),
});

export const orderBody = z
  .strictObject({
    channel: idText,
    externalId: text(128).meta({ description: 'The channel’s own order number, any text.' }),
    buyer,
    deliveryMethod: z.enum(['express', 'pickup', 'local']).optional(),
    window: window.optional(),
    lines: z.array(line).min(1).max(200),
    freightFen: fen.optional(),
    payment: payment.optional().meta({ description: 'The order comes already paid: it never expires.' }),
    notes: z.strictObject({ buyer: text(1000).optional(), seller: text(1000).optional() }).optional(),
    liveSessionId: idText.optional(),
    acceptLater: z
      .boolean()
      .optional()
      .meta({ description: 'If there is nothing to be had, wait in line instead of being refused.' }),
  })
  .meta({ id: 'NewOrder' });

const promise = z.object({ shipBy: answerInstant, deliverBy: answerInstant });

export const acceptedAnswer = z
  .object({
    orderId: idText,
    state: z.enum(['awaitingPayment', 'paid', 'waiting']),
    expiresAt: answerInstant
      .nullable()
      .meta({ description: 'Null when the order came already paid, and while it waits and holds nothing.' }),
    waiting: z
      .object({ until: answerInstant })
      .optional()
      .meta({ description: 'Of an order in state waiting: until when it stays in line.' }),
    totalFen: fen,
    lines: z.array(z.object({ lineId: idText, sku: idText, quantity: units, supply, unitPriceFen: fen })),
    promise: promise.meta({
      description:
        'Of a waiting order what it could expect if it were served now; the promise is made when it is.',
    }),
  })
  .meta({ id: 'AcceptedOrder' });

export const orderParams = z.strictObject({ orderId: idText });

const offerView = z.object({
  offerId: idText,
  kind: z.enum(offerKinds),
  detail: z.object({
    lineId: idText,
    sku: idText,
    quantity: units,
    promisedOn: answerDate,
    deliverOn: answerDate.optional().meta({ description: 'Of laterDate: the day offered.' }),
    amountFen: fen.optional().meta({
      description:
        'Of refund: the line’s worth. Freight goes back too when nothing else of the order is left.',
    }),
  }),
  until: answerInstant,
});

export const orderView = z
  .object({
    orderId: idText,
    channel: idText,
    externalId: z.string(),
    state: z.enum(orderStates),
    attention: z.object({ reason: z.string(), since: answerInstant }).nullable(),
    expiresAt: answerInstant.nullable(),
    totalFen: fen,
    paidFen: fen,
    refundedFen: fen,
    lines: z.array(
      z.object({
        lineId: idText,
        sku: idText,
        quantity: units,
        supply,
        unitPriceFen: fen,
        discountFen: fen,
        campaignId: idText.optional(),
      }),
    ),
    promise,
    waiting: z
      .object({
        until: answerInstant,
        ahead: unitsOrNone.optional().meta({ description: 'Of one order: how many are served before it.' }),
      })
      .optional()
      .meta({ description: 'Of an order in state waiting: its place in line.' }),
    latePayment: z
      .object({ outcome: z.enum(['reheld', 'repromised', 'refunded']), at: answerInstant })
      .optional(),
    shipments: z.array(shipmentView),
    offers: z.array(offerView).meta({ description: 'What needs the buyer’s word; silence is no consent.' }),
    timeline: z.array(z.object({ at: answerInstant, kind: z.string(), detail: z.unknown().optional() })),
    workflow: workflowLink.optional().meta({ description: 'To ops, of one order.' }),
  })
  .meta({ id: 'Order' });

export const ordersQuery = z.strictObject({
  state: z.enum(orderStates).optional(),
  channel: idText.optional(),
  externalId: text(128).optional(),
  ...pageQuery,
});

export const orderPosition = z.object({ micros: z.int().min(0), orderId: idText });

export const cancelBody = z.strictObject({ reason: text(500) });
export const cancelAnswer = z.object({ outcome: z.enum(['done', 'asking', 'tooLate']) });

export const offerParams = z.strictObject({ orderId: idText, offerId: idText });
export const offerBody = z.strictObject({ accept: z.boolean() });
export const offerAnswer = z.object({ orderId: idText, offerId: idText, accept: z.boolean() });
