import type { DemandDay, DemandSeries } from '../domain/forecast/model';
import { missedShareOf } from '../domain/forecast/stockout';
import { addDays, daysBetween } from '../domain/network/calendar';
import type { LocalDate } from '../domain/network/model';
import type { TenantTx } from './transaction';

/** Eight weeks: enough for a weekday pattern, not so long that last season speaks. */
const windowDays = 56;

interface DemandRow {
  sku: string;
  region: string;
  date: LocalDate;
  units: number;
  stockout: boolean;
  imported: boolean;
}

/**
 * Shelf demand of the eight weeks before a day, for every SKU that a supplier delivers or that was asked for, in
 * every region of the tenant. A day is known when its orders were counted, or when the brand's sheets have it and know
 * the SKU by then (sheets leave out what did not sell); where nothing is recorded of a known day, nothing was asked
 * for.
 */
export async function readDemandSeries(tx: TenantTx, firstDay: LocalDate): Promise<DemandSeries[]> {
  const from = addDays(firstDay, -windowDays);
  const rows = await readRows(tx, from, firstDay);
  const known = await readKnownDays(tx, rows, { from, to: firstDay });
  const byCell = new Map<string, DemandRow[]>();
  for (const row of rows) {
    const cell = cellKey(row);
    byCell.set(cell, [...(byCell.get(cell) ?? []), row]);
  }
  const regions = await readRegions(tx, from);
  const skus = await readForecastSkus(tx, from);
  return skus.flatMap(({ sku, category }) => {
    const unrecorded = known.daysOf(sku);
    return regions.map((region) => {
      const days = [...unrecorded];
      for (const row of byCell.get(cellKey({ sku, region })) ?? []) {
        const index = daysBetween(from, row.date);
        days[index] = recordedDay(row, unrecorded[index] ?? null);
      }
      return { sku, region, category, days };
    });
  });
}

function cellKey({ sku, region }: { sku: string; region: string }): string {
  return `${sku} ${region}`;
}

/** An imported day brings its own word about stockouts; a counted one has the journal's. */
function recordedDay(row: DemandRow, counted: DemandDay | null): DemandDay {
  if (row.imported) return { units: row.units, stockout: row.stockout, missedShare: null };
  return {
    units: row.units,
    stockout: counted?.stockout ?? false,
    missedShare: counted?.missedShare ?? null,
  };
}

async function readRows(tx: TenantTx, from: LocalDate, to: LocalDate): Promise<DemandRow[]> {
  const { rows } = await tx.query<DemandRow>(
    `SELECT sku, region, date, units, stockout, source = 'import' AS imported
       FROM demand_day WHERE tenant = $1 AND date >= $2 AND date < $3`,
    [tx.tenant, from, to],
  );
  return rows;
}

/** What is known of a SKU's days where no row says more: nothing asked for, sold out, or (null) not known. */
async function readKnownDays(
  tx: TenantTx,
  demand: DemandRow[],
  { from, to }: { from: LocalDate; to: LocalDate },
): Promise<{ daysOf(sku: string): (DemandDay | null)[] }> {
  const counted = await tx.query<{ date: LocalDate }>(
    'SELECT date FROM demand_count WHERE tenant = $1 AND date >= $2 AND date < $3',
    [tx.tenant, from, to],
  );
  const stockouts = await tx.query<{ sku: string; date: LocalDate; minutes: number }>(
    `SELECT sku, date, missed_minutes AS minutes FROM stockout_day WHERE tenant = $1 AND date >= $2 AND date < $3`,
    [tx.tenant, from, to],
  );
  const quiet: DemandDay = { units: 0, stockout: false, missedShare: null };
  const base = new Array<DemandDay | null>(daysBetween(from, to)).fill(null);
  for (const { date } of counted.rows) base[daysBetween(from, date)] = quiet;
  const bySku = new Map<string, (DemandDay | null)[]>();
  const daysOf = (sku: string) => {
    let days = bySku.get(sku);
    if (!days) {
      days = [...base];
      bySku.set(sku, days);
    }
    return days;
  };
  for (const { sku, date, minutes } of stockouts.rows)
    daysOf(sku)[daysBetween(from, date)] = { units: 0, stockout: true, missedShare: missedShareOf(minutes) };
  const sheetDays = new Set(demand.filter((row) => row.imported).map((row) => row.date));
  for (const { sku, first } of await readFirstImports(tx)) {
    // what the brand says of a day outweighs a journal that may have begun after it
    for (const date of sheetDays) if (date >= first) daysOf(sku)[daysBetween(from, date)] = quiet;
  }
  return { daysOf };
}

async function readFirstImports(tx: TenantTx): Promise<{ sku: string; first: LocalDate }[]> {
  const { rows } = await tx.query<{ sku: string; first: LocalDate }>(
    `SELECT sku, min(date) AS first FROM demand_day WHERE tenant = $1 AND source = 'import' GROUP BY sku`,
    [tx.tenant],
  );
  return rows;
}

async function readRegions(tx: TenantTx, from: LocalDate): Promise<string[]> {
  const { rows } = await tx.query<{ region: string }>(
    `SELECT region FROM (SELECT region FROM community WHERE tenant = $1
        UNION SELECT region FROM presale_quota WHERE tenant = $1
        UNION SELECT region FROM demand_day WHERE tenant = $1 AND date >= $2) r ORDER BY region COLLATE "C"`,
    [tx.tenant, from],
  );
  return rows.map((row) => row.region);
}

async function readForecastSkus(tx: TenantTx, from: LocalDate): Promise<{ sku: string; category: string }[]> {
  const { rows } = await tx.query<{ sku: string; category: string }>(
    `SELECT k.sku, k.category FROM sku k
       JOIN (SELECT unnest(skus) AS sku FROM supplier WHERE tenant = $1
              UNION SELECT c.component_sku FROM supplier s JOIN sku_component c ON c.tenant = s.tenant AND c.sku = ANY(s.skus)
                     WHERE s.tenant = $1
              UNION SELECT sku FROM demand_day WHERE tenant = $1 AND date >= $2) wanted ON wanted.sku = k.sku
      WHERE k.tenant = $1 AND NOT EXISTS (SELECT 1 FROM sku_component c WHERE c.tenant = k.tenant AND c.sku = k.sku)
      ORDER BY k.sku COLLATE "C"`,
    [tx.tenant, from],
  );
  return rows;
}
