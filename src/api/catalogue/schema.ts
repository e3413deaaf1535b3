import { z } from 'zod';
import {
  celsius,
  date,
  days,
  fen,
  idText,
  integer,
  litres,
  text,
  units,
  unitsOrNone,
  zone,
} from '../http/schema';

/** A month: a hold is meant to last minutes. */
const holdMinutes = integer(1, 43_200);

const rule = {
  holdMinutes: holdMinutes.optional(),
  nearExpiryDays: days.optional(),
  presaleLeadDays: days.optional(),
  purchaseLimit: units
    .optional()
    .meta({ description: 'Per buyer.ref and SKU within one live session, else one day.' }),
  minimumRemainingLifeDays: days.optional(),
  unpaidLimit: units
    .optional()
    .meta({ description: 'Units that one buyer of a channel may hold without having paid.' }),
  scarceHoldMinutes: holdMinutes
    .optional()
    .meta({ description: 'How long goods are held once they are scarce; never longer than otherwise.' }),
  scarceUnits: unitsOrNone.optional().meta({
    description: 'Scarce: no more than so many units are left to sell after the order. Without it, 0.',
  }),
};

export const categoryBody = z.strictObject(rule);
export const categoryAnswer = z.object({ category: idText, ...rule }).meta({ id: 'Category' });

/** A tonne and ten cubic metres: a thousand million of such goods still weigh and fill a safe integer. */
const weightGrams = integer(0, 1_000_000);
const volumeLitres = litres.max(10_000);

export const skuFields = {
  name: text(200),
  zone,
  temperature: z
    .strictObject({ min: celsius, max: celsius })
    .refine(({ min, max }) => min <= max, { error: 'min not above max' })
    .optional(),
  handling: z
    .array(z.enum(['live', 'shortLife']))
    .max(2)
    .optional(),
  category: idText,
  weightGrams,
  volumeLitres,
  priceFen: fen,
  shelfLifeDays: days,
  ...rule,
  safetyStock: unitsOrNone.optional(),
  gtin: z
    .string()
    .regex(/^\d{8,14}$/, '8 to 14 digits')
    .optional(),
  origin: text(200).optional(),
  components: z
    .array(z.strictObject({ sku: idText, quantity: integer(1, 1_000_000) }))
    .max(100)
    .refine((parts) => new Set(parts.map((part) => part.sku)).size === parts.length, {
      error: 'no component twice',
    })
    .optional(),
};

export const skuBody = z.strictObject(skuFields);
export type SkuBody = z.output<typeof skuBody>;
export const skuAnswer = z.object({ sku: idText, ...skuFields }).meta({ id: 'Sku' });

export const sellableQuery = z.strictObject({
  sku: z
    .union([idText, z.array(idText).min(1).max(200)], { error: '1 to 200 SKU ids' })
    .transform((value) => (typeof value === 'string' ? [value] : [...new Set(value)])),
});

export const sellableAnswer = z.object({
  at: z.iso.datetime(),
  items: z.array(
    z.object({
      sku: idText,
      sellable: unitsOrNone,
      presaleRemaining: unitsOrNone,
      nearestExpiry: date.nullable(),
    }),
  ),
});
