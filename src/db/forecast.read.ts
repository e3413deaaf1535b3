import type { ForecastBasis } from '../domain/forecast/model';
import { localDateOf } from '../domain/network/calendar';
import type { LocalDate } from '../domain/network/model';
import { readClock } from './admission.read';
import { type Page, type Slice, sliceOf } from './page';
import type { TenantTx } from './transaction';

export interface ForecastItem {
  sku: string;
  region: string;
  date: LocalDate;
  p10: number;
  p50: number;
  p90: number;
  basis: ForecastBasis;
  madeAt: Date;
  model: string;
}

export interface ForecastPosition {
  sku: string;
  region: string;
  date: LocalDate;
}

/** The newest forecasts of today and the days ahead, by SKU, region and date. */
export async function listForecasts(
  tx: TenantTx,
  filter: { sku?: string; region?: string },
  page: Page<ForecastPosition>,
): Promise<Slice<ForecastItem, ForecastPosition>> {
  const { now, timeZone } = await readClock(tx);
  const { rows } = await tx.query<ForecastItem>(
    `SELECT sku, region, date, p10, p50, p90, basis, made_at AS "madeAt", model FROM forecast
      WHERE tenant = $1 AND date >= $2 AND ($3::text IS NULL OR sku = $3) AND ($4::text IS NULL OR region = $4)
        AND ($5::text IS NULL OR (sku, region, date) > ($5, $6, $7::date))
      ORDER BY sku, region, date LIMIT $8 + 1`,
    [
      tx.tenant,
      localDateOf(now, timeZone),
      filter.sku ?? null,
      filter.region ?? null,
      page.after?.sku ?? null,
      page.after?.region ?? null,
      page.after?.date ?? null,
      page.limit,
    ],
  );
  const position = ({ sku, region, date }: ForecastItem) => ({ sku, region, date });
  return sliceOf(rows, page.limit, { item: (row) => row, position });
}
