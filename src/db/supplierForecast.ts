import { horizonDays } from '../domain/forecast/model';
import { addDays, localDateOf } from '../domain/network/calendar';
import type { LocalDate } from '../domain/network/model';
import { readClock } from './admission.read';
import { emitEvent } from './event';
import { unconverted } from './holds';
import { computedId } from './order';
import { findSupplierForecast, readSupplierForecast, type SupplierForecast } from './supplierForecast.read';
import { lockSupply, reviewSupply } from './supplyCut';
import type { TenantTx } from './transaction';

export interface SupplierRun {
  supplierId: string;
  scheduleId: string;
  /** The scheduled time. */
  madeAt: Date;
}

/** Suppliers that deliver something, by id. */
export async function listSuppliersWithSkus(tx: TenantTx): Promise<string[]> {
  const { rows } = await tx.query<{ id: string }>(
    `SELECT supplier_id AS id FROM supplier WHERE tenant = $1 AND cardinality(skus) > 0 ORDER BY supplier_id COLLATE "C"`,
    [tx.tenant],
  );
  return rows.map((row) => row.id);
}

export interface Published {
  forecastId: string;
  lines: number;
  /** SKUs of which more is promised than will come. */
  cutSkus: number;
}

/**
 * Writes down what a supplier is sent of a run, tells it by an event, and looks again at what its word means for
 * presale; all under the supplier and the scheduled time, so that a second call changes nothing. Null: a newer run
 * has replaced this one's figures, and there is nothing left to send.
 */
export async function publishSupplierForecast(tx: TenantTx, run: SupplierRun): Promise<Published | null> {
  const forecastId = computedId('f', [tx.tenant, run.scheduleId, run.madeAt.toISOString(), run.supplierId]);
  await lockSupply(tx);
  const known = await findSupplierForecast(tx, forecastId);
  if (known === null && !(await insertForecast(tx, { ...run, forecastId }))) return null;
  const forecast = await readSupplierForecast(tx, { forecastId, madeAt: run.madeAt });
  if (known === null) {
    await emitEvent(tx, {
      type: 'forecast.published',
      subject: forecastId,
      supplierId: run.supplierId,
      data: forecast,
    });
  }
  const skus = [...new Set(forecast.lines.map((line) => line.sku))];
  return { forecastId, lines: forecast.lines.length, cutSkus: await reviewSupply(tx, skus) };
}

/** False when a newer run has replaced the figures. */
async function insertForecast(tx: TenantTx, run: SupplierRun & { forecastId: string }): Promise<boolean> {
  const { timeZone } = await readClock(tx);
  const firstDay = localDateOf(run.madeAt.getTime(), timeZone);
  const { rows } = await tx.query<{ newest: Date | null }>(
    'SELECT max(made_at) AS newest FROM forecast_run WHERE tenant = $1',
    [tx.tenant],
  );
  if ((rows[0]?.newest?.getTime() ?? 0) > run.madeAt.getTime()) return false;
  const { rowCount } = await tx.query(
    `INSERT INTO supplier_forecast (tenant, forecast_id, supplier_id, made_at, model)
     SELECT $1, $2, $3, $4, model FROM forecast_run WHERE tenant = $1 AND made_at = $4 AND schedule_id = $5`,
    [tx.tenant, run.forecastId, run.supplierId, run.madeAt, run.scheduleId],
  );
  if (rowCount === 0) throw new Error('the run has no forecasts yet');
  await tx.query(insertLines, [
    tx.tenant,
    run.forecastId,
    run.supplierId,
    run.madeAt,
    firstDay,
    addDays(firstDay, horizonDays - 1),
  ]);
  return true;
}

/** Presale is wanted from the campaign's first delivery day on, or now; a bundle's goods are its components. */
const presaleWanted = `
  SELECT part.sku, q.region, greatest(c.deliver_from, $5::date) AS date, sum(part.quantity)::bigint AS units
    FROM quota_hold q
    JOIN presale_campaign c USING (tenant, campaign_id)
    JOIN order_line l USING (tenant, order_id, line_id),
         jsonb_to_recordset(l.components) AS part(sku text, quantity bigint)
   WHERE q.tenant = $1 AND c.deliver_from <= $6::date AND ${unconverted}
   GROUP BY part.sku, q.region, greatest(c.deliver_from, $5::date)`;

