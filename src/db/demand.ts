import { judgeStockout, slotMinutes, type SiteAtDawn, type SlotChange } from '../domain/forecast/stockout';
import { addDays, daysBetween, endOfDay, instantOf, localDateOf } from '../domain/network/calendar';
import type { LocalDate } from '../domain/network/model';
import { readClock } from './admission.read';
import type { TenantTx } from './transaction';

/** The region of orders whose buyer's region could not be told. */
const unassignedRegion = 'unassigned';
/** Orders are still paid late or cancelled for days: so many finished days are counted again each time. */
const recountDays = 7;
/** A tenant that was never counted, or not for long, is counted back so far; a forecast looks no further. */
const longestLookBackDays = 60;

/**
 * The finished days before an instant that are to be counted, oldest first: those never counted since the tenant's
 * first order, and the last seven again.
 */
export async function findDaysToCount(tx: TenantTx, before: Date): Promise<LocalDate[]> {
  const { timeZone } = await readClock(tx);
  const today = localDateOf(before.getTime(), timeZone);
  const { rows } = await tx.query<{ first: Date | null; counted: LocalDate[] }>(
    `SELECT (SELECT min(created_at) FROM orders WHERE tenant = $1) AS first,
            ARRAY(SELECT date FROM demand_count WHERE tenant = $1 AND date >= $2::date - $3::integer) AS counted`,
    [tx.tenant, today, longestLookBackDays],
  );
  const first = rows[0]?.first;
  if (!first) return [];
  const counted = new Set(rows[0]?.counted);
  const lookBack = Math.min(longestLookBackDays, daysBetween(localDateOf(first.getTime(), timeZone), today));
  return Array.from({ length: Math.max(0, lookBack) }, (_, index) => addDays(today, index - lookBack)).filter(
    (day) => !counted.has(day) || day >= addDays(today, -recountDays),
  );
}

/**
 * Counts a finished day: units ordered by SKU and region (bundles as their components; what ran out unpaid was no
 * demand), and which SKUs could not be bought for a while. Counting again gives the same, or what has become of the
 * day's orders since. Imported rows stay.
 */
export async function countDemandDay(tx: TenantTx, date: LocalDate): Promise<void> {
  const { timeZone } = await readClock(tx);
  const day = {
    date,
    from: new Date(instantOf(date, '00:00', timeZone)),
    to: new Date(endOfDay(date, timeZone)),
  };
  // the row's lock lets two runs count one day after the other
  await tx.query(
    `INSERT INTO demand_count (tenant, date) VALUES ($1, $2)
     ON CONFLICT (tenant, date) DO UPDATE SET counted_at = clock_timestamp()`,
    [tx.tenant, date],
  );
  await countOrders(tx, day);
  await countStockouts(tx, day);
}

interface FinishedDay {
  date: LocalDate;
  from: Date;
  to: Date;
}

async function countOrders(tx: TenantTx, { date, from, to }: FinishedDay): Promise<void> {
  await tx.query(`DELETE FROM demand_day WHERE tenant = $1 AND date = $2 AND source = 'orders'`, [
    tx.tenant,
    date,
  ]);
  await tx.query(
    `INSERT INTO demand_day (tenant, sku, region, date, units, presale_units, source)
     SELECT o.tenant, part.sku, coalesce(o.region, $5), $2::date,
            coalesce(sum(part.quantity) FILTER (WHERE l.supply = 'spot'), 0),
            coalesce(sum(part.quantity) FILTER (WHERE l.supply = 'presale'), 0), 'orders'
       FROM orders o JOIN order_line l USING (tenant, order_id),
            jsonb_to_recordset(l.components) AS part(sku text, quantity bigint)
      WHERE o.tenant = $1 AND o.created_at >= $3 AND o.created_at < $4
        AND (o.paid_at IS NOT NULL OR o.state IN ('awaitingPayment', 'waiting'))
      GROUP BY o.tenant, part.sku, coalesce(o.region, $5)
     ON CONFLICT (tenant, sku, region, date) DO NOTHING`,
    [tx.tenant, date, from, to, unassignedRegion],
  );
}

async function countStockouts(tx: TenantTx, day: FinishedDay): Promise<void> {
  const sites = groupBySku(await readDawn(tx, day));
  const changes = groupBySku(await readChanges(tx, day));
  const { rows } = await tx.query<{ sku: string; safety_stock: number }>(
    `SELECT sku, safety_stock FROM sku k WHERE tenant = $1
        AND NOT EXISTS (SELECT 1 FROM sku_component c WHERE c.tenant = k.tenant AND c.sku = k.sku)`,
    [tx.tenant],
  );
  const missed = rows.flatMap(({ sku, safety_stock }) => {
    const { stockout, missedMinutes } = judgeStockout({
      sites: sites.get(sku) ?? [],
      changes: changes.get(sku) ?? [],
      safetyStock: safety_stock,
    });
    return stockout ? [{ sku, missedMinutes }] : [];
  });
  await tx.query('DELETE FROM stockout_day WHERE tenant = $1 AND date = $2', [tx.tenant, day.date]);
  await tx.query(
    `INSERT INTO stockout_day (tenant, date, sku, missed_minutes)
     SELECT $1, $2, sku, minutes FROM unnest($3::text[], $4::integer[]) AS m(sku, minutes)`,
    [tx.tenant, day.date, missed.map((each) => each.sku), missed.map((each) => each.missedMinutes)],
  );
}

