import { readDemandSeries } from '../../src/db/demand.read';
import { insertForecasts } from '../../src/db/forecast';
import { putSupplier } from '../../src/db/network';
import {
  answerSupplierForecast,
  publishSupplierForecast,
  type SupplierAnswer,
} from '../../src/db/supplierForecast';
import { horizonDays } from '../../src/domain/forecast/model';
import { smoothedWeekdays } from '../../src/domain/forecast/smoothedWeekdays';
import { addDays, localDateOf } from '../../src/domain/network/calendar';
import { dayFromToday } from '../support/fixtures';
import type { Journey } from './orderJourney';

type Brand = Pick<Journey, 'db' | 'tenant'>;

const scheduleId = 'daily';

/** Makes the tenant's forecasts as the daily run does; false when that run was made before. */
export async function makeForecasts({ db, tenant }: Brand, madeAt: Date): Promise<boolean> {
  return db.inTenant(tenant, async (tx) => {
    const firstDay = localDateOf(madeAt.getTime(), 'Asia/Shanghai');
    const series = await readDemandSeries(tx, firstDay);
    const run = { madeAt, scheduleId, model: smoothedWeekdays.name };
    return insertForecasts(tx, run, smoothedWeekdays.forecast({ firstDay, horizonDays, series }));
  });
}

export function publish({ db, tenant }: Brand, madeAt: Date, supplierId = 'farm') {
  return db.inTenant(tenant, (tx) => publishSupplierForecast(tx, { supplierId, scheduleId, madeAt }));
}

/** The journey's campaign delivers pears from the third day on, until the eleventh. */
export const pearsWantedOn = dayFromToday(2);

/** The supplier's word on pears for the whole fortnight: so many on the day they are wanted, none on the others. */
export function sayPears(
  { db, tenant }: Journey,
  forecastId: string,
  units: number,
): Promise<SupplierAnswer> {
  const today = dayFromToday(0);
  const lines = Array.from({ length: horizonDays }, (_, ahead) => addDays(today, ahead)).map((date) => ({
    sku: 'pear',
    date,
    confirmed: date === pearsWantedOn ? units : 0,
  }));
  return db.inTenant(tenant, (tx) =>
    answerSupplierForecast(tx, { forecastId, supplierId: null, lines, actor: 'test' }),
  );
}

/** A paid presale order of pears. */
export async function presalePears(
  journey: Journey,
  quantity: number,
): Promise<{ orderId: string; totalFen: number }> {
  const order = await journey.place({
    lines: [{ sku: 'pear', quantity, supply: 'presale', campaignId: 'early' }],
  });
  await journey.pay(order);
  return order;
}

/** Two presale orders of 4 and 3 pears, and a supplier who says that it brings only 4. */
export async function givenCut(
  journey: Journey,
): Promise<{ forecastId: string; kept: string; atRisk: string }> {
  const kept = await presalePears(journey, 4);
  const atRisk = await presalePears(journey, 3);
  await journey.db.inTenant(journey.tenant, (tx) =>
    putSupplier(tx, 'farm', { name: '农场', skus: ['apple', 'pear'], leadDays: 2 }),
  );
  const madeAt = new Date();
  await makeForecasts(journey, madeAt);
  const forecastId = (await publish(journey, madeAt))?.forecastId ?? '';
  await sayPears(journey, forecastId, 4);
  return { forecastId, kept: kept.orderId, atRisk: atRisk.orderId };
}
