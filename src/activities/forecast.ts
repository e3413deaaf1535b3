import { countDemandDay, findDaysToCount } from '../db/demand';
import { readDemandSeries } from '../db/demand.read';
import { type ForecastRun, insertForecasts, isRunRecorded } from '../db/forecast';
import { listSuppliersWithSkus, publishSupplierForecast } from '../db/supplierForecast';
import { getOwnTenant } from '../db/tenant';
import type { Database } from '../db/transaction';
import { horizonDays } from '../domain/forecast/model';
import { smoothedWeekdays } from '../domain/forecast/smoothedWeekdays';
import { localDateOf } from '../domain/network/calendar';
import { scheduleIdOf } from '../domain/schedule/model';
import { reportingFaults } from './faults';

/** One run of the tenant's forecast: the same scheduled time is the same run. ISO 8601. */
export interface ForecastTick {
  tenant: string;
  scheduledAt: string;
}

export interface PublishedForecast {
  forecastId: string;
  lines: number;
  cutSkus: number;
}

export interface ForecastActivities {
  /** Counts the finished days that are to be counted, as of the scheduled time; safe to repeat at any point. */
  countDemand(tick: ForecastTick): Promise<{ days: number }>;
  /** Makes and stores the forecast of every SKU and region, once a run. */
  makeForecasts(tick: ForecastTick): Promise<{ model: string; suppliers: string[] }>;
  /** Writes down and publishes what one supplier is sent of the run; null: a newer run has taken its place. */
  publishForecast(tick: ForecastTick & { supplierId: string }): Promise<PublishedForecast | null>;
}

const kind = 'supplier-forecast';

export function createForecastActivities({ db }: { db: Database }): ForecastActivities {
  const method = smoothedWeekdays;

  return reportingFaults({
    async countDemand({ tenant, scheduledAt }) {
      const before = new Date(scheduledAt);
      const days = await db.inTenant(tenant, (tx) => findDaysToCount(tx, before));
      // a day a transaction: what is done stays done when the worker dies, and no snapshot grows old
      for (const day of days) await db.inTenant(tenant, (tx) => countDemandDay(tx, day));
      return { days: days.length };
    },

    async makeForecasts({ tenant, scheduledAt }) {
      const run: ForecastRun = {
        madeAt: new Date(scheduledAt),
        scheduleId: scheduleIdOf({ tenant, kind }),
        model: method.name,
      };
      const suppliers = await db.inTenant(tenant, async (tx) => {
        if (!(await isRunRecorded(tx, run))) {
          const { timeZone } = await getOwnTenant(tx);
          const firstDay = localDateOf(run.madeAt.getTime(), timeZone);
          const series = await readDemandSeries(tx, firstDay);
          await insertForecasts(tx, run, method.forecast({ firstDay, horizonDays, series }));
        }
        return listSuppliersWithSkus(tx);
      });
      return { model: method.name, suppliers };
    },

    async publishForecast({ tenant, scheduledAt, supplierId }) {
      const madeAt = new Date(scheduledAt);
      const scheduleId = scheduleIdOf({ tenant, kind });
      return db.inTenant(tenant, (tx) => publishSupplierForecast(tx, { supplierId, scheduleId, madeAt }));
    },
  });
}
