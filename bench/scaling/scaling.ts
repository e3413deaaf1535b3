import { existsSync } from 'node:fs';
import { type Bench, type BenchContext, BenchRefusal, type Measured } from '../support/bench';
import { describeMachine } from '../support/environment';
import { figure } from '../support/figures';
import { formatTable } from '../support/table';
import { type Role, coresFor, limitsOf } from './model';
import {
  type Comparison,
  type Measurements,
  comparePoints,
  cpuMsOf,
  defaultFile,
  readMeasurements,
} from './points';

/** Cores are planned to be used to this share: above it queues grow faster than the load. */
const share = 0.7;
const factors = [1, 10, 100, 1000];
/** What one machine must do (docs/performance.md): the rest are multiples of it. */
const saleOrdersPerSecond = 1000;
const saleSeconds = 30;
const startedWithinSeconds = 180;
const ourRoles: readonly Role[] = ['api', 'counter', 'postgres', 'dispatch', 'worker', 'temporal'];

/** Nothing is run: the model of docs/scaling.md is held against what the other benches measured. */
export const scaling: Bench = {
  name: 'scaling',
  summary:
    'the model of docs/scaling.md beside the measured points, and what it says of 10, 100 and 1,000 times as much',
  options: { points: { type: 'string' } },
  run: (context) => Promise.resolve(compare(context)),
};

function compare({ say, options }: BenchContext): Measured {
  const file = typeof options.points === 'string' ? options.points : defaultFile;
  if (!existsSync(file)) throw new BenchRefusal(`There is no file ${file}.`);
  const measured = readMeasurements(file);
  const comparisons = comparePoints(measured);
  for (const line of [...tellPoints(comparisons), '', ...tellSizes(measured), '', ...tellTimes(measured)])
    say(line);
  const worst = Math.max(...comparisons.map(({ errorPercent }) => Math.abs(errorPercent)));
  return {
    figures: [
      figure('pointsHeld', comparisons.filter(({ holds }) => holds).length, {
        unit: 'points',
        demand: { exactly: comparisons.length },
      }),
      figure('worstErrorPercent', worst, { unit: '%' }),
    ],
    environment: describeMachine(),
  };
}

function tellPoints(comparisons: readonly Comparison[]): string[] {
  const rows = comparisons.map(({ point, first, errorPercent, holds }) => [
    point.what,
    amount(point.perSecond),
    amount(first.perSecond),
    `${errorPercent > 0 ? '+' : ''}${errorPercent.toFixed(0)} %`,
    first.resource,
    holds ? '' : `OFF: ${point.firstToSaturate} within ${point.withinPercent} %`,
  ]);
  return formatTable([['point', 'measured/s', 'model/s', 'error', 'saturates first', ''], ...rows]);
}

/** Cores by role for a sale of so many times the orders, taken in the same time, started in the same time. */
function tellSizes(measured: Measurements): string[] {
  if (measured.works.order === undefined) return ['No costs of taking an order yet: run intake-open.'];
  const rows = factors.map((factor) => {
    const perSecond = factor * saleOrdersPerSecond;
    const cores = coresFor(
      [
        { work: cpuMsOf(measured, 'order'), perSecond },
        { work: cpuMsOf(measured, 'start'), perSecond: (perSecond * saleSeconds) / startedWithinSeconds },
      ],
      { share },
    );
    const lanes = measured.batch && Math.ceil(perSecond / share / (laneLimit(measured) as number));
    return [amount(perSecond), ...ourRoles.map((role) => amount(cores[role] ?? 0)), String(lanes ?? '?')];
  });
  return formatTable([['orders/s', ...ourRoles.map((role) => `${role} cores`), 'lanes if one SKU'], ...rows]);
}

function laneLimit({ batch }: Measurements): number | undefined {
  return limitsOf({ pools: [] }, { work: {}, batch })[0]?.perSecond;
}

/** How long one machine's worth of starting would take for each of those sales: starting may lag, taking may not. */
function tellTimes(measured: Measurements): string[] {
  const pools = [{ name: 'machine', cores: 2, roles: ourRoles }];
  const [first] = limitsOf({ pools }, { work: cpuMsOf(measured, 'start') });
  const rows = factors.map((factor) => {
    const orders = factor * saleOrdersPerSecond * saleSeconds;
    const minutes = orders / (first?.perSecond ?? Number.NaN) / 60;
    return [amount(orders), amount(minutes)];
  });
  return formatTable([['orders of the sale', 'minutes until two cores have started all'], ...rows]);
}

function amount(value: number): string {
  const text = value >= 100 || Number.isInteger(value) ? value.toFixed(0) : value.toFixed(1);
  return text.replace(/\B(?=(\d{3})+$)/g, ',');
}
