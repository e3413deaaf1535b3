/** Latencies as they cross from one process to another. */
export interface LatencyCounts {
  counts: number[];
  mostMs: number;
}

/** Within an octave the steps are 1/64 of it: a percentile is told with an error of at most 1.6 %. */
const stepsPerOctave = 64;
const leastMs = 0.001;

/**
 * Latencies counted in steps that grow with them: a million of them take a few kilobytes, and those of several
 * processes can be added up, which percentiles cannot.
 */
export interface Latencies {
  record(ms: number): void;
  add(other: LatencyCounts): void;
  count(): number;
  /** The latency that the share `part` (0.99) of all did not pass; NaN when there are none. */
  percentile(part: number): number;
  counts(): LatencyCounts;
}

export function createLatencies(): Latencies {
  const counts: number[] = [];
  let total = 0;
  let mostMs = 0;
  const note = (step: number, times: number) => {
    while (counts.length <= step) counts.push(0);
    (counts[step] as number) += times;
    total += times;
  };
  return {
    record(ms) {
      note(stepOf(ms), 1);
      if (ms > mostMs) mostMs = ms;
    },
    add(other) {
      for (const [step, times] of other.counts.entries()) if (times > 0) note(step, times);
      mostMs = Math.max(mostMs, other.mostMs);
    },
    count: () => total,
    percentile(part) {
      if (total === 0) return Number.NaN;
      let left = Math.max(1, Math.ceil(total * part));
      for (const [step, times] of counts.entries()) {
        left -= times;
        if (left <= 0) return Math.min(endOf(step), mostMs);
      }
      return mostMs;
    },
    counts: () => ({ counts: [...counts], mostMs }),
  };
}

function stepOf(ms: number): number {
  return ms <= leastMs ? 0 : Math.ceil(Math.log2(ms / leastMs) * stepsPerOctave);
}

function endOf(step: number): number {
  return leastMs * 2 ** (step / stepsPerOctave);
}
