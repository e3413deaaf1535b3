import type { DemandDay, DemandSeries } from '../../../src/domain/forecast/model';

/** Uniform in [0, 1), the same for the same seed (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

function drawNormal(random: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

/** Marsaglia and Tsang's gamma: mean 1, variance `spread` (at most 1). */
function drawGamma(random: () => number, spread: number): number {
  const d = 1 / spread - 1 / 3;
  for (;;) {
    const x = drawNormal(random);
    const v = (1 + x / Math.sqrt(9 * d)) ** 3;
    if (v > 0 && Math.log(1 - random()) < 0.5 * x * x + d - d * v + d * Math.log(v)) return d * v * spread;
  }
}

function drawPoisson(random: () => number, mean: number): number {
  if (mean > 200) return Math.max(0, Math.round(mean + Math.sqrt(mean) * drawNormal(random)));
  let count = 0;
  for (let product = random(); product > Math.exp(-mean); product *= random()) count += 1;
  return count;
}

export interface Truth {
  rate: number;
  dispersion: number;
  /** Relative to the mean, by weekday of the first day ahead. */
  weekdays: number[];
  /** Units on the shelf each morning; without, there is always enough. */
  shelf?: number;
  /** Whether it is known how long the shelf was empty. */
  timed?: boolean;
}

/** Demand of one day under the truth, mixed Poisson: the negative binomial by its own definition. */
export function drawDemand(random: () => number, truth: Truth, weekday: number): number {
  const mean = truth.rate * (truth.weekdays[weekday] as number);
  return drawPoisson(random, mean * drawGamma(random, truth.dispersion));
}

/** What is recorded of a day: at most the shelf, which sells evenly until it is empty. */
function recordDay(demand: number, { shelf, timed }: Truth): DemandDay {
  if (shelf === undefined || demand <= shelf) return { units: demand, stockout: false, missedShare: null };
  return { units: shelf, stockout: true, missedShare: timed ? 1 - shelf / demand : null };
}

/** A series of so many days under a known truth. */
export function drawSeries(
  random: () => number,
  truth: Truth,
  { name, days, category = 'fruit' }: { name: string; days: number; category?: string },
): DemandSeries {
  const drawn = Array.from({ length: days }, (_, index) => {
    const weekday = (((index - days) % 7) + 7) % 7;
    return recordDay(drawDemand(random, truth, weekday), truth);
  });
  return { sku: name, region: 'east', category, days: drawn };
}