const insertLines = `
  INSERT INTO supplier_forecast_line (tenant, forecast_id, sku, region, date, p10, p50, p90, presale, basis)
  SELECT f.tenant, $2, f.sku, f.region, f.date, f.p10 + coalesce(w.units, 0), f.p50 + coalesce(w.units, 0),
         f.p90 + coalesce(w.units, 0), coalesce(w.units, 0), f.basis
    FROM forecast f
    JOIN (SELECT unnest(skus) AS sku FROM supplier WHERE tenant = $1 AND supplier_id = $3
           UNION
          SELECT c.component_sku FROM supplier s JOIN sku_component c ON c.tenant = s.tenant AND c.sku = ANY (s.skus)
           WHERE s.tenant = $1 AND s.supplier_id = $3) delivered ON delivered.sku = f.sku
    LEFT JOIN (${presaleWanted}) w ON w.sku = f.sku AND w.region = f.region AND w.date = f.date
   WHERE f.tenant = $1 AND f.made_at = $4 AND f.date BETWEEN $5 AND $6`;

export interface AnsweredLine {
  sku: string;
  date: LocalDate;
  confirmed: number;
}

export type SupplierAnswer =
  | { kind: 'recorded'; forecast: SupplierForecast }
  | { kind: 'notFound' }
  /** Nothing is recorded when one line cannot be. */
  | { kind: 'unknownLine' | 'tooLate'; position: number; line: AnsweredLine };

/**
 * Records what a supplier will deliver, all lines or none; the last word for a SKU and day counts, and saying the
 * same again changes nothing. Until the day has begun the word may change; afterwards it stands. The plan follows in
 * the same step: a cut below what presale has promised is shown to a person, and a word that covers it again clears it.
 * `supplierId`: whose forecast it must be; null for the tenant's own people.
 */
export async function answerSupplierForecast(
  tx: TenantTx,
  answer: { forecastId: string; supplierId: string | null; lines: readonly AnsweredLine[]; actor: string },
): Promise<SupplierAnswer> {
  await lockSupply(tx);
  const head = await findSupplierForecast(tx, answer.forecastId);
  if (head === null || (answer.supplierId !== null && head.supplierId !== answer.supplierId))
    return { kind: 'notFound' };
  const refusal = await checkLines(tx, answer);
  if (refusal !== null) return refusal;
  await tx.query(
    `INSERT INTO supplier_answer (tenant, forecast_id, sku, date, confirmed, answered_by)
     SELECT $1, $2, sku, date, confirmed, $3 FROM unnest($4::text[], $5::date[], $6::bigint[]) AS a(sku, date, confirmed)
     ON CONFLICT (tenant, forecast_id, sku, date) DO UPDATE SET
       confirmed = excluded.confirmed, answered_at = clock_timestamp(), answered_by = excluded.answered_by
     WHERE supplier_answer.confirmed <> excluded.confirmed`,
    [
      tx.tenant,
      answer.forecastId,
      answer.actor,
      answer.lines.map((line) => line.sku),
      answer.lines.map((line) => line.date),
      answer.lines.map((line) => line.confirmed),
    ],
  );
  await reviewSupply(tx, [...new Set(answer.lines.map((line) => line.sku))]);
  return { kind: 'recorded', forecast: await readSupplierForecast(tx, head) };
}

async function checkLines(
  tx: TenantTx,
  { forecastId, lines }: { forecastId: string; lines: readonly AnsweredLine[] },
): Promise<SupplierAnswer | null> {
  const { now, timeZone } = await readClock(tx);
  const today = localDateOf(now, timeZone);
  const { rows } = await tx.query<{ known: boolean; before: number | null }>(
    `SELECT EXISTS (SELECT 1 FROM supplier_forecast_line l
                     WHERE l.tenant = $1 AND l.forecast_id = $2 AND l.sku = n.sku AND l.date = n.date) AS known,
            (SELECT confirmed FROM supplier_answer a
              WHERE a.tenant = $1 AND a.forecast_id = $2 AND a.sku = n.sku AND a.date = n.date) AS before
       FROM unnest($3::text[], $4::date[]) WITH ORDINALITY AS n(sku, date, position) ORDER BY n.position`,
    [tx.tenant, forecastId, lines.map((line) => line.sku), lines.map((line) => line.date)],
  );
  for (const [position, line] of lines.entries()) {
    const row = rows[position];
    if (!row?.known) return { kind: 'unknownLine', position, line };
    if (line.date < today && row.before !== line.confirmed) return { kind: 'tooLate', position, line };
  }
  return null;
}
