import type { Figure } from '../support/figures';

/** What a bench said in its last line. */
export interface Reading {
  bench: string;
  figures: Figure[];
}

/** The closing lines in a text, each bench by its name; of several runs the last one counts. */
export function readReadings(text: string): Map<string, Reading> {
  const lines = text.split('\n').filter((line) => line.startsWith('{"bench":'));
  return new Map(lines.map((line) => JSON.parse(line) as Reading).map((reading) => [reading.bench, reading]));
}

/** Figures that carry a number in their name: `ordersPerSecondAt64` is (64, its value), in the order of the numbers. */
export function pointsOf(reading: Reading | undefined, prefix: string): [at: number, value: number][] {
  const named = new RegExp(`^${prefix}(\\d+)$`);
  return (reading?.figures ?? [])
    .flatMap(({ name, value }): [number, number][] => {
      const at = named.exec(name)?.[1];
      return at === undefined ? [] : [[Number(at), value]];
    })
    .sort(([a], [b]) => a - b);
}
