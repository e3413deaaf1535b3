import { z } from 'zod';

/** Media type of a CloudEvents 1.0 event in structured mode: the envelope and the data are one JSON document. */
export const cloudEventType = 'application/cloudevents+json';

/**
 * The envelope of every event that leaves the house, by webhook or by `GET /v1/events`, in the words of CloudEvents
 * 1.0. `id` is also the `webhook-id`; `data` is described type by type in docs/integrating.md.
 */
export const eventEnvelope = z.object({
  specversion: z.literal('1.0'),
  id: z.string().min(1),
  /** `urn:xianda:<tenant>` */
  source: z.string().min(1),
  /** `order.shipped`, `forecast.published` … */
  type: z.string().min(1),
  /** The id of what it is about: an order, a forecast. */
  subject: z.string().min(1),
  time: z.iso.datetime({ offset: true }),
  datacontenttype: z.literal('application/json'),
  data: z.record(z.string(), z.unknown()),
});
export type EventEnvelope = z.infer<typeof eventEnvelope>;

interface WhatHappened {
  tenant: string;
  eventId: string;
  type: string;
  subject: string;
  at: Date;
  data: Record<string, unknown>;
}

/** The same event gives the same document, byte by byte, in every attempt and in the feed. */
export function envelopeOf({ tenant, eventId, type, subject, at, data }: WhatHappened): EventEnvelope {
  return {
    specversion: '1.0',
    id: eventId,
    source: `urn:xianda:${tenant}`,
    type,
    subject,
    time: at.toISOString(),
    datacontenttype: 'application/json',
    data,
  };
}
