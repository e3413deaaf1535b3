import type { NamedSource } from './named.read';

/** A SKU as stored: `SkuRecord` with its id. */
export const skuSource: NamedSource = {
  table: 'sku',
  id: 'sku',
  json: `json_build_object('sku', t.sku, 'name', t.name, 'zone', t.zone,
    'temperature', CASE WHEN t.temperature_min IS NOT NULL
                        THEN json_build_object('min', t.temperature_min, 'max', t.temperature_max) END,
    'handling', t.handling, 'category', t.category, 'weightGrams', t.weight_grams,
    'volumeMillilitres', t.volume_millilitres, 'priceFen', t.price_fen, 'shelfLifeDays', t.shelf_life_days,
    'minimumRemainingLifeDays', t.minimum_remaining_life_days, 'holdMinutes', t.hold_minutes,
    'nearExpiryDays', t.near_expiry_days, 'presaleLeadDays', t.presale_lead_days, 'safetyStock', t.safety_stock,
    'purchaseLimit', t.purchase_limit, 'unpaidLimit', t.unpaid_limit, 'scarceHoldMinutes', t.scarce_hold_minutes,
    'scarceUnits', t.scarce_units, 'gtin', t.gtin, 'origin', t.origin,
    'components', (SELECT json_agg(json_build_object('sku', c.component_sku, 'quantity', c.quantity)
                                   ORDER BY c.component_sku)
                     FROM sku_component c WHERE c.tenant = t.tenant AND c.sku = t.sku))`,
};

export const categorySource: NamedSource = {
  table: 'category',
  id: 'category',
  json: `json_build_object('category', t.category, 'holdMinutes', t.hold_minutes, 'nearExpiryDays', t.near_expiry_days,
    'presaleLeadDays', t.presale_lead_days, 'purchaseLimit', t.purchase_limit,
    'minimumRemainingLifeDays', t.minimum_remaining_life_days, 'unpaidLimit', t.unpaid_limit,
    'scarceHoldMinutes', t.scarce_hold_minutes, 'scarceUnits', t.scarce_units)`,
};
