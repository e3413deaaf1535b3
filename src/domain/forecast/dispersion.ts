import type { Levels } from './level';
import { planPools } from './pools';
import { type WeekdayProfile, weekdayOf } from './weekdayProfile';

/** How much more than by chance demand strayed from what was expected so many days before. */
export interface Dispersion {
  /** 1 to 7 days ahead. */
  firstWeek: number;
  /** 8 days and more: never less. */
  later: number;
}

/** Before anything is known: a standard deviation of about 60 % of the mean. */
export const priorDispersion = 0.35;
/** The middle of each week of the horizon stands for all of it. */
const leads = { firstWeek: 4, later: 11 } as const;
/** Levels before it are still finding their place. */
const warmUpDays = 7;
/** So many squared expectations (of the pool's own mean size) of the wider pool stand beside a pool's own. */
const priorWeight = 30;

interface Errors {
  excess: number;
  squares: number;
  days: number;
}
type ErrorSums = Record<keyof typeof leads, Errors>;

export interface JudgedSeries extends Pick<Levels, 'before' | 'estimates'> {
  category: string;
  region: string;
  profile: WeekdayProfile;
}

/**
 * Dispersion pooled by category and region from the method's own errors: Σ((y − f)² − f) / Σ f², the moment estimate
 * of φ in μ + φ·μ², shrunk towards everybody's. f was made 4 (11) days before its day, so that what the level did
 * not know yet is part of the interval; of a day that sold out, y is what is believed of it, with its variance.
 */
export function planDispersion(judged: readonly JudgedSeries[]) {
  return planPools<ErrorSums, Dispersion, JudgedSeries>(judged, {
    empty: () => ({
      firstWeek: { excess: 0, squares: 0, days: 0 },
      later: { excess: 0, squares: 0, days: 0 },
    }),
    add(sums, series) {
      addErrors(sums.firstWeek, series, leads.firstWeek);
      addErrors(sums.later, series, leads.later);
    },
    summarise(sums, wider) {
      const firstWeek = shrink(sums.firstWeek, wider?.firstWeek ?? priorDispersion);
      return { firstWeek, later: Math.max(firstWeek, shrink(sums.later, wider?.later ?? priorDispersion)) };
    },
  });
}

function addErrors(sums: Errors, { profile, before, estimates }: JudgedSeries, lead: number): void {
  for (let index = warmUpDays + lead; index < estimates.length; index += 1) {
    const estimate = estimates[index];
    if (!estimate) continue;
    const share = profile[weekdayOf(index - estimates.length)] as number;
    const expected = (before[index - lead] as number) * share;
    sums.excess += (estimate.mean - expected) ** 2 + estimate.variance - expected;
    sums.squares += expected * expected;
    sums.days += 1;
  }
}

function shrink({ excess, squares, days }: Errors, wider: number): number {
  if (squares === 0) return wider;
  const weight = priorWeight * (squares / days);
  return Math.max(0, (excess + weight * wider) / (squares + weight));
}
