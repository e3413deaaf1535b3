import { z } from 'zod';
import { movementKinds } from '../../domain/inventory/model';
import { answerDate, answerInstant, date, idText, integer, text, unitsOrNone } from '../http/schema';
import { pageQuery } from '../http/page';

/** Far beyond any warehouse, and millions of such receipts still sum within the safe integers. */
const receivedUnits = integer(1, 1_000_000_000);

const receiptLot = z
  .strictObject({
    sku: idText,
    lotId: idText,
    quantity: receivedUnits,
    producedOn: date,
    expiresOn: date,
    origin: text(200).optional(),
    campaignId: idText.optional().meta({
      description:
        'The arrival of a presale campaign’s goods: reserved for it, and handed out to its paid orders.',
    }),
  })
  .refine((lot) => lot.producedOn <= lot.expiresOn, { error: 'not before producedOn', path: ['expiresOn'] });

export const receiptBody = z.strictObject({
  reference: text(128).meta({ description: 'One reference is received once.' }),
  siteId: idText,
  lots: z.array(receiptLot).min(1).max(1000),
});

export const receiptAnswer = z
  .object({
    reference: z.string(),
    siteId: idText,
    lots: z.array(z.object({ sku: idText, lotId: idText, quantity: z.int(), campaignId: idText.optional() })),
  })
  .meta({ id: 'Receipt' });

export const stockQuery = z.strictObject({ sku: idText.optional(), siteId: idText.optional(), ...pageQuery });

export const stockItem = z
  .object({
    sku: idText,
    siteId: idText,
    lotId: idText,
    expiresOn: answerDate,
    onHand: unitsOrNone,
    held: unitsOrNone,
    committed: unitsOrNone,
    quarantined: unitsOrNone,
    sellable: unitsOrNone,
  })
  .meta({ id: 'StockItem' });

export const stockPosition = z.object({ sku: idText, siteId: idText, lotId: idText });

export const movementQuery = z.strictObject({
  sku: idText.optional(),
  siteId: idText.optional(),
  lotId: idText.optional(),
  ...pageQuery,
});

const change = z.int().meta({ description: 'Change of the balance, negative when it falls.' });

export const movementItem = z
  .object({
    movementId: z.string(),
    at: answerInstant,
    kind: z.enum(movementKinds),
    sku: idText,
    siteId: idText,
    lotId: idText,
    onHand: change,
    held: change,
    committed: change,
    quarantined: change,
    cause: z.object({ kind: z.string(), id: z.string() }),
    actor: z.string(),
  })
  .meta({ id: 'StockMovement' });

/** `at` is the database's own text of an instant, to the microsecond: this list wrote it, and only that form passes. */
export const movementPosition = z.object({
  at: z
    .string()
    .regex(/^\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}(\.\d{1,6})?[+-]\d{2}(:\d{2}){0,2}$/)
    .refine((value) => !Number.isNaN(Date.parse(value.slice(0, 19).replace(' ', 'T')))),
  batchId: z.uuid(),
  position: z.int().min(0).max(2_147_483_647),
});
