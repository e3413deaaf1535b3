export interface PricedLine {
  unitPriceFen: number;
  quantity: number;
  discountFen: number;
}

export type OrderTotal =
  | { kind: 'total'; totalFen: number }
  | { kind: 'badLine'; index: number }
  | { kind: 'tooLarge' };

/**
 * Σ (unit price × quantity − discount) + freight, in fen. A discount larger than its line and a sum beyond the
 * safe integers are refused: money is never clipped or rounded.
 */
export function orderTotal(lines: PricedLine[], freightFen: number): OrderTotal {
  let totalFen = freightFen;
  for (const [index, line] of lines.entries()) {
    const grossFen = line.unitPriceFen * line.quantity;
    if (!Number.isSafeInteger(grossFen)) return { kind: 'tooLarge' };
    if (line.discountFen > grossFen) return { kind: 'badLine', index };
    totalFen += grossFen - line.discountFen;
  }
  return Number.isSafeInteger(totalFen) ? { kind: 'total', totalFen } : { kind: 'tooLarge' };
}
