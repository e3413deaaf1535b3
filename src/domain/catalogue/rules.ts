import type { CategoryRule, Sku } from './model';

/** The rule in force for a SKU: its own value where it has one, else its category's. */
export function chooseRules(sku: Sku, category: CategoryRule | undefined): CategoryRule {
  return {
    holdMinutes: sku.holdMinutes ?? category?.holdMinutes,
    nearExpiryDays: sku.nearExpiryDays ?? category?.nearExpiryDays,
    presaleLeadDays: sku.presaleLeadDays ?? category?.presaleLeadDays,
    purchaseLimit: sku.purchaseLimit ?? category?.purchaseLimit,
    minimumRemainingLifeDays: sku.minimumRemainingLifeDays ?? category?.minimumRemainingLifeDays,
    unpaidLimit: sku.unpaidLimit ?? category?.unpaidLimit,
    scarceHoldMinutes: sku.scarceHoldMinutes ?? category?.scarceHoldMinutes,
    scarceUnits: sku.scarceUnits ?? category?.scarceUnits,
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

/** A line's rules, and the units of its SKU that would be left to sell after the order. */
export interface LineScarcity {
  rules: Pick<CategoryRule, 'scarceHoldMinutes' | 'scarceUnits'>;
  left: number;
}

/**
 * The hold of an order whose usual one is `usualMs`, when goods are scarce: the shortest `scarceHoldMinutes` among the
 * lines of whose SKU no more than `scarceUnits` would be left. Only ever shorter. Milliseconds.
 */
export function shortenHold(usualMs: number, lines: LineScarcity[]): number {
  const scarce = lines.flatMap(({ rules, left }) =>
    rules.scarceHoldMinutes === undefined || left > (rules.scarceUnits ?? 0)
      ? []
      : [rules.scarceHoldMinutes * 60_000],
  );
  return Math.min(usualMs, ...scarce);
}
