import { z } from 'zod';
import { answerInstant, date, fen, idText, instant, text, units, unitsOrNone } from '../http/schema';

const quota = z.strictObject({ region: text(100), units: unitsOrNone });

const fields = {
  sku: idText,
  opensAt: instant,
  closesAt: instant,
  deliverFrom: date,
  deliverBy: date,
  quotas: z
    .array(quota)
    .min(1)
    .max(1000)
    .refine((quotas) => new Set(quotas.map((part) => part.region)).size === quotas.length, {
      error: 'one quota per region',
    }),
  priceFen: fen.optional(),
  minimumPerLeader: units.optional(),
};

export const campaignBody = z
  .strictObject(fields)
  .refine((body) => body.opensAt < body.closesAt, { error: 'later than opensAt', path: ['closesAt'] })
  .refine((body) => body.deliverFrom <= body.deliverBy, {
    error: 'not before deliverFrom',
    path: ['deliverBy'],
  });

export const campaignAnswer = z
  .object({
    campaignId: idText,
    ...fields,
    opensAt: answerInstant,
    closesAt: answerInstant,
    sold: z.array(z.object({ region: z.string(), units: z.int(), held: z.int() })).meta({
      description: 'Per region: units paid, and units held unpaid; disjoint.',
    }),
    plan: z
      .array(z.object({ region: z.string(), units: z.int(), low: z.int(), high: z.int(), purchaseBy: date }))
      .meta({ description: 'Purchase quantities by region; empty until demand is aggregated.' }),
    aggregatedAt: answerInstant.nullable(),
  })
  .meta({ id: 'PresaleCampaign' });
