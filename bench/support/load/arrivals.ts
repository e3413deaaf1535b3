/**
 * When the requests of an open loop are sent, in milliseconds from its start: `rate` a second on the whole, each at a
 * moment of its own, as independent buyers come (a Poisson process, given how many come). The same seed gives the
 * same crowd.
 */
export function drawArrivals({
  rate,
  seconds,
  seed,
}: {
  rate: number;
  seconds: number;
  seed: number;
}): Float64Array {
  const random = createRandom(seed);
  const span = seconds * 1000;
  return Float64Array.from({ length: Math.round(rate * seconds) }, () => random() * span).sort();
}

/** Mulberry32: small, good enough for moments, and the same on every machine. */
function createRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
