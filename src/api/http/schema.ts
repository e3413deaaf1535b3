import { z } from 'zod';
import { zones } from '../../domain/catalogue/model';

/** The pieces that the contract's schemas are made of. */
export const idText = z.string().regex(/^[A-Za-z0-9._:-]{1,64}$/, 'an id: 1–64 of A–Z a–z 0–9 . _ : -');
export const tenantText = z.string().regex(/^[A-Za-z0-9._-]{1,64}$/, 'a tenant: 1–64 of A–Z a–z 0–9 . _ -');
export const zone = z.enum(zones);

/** Text of 1 to `most` characters; a character is a code point, so that 鲜 and 🍓 count one each. */
export function text(most: number, least = 1) {
  return z
    .string()
    .refine((value) => [...value].length <= most, { error: `at most ${most} characters` })
    .refine((value) => [...value].length >= least, { error: `at least ${least} characters` })
    .meta({ minLength: least, maxLength: most });
}

/** A whole number within the safe integers; JSON's `-0` is refused: what wrote it has lost a sign. */
export function integer(least: number, most: number = Number.MAX_SAFE_INTEGER) {
  return z
    .int()
    .min(least)
    .max(most)
    .refine((value) => !Object.is(value, -0), { error: 'integer without a sign on zero' });
}

export const units = integer(1);
export const unitsOrNone = integer(0);
export const fen = integer(0);
/** Ten years: longer rules are typing errors. */
export const days = integer(0, 3650);

const largestLitres = 1_000_000_000;

/** Litres outside, whole millilitres inside; finer than a millilitre is refused. */
export const litres = z
  .number()
  .min(0)
  .max(largestLitres)
  .refine((value) => Math.round(value * 1000) / 1000 === value && !Object.is(value, -0), {
    error: 'litres, no finer than 0.001',
  });

export function millilitresOf(volumeLitres: number): number {
  return Math.round(volumeLitres * 1000);
}

export function litresOf(millilitres: number): number {
  return millilitres / 1000;
}

/** A calendar day between 1970 and 2999. */
export const date = z.iso
  .date({ error: 'a date, YYYY-MM-DD' })
  .refine((value) => value >= '1970-01-01' && value < '3000', { error: 'a date between 1970 and 2999' });

/** An instant, ISO 8601 with offset, kept as text. */
export const instantText = z.iso
  .datetime({ offset: true, error: 'an instant, ISO 8601 with offset' })
  .refine((value) => isReasonable(Date.parse(value)), { error: 'an instant between 1970 and 2999' });

export const instant = instantText.transform((value) => new Date(value));

function isReasonable(at: number): boolean {
  return at >= 0 && at < Date.UTC(3000, 0, 1);
}

export const localTime = z.string().regex(/^([01][0-9]|2[0-3]):[0-5][0-9]$/, 'a time of day, HH:MM');

export const location = z.strictObject({
  lat: z.number().min(-90).max(90),
  lng: z.number().min(-180).max(180),
});

export const celsius = z.number().min(-100).max(100);

/** A list without repeats. */
export function distinct<T extends z.ZodType<string>>(item: T, most: number, least = 0) {
  return z
    .array(item)
    .min(least)
    .max(most)
    .refine((items) => new Set(items).size === items.length, { error: 'no item twice' });
}

export const closedOn = distinct(date, 1000);

export const answerInstant = z.string().meta({ format: 'date-time', description: 'ISO 8601 with offset' });
export const answerDate = z.string().meta({ format: 'date' });

/** Where operations find a workflow. */
export const workflowLink = z.object({
  workflowId: z.string(),
  url: z.string().optional().meta({ description: 'Its page in the Temporal Web UI, where that is known.' }),
});
