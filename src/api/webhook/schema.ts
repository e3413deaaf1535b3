import { z } from 'zod';
import { eventTypes } from '../../domain/event/model';
import { pageQuery } from '../http/page';
import { answerInstant, distinct, idText } from '../http/schema';

/** A supplier's endpoint is named `supplier:<supplierId>`. */
export const endpointIdText = z
  .string()
  .regex(/^(supplier:)?[A-Za-z0-9._:-]{1,64}$/, 'an id: 1–64 of A–Z a–z 0–9 . _ : -');

export const endpointParams = z.strictObject({ endpointId: endpointIdText });
export const deliveryParams = z.strictObject({ endpointId: endpointIdText, deliveryId: idText });
export const supplierParams = z.strictObject({ supplierId: idText });

/** http or https; what addresses may be called is judged beside the schema. */
export const webhookUrl = z.url({ protocol: /^https?$/, error: 'an http(s) URL' }).max(500);

export const endpointBody = z.strictObject({
  url: webhookUrl,
  types: distinct(z.enum(eventTypes), eventTypes.length, 1)
    .optional()
    .meta({ description: 'Every type when left out.' }),
  channel: idText.optional().meta({
    description: 'Orders of this channel alone; the whole tenant when left out, which a channel key may not.',
  }),
});

export const endpointAnswer = z
  .object({
    endpointId: endpointIdText,
    url: z.string(),
    types: z.array(z.string()).optional(),
    channel: z.string().optional(),
    supplierId: z.string().optional(),
    liveSecrets: z.int().meta({ description: 'Nothing is sent while there is none.' }),
    pending: z.int(),
    failingSince: answerInstant.optional(),
    disabled: z.object({ at: answerInstant, because: z.enum(['failing', 'gone']) }).optional(),
  })
  .meta({ id: 'WebhookEndpoint' });

export const endpointsQuery = z.strictObject(pageQuery);

export const secretAnswer = z.object({
  secret: z.string().meta({ description: 'whsec_…; shown in this answer and never again.' }),
});

const deliveryStates = ['pending', 'delivered', 'failed'] as const;
export const deliveriesQuery = z.strictObject({ ...pageQuery, state: z.enum(deliveryStates).optional() });

export const deliveryAnswer = z
  .object({
    deliveryId: idText.meta({ description: 'The event’s id, and the webhook-id of every attempt.' }),
    type: z.string(),
    subject: z.string(),
    at: answerInstant,
    state: z.enum(deliveryStates),
    nextAttemptAt: answerInstant.optional(),
    attempts: z.array(
      z.object({
        number: z.int(),
        at: answerInstant,
        durationMs: z.int(),
        status: z.int().optional(),
        problem: z.string().optional(),
        nextAttemptAt: answerInstant.optional(),
      }),
    ),
  })
  .meta({ id: 'WebhookDelivery' });

export const resentAnswer = z.object({ deliveryId: idText, state: z.literal('pending') });
