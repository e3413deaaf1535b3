import type { CategoryRule, Sku } from './model';

/** The rule in force for a SKU: its own value where it has one, else its category's. */
export function chooseRules(sku: Sku, category: CategoryRule | undefined): CategoryRule {
  return {
    holdMinutes: sku.holdMinutes ?? category?.holdMinutes,
    nearExpiryDays: sku.nearExpiryDays ?? category?.nearExpiryDays,
    presaleLeadDays: sku.presaleLeadDays ?? category?.presaleLeadDays,
    purchaseLimit: sku.purchaseLimit ?? category?.purchaseLimit,
    minimumRemainingLifeDays: sku.minimumRemainingLifeDays ?? category?.minimumRemainingLifeDays,
  };
}

/** Days of life a unit must still have on the hand-over day; without a rule it must not be past its date. */
export function minimumLifeDays(sku: Sku, category: CategoryRule | undefined): number {
  return chooseRules(sku, category).minimumRemainingLifeDays ?? 0;
}

/**
 * How long an order holds its stock: the shortest `holdMinutes` among its lines' SKUs, else the
 * installation's payment window. Milliseconds.
 */
export function holdMilliseconds(rules: CategoryRule[], paymentWindowSeconds: number): number {
  const minutes = rules.flatMap((rule) => (rule.holdMinutes === undefined ? [] : [rule.holdMinutes]));
  return minutes.length > 0 ? Math.min(...minutes) * 60_000 : paymentWindowSeconds * 1000;
}
