import type { SeededRandom } from './random';

/** "三、二、一，上链接": the instants at which the host puts the next hot SKU on sale, in parts of the show. */
const momentParts = [0.08, 0.24, 0.4, 0.56, 0.72, 0.88];
/** How much of the audience waits for a moment; the rest buys when it likes. */
const burstShare = 0.6;
/** After a moment orders decay with this time constant. */
const burstDecayMs = 1_100;

export interface Arrival {
  atMs: number;
  /** The moment this buyer came for; undefined for those who just buy. */
  moment?: number;
}

export function momentTimes(durationMs: number): number[] {
  return momentParts.map((part) => Math.round(part * durationMs));
}

/**
 * When `count` buyers press the button, in order: a steady stream with one sharp burst after each moment. Nobody waits
 * for an answer to anybody else (open loop), as a real audience does not.
 */
export function planArrivals(
  { count, durationMs }: { count: number; durationMs: number },
  random: SeededRandom,
): Arrival[] {
  const moments = momentTimes(durationMs);
  const arrivals = Array.from({ length: count }, (_, index): Arrival => {
    if (index >= count * burstShare) return { atMs: random.next() * durationMs };
    const moment = index % moments.length;
    const delay = -Math.log(1 - random.next()) * burstDecayMs;
    return { atMs: Math.min(durationMs, (moments[moment] as number) + delay), moment };
  });
  return arrivals
    .map((arrival) => ({ ...arrival, atMs: Math.round(arrival.atMs) }))
    .sort((a, b) => a.atMs - b.atMs);
}
