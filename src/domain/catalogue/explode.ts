import type { Sku, SkuQuantity } from './model';

/** The real goods behind `quantity` units of a SKU: itself, or its components multiplied (one level deep). */
export function explode(sku: Sku, quantity: number): SkuQuantity[] {
  if (sku.components.length === 0) return [{ sku: sku.sku, quantity }];
  return sku.components.map((part) => ({ sku: part.sku, quantity: part.quantity * quantity }));
}

/** Adds up repeated SKUs, sorted by SKU: demand is summed before it is tested (I13). */
export function sumBySku(parts: SkuQuantity[]): SkuQuantity[] {
  const totals = new Map<string, number>();
  for (const part of parts) totals.set(part.sku, (totals.get(part.sku) ?? 0) + part.quantity);
  return [...totals].map(([sku, quantity]) => ({ sku, quantity })).sort((a, b) => (a.sku < b.sku ? -1 : 1));
}
