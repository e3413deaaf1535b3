/** One measured value. Names and units are fixed: other programs read them. */
export interface Figure {
  name: string;
  value: number;
  unit: string;
  /** What the value has to reach. Absent: told for information. */
  bar?: number;
  ok?: boolean;
}

/** Which side of its bar a value has to lie on; `within` means that its size, whatever its sign, does not pass it. */
export type Demand = { atLeast: number } | { atMost: number } | { within: number } | { exactly: number };

/** A figure, rounded to what its unit can tell apart, and judged as it was measured. */
export function figure(
  name: string,
  measured: number,
  { unit, demand }: { unit: string; demand?: Demand },
): Figure {
  const value = round(measured);
  if (demand === undefined) return { name, value, unit };
  // a value that could not be measured (NaN) meets no demand
  if ('atLeast' in demand) return { name, value, unit, bar: demand.atLeast, ok: measured >= demand.atLeast };
  if ('atMost' in demand) return { name, value, unit, bar: demand.atMost, ok: measured <= demand.atMost };
  if ('exactly' in demand) return { name, value, unit, bar: demand.exactly, ok: measured === demand.exactly };
  return { name, value, unit, bar: demand.within, ok: Math.abs(measured) <= demand.within };
}

function round(value: number): number {
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2;
  return Number(value.toFixed(digits));
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  if (sorted.length % 2 === 1) return sorted[middle] as number;
  return ((sorted[middle - 1] ?? Number.NaN) + (sorted[middle] ?? Number.NaN)) / 2;
}

export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
