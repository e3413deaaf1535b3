import { estimateDay } from './estimate';
import type { DemandDay } from './model';
import type { Moments } from './negativeBinomial';
import { type WeekdayProfile, weekdayOf } from './weekdayProfile';

/** What smoothing keeps of yesterday's evidence: α = 0.15, a mean age of about a week. */
const keep = 0.85;
/** The pool's rate weighs as much as so much of a day of a series' own: enough for a series that hardly has any. */
const priorDays = 0.25;

export interface LevelNeeds {
  days: readonly (DemandDay | null)[];
  profile: WeekdayProfile;
  /** Units a day of a typical series of the pool. */
  priorRate: number;
  dispersion: number;
}

export interface Levels {
  /** Units a day, weekday taken out, as known before each day; the last entry is the level after the last day. */
  before: Float64Array;
  /** What each day is believed to have asked for, under the level before it. */
  estimates: (Moments | null)[];
  /** From 0 to 1: how much of the last level is the series' own, the rest being its pool's. */
  ownShare: number;
}

/**
 * Simple exponential smoothing of demand per "typical day": evidence and exposure both decay by α, and their ratio is
 * shrunk towards the pool's rate (gamma–Poisson). Days that sold out enter as what they are expected to have asked
 * for under the level so far: the expectation step of the EM algorithm for censored counts, day by day.
 */
export function smoothLevels({ days, profile, priorRate, dispersion }: LevelNeeds): Levels {
  const before = new Float64Array(days.length + 1);
  const estimates: (Moments | null)[] = [];
  let units = 0;
  let exposure = 0;
  const level = () => (units + priorDays * priorRate) / (exposure + priorDays);
  days.forEach((day, index) => {
    const now = level();
    before[index] = now;
    const share = profile[weekdayOf(index - days.length)] as number;
    const estimate = estimateDay(day, { mean: now * share, dispersion });
    estimates.push(estimate);
    if (estimate === null) return;
    units = keep * units + estimate.mean;
    exposure = keep * exposure + share;
  });
  before[days.length] = level();
  return { before, estimates, ownShare: exposure / (exposure + priorDays) };
}
