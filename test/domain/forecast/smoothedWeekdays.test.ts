import fc from 'fast-check';
import type { DemandDay, DemandSeries } from '../../../src/domain/forecast/model';
import { smoothedWeekdays } from '../../../src/domain/forecast/smoothedWeekdays';
import { addDays } from '../../../src/domain/network/calendar';
import { drawDemand, drawSeries, seeded, type Truth } from './series';

const firstDay = '2026-11-02';
const week = [1.4, 1.2, 0.8, 0.7, 0.8, 0.9, 1.2];
const forecast = (series: DemandSeries[], horizonDays = 14) =>
  smoothedWeekdays.forecast({ firstDay, horizonDays, series });

const someDays = fc.array(
  fc.option(
    fc.record({
      units: fc.nat(2000),
      stockout: fc.boolean(),
      missedShare: fc.option(fc.double({ min: 0.05, max: 1, noNaN: true })),
    }),
    { freq: 6 },
  ),
  { maxLength: 40 },
);
const someSeries = fc
  .array(
    fc.record({
      days: someDays,
      category: fc.constantFrom('fruit', 'meat'),
      region: fc.constantFrom('east', 'west'),
    }),
    { maxLength: 8 },
  )
  .map((list) => list.map((each, index): DemandSeries => ({ sku: `sku-${index}`, ...each })));

test('whole units, p10 ≤ p50 ≤ p90, one entry a day of the horizon', () => {
  fc.assert(
    fc.property(someSeries, fc.integer({ min: 1, max: 20 }), (series, horizonDays) => {
      const answers = forecast(series, horizonDays);
      expect(answers.map((each) => each.sku)).toEqual(series.map((each) => each.sku));
      for (const { days } of answers) {
        expect(days.map((day) => day.date)).toEqual(
          Array.from({ length: horizonDays }, (_, ahead) => addDays(firstDay, ahead)),
        );
        for (const { p10, p50, p90 } of days) {
          expect([p10, p50, p90].every((each) => Number.isSafeInteger(each) && each >= 0)).toBe(true);
          expect(p10 <= p50 && p50 <= p90).toBe(true);
        }
      }
    }),
  );
});

test('the same history gives the same forecast, and a longer horizon only adds days', () => {
  fc.assert(
    fc.property(someSeries, (series) => {
      const whole = forecast(series);
      expect(forecast(structuredClone(series))).toEqual(whole);
      const short = forecast(series, 5);
      expect(short.map((each) => each.days)).toEqual(whole.map((each) => each.days.slice(0, 5)));
    }),
  );
});

test('the order of the series does not matter', () => {
  fc.assert(
    fc.property(someSeries, (series) => {
      const others = new Map(forecast([...series].reverse()).map((each) => [each.sku, each]));
      for (const each of forecast(series)) {
        const other = others.get(each.sku);
        expect(other?.basis).toBe(each.basis);
        // sums in another order may differ in the last bit, and a quantile then by one
        each.days.forEach((day, index) => {
          expect(Math.abs(day.p50 - (other?.days[index]?.p50 ?? -9))).toBeLessThanOrEqual(1);
        });
      }
    }),
  );
});

const always = (units: number, days = 28): (DemandDay | null)[] =>
  Array.from({ length: days }, () => ({ units, stockout: false, missedShare: null }));

test('no history at all: zero, and said so', () => {
  const [answer] = forecast([
    { sku: 'new', region: 'east', category: 'fruit', days: always(0).map(() => null) },
  ]);
  expect(answer?.basis).toBe('none');
  expect(answer?.days.every((day) => day.p10 === 0 && day.p50 === 0 && day.p90 === 0)).toBe(true);
});

test('a new SKU gets its pool’s rate, with a wider interval than its neighbours', () => {
  const known = [8, 10, 12].map((units, index) => ({
    sku: `known-${index}`,
    region: 'east',
    category: 'fruit',
    days: always(units),
  }));
  const answers = forecast([...known, { sku: 'new', region: 'east', category: 'fruit', days: [] }]);
  const [neighbour, newcomer] = [answers[1], answers[3]];
  expect(newcomer?.basis).toBe('pooled');
  expect(newcomer?.days[0]?.p50).toBeGreaterThanOrEqual(5);
  expect(newcomer?.days[0]?.p50).toBeLessThanOrEqual(12);
  const width = (answer: typeof neighbour) => (answer?.days[0]?.p90 ?? 0) - (answer?.days[0]?.p10 ?? 0);
  expect(width(newcomer)).toBeGreaterThan(width(neighbour));
});

