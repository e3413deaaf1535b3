import { z } from 'zod';
import { languages } from '../../domain/tenant/model';
import { tenantRoles } from '../http/auth';
import { answerInstant, idText, tenantText, text } from '../http/schema';

const timeZone = z.string().max(64).refine(isTimeZone, { error: 'an IANA time zone, such as Asia/Shanghai' });

export const tenantParams = z.strictObject({ tenant: tenantText });
const language = z.enum(languages);
export const tenantBody = z.strictObject({
  name: text(200),
  timeZone: timeZone.optional().meta({ description: 'Asia/Shanghai when left out.' }),
  language: language
    .optional()
    .meta({ description: 'Of what operations read in the Temporal Web UI; zh when left out.' }),
});
export const tenantAnswer = z
  .object({ tenant: tenantText, name: z.string(), timeZone: z.string(), language })
  .meta({ id: 'Tenant' });

/** A supplier's or leader's key names its owner; only a channel key may be bound to a channel. */
export const keyBody = z
  .strictObject({
    role: z.enum(tenantRoles),
    channel: idText.optional(),
    supplierId: idText.optional(),
    leaderId: idText.optional(),
  })
  .superRefine((key, context) => {
    const owners = { channel: 'channel', supplierId: 'supplier', leaderId: 'leader' } as const;
    for (const field of ['channel', 'supplierId', 'leaderId'] as const) {
      if (key[field] !== undefined && key.role !== owners[field]) {
        context.addIssue({
          code: 'custom',
          path: [field],
          message: `nothing for role ${key.role}`,
          input: key[field],
        });
      }
      if (key[field] === undefined && field !== 'channel' && key.role === owners[field]) {
        context.addIssue({
          code: 'custom',
          path: [field],
          message: `the key’s ${owners[field]}`,
          input: undefined,
        });
      }
    }
  });

export const newKeyAnswer = z.object({ keyId: idText, key: z.string().meta({ description: 'Shown once.' }) });
export const keyParams = z.strictObject({ tenant: tenantText, keyId: idText });
export const revokedAnswer = z.object({ keyId: idText, revokedAt: answerInstant });

export const keyAnswer = z.object({
  keyId: idText,
  role: z.enum(tenantRoles),
  prefix: z.string(),
  channel: idText.nullable(),
  supplierId: idText.nullable(),
  leaderId: idText.nullable(),
  createdAt: answerInstant,
  lastUsedAt: answerInstant.nullable(),
  revokedAt: answerInstant.nullable(),
});

function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return /^[A-Za-z]/.test(name);
  } catch {
    return false;
  }
}
