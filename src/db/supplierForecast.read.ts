import { shareConfirmed } from '../domain/forecast/confirmedShare';
import type { ForecastBasis } from '../domain/forecast/model';
import type { LocalDate } from '../domain/network/model';
import type { Language } from '../domain/tenant/model';
import { type Page, type Slice, sliceOf } from './page';
import type { TenantTx } from './transaction';

/** One line as the supplier is shown it. */
export interface SupplierForecastLine {
  sku: string;
  region: string;
  date: LocalDate;
  p10: number;
  p50: number;
  p90: number;
  /** Of the quantiles: promised to presale buyers from that day on. */
  presale: number;
  basis: ForecastBasis;
  /** The region's share of what the supplier confirmed for the SKU and day. */
  confirmed?: number;
}

export interface SupplierForecast {
  forecastId: string;
  madeAt: Date;
  lines: SupplierForecastLine[];
}

export interface SupplierForecastHead {
  forecastId: string;
  supplierId: string;
  madeAt: Date;
}

export interface SupplierForecastPosition {
  madeAt: string;
  forecastId: string;
}

/** Null when the tenant has no such forecast. */
export async function findSupplierForecast(
  tx: TenantTx,
  forecastId: string,
): Promise<SupplierForecastHead | null> {
  const { rows } = await tx.query<SupplierForecastHead>(
    `SELECT forecast_id AS "forecastId", supplier_id AS "supplierId", made_at AS "madeAt"
       FROM supplier_forecast WHERE tenant = $1 AND forecast_id = $2`,
    [tx.tenant, forecastId],
  );
  return rows[0] ?? null;
}

/** What a supplier was sent, newest first; null when the tenant has no such supplier. */
export async function listSupplierForecasts(
  tx: TenantTx,
  supplierId: string,
  page: Page<SupplierForecastPosition>,
): Promise<Slice<SupplierForecast, SupplierForecastPosition> | null> {
  const known = await tx.query('SELECT 1 FROM supplier WHERE tenant = $1 AND supplier_id = $2', [
    tx.tenant,
    supplierId,
  ]);
  if (known.rowCount === 0) return null;
  const { rows } = await tx.query<Omit<SupplierForecastHead, 'supplierId'>>(
    `SELECT forecast_id AS "forecastId", made_at AS "madeAt" FROM supplier_forecast
      WHERE tenant = $1 AND supplier_id = $2 AND ($3::timestamptz IS NULL OR (made_at, forecast_id) < ($3, $4))
      ORDER BY made_at DESC, forecast_id DESC LIMIT $5 + 1`,
    [tx.tenant, supplierId, page.after?.madeAt ?? null, page.after?.forecastId ?? null, page.limit],
  );
  const slice = sliceOf(rows, page.limit, {
    item: (row) => row,
    position: (row) => ({ madeAt: row.madeAt.toISOString(), forecastId: row.forecastId }),
  });
  const lines = await readLines(
    tx,
    slice.items.map((item) => item.forecastId),
  );
  const items = slice.items.map((item) => ({ ...item, lines: lines.get(item.forecastId) ?? [] }));
  return { items, next: slice.next };
}

/** A forecast with its lines, in the order of SKU, date and region. */
export async function readSupplierForecast(
  tx: TenantTx,
  { forecastId, madeAt }: Pick<SupplierForecastHead, 'forecastId' | 'madeAt'>,
): Promise<SupplierForecast> {
  const lines = await readLines(tx, [forecastId]);
  return { forecastId, madeAt, lines: lines.get(forecastId) ?? [] };
}

export type NamedLine = SupplierForecastLine & { name: string };

/** A forecast's lines with the names of their SKUs, and the language that the tenant's people read. */
export async function readNamedLines(
  tx: TenantTx,
  forecastId: string,
): Promise<{ lines: NamedLine[]; language: Language }> {
  const lines = (await readLines(tx, [forecastId])).get(forecastId) ?? [];
  const { rows } = await tx.query<{ language: Language; names: Record<string, string> }>(
    `SELECT t.language, (SELECT coalesce(json_object_agg(k.sku, k.name), '{}') FROM sku k
                          WHERE k.tenant = t.tenant AND k.sku = ANY($2::text[])) AS names
       FROM tenant t WHERE t.tenant = $1`,
    [tx.tenant, [...new Set(lines.map((line) => line.sku))]],
  );
  const { language = 'zh', names = {} } = rows[0] ?? {};
  return { lines: lines.map((line) => ({ ...line, name: names[line.sku] ?? '' })), language };
}

type LineRow = Omit<SupplierForecastLine, 'confirmed'> & { forecastId: string; confirmed: number | null };

async function readLines(tx: TenantTx, forecastIds: string[]): Promise<Map<string, SupplierForecastLine[]>> {
  const { rows } = await tx.query<LineRow>(
    `SELECT l.forecast_id AS "forecastId", l.sku, l.region, l.date, l.p10, l.p50, l.p90, l.presale, l.basis, a.confirmed
       FROM supplier_forecast_line l LEFT JOIN supplier_answer a USING (tenant, forecast_id, sku, date)
      WHERE l.tenant = $1 AND l.forecast_id = ANY($2::text[])
      ORDER BY l.forecast_id, l.sku COLLATE "C", l.date, l.region COLLATE "C"`,
    [tx.tenant, forecastIds],
  );
  const forecasts = new Map<string, SupplierForecastLine[]>();
  for (const group of groupByAnswer(rows)) {
    const lines = showConfirmed(group);
    const forecastId = group[0]?.forecastId ?? '';
    const known = forecasts.get(forecastId);
    if (known) known.push(...lines);
    else forecasts.set(forecastId, lines);
  }
  return forecasts;
}

/** The regions of one SKU and day stand together in the order of the rows. */
function groupByAnswer(rows: LineRow[]): LineRow[][] {
  const groups: LineRow[][] = [];
  for (const row of rows) {
    const group = groups.at(-1);
    const first = group?.[0];
    const same = first?.forecastId === row.forecastId && first.sku === row.sku && first.date === row.date;
    if (group && same) group.push(row);
    else groups.push([row]);
  }
  return groups;
}

function showConfirmed(group: LineRow[]): SupplierForecastLine[] {
  const confirmed = group[0]?.confirmed ?? null;
  const shares = confirmed === null ? null : shareConfirmed(confirmed, group);
  return group.map(({ forecastId: _, confirmed: __, ...line }, index) =>
    shares === null ? line : { ...line, confirmed: shares[index] as number },
  );
}
