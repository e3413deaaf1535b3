/**
 * Counts of demand: mean μ, variance μ + φ·μ². φ (dispersion) says how much more than pure chance demand varies;
 * 0 is Poisson.
 */
export interface CountDistribution {
  mean: number;
  dispersion: number;
}

/** Above it the sum over single counts gives way to a smooth approximation, which is then within a unit or two. */
const exactMean = 400;
const smallestDispersion = 1e-6;
/** A mean that would need more terms is summed no further: what is left is below any quantile asked for. */
const mostTerms = 20_000;

/** The smallest counts that are not exceeded with each of the (ascending) probabilities. */
export function quantilesOf(demand: CountDistribution, probabilities: readonly number[]): number[] {
  if (demand.mean <= 0) return probabilities.map(() => 0);
  if (demand.mean > exactMean) return probabilities.map((each) => smoothQuantile(demand, each));
  const quantiles: number[] = [];
  const { ratio, size, atNothing } = recursionOf(demand);
  let mass = atNothing;
  let cumulative = mass;
  for (let count = 0; quantiles.length < probabilities.length; count += 1) {
    while (
      cumulative >= (probabilities[quantiles.length] ?? 2) ||
      (count === mostTerms && quantiles.length < probabilities.length)
    )
      quantiles.push(count);
    mass *= (ratio * (size + count)) / (count + 1);
    cumulative += mass;
  }
  return quantiles;
}

export interface Moments {
  mean: number;
  variance: number;
}

export function varianceOf({ mean, dispersion }: CountDistribution): number {
  return mean + dispersion * mean * mean;
}

/**
 * Demand of a day that sold out after `atLeast` units: mean and variance of D given D ≥ atLeast. With nothing sold it
 * is the distribution itself, for such a day says nothing.
 */
export function momentsAtLeast(demand: CountDistribution, atLeast: number): Moments {
  const { mean } = demand;
  const variance = varianceOf(demand);
  if (atLeast <= 0 || mean <= 0) return { mean: Math.max(mean, atLeast), variance };
  // far out the tail is too thin to be computed by subtraction; what was sold is then all that is known
  if (atLeast > mean + 6 * Math.sqrt(variance) + 10) return { mean: atLeast, variance: 0 };
  if (mean > exactMean) return normalAtLeast({ mean, variance }, atLeast);
  const { ratio, size, atNothing } = recursionOf(demand);
  let mass = atNothing;
  let [below, belowSum, belowSquares] = [0, 0, 0];
  for (let count = 0; count < atLeast; count += 1) {
    below += mass;
    belowSum += count * mass;
    belowSquares += count * count * mass;
    mass *= (ratio * (size + count)) / (count + 1);
  }
  const chance = 1 - below;
  if (chance < 1e-9) return { mean: atLeast, variance: 0 };
  const above = Math.max(atLeast, (mean - belowSum) / chance);
  const squares = (variance + mean * mean - belowSquares) / chance;
  return { mean: above, variance: Math.max(0, squares - above * above) };
}

/** P(0) of the negative binomial, and what its recursion P(k+1) = P(k) · ratio · (size + k) / (k + 1) needs. */
function recursionOf({ mean, dispersion }: CountDistribution) {
  const size = 1 / Math.max(dispersion, smallestDispersion);
  return { atNothing: Math.exp(-size * Math.log1p(mean / size)), ratio: mean / (size + mean), size };
}

/** A gamma distribution of the same mean and variance, by Wilson and Hilferty's cube (1931). */
function smoothQuantile({ mean, dispersion }: CountDistribution, probability: number): number {
  const shape = (mean * mean) / varianceOf({ mean, dispersion });
  const ninth = 1 / (9 * shape);
  const cube = (1 - ninth + normalQuantile(probability) * Math.sqrt(ninth)) ** 3;
  return Math.max(0, Math.round(mean * cube));
}

/** The normal distribution cut off below, by the inverse Mills ratio. */
function normalAtLeast({ mean, variance }: Moments, atLeast: number): Moments {
  const deviation = Math.sqrt(variance);
  const z = (atLeast - mean) / deviation;
  const density = Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI);
  const mills = density / Math.max(1e-12, 1 - normalCumulative(z));
  return {
    mean: Math.max(atLeast, mean + deviation * mills),
    variance: Math.max(0, variance * (1 + z * mills - mills * mills)),
  };
}

/** Abramowitz and Stegun 26.2.17; the error is below 7.5e-8. */
function normalCumulative(z: number): number {
  const t = 1 / (1 + 0.2316419 * Math.abs(z));
  const polynomial =
    t * (0.31938153 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))));
  const tail = (Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI)) * polynomial;
  return z >= 0 ? 1 - tail : tail;
}

/** Abramowitz and Stegun 26.2.23; the error is below 4.5e-4. */
function normalQuantile(probability: number): number {
  const tail = Math.min(probability, 1 - probability);
  const t = Math.sqrt(-2 * Math.log(Math.max(tail, 1e-12)));
  const numerator = 2.515517 + t * (0.802853 + t * 0.010328);
  const denominator = 1 + t * (1.432788 + t * (0.189269 + t * 0.001308));
  const z = t - numerator / denominator;
  return probability < 0.5 ? -z : z;
}
