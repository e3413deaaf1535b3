import type { CategoryRule, SkuQuantity, Zone } from '../domain/catalogue/model';
import { lockPools } from './inventory';
import { type PutOutcome, stored } from './putOutcome';
import { Rollback, type TenantTx } from './transaction';

export interface SkuRecord extends CategoryRule {
  name: string;
  zone: Zone;
  temperature?: { min: number; max: number };
  handling: ('live' | 'shortLife')[];
  category: string;
  weightGrams: number;
  volumeMillilitres: number;
  priceFen: number;
  shelfLifeDays: number;
  safetyStock: number;
  gtin?: string;
  origin?: string;
  components: SkuQuantity[];
}

/**
 * Makes or replaces a SKU. Locks the pools of the SKU and its components first, so that two bundles that would
 * contain each other meet. Refuses another zone, or turning into a bundle, while it has stock or open holds.
 */
export async function putSku(tx: TenantTx, sku: string, record: SkuRecord): Promise<PutOutcome> {
  const parts = record.components.map((part) => part.sku);
  // what leaves a bundle as well: its version is left behind there, and must not rise meanwhile
  await lockPools(tx, [sku, ...parts, ...(await readParts(tx, sku))]);
  const refusal = (await checkComponents(tx, sku, parts)) ?? (await checkZone(tx, sku, record));
  if (refusal) return refusal;
  await upsertSku(tx, sku, record);
  // a SKU made just now had no pool to lock; whoever made it a component meanwhile is seen here
  await lockPools(tx, [sku]);
  const late = await checkComponents(tx, sku, parts);
  if (late) throw new Rollback<PutOutcome>(late);
  await replaceComponents(tx, sku, record.components);
  return stored;
}

async function readParts(tx: TenantTx, sku: string): Promise<string[]> {
  const { rows } = await tx.query<{ sku: string }>(
    'SELECT component_sku AS sku FROM sku_component WHERE tenant = $1 AND sku = $2',
    [tx.tenant, sku],
  );
  return rows.map((row) => row.sku);
}

async function checkComponents(tx: TenantTx, sku: string, parts: string[]): Promise<PutOutcome | null> {
  if (parts.length === 0) return null;
  const { rows } = await tx.query<{ sku: string | null; bundle: boolean }>(
    `SELECT k.sku, EXISTS (SELECT 1 FROM sku_component c WHERE c.tenant = $1 AND c.sku = k.sku) AS bundle
       FROM unnest($2::text[]) WITH ORDINALITY AS p(sku, position)
       LEFT JOIN sku k ON k.tenant = $1 AND k.sku = p.sku ORDER BY p.position`,
    [tx.tenant, parts],
  );
  for (const [index, row] of rows.entries()) {
    const at = { path: `components.${index}.sku`, id: parts[index] ?? '' };
    if (row.bundle || parts[index] === sku) return { kind: 'bundleInBundle', ...at };
    if (row.sku === null) return { kind: 'unknownReference', ...at };
  }
  const { rowCount } = await tx.query(
    'SELECT 1 FROM sku_component WHERE tenant = $1 AND component_sku = $2 LIMIT 1',
    [tx.tenant, sku],
  );
  return rowCount > 0 ? { kind: 'bundleInBundle', path: 'components', id: sku } : null;
}

async function checkZone(tx: TenantTx, sku: string, record: SkuRecord): Promise<PutOutcome | null> {
  const { rows } = await tx.query<{ zone: Zone; bundle: boolean; used: boolean }>(
    `SELECT zone,
            EXISTS (SELECT 1 FROM sku_component c WHERE c.tenant = $1 AND c.sku = $2) AS bundle,
            EXISTS (SELECT 1 FROM stock_balance b WHERE b.tenant = $1 AND b.sku = $2
                       AND (b.on_hand > 0 OR b.held > 0 OR b.committed > 0 OR b.quarantined > 0))
            OR EXISTS (SELECT 1 FROM hold h WHERE h.tenant = $1 AND h.sku = $2 AND h.remaining > 0)
            OR EXISTS (SELECT 1 FROM presale_campaign p JOIN presale_quota q USING (tenant, campaign_id)
                        WHERE p.tenant = $1 AND p.sku = $2 AND q.held + q.sold > 0) AS used
       FROM sku WHERE tenant = $1 AND sku = $2`,
    [tx.tenant, sku],
  );
  const before = rows[0];
  if (!before?.used) return null;
  if (before.zone !== record.zone)
    return { kind: 'inUse', because: 'the SKU has stock, open holds or presale orders in its zone' };
  const becomesBundle = record.components.length > 0 && !before.bundle;
  return becomesBundle
    ? { kind: 'inUse', because: 'the SKU has stock or open holds, and a bundle has none' }
    : null;
}

