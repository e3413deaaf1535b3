import type { Heat } from './heat';

/** How many starts of unpaid orders may go out now. */
export interface Patience {
  /** Whole starts that are allowed now, of at most `batch`. */
  allowed(batch: number): number;
  /** So many were taken, the one that waited longest for so many seconds. */
  took(starts: number, waitedSeconds: number): void;
}

/** While intake is hottest; then they go on, but cost next to nothing. */
const leastPerSecond = 2;
/** Faster than any machine starts them: no restriction. */
const mostPerSecond = 512;
/** A burst lasts a minute. What is hot for longer is no burst, and starts that have waited so long go as fast as all. */
const waitsOut = { fromSeconds: 45, toSeconds: 90 };

/**
 * Starts of unpaid orders make way while intake is hot: their holds are in PostgreSQL and end there without a workflow.
 * Never none at all, and not for long: an installation that is always hot starts them a minute late, and not less often.
 */
export function createPatience({
  heat,
  now = () => performance.now(),
}: {
  heat: Pick<Heat, 'level'>;
  now?: () => number;
}): Patience {
  let saved = 1;
  let savedAt = now();
  let waited = 0;

  function heatFelt(): number {
    const { fromSeconds, toSeconds } = waitsOut;
    const outwaited = Math.min(1, Math.max(0, (waited - fromSeconds) / (toSeconds - fromSeconds)));
    return heat.level * (1 - outwaited);
  }

  return {
    allowed(batch) {
      const perSecond = mostPerSecond * (leastPerSecond / mostPerSecond) ** heatFelt();
      saved = Math.min(batch, saved + ((now() - savedAt) * perSecond) / 1000);
      savedAt = now();
      return heatFelt() === 0 ? batch : Math.floor(saved);
    },
    took(starts, waitedSeconds) {
      saved = Math.max(0, saved - starts);
      waited = waitedSeconds;
    },
  };
}
