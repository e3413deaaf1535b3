import { z } from 'zod';
import { attentionActions, type AttentionReason, attentionRules } from '../../domain/order/attention';
import { pageQuery } from '../http/page';
import { answerInstant, idText, integer, text, workflowLink } from '../http/schema';

const reasons = Object.keys(attentionRules) as [AttentionReason, ...AttentionReason[]];

export const attentionQuery = z.strictObject({
  orderId: idText.optional(),
  reason: z.enum(reasons).optional(),
  ...pageQuery,
});

export const attentionItem = z
  .object({
    attentionId: idText,
    reason: z.enum(reasons),
    subject: z.string().meta({ description: 'What it is about: an order, a shipment, a transaction.' }),
    orderId: idText.optional(),
    shipmentId: idText.optional(),
    owner: z.enum(['ops', 'warehouse', 'finance', 'platform']),
    deadline: answerInstant,
    since: answerInstant,
    detail: z.record(z.string(), z.unknown()),
    actions: z.array(z.enum(attentionActions)),
    workflow: workflowLink
      .optional()
      .meta({ description: 'That of the refund or the order, where there is one.' }),
  })
  .meta({ id: 'Attention' });

export const attentionPosition = z.object({ micros: z.int(), attentionId: z.uuid() });

export const attentionParams = z.strictObject({ attentionId: idText });

const scalar = z.union([text(2000, 0), integer(Number.MIN_SAFE_INTEGER), z.boolean()]);

export const resolveBody = z.strictObject({
  action: z.enum(attentionActions),
  detail: z
    .union([text(2000), z.record(text(100), scalar)], {
      error: 'text, or an object of texts, integers and booleans',
    })
    .optional()
    .meta({ description: 'How it was settled, or why. Never personal data.' }),
});

export const resolvedAnswer = z.object({ attentionId: idText, action: z.enum(attentionActions) });
