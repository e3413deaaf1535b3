import { z } from 'zod';
import { shipmentRanks } from '../../domain/fulfilment/model';
import { pageQuery } from '../http/page';
import {
  answerDate,
  answerInstant,
  celsius,
  fen,
  idText,
  instantText,
  text,
  tenantText,
  units,
  zone,
} from '../http/schema';

const states = [...shipmentRanks, 'cancelled'] as const;

const lots = z.array(
  z.object({ lineId: idText, sku: idText, lotId: idText, quantity: units, expiresOn: answerDate }),
);

const shipmentFields = {
  shipmentId: idText,
  zone,
  siteId: idText,
  via: z.union([z.object({ carrierId: idText }), z.object({ leaderId: idText, pickupPointId: idText })]),
  state: z.enum(states),
  costFen: fen,
  lots,
  parcels: z.array(
    z.object({ parcelId: idText, waybillNo: z.string().optional(), weightGrams: z.int().optional(), lots }),
  ),
  events: z.array(z.object({ at: answerInstant, kind: z.string(), place: z.string().optional() })),
};

/** A shipment within its order. */
export const shipmentView = z.object(shipmentFields).meta({ id: 'OrderShipment' });

export const listedShipment = z
  .object({ orderId: idText, ...shipmentFields, shipBy: answerInstant, deliverBy: answerInstant })
  .meta({ id: 'Shipment' });

export const shipmentsQuery = z.strictObject({
  state: z.enum(states).optional(),
  siteId: idText.optional(),
  leaderId: idText.optional(),
  ...pageQuery,
});

export const shipmentPosition = z.object({ micros: z.int().min(0), shipmentId: idText });

export const shipmentParams = z.strictObject({ shipmentId: idText });

export const eventBody = z.strictObject({
  eventId: idText,
  kind: z.enum(['picking', 'packed', 'pickedUp', 'atPickupPoint', 'delivered', 'failed', 'returned']),
  at: instantText,
  parcelId: idText.optional(),
  temperatureC: celsius.optional(),
  note: text(1000).optional(),
});

export const eventAnswer = z.object({
  shipmentId: idText,
  eventId: idText,
  state: z.enum(states).optional().meta({ description: 'The shipment’s state after a new event.' }),
});

export const carrierParams = z.strictObject({ carrierId: idText });

/** A carrier's own words: fields that we do not know are let through. */
export const carrierEventBody = z
  .object({
    eventId: idText,
    tenant: tenantText,
    shipmentId: idText.optional(),
    waybillNo: idText.optional(),
    kind: z.enum(['pickedUp', 'inTransit', 'atPickupPoint', 'delivered', 'failed', 'returned']),
    at: instantText,
    place: text(200, 0).optional(),
    temperatureC: celsius.optional(),
  })
  .refine((event) => event.shipmentId !== undefined || event.waybillNo !== undefined, {
    error: 'this or waybillNo',
    path: ['shipmentId'],
  });
