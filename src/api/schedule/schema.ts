import { z } from 'zod';
import { answerInstant, text } from '../http/schema';

/** A tenant of up to 64 characters, a colon, and the kind. */
export const scheduleIdText = z
  .string()
  .regex(/^[A-Za-z0-9._:-]{1,129}$/, 'an id: 1–129 of A–Z a–z 0–9 . _ : -');

export const scheduleParams = z.strictObject({ scheduleId: scheduleIdText });

export const triggerBody = z.strictObject({});

export const reasonBody = z.strictObject({
  reason: text(200).meta({ description: 'Shown beside the schedule in the Web UI. Never personal data.' }),
});

export const scheduleAnswer = z
  .object({
    scheduleId: z.string().meta({ examples: ['xiannong:presale-aggregation'] }),
    nextAt: answerInstant.nullable().meta({ description: 'Null while paused.' }),
    lastAt: answerInstant
      .nullable()
      .meta({ description: 'The instant that the last run stands for; null before the first.' }),
    paused: z.boolean(),
    note: z.string().meta({ description: 'Why it is paused, else what it does.' }),
  })
  .meta({ id: 'Schedule' });
