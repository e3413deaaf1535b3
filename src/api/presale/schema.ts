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

const counted = { units: z.int(), low: z.int(), high: z.int() };
const plannedRegion = z.object({ region: z.string(), ...counted, purchaseBy: date });

const purchase = z.object({
  sku: idText,
  supplierId: idText.optional().meta({ description: 'Absent when no supplier lists the SKU.' }),
  units: z.int(),
  purchaseBy: date,
  regions: z.array(z.object({ region: z.string(), units: z.int() })),
});

const supply = z.object({
  sku: idText,
  supplierId: idText,
  date,
  asked: z.int().meta({ description: 'p50 over all regions, with what presale has promised.' }),
  confirmed: z.int().optional().meta({ description: 'Absent while the supplier has not answered.' }),
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
    arrival: z.object({ reserved: unitsOrNone, waiting: unitsOrNone, offered: unitsOrNone }).meta({
      description:
        'Goods that came: units still in reserve, units paid for that wait for theirs, lines whose buyers are asked.',
    }),
    plan: z.array(plannedRegion).meta({
      description:
        'By region, as of aggregatedAt: units that will have been sold at the close, with their 80 % interval, and the day to buy them by. Empty before the first aggregation.',
    }),
    purchase: z.array(purchase).meta({
      description:
        'The purchase that follows, in real goods (a gift box is bought as its components), in whole cases; regions sum to it.',
    }),
    supply: z.array(supply).meta({
      description:
        'What suppliers were asked to bring of the campaign’s goods on its delivery days, and their last word on it.',
    }),
    aggregatedAt: answerInstant.nullable().meta({ description: 'Everything paid before it counts.' }),
  })
  .meta({ id: 'PresaleCampaign' });

export const campaignParams = z.strictObject({ campaignId: idText });

export const aggregationAnswer = z
  .object({
    scheduledAt: answerInstant.meta({ description: 'The tick it stands for.' }),
    aggregatedAt: answerInstant.meta({ description: 'Everything paid before it counts.' }),
    madeAt: answerInstant.meta({ description: 'When it was written: later, if the tick was caught up.' }),
    regions: z.array(
      z.object({
        region: z.string(),
        quota: z.int(),
        committed: z.int(),
        held: z.int(),
        ...counted,
      }),
    ),
    purchase: z.array(purchase),
  })
  .meta({ id: 'PresaleAggregation' });
