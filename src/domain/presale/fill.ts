/**
 * How a presale campaign fills up: the arithmetic behind its projection, a beta-binomial model. The formulas with a
 * worked example stand in docs/presale.md.
 */

/** A closed campaign of the tenant, looked at when as much of its time had passed as now of the open one's. */
export interface EarlierCampaign {
  /** Of what it finally sold; null when it sold nothing. */
  filled: number | null;
  /** What it finally sold, of its quotas. */
  sellThrough: number;
  /** How alike it is, 0–1: how much its example counts. */
  weight: number;
}

/** Parameters of a beta distribution. */
export interface Beta {
  a: number;
  b: number;
}

/** What no campaign has shown yet counts as much as two alike ones. */
const priorWeight = 2;
const closeToNone = 1e-6;
const mostPrecise = 1e4;

/**
 * What share of its final sales a campaign has reached once `elapsed` of its time (0–1) has passed, as a beta
 * distribution. Without earlier campaigns the mean is `elapsed` itself and the spread that of a uniform at half time;
 * each earlier campaign pulls mean and spread towards what it did. `b` is at least 1, so that more units sold never
 * mean fewer to come.
 */
export function believeFill(elapsed: number, earlier: EarlierCampaign[]): Beta {
  const seen = earlier.flatMap(({ filled, weight }) => (filled === null ? [] : [{ value: filled, weight }]));
  const { mean, variance } = shrink({ mean: elapsed, variance: (elapsed * (1 - elapsed)) / 3 }, seen);
  const m = Math.min(1 - closeToNone, Math.max(closeToNone, mean));
  const b = Math.max(1, precisionOf(m, variance) * (1 - m));
  return { a: (b * m) / (1 - m), b };
}

/** What share of its quota a campaign finally sells; flat without earlier ones. */
export function believeSellThrough(earlier: EarlierCampaign[]): Beta {
  const seen = earlier.map(({ sellThrough, weight }) => ({ value: Math.min(1, sellThrough), weight }));
  const { mean, variance } = shrink({ mean: 1 / 2, variance: 1 / 12 }, seen);
  const m = Math.min(1 - closeToNone, Math.max(closeToNone, mean));
  const precision = precisionOf(m, variance);
  return { a: m * precision, b: (1 - m) * precision };
}

interface Moments {
  mean: number;
  variance: number;
}

/** The mixture of a prior belief and of what was seen: its mean, and its variance around that mean. */
function shrink(prior: Moments, seen: { value: number; weight: number }[]): Moments {
  const total = priorWeight + sum(seen.map(({ weight }) => weight));
  const mean = (priorWeight * prior.mean + sum(seen.map(({ value, weight }) => weight * value))) / total;
  const spread = seen.map(({ value, weight }) => weight * (value - mean) ** 2);
  const variance = (priorWeight * (prior.variance + (prior.mean - mean) ** 2) + sum(spread)) / total;
  return { mean, variance };
}

/** a + b of the beta distribution with this mean and variance. */
function precisionOf(mean: number, variance: number): number {
  const most = mean * (1 - mean);
  return Math.min(mostPrecise, Math.max(closeToNone, most / Math.max(variance, most / mostPrecise) - 1));
}

export interface FillSoFar {
  /** Units paid so far; whole, at most the quota. */
  committed: number;
  quota: number;
  fill: Beta;
  sellThrough: Beta;
}

/**
 * Quantiles of the units finally sold, given those sold so far: every outcome from `committed` to `quota` is weighed
 * by how probable it was beforehand (sell-through) and how well it explains what has been sold by now (fill). Whole
 * units; in the order of `probabilities` they never fall. Up to 200 units left are weighed one by one, more of them in
 * spans of one per cent.
 */
export function projectSales(so: FillSoFar, probabilities: number[]): number[] {
  const spans = spansOf(Math.max(0, so.quota - so.committed));
  const weights = spans.map(({ from, count }) => Math.log(count) + logWeight(so, from + (count - 1) / 2));
  const highest = weights.reduce((most, weight) => Math.max(most, weight), Number.NEGATIVE_INFINITY);
  const masses = weights.map((weight) => Math.exp(weight - highest));
  const whole = sum(masses);
  return probabilities.map(
    (probability) => so.committed + quantileOf({ spans, masses }, probability * whole),
  );
}

/** `count` outcomes from `from` units more on. */
interface Span {
  from: number;
  count: number;
}

const oneByOne = 200;
const growth = 1.01;

function spansOf(left: number): Span[] {
  const spans: Span[] = [];
  for (let from = 0; from <= left; ) {
    const next = Math.min(left + 1, from < oneByOne ? from + 1 : Math.ceil(from * growth));
    spans.push({ from, count: next - from });
    from = next;
  }
  return spans;
}

/** The outcome at which `mass` has been passed, evenly within its span. */
function quantileOf({ spans, masses }: { spans: Span[]; masses: number[] }, mass: number): number {
  let passed = 0;
  for (const [index, { from, count }] of spans.entries()) {
    const own = masses[index] ?? 0;
    if (passed + own >= mass) return from + Math.min(count - 1, Math.floor((count * (mass - passed)) / own));
    passed += own;
  }
  const last = spans.at(-1);
  return last === undefined ? 0 : last.from + last.count - 1;
}

/** log of prior × likelihood, up to a constant: beta density at the outcome, beta-binomial of what is sold by now. */
function logWeight({ committed, quota, fill, sellThrough }: FillSoFar, more: number): number {
  const share = (committed + more + 0.5) / (quota + 1);
  const prior = (sellThrough.a - 1) * Math.log(share) + (sellThrough.b - 1) * Math.log(1 - share);
  const likelihood =
    logGamma(committed + more + 1) -
    logGamma(more + 1) +
    logGamma(fill.b + more) -
    logGamma(fill.a + fill.b + committed + more);
  return prior + likelihood;
}

/** Stirling's series, after shifting small arguments up: 12 digits for every positive argument. */
function logGamma(argument: number): number {
  let x = argument;
  let shift = 0;
  for (; x < 10; x += 1) shift -= Math.log(x);
  const inverse = 1 / (x * x);
  const series = (1 / 12 - inverse * (1 / 360 - inverse * (1 / 1260 - inverse / 1680))) / x;
  return shift + (x - 0.5) * Math.log(x) - x + 0.5 * Math.log(2 * Math.PI) + series;
}

function sum(values: number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
