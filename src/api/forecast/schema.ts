import { z } from 'zod';
import { forecastBases } from '../../domain/forecast/model';
import { languages } from '../../domain/tenant/model';
import { answerDate, answerInstant, date, idText, text, unitsOrNone } from '../http/schema';
import { pageQuery } from '../http/page';

const demandRow = z.strictObject({
  sku: idText,
  region: text(100),
  date,
  units: unitsOrNone,
  stockout: z.boolean().optional(),
});

/** A year of a few hundred SKUs in several regions goes in one body of 20 MB. */
const mostDemandRows = 200_000;

export const demandBody = z.strictObject({
  rows: z
    .array(demandRow)
    .min(1)
    .max(mostDemandRows)
    .superRefine(expectDistinct(['sku', 'region', 'date'])),
});
export const demandAnswer = z.object({ rows: z.int() }).meta({ id: 'DemandHistoryAnswer' });

const p = unitsOrNone.meta({ description: 'Units.' });
const basis = z.enum(forecastBases).meta({
  description:
    'history: from the series’ own days · pooled: from others of its category · none: nothing is known, and zero means nothing.',
});
const model = z.string();

export const forecastQuery = z.strictObject({
  sku: idText.optional(),
  region: text(100).optional(),
  ...pageQuery,
});
export const forecastPosition = z.object({ sku: idText, region: text(100), date });
export const forecastItem = z
  .object({
    sku: idText,
    region: z.string(),
    date: answerDate,
    p10: p,
    p50: p,
    p90: p,
    basis,
    madeAt: answerInstant,
    model,
  })
  .meta({ id: 'Forecast' });

export const supplierForecast = z
  .object({
    forecastId: idText,
    madeAt: answerInstant,
    lines: z.array(
      z.object({
        sku: idText,
        region: z.string(),
        date: answerDate,
        p10: p,
        p50: p,
        p90: p,
        presale: p.meta({
          description: 'Of each quantile: units that presale has promised from that day on.',
        }),
        basis,
        confirmed: p
          .optional()
          .meta({ description: 'The region’s share of what the supplier confirmed for SKU and day.' }),
      }),
    ),
  })
  .meta({ id: 'SupplierForecast' });

export const supplierForecastPosition = z.object({ madeAt: z.iso.datetime(), forecastId: idText });

export const answerBody = z.strictObject({
  lines: z
    .array(z.strictObject({ sku: idText, date, confirmed: unitsOrNone }))
    .min(1)
    .max(3000)
    .superRefine(expectDistinct(['sku', 'date'])),
});

export const csvQuery = z.strictObject({
  charset: z
    .enum(['utf-8', 'gbk'])
    .optional()
    .meta({ description: 'utf-8 (the default) begins with a byte order mark, for spreadsheets.' }),
  language: z.enum(languages).optional().meta({ description: 'Of the headings; default: the tenant’s.' }),
});

/** No two items that agree in these fields: which of the two would count? */
function expectDistinct<Field extends string>(fields: Field[]) {
  return (items: Record<Field, unknown>[], context: z.RefinementCtx): void => {
    const seen = new Set<string>();
    for (const [index, item] of items.entries()) {
      const key = JSON.stringify(fields.map((field) => item[field]));
      if (seen.has(key)) {
        context.addIssue({
          code: 'custom',
          path: [index],
          message: `one item per ${fields.join(', ')}`,
        });
      }
      seen.add(key);
    }
  };
}
