import type { EstimatedSeries } from './estimate';
import { planPools } from './pools';

/** How busy each day of the week is against the mean, 1 being the mean; index 0 is the weekday of the first day ahead. */
export type WeekdayProfile = readonly number[];

const daysOfWeek = 7;
/** So many units of the wider pool's pattern stand beside a pool's own: a few sales make no pattern of their own. */
const priorUnits = 200;

/** The weekday of a day `daysAhead` of the first one forecast; negative for the past. */
export function weekdayOf(daysAhead: number): number {
  return ((daysAhead % daysOfWeek) + daysOfWeek) % daysOfWeek;
}

/** Units asked for and units expected of an even week, per weekday. */
interface WeekdaySums {
  asked: number[];
  expected: number[];
}

/**
 * Weekday profiles pooled by category and region, each shrunk towards its category's, and that towards everybody's:
 * asked / expected, where a series expects its own mean on every day.
 */
export function planWeekdayProfiles(series: readonly EstimatedSeries[]) {
  return planPools<WeekdaySums, WeekdayProfile, EstimatedSeries>(series, {
    empty: () => ({ asked: even(0), expected: even(0) }),
    add: addSeries,
    summarise: (sums, wider) => shrink(sums, wider ?? even(1)),
  });
}

function even(value: number): number[] {
  return new Array<number>(daysOfWeek).fill(value);
}

function addSeries({ asked, expected }: WeekdaySums, { days }: EstimatedSeries): void {
  const known = days.filter((day) => day !== null);
  const mean = known.reduce((sum, day) => sum + day.mean, 0) / known.length;
  if (!(mean > 0)) return;
  days.forEach((day, index) => {
    if (day === null) return;
    const weekday = weekdayOf(index - days.length);
    asked[weekday] = (asked[weekday] as number) + day.mean;
    expected[weekday] = (expected[weekday] as number) + mean;
  });
}

function shrink({ asked, expected }: WeekdaySums, towards: WeekdayProfile): WeekdayProfile {
  const raw = towards.map(
    (prior, weekday) =>
      ((asked[weekday] as number) + priorUnits * prior) / ((expected[weekday] as number) + priorUnits),
  );
  const mean = raw.reduce((sum, each) => sum + each, 0) / daysOfWeek;
  return raw.map((each) => each / mean);
}
