import { addDays } from '../network/calendar';
import { type Dispersion, planDispersion, priorDispersion } from './dispersion';
import { trustInStock } from './estimate';
import { type Levels, smoothLevels } from './level';
import type { DayForecast, DemandSeries, ForecastMethod, ForecastRequest, SeriesForecast } from './model';
import { quantilesOf } from './negativeBinomial';
import type { Pooled } from './pools';
import { type PoolRate, planPoolRates } from './poolRates';
import { planWeekdayProfiles, type WeekdayProfile, weekdayOf } from './weekdayProfile';

const probabilities = [0.1, 0.5, 0.9] as const;
/** How often patterns and hidden demand are told from each other; more changes hardly anything. */
const passes = 3;

/**
 * The classical method: a smoothed level per series times a weekday profile pooled by category and region, days that
 * sold out taken as censored, quantiles of a negative binomial whose dispersion is pooled from the method's own
 * errors. New SKUs get their pool's rate with a wide interval; with no history at all, zero. docs/forecast.md.
 */
export const smoothedWeekdays: ForecastMethod = {
  name: 'smoothed-weekdays-1',
  forecast(request) {
    let beliefs = request.series.map(trustInStock);
    let dispersionOf = (_: Pooled): Dispersion => ({
      firstWeek: priorDispersion,
      later: priorDispersion,
    });
    let learnt: Learnt[] = [];
    for (let pass = 0; pass < passes; pass += 1) {
      const profiles = planWeekdayProfiles(beliefs);
      const rates = planPoolRates(beliefs);
      learnt = request.series.map((series) =>
        learn(series, {
          profile: profiles.of(series),
          pool: rates.of(series),
          dispersion: dispersionOf(series),
        }),
      );
      beliefs = learnt.map(({ series, estimates }) => ({ ...series, days: estimates }));
      dispersionOf = planDispersion(learnt.map((each) => ({ ...each.series, ...each }))).of;
    }
    return learnt.map((each) => forecastOne({ ...each, dispersion: dispersionOf(each.series) }, request));
  },
};

interface PoolLore {
  profile: WeekdayProfile;
  pool: PoolRate;
  dispersion: Dispersion;
}

type Learnt = PoolLore & Levels & { series: DemandSeries };

function learn(series: DemandSeries, lore: PoolLore): Learnt {
  const { profile, pool, dispersion } = lore;
  const levels = smoothLevels({
    days: series.days,
    profile,
    priorRate: pool.rate,
    dispersion: dispersion.firstWeek,
  });
  return { series, ...lore, ...levels };
}

function forecastOne(learnt: Learnt, { firstDay, horizonDays }: ForecastRequest): SeriesForecast {
  const { series, profile, pool, dispersion, before, ownShare } = learnt;
  const level = before[before.length - 1] as number;
  // what is the pool's and not its own may be wrong by as much as the pool's series differ
  const doubt = (1 - ownShare) * pool.spread;
  const days = Array.from({ length: horizonDays }, (_, ahead): DayForecast => {
    const mean = level * (profile[weekdayOf(ahead)] as number);
    const spread = (ahead < 7 ? dispersion.firstWeek : dispersion.later) + doubt;
    const [p10 = 0, p50 = 0, p90 = 0] = quantilesOf({ mean, dispersion: spread }, probabilities);
    return { date: addDays(firstDay, ahead), p10, p50, p90 };
  });
  const basis = ownShare > 0 ? 'history' : level > 0 ? 'pooled' : 'none';
  return { sku: series.sku, region: series.region, basis, days };
}
