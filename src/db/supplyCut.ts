import {
  planSupplyRisk,
  type PromisedUnits,
  type SupplyOfDay,
  type SupplyRisk,
} from '../domain/forecast/supplyRisk';
import { localDateOf } from '../domain/network/calendar';
import type { LocalDate } from '../domain/network/model';
import { readClock } from './admission.read';
import { clearAttention, raiseAttention } from './attention';
import { unconverted } from './holds';
import { supplierWords } from './supplierWords.read';
import type { TenantTx } from './transaction';

/** So many orders are named to the person; the count tells of the rest. */
const namedOrders = 50;

/** One writer of suppliers' words at a time per tenant, so that each review sees the word before it. */
export async function lockSupply(tx: TenantTx): Promise<void> {
  await tx.query('SELECT pg_advisory_xact_lock(hashtextextended($1, 0))', [`xianda supply ${tx.tenant}`]);
}

/**
 * Holds what suppliers have said against what presale has promised, SKU by SKU, and raises, renews or clears
 * `supplyCut`. One that a person has settled is raised again only when more is missing. Answers the number of SKUs
 * that are short. The caller holds `lockSupply`.
 */
export async function reviewSupply(tx: TenantTx, skus: readonly string[]): Promise<number> {
  let cut = 0;
  for (const [sku, { risk, suppliers }] of await readSupplyRisks(tx, skus)) {
    if (risk.shortUnits === 0) {
      await clearAttention(tx, 'supplyCut', sku);
      continue;
    }
    cut += 1;
    await raiseCut(tx, sku, { risk, suppliers });
  }
  return cut;
}

interface CutSku {
  risk: SupplyRisk;
  /** Who has said less than was asked. */
  suppliers: string[];
}

async function raiseCut(tx: TenantTx, sku: string, { risk, suppliers }: CutSku): Promise<void> {
  const detail = {
    sku,
    suppliers,
    shortUnits: risk.shortUnits,
    firstShortOn: risk.firstShortOn,
    orders: risk.orderIds.length,
    orderIds: risk.orderIds.slice(0, namedOrders),
  };
  const renewed = await tx.query(
    `UPDATE attention SET detail = $3 WHERE tenant = $1 AND reason = 'supplyCut' AND subject = $2 AND resolved_at IS NULL`,
    [tx.tenant, sku, JSON.stringify(detail)],
  );
  if (renewed.rowCount > 0) return;
  const { rows } = await tx.query<{ settled: boolean }>(
    `SELECT action = 'settle' AND (detail ->> 'shortUnits')::bigint >= $3 AS settled
       FROM attention WHERE tenant = $1 AND reason = 'supplyCut' AND subject = $2
      ORDER BY resolved_at DESC LIMIT 1`,
    [tx.tenant, sku, risk.shortUnits],
  );
  if (rows[0]?.settled) return;
  await raiseAttention(tx, { reason: 'supplyCut', subject: sku, detail });
}

/** Which orders each SKU's supply cannot keep, as things stand. */
export async function readSupplyRisks(tx: TenantTx, skus: readonly string[]): Promise<Map<string, CutSku>> {
  const { now, timeZone } = await readClock(tx);
  const today = localDateOf(now, timeZone);
  const promised = await readPromised(tx, skus);
  const words = await readWords(tx, skus, today);
  return new Map(
    skus.map((sku) => {
      const orders = promised.filter((order) => order.sku === sku);
      const ofSku = words.filter((word) => word.sku === sku);
      const supply = planSupply(ofSku, orders, today);
      const cutting = ofSku.filter(isCut).map((word) => word.supplierId);
      return [sku, { risk: planSupplyRisk(orders, supply), suppliers: [...new Set(cutting)].sort() }];
    }),
  );
}

type PromisedOfSku = PromisedUnits & { sku: string; wantedOn: LocalDate };

async function readPromised(tx: TenantTx, skus: readonly string[]): Promise<PromisedOfSku[]> {
  const { rows } = await tx.query<Omit<PromisedOfSku, 'paidAt'> & { paidAt: Date }>(
    `SELECT part.sku, o.order_id AS "orderId", sum(part.quantity)::bigint AS units, c.deliver_by AS "dueOn",
            c.deliver_from AS "wantedOn", o.paid_at AS "paidAt"
       FROM quota_hold q
       JOIN presale_campaign c USING (tenant, campaign_id)
       JOIN orders o USING (tenant, order_id)
       JOIN order_line l USING (tenant, order_id, line_id),
            jsonb_to_recordset(l.components) AS part(sku text, quantity bigint)
      WHERE q.tenant = $1 AND part.sku = ANY($2::text[]) AND ${unconverted}
      GROUP BY part.sku, o.order_id, c.deliver_by, c.deliver_from, o.paid_at`,
    [tx.tenant, skus],
  );
  return rows.map((row) => ({ ...row, paidAt: row.paidAt.getTime() }));
}

/** What one supplier was asked for a day, and its last word on it. */
interface SupplierWord {
  sku: string;
  supplierId: string;
  date: LocalDate;
  asked: number;
  /** Null: it has said nothing yet. */
  confirmed: number | null;
}

async function readWords(tx: TenantTx, skus: readonly string[], today: LocalDate): Promise<SupplierWord[]> {
  const { rows } = await tx.query<SupplierWord>(
    `SELECT sku, supplier_id AS "supplierId", date, asked, confirmed
       FROM (${supplierWords({ tenant: '$1', where: 'l.sku = ANY($2::text[]) AND l.date >= $3::date' })}) w`,
    [tx.tenant, skus, today],
  );
  return rows;
}

function isCut({ asked, confirmed }: SupplierWord): boolean {
  return confirmed !== null && confirmed < asked;
}

/** A day that nobody has cut brings at least what presale wants of it, also what was sold since the forecast. */
function planSupply(
  words: readonly SupplierWord[],
  orders: readonly PromisedOfSku[],
  today: LocalDate,
): SupplyOfDay[] {
  const days = new Map<LocalDate, { units: number; cut: boolean }>();
  for (const word of words) {
    const day = days.get(word.date) ?? { units: 0, cut: false };
    days.set(word.date, { units: day.units + (word.confirmed ?? word.asked), cut: day.cut || isCut(word) });
  }
  const wanted = (date: LocalDate) =>
    orders
      .filter((order) => (order.wantedOn < today ? today : order.wantedOn) === date)
      .reduce((units, order) => units + order.units, 0);
  return [...days].map(([date, { units, cut }]) => ({
    date,
    units: cut ? units : Math.max(units, wanted(date)),
  }));
}