/** Free units of usable lots when the day began: today's balances with every movement since taken back. */
async function readDawn(
  tx: TenantTx,
  { date, from }: FinishedDay,
): Promise<(SiteAtDawn & { sku: string })[]> {
  const { rows } = await tx.query<SiteAtDawn & { sku: string }>(
    `SELECT sku, b.site_id AS "siteId", s.safety_stock AS "safetyStock", sum(free)::bigint AS free
       FROM (SELECT b.sku, b.site_id, b.on_hand - b.held - b.committed - b.quarantined AS free
               FROM stock_balance b JOIN lot USING (tenant, sku, lot_id) WHERE b.tenant = $1 AND lot.expires_on > $2
              UNION ALL
             SELECT m.sku, m.site_id, m.held + m.committed + m.quarantined - m.on_hand
               FROM stock_movement m JOIN lot USING (tenant, sku, lot_id)
              WHERE m.tenant = $1 AND m.at >= $3 AND lot.expires_on > $2) b
       JOIN site s ON s.tenant = $1 AND s.site_id = b.site_id
      GROUP BY sku, b.site_id, s.safety_stock`,
    [tx.tenant, date, from],
  );
  return rows;
}

async function readChanges(
  tx: TenantTx,
  { date, from, to }: FinishedDay,
): Promise<(SlotChange & { sku: string })[]> {
  const { rows } = await tx.query<SlotChange & { sku: string }>(
    `SELECT m.sku, m.site_id AS "siteId", floor(extract(epoch FROM m.at - $3::timestamptz) / $5)::integer AS slot,
            sum(m.on_hand - m.held - m.committed - m.quarantined)::bigint AS delta
       FROM stock_movement m JOIN lot USING (tenant, sku, lot_id)
      WHERE m.tenant = $1 AND m.at >= $3 AND m.at < $4 AND lot.expires_on > $2
      GROUP BY 1, 2, 3 HAVING sum(m.on_hand - m.held - m.committed - m.quarantined) <> 0`,
    [tx.tenant, date, from, to, slotMinutes * 60],
  );
  return rows;
}

function groupBySku<T extends { sku: string }>(rows: T[]): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const row of rows) {
    const group = groups.get(row.sku);
    if (group) group.push(row);
    else groups.set(row.sku, [row]);
  }
  return groups;
}

export interface DemandRow {
  sku: string;
  region: string;
  date: LocalDate;
  units: number;
  stockout: boolean;
}

export type DemandImport =
  | { kind: 'stored' }
  /** The first row, by its place, that cannot be: nothing was stored. */
  | { kind: 'unknownSku' | 'bundle' | 'notFinished'; position: number; row: DemandRow };

/**
 * Stores history that a brand brings along, all rows or none; a row again replaces the one before, and stands
 * whatever is counted from orders. Refuses SKUs that do not exist, bundles (their components are what is
 * forecast), and days that are not over.
 */
export async function importDemand(tx: TenantTx, rows: readonly DemandRow[]): Promise<DemandImport> {
  const refusal = await checkRows(tx, rows);
  if (refusal !== null) return refusal;
  await tx.query(
    `INSERT INTO demand_day (tenant, sku, region, date, units, stockout, source)
     SELECT $1, sku, region, date, units, stockout, 'import'
       FROM unnest($2::text[], $3::text[], $4::date[], $5::bigint[], $6::boolean[]) AS d(sku, region, date, units, stockout)
      ORDER BY sku COLLATE "C", region COLLATE "C", date
     ON CONFLICT (tenant, sku, region, date) DO UPDATE SET
       units = excluded.units, stockout = excluded.stockout, source = 'import'`,
    [
      tx.tenant,
      rows.map((row) => row.sku),
      rows.map((row) => row.region),
      rows.map((row) => row.date),
      rows.map((row) => row.units),
      rows.map((row) => row.stockout),
    ],
  );
  return { kind: 'stored' };
}

async function checkRows(tx: TenantTx, rows: readonly DemandRow[]): Promise<DemandImport | null> {
  const { now, timeZone } = await readClock(tx);
  const today = localDateOf(now, timeZone);
  const known = await tx.query<{ sku: string; bundle: boolean }>(
    `SELECT sku, EXISTS (SELECT 1 FROM sku_component c WHERE c.tenant = k.tenant AND c.sku = k.sku) AS bundle
       FROM sku k WHERE tenant = $1 AND sku = ANY($2::text[])`,
    [tx.tenant, [...new Set(rows.map((row) => row.sku))]],
  );
  const isBundle = new Map(known.rows.map((row) => [row.sku, row.bundle]));
  for (const [position, row] of rows.entries()) {
    if (!isBundle.has(row.sku)) return { kind: 'unknownSku', position, row };
    if (isBundle.get(row.sku)) return { kind: 'bundle', position, row };
    if (row.date >= today) return { kind: 'notFinished', position, row };
  }
  return null;
}