async function upsertSku(tx: TenantTx, sku: string, record: SkuRecord): Promise<void> {
  await tx.query(
    `INSERT INTO sku (tenant, sku, name, zone, temperature_min, temperature_max, handling, category, weight_grams,
                      volume_millilitres, price_fen, shelf_life_days, minimum_remaining_life_days, hold_minutes,
                      near_expiry_days, presale_lead_days, safety_stock, purchase_limit, gtin, origin,
                      unpaid_limit, scarce_hold_minutes, scarce_units)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23)
     ON CONFLICT (tenant, sku) DO UPDATE SET
       name = excluded.name, zone = excluded.zone, temperature_min = excluded.temperature_min,
       temperature_max = excluded.temperature_max, handling = excluded.handling, category = excluded.category,
       weight_grams = excluded.weight_grams, volume_millilitres = excluded.volume_millilitres,
       price_fen = excluded.price_fen, shelf_life_days = excluded.shelf_life_days,
       minimum_remaining_life_days = excluded.minimum_remaining_life_days, hold_minutes = excluded.hold_minutes,
       near_expiry_days = excluded.near_expiry_days, presale_lead_days = excluded.presale_lead_days,
       safety_stock = excluded.safety_stock, purchase_limit = excluded.purchase_limit, gtin = excluded.gtin,
       origin = excluded.origin, unpaid_limit = excluded.unpaid_limit,
       scarce_hold_minutes = excluded.scarce_hold_minutes, scarce_units = excluded.scarce_units`,
    [
      tx.tenant,
      sku,
      record.name,
      record.zone,
      record.temperature?.min ?? null,
      record.temperature?.max ?? null,
      record.handling,
      record.category,
      record.weightGrams,
      record.volumeMillilitres,
      record.priceFen,
      record.shelfLifeDays,
      record.minimumRemainingLifeDays ?? null,
      record.holdMinutes ?? null,
      record.nearExpiryDays ?? null,
      record.presaleLeadDays ?? null,
      record.safetyStock,
      record.purchaseLimit ?? null,
      record.gtin ?? null,
      record.origin ?? null,
      record.unpaidLimit ?? null,
      record.scarceHoldMinutes ?? null,
      record.scarceUnits ?? null,
    ],
  );
}

async function replaceComponents(tx: TenantTx, sku: string, components: SkuQuantity[]): Promise<void> {
  await tx.query('DELETE FROM sku_component WHERE tenant = $1 AND sku = $2', [tx.tenant, sku]);
  if (components.length === 0) return;
  await tx.query(
    `INSERT INTO sku_component (tenant, sku, component_sku, quantity)
     SELECT $1, $2, component, quantity FROM unnest($3::text[], $4::bigint[]) AS c(component, quantity)`,
    [tx.tenant, sku, components.map((part) => part.sku), components.map((part) => part.quantity)],
  );
}

/** Makes or replaces a category's rules. Open orders keep what they were promised. */
export async function putCategory(tx: TenantTx, category: string, rule: CategoryRule): Promise<PutOutcome> {
  await tx.query(
    `INSERT INTO category (tenant, category, hold_minutes, near_expiry_days, presale_lead_days, purchase_limit,
                           minimum_remaining_life_days, unpaid_limit, scarce_hold_minutes, scarce_units)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
     ON CONFLICT (tenant, category) DO UPDATE SET
       hold_minutes = excluded.hold_minutes, near_expiry_days = excluded.near_expiry_days,
       presale_lead_days = excluded.presale_lead_days, purchase_limit = excluded.purchase_limit,
       minimum_remaining_life_days = excluded.minimum_remaining_life_days, unpaid_limit = excluded.unpaid_limit,
       scarce_hold_minutes = excluded.scarce_hold_minutes, scarce_units = excluded.scarce_units`,
    [
      tx.tenant,
      category,
      rule.holdMinutes ?? null,
      rule.nearExpiryDays ?? null,
      rule.presaleLeadDays ?? null,
      rule.purchaseLimit ?? null,
      rule.minimumRemainingLifeDays ?? null,
      rule.unpaidLimit ?? null,
      rule.scarceHoldMinutes ?? null,
      rule.scarceUnits ?? null,
    ],
  );
  return stored;
}
