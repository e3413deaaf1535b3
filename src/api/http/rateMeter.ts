/** How often something happens. */
export interface RateMeter {
  happened(): void;
  perSecond(): number;
}

/**
 * A rate that forgets: what happened `memoryMs` ago counts a third of what happens now. It needs no timer and no
 * window, and one that is left alone falls to zero by itself.
 */
export function createRateMeter({ memoryMs, now }: { memoryMs: number; now(): number }): RateMeter {
  let weight = 0;
  let at = now();

  function fade(): void {
    const instant = now();
    weight *= Math.exp((at - instant) / memoryMs);
    at = instant;
  }

  return {
    happened() {
      fade();
      weight += 1;
    },
    perSecond() {
      fade();
      return (weight * 1000) / memoryMs;
    },
  };
}
