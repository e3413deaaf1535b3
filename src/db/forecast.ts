import type { SeriesForecast } from '../domain/forecast/model';
import type { TenantTx } from './transaction';

export interface ForecastRun {
  /** The scheduled time: the same time is the same run. */
  madeAt: Date;
  scheduleId: string;
  model: string;
}

/** Rows of one statement: more would not fit into comfortable memory. */
const rowsAtOnce = 20_000;

/** Whether the run was recorded before; a caller that finds it need not compute again. */
export async function isRunRecorded(tx: TenantTx, { madeAt, scheduleId }: ForecastRun): Promise<boolean> {
  const { rowCount } = await tx.query(
    'SELECT 1 FROM forecast_run WHERE tenant = $1 AND made_at = $2 AND schedule_id = $3',
    [tx.tenant, madeAt, scheduleId],
  );
  return rowCount > 0;
}

/**
 * Records a run once, under its scheduled time: the newest forecast of each day ahead stays, so that a run that comes
 * late replaces nothing newer. False when the run was recorded before; then nothing changes.
 */
export async function insertForecasts(
  tx: TenantTx,
  run: ForecastRun,
  forecasts: readonly SeriesForecast[],
): Promise<boolean> {
  const { rowCount } = await tx.query(
    `INSERT INTO forecast_run (tenant, made_at, schedule_id, model) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING`,
    [tx.tenant, run.madeAt, run.scheduleId, run.model],
  );
  if (rowCount === 0) return false;
  const rows = forecasts.flatMap(({ sku, region, basis, days }) =>
    days.map((day) => ({ sku, region, basis, ...day })),
  );
  for (let start = 0; start < rows.length; start += rowsAtOnce)
    await upsertRows(tx, run, rows.slice(start, start + rowsAtOnce));
  return true;
}

type ForecastRow = Pick<SeriesForecast, 'sku' | 'region' | 'basis'> & SeriesForecast['days'][number];

async function upsertRows(tx: TenantTx, run: ForecastRun, rows: ForecastRow[]): Promise<void> {
  await tx.query(
    `INSERT INTO forecast (tenant, sku, region, date, p10, p50, p90, basis, model, made_at)
     SELECT $1, sku, region, date, p10, p50, p90, basis, $2, $3
       FROM unnest($4::text[], $5::text[], $6::date[], $7::bigint[], $8::bigint[], $9::bigint[], $10::text[])
            AS f(sku, region, date, p10, p50, p90, basis)
     ON CONFLICT (tenant, sku, region, date) DO UPDATE SET
       p10 = excluded.p10, p50 = excluded.p50, p90 = excluded.p90, basis = excluded.basis, model = excluded.model,
       made_at = excluded.made_at
     WHERE forecast.made_at <= excluded.made_at`,
    [
      tx.tenant,
      run.model,
      run.madeAt,
      rows.map((row) => row.sku),
      rows.map((row) => row.region),
      rows.map((row) => row.date),
      rows.map((row) => row.p10),
      rows.map((row) => row.p50),
      rows.map((row) => row.p90),
      rows.map((row) => row.basis),
    ],
  );
}
