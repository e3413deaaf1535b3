import {
  type ActivityOptions,
  ApplicationFailure,
  proxyActivities,
  setCurrentDetails,
} from '@temporalio/workflow';
import type { PresaleAggregationActivities } from '../../activities/presaleAggregation';
import type { PlainActivities } from '../plain';
import { workThrough } from '../schedule/lanes';
import { type Tick, awaitTick } from '../schedule/tick';
import { type AggregationTexts, texts } from './aggregationTexts';
import type { PresaleAggregationWorkflowInput } from './messages';

/**
 * Tried again for a day, which is how long a missed tick is caught up too: an outage is waited for, and a tick that
 * cannot be done within a day is given up, so that it does not stand in the way of the next for ever.
 */
const step: ActivityOptions = {
  startToCloseTimeout: '20 s',
  scheduleToCloseTimeout: '1 day',
  retry: { initialInterval: '1 s', backoffCoefficient: 2, maximumInterval: '60 s' },
};
const { findCampaigns, aggregateCampaign } =
  proxyActivities<PlainActivities<PresaleAggregationActivities>>(step);

interface Line {
  campaignId: string;
  committed: number;
  low: number;
  units: number;
  high: number;
  purchaseBy: string;
}

export interface AggregationOutcome {
  scheduledAt: string;
  campaigns: number;
}

/**
 * Sums up every campaign of a tenant as of the run's scheduled time. Each campaign is one activity, written under the
 * campaign and that time, so that a run that is repeated, or killed half-way, ends in the same rows. A campaign that
 * cannot be summed up does not stop the others; the run fails by its name in the end.
 */
export async function presaleAggregationWorkflow({
  tenant,
  language,
}: PresaleAggregationWorkflowInput): Promise<AggregationOutcome> {
  const text = texts[language];
  const tick = await awaitTick(text.tick);
  const waiting = await findCampaigns.executeWithOptions({ ...step, summary: text.find }, [
    { tenant, ...tick },
  ]);
  const lines: Line[] = [];
  const failed: string[] = [];
  const show = () => setCurrentDetails(describe(text, { tick, lines, waiting: waiting.length }));
  await workThrough(
    { waiting, failed },
    {
      show,
      async work(campaignId) {
        const options = { ...step, summary: text.sumUp(campaignId) };
        const totals = await aggregateCampaign.executeWithOptions(options, [{ tenant, campaignId, ...tick }]);
        if (totals !== null) lines.push({ campaignId, ...totals });
      },
    },
  );
  if (failed.length > 0) {
    throw ApplicationFailure.nonRetryable(`not summed up: ${failed.sort().join(', ')}`, 'CampaignsFailed');
  }
  show();
  return { scheduledAt: tick.scheduledAt, campaigns: lines.length };
}

/** A table that an ops person reads on the run's page. */
function describe(
  text: AggregationTexts,
  { tick, lines, waiting }: { tick: Tick; lines: Line[]; waiting: number },
): string {
  const rows = [...lines]
    .sort((a, b) => (a.campaignId < b.campaignId ? -1 : 1))
    .map(
      ({ campaignId, committed, units, low, high, purchaseBy }) =>
        `| \`${campaignId}\` | ${committed} | ${units} (${low}–${high}) | ${purchaseBy} |`,
    );
  return [text.asOf(tick.scheduledAt, waiting), '', text.columns, '|---|---|---|---|', ...rows].join('\n');
}
