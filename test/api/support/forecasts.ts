import { insertForecasts } from '../../../src/db/forecast';
import { readDemandSeries } from '../../../src/db/demand.read';
import { publishSupplierForecast } from '../../../src/db/supplierForecast';
import { horizonDays } from '../../../src/domain/forecast/model';
import { smoothedWeekdays } from '../../../src/domain/forecast/smoothedWeekdays';
import { localDateOf } from '../../../src/domain/network/calendar';
import type { ApiUnderTest } from './apiUnderTest';

/** What the daily run leaves for `supplier-1` of a tenant; answers the forecast's id. */
export async function givenForecast(
  api: ApiUnderTest,
  tenant: string,
  { madeAt = new Date(), supplierId = 'supplier-1' }: { madeAt?: Date; supplierId?: string } = {},
): Promise<string> {
  const run = { madeAt, scheduleId: `${tenant}:supplier-forecast`, model: smoothedWeekdays.name };
  return api.database.as('xianda_app').inTenant(tenant, async (tx) => {
    const firstDay = localDateOf(madeAt.getTime(), 'Asia/Shanghai');
    const series = await readDemandSeries(tx, firstDay);
    await insertForecasts(tx, run, smoothedWeekdays.forecast({ firstDay, horizonDays, series }));
    const published = await publishSupplierForecast(tx, { supplierId, scheduleId: run.scheduleId, madeAt });
    if (published === null) throw new Error('there was nothing to publish');
    return published.forecastId;
  });
}
