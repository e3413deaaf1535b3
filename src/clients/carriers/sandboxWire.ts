import { z } from 'zod';
import { wireId, wireInstant, wireTenant, wireUrl } from '../wire';

/** Why the carrier sandbox refuses. Anything else in an error's body is not read. */
export const carrierRefusalCode = z.enum([
  'cancelled',
  'idempotency-conflict',
  'refused',
  'unknown-booking',
  'unknown-waybill',
]);
export type CarrierRefusalCode = z.infer<typeof carrierRefusalCode>;

const zone = z.enum(['ambient', 'chilled', 'frozen', 'special']);
const location = z.strictObject({ lat: z.number().min(-90).max(90), lng: z.number().min(-180).max(180) });
const origin = z.strictObject({ siteId: wireId, location: location.optional() });
/** The only place where personal data leaves for the carrier: a label needs a name, a phone and a door. */
const recipient = z.strictObject({
  name: z.string().max(200).optional(),
  phone: z.string().max(50).optional(),
  address: z
    .strictObject({
      province: z.string().max(200),
      city: z.string().max(200),
      district: z.string().max(200),
      detail: z.string().max(1000),
    })
    .optional(),
});
const destination = z.strictObject({
  pickupPointId: wireId.optional(),
  location: location.optional(),
  recipient: recipient.optional(),
});

export const quoteRequest = z.strictObject({
  tenant: wireTenant,
  carrierId: wireId,
  zone,
  weightGrams: z.int().min(0),
  from: origin,
  to: z.strictObject({ location: location.optional() }),
});
export type QuoteRequest = z.infer<typeof quoteRequest>;

export const quoteAnswer = z.object({ costFen: z.int().min(0), transitDays: z.int().min(0) });
export type QuoteAnswer = z.infer<typeof quoteAnswer>;

export const bookingRequest = z.strictObject({
  /** The idempotency key, equal to the shipment's id: one shipment is booked once. */
  bookingId: wireId,
  tenant: wireTenant,
  carrierId: wireId,
  shipmentId: wireId,
  zone,
  parcels: z
    .array(z.strictObject({ parcelId: wireId, weightGrams: z.int().min(0) }))
    .min(1)
    .max(500),
  from: origin,
  to: destination,
  shipBy: wireInstant,
  deliverBy: wireInstant,
  callbackUrl: wireUrl,
});
export type BookingRequest = z.infer<typeof bookingRequest>;

export const waybill = z.object({ parcelId: wireId, waybillNo: wireId });
export type Waybill = z.infer<typeof waybill>;

export const bookingAnswer = z.object({
  bookingId: wireId,
  waybills: z.array(waybill),
  costFen: z.int().min(0).optional(),
});

export const cancelRequest = z.strictObject({ tenant: wireTenant });
export const cancelAnswer = z.object({ outcome: z.enum(['done', 'tooLate']) });

export const carrierEventKind = z.enum([
  'pickedUp',
  'inTransit',
  'atPickupPoint',
  'delivered',
  'failed',
  'returned',
]);
export type CarrierEventKind = z.infer<typeof carrierEventKind>;

/** The body of a carrier's event, as the HTTP contract has it: by shipment or by waybill. */
export interface CarrierEvent {
  eventId: string;
  tenant: string;
  shipmentId?: string;
  waybillNo?: string;
  kind: CarrierEventKind;
  at: string;
  place?: string;
  temperatureC?: number;
}

export const bookingView = z.object({
  bookingId: wireId,
  tenant: wireTenant,
  carrierId: wireId,
  zone,
  /** `booked` until the first event, then the latest event's kind; `cancelled` ends it before pick-up. */
  state: z.enum(['booked', 'cancelled', ...carrierEventKind.options]),
  costFen: z.int().min(0),
  waybills: z.array(waybill),
  events: z.array(z.object({ eventId: wireId, kind: carrierEventKind, at: wireInstant })),
});
export type BookingView = z.infer<typeof bookingView>;

export const bookingPage = z.object({ items: z.array(bookingView), nextCursor: z.string().nullable() });