test('a day that had nothing to sell says nothing; a day without demand does', () => {
  const empty = { units: 0, stockout: true, missedShare: 1 };
  const quiet = { units: 0, stockout: false, missedShare: null };
  const alone = (days: (DemandDay | null)[]) =>
    forecast([{ sku: 'a', region: 'east', category: 'fruit', days }])[0]?.days[0]?.p50 ?? -1;
  expect(alone([...always(10), ...new Array<DemandDay>(7).fill(empty)])).toBeGreaterThanOrEqual(8);
  expect(alone([...always(10), ...new Array<DemandDay>(7).fill(quiet)])).toBeLessThanOrEqual(4);
});

test('the weekday pattern is found', () => {
  const random = seeded(5);
  const truth: Truth = { rate: 30, dispersion: 0.1, weekdays: week };
  const series = Array.from({ length: 20 }, (_, index) =>
    drawSeries(random, truth, { name: `s${index}`, days: 56 }),
  );
  const sums = new Array<number>(7).fill(0);
  for (const { days } of forecast(series))
    days.slice(0, 7).forEach((day, index) => {
      sums[index] = (sums[index] as number) + day.p50;
    });
  const mean = sums.reduce((sum, each) => sum + each, 0) / 7;
  sums.forEach((each, index) => {
    expect(Math.abs(each / mean - (week[index] as number))).toBeLessThan(0.12);
  });
});

/** Many series under one truth, what is recorded of them, and the days that came after. */
function givenWorld(truth: Omit<Truth, 'rate'>, seed: number) {
  const random = seeded(seed);
  const truths = Array.from({ length: 300 }, (): Truth => {
    const rate = 3 + 40 * random() ** 2;
    const shelf = truth.shelf === undefined ? undefined : Math.max(1, Math.round(rate * truth.shelf));
    return { ...truth, rate, shelf };
  });
  const series = truths.map((each, index) => drawSeries(random, each, { name: `s${index}`, days: 56 }));
  const after = truths.map((each) =>
    Array.from({ length: 14 }, (_, day) => drawDemand(random, each, day % 7)),
  );
  return { series, after };
}

test('between p10 and p90 lie about four fifths of what comes, in both weeks', () => {
  const { series, after } = givenWorld({ dispersion: 0.25, weekdays: week }, 11);
  const answers = forecast(series);
  for (const from of [0, 7]) {
    let inside = 0;
    let below = 0;
    answers.forEach(({ days }, index) => {
      for (const [day, { p10, p90 }] of days.slice(from, from + 7).entries()) {
        const demand = after[index]?.[from + day] as number;
        if (demand >= p10 && demand <= p90) inside += 1;
        if (demand < p10) below += 1;
      }
    });
    const count = answers.length * 7;
    // counts are whole, so that an interval holds a little more than its share
    expect(inside / count).toBeGreaterThan(0.77);
    expect(inside / count).toBeLessThan(0.87);
    expect(below / count).toBeLessThan(0.12);
  }
});

/** How far the expected units of a fortnight lie from what then came, as a share. */
function biasOf(history: DemandSeries[], after: number[][]): number {
  const demand = after.flat().reduce((sum, each) => sum + each, 0);
  const expected = forecast(history).flatMap((each) => each.days.map((day) => day.p50));
  return expected.reduce((sum, each) => sum + each, 0) / demand - 1;
}

test.each([
  ['known how long the shelf was empty', true, 0.5],
  ['not known how long', false, 0.2],
])('stockout days are lower bounds, %s: the mean is found where face value misses it', (_, timed, left) => {
  const truth = { dispersion: 0.25, weekdays: week };
  const full = givenWorld(truth, 23);
  // p50 is a median: of so skew a demand it lies below the mean however good the history is
  const median = biasOf(full.series, full.after);
  const { series, after } = givenWorld({ ...truth, shelf: 1.1, timed }, 23);
  const days = series.flatMap((each) => each.days);
  expect(days.filter((day) => day?.stockout).length / days.length).toBeGreaterThan(0.25);
  const naive = series.map((each) => ({
    ...each,
    days: each.days.map((day) => day && { units: day.units, stockout: false, missedShare: null }),
  }));
  const blind = biasOf(naive, after) - median;
  expect(blind).toBeLessThan(-0.1);
  expect(Math.abs(biasOf(series, after) - median)).toBeLessThan(Math.abs(blind) * left);
});

test('eight thousand series for a fortnight take seconds', () => {
  const random = seeded(3);
  const series = Array.from({ length: 8000 }, (_, index) =>
    drawSeries(
      random,
      { rate: 1 + 60 * random(), dispersion: 0.3, weekdays: week, shelf: 40 },
      { name: `s${index}`, days: 56, category: `c${index % 40}` },
    ),
  );
  const begun = performance.now();
  expect(forecast(series)).toHaveLength(8000);
  expect(performance.now() - begun).toBeLessThan(8000);
});
