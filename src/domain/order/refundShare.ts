/** A line's price and how many units of its goods (a bundle's components counted one by one) it was sold with. */
export interface PricedGoods {
  lineId: string;
  unitPriceFen: number;
  quantity: number;
  discountFen: number;
  units: number;
}

/**
 * What part of the goods of some lines is worth, in fen: each line's price shared equally by its units and rounded
 * down, so that the shares of a line never add up to more than the line (I7). Freight is not shared. A bundle's
 * price is shared by count, not by the price of its parts: a whole line is exact, a part of a bundle is a rule.
 */
export function refundShareFen(lines: PricedGoods[], parts: { lineId: string; units: number }[]): number {
  let totalFen = 0;
  for (const line of lines) {
    const units = parts.reduce((sum, part) => sum + (part.lineId === line.lineId ? part.units : 0), 0);
    if (units === 0 || line.units === 0) continue;
    const lineFen = BigInt(line.unitPriceFen) * BigInt(line.quantity) - BigInt(line.discountFen);
    totalFen += Number((lineFen * BigInt(Math.min(units, line.units))) / BigInt(line.units));
  }
  return totalFen;
}
