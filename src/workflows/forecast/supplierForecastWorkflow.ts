import {
  type ActivityOptions,
  ApplicationFailure,
  proxyActivities,
  setCurrentDetails,
} from '@temporalio/workflow';
import type { ForecastActivities, PublishedForecast } from '../../activities/forecast';
import type { PlainActivities } from '../plain';
import { type Round, workThrough } from '../schedule/lanes';
import { awaitTick } from '../schedule/tick';
import { type ForecastTexts, texts } from './forecastTexts';
import type { SupplierForecastWorkflowInput } from './messages';

/**
 * Tried again for a day, which is how long a missed tick is caught up too: an outage is waited for, and a tick that
 * cannot be done within a day is given up, so that it does not stand in the way of the next for ever.
 */
const step: ActivityOptions = {
  startToCloseTimeout: '10 minutes',
  scheduleToCloseTimeout: '1 day',
  retry: { initialInterval: '1 s', backoffCoefficient: 2, maximumInterval: '60 s' },
};
const { countDemand, makeForecasts } = proxyActivities<PlainActivities<ForecastActivities>>(step);

/** A supplier that fails holds up the others for a quarter of an hour at most, and is tried again tomorrow. */
const publishStep: ActivityOptions = {
  startToCloseTimeout: '30 s',
  scheduleToCloseTimeout: '15 minutes',
  retry: { initialInterval: '1 s', backoffCoefficient: 2, maximumInterval: '60 s' },
};
const { publishForecast } = proxyActivities<PlainActivities<ForecastActivities>>(publishStep);

export interface SupplierForecastOutcome {
  scheduledAt: string;
  countedDays: number;
  published: number;
}

interface Progress extends Round {
  scheduledAt: string;
  lines: { supplierId: string; published: PublishedForecast | null }[];
}

/**
 * The daily forecast of a tenant, as of the run's scheduled time: brings the demand history up to date, looks a
 * fortnight ahead for every SKU and region, and publishes to each supplier what concerns it. Each step is written
 * under the scheduled time, so that a run that is repeated, or killed half-way, ends in the same rows and the same
 * events. A supplier that cannot be served does not stop the others; the run fails by its name in the end.
 */
export async function supplierForecastWorkflow({
  tenant,
  language,
}: SupplierForecastWorkflowInput): Promise<SupplierForecastOutcome> {
  const words = texts[language];
  const { scheduledAt } = await awaitTick(words.tick);
  const tick = { tenant, scheduledAt };
  const { days } = await countDemand.executeWithOptions({ ...step, summary: words.count }, [tick]);
  const { suppliers } = await makeForecasts.executeWithOptions({ ...step, summary: words.make }, [tick]);
  const progress: Progress = { scheduledAt, waiting: suppliers, lines: [], failed: [] };
  const show = () => setCurrentDetails(describe(progress, words));
  await workThrough(progress, {
    show,
    async work(supplierId) {
      const options = { ...publishStep, summary: words.publish(supplierId) };
      const published = await publishForecast.executeWithOptions(options, [{ ...tick, supplierId }]);
      progress.lines.push({ supplierId, published });
    },
  });
  show();
  if (progress.failed.length > 0) {
    throw ApplicationFailure.nonRetryable(words.notServed(progress.failed.sort()), 'SuppliersFailed');
  }
  const published = progress.lines.filter((line) => line.published !== null).length;
  return { scheduledAt, countedDays: days, published };
}

/** What an ops person reads on the run's page: who was sent what, and what promises are short of it. */
function describe({ scheduledAt, lines, failed, waiting }: Progress, words: ForecastTexts): string {
  const rows = [
    ...lines.map(({ supplierId, published }) => ({
      supplierId,
      told: published === null ? words.superseded : words.sent(published),
    })),
    ...failed.map((supplierId) => ({ supplierId, told: words.failed })),
  ].sort((a, b) => (a.supplierId < b.supplierId ? -1 : 1));
  return [
    words.asOf(scheduledAt, waiting.length),
    '',
    ...rows.map(({ supplierId, told }) => `- \`${supplierId}\`: ${told}`),
  ].join('\n');
}
