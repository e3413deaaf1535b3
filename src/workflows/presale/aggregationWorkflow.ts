import {
  type ActivityOptions,
  ActivityFailure,
  ApplicationFailure,
  isCancellation,
  proxyActivities,
  setCurrentDetails,
} from '@temporalio/workflow';
import type { PresaleAggregationActivities } from '../../activities/presaleAggregation';
import type { PlainActivities } from '../plain';
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

/** Few enough to leave connections to orders; one campaign that cannot be summed up holds up one lane only. */
const lanes = 4;

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
  const lane = async () => {
    for (let campaignId = waiting.shift(); campaignId !== undefined; campaignId = waiting.shift()) {
      const line = await aggregate({ tenant, campaignId, ...tick }, text.sumUp(campaignId));
      if (line === 'failed') failed.push(campaignId);
      else if (line !== null) lines.push(line);
      setCurrentDetails(describe(text, { tick, lines, waiting: waiting.length }));
    }
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  if (failed.length > 0) {
    throw ApplicationFailure.nonRetryable(`not summed up: ${failed.sort().join(', ')}`, 'CampaignsFailed');
  }
  setCurrentDetails(describe(text, { tick, lines, waiting: 0 }));
  return { scheduledAt: tick.scheduledAt, campaigns: lines.length };
}

async function aggregate(
  campaign: { tenant: string; campaignId: string } & Tick,
  summary: string,
): Promise<Line | 'failed' | null> {
  const { campaignId } = campaign;
  try {
    const totals = await aggregateCampaign.executeWithOptions({ ...step, summary }, [campaign]);
    return totals && { campaignId, ...totals };
  } catch (error) {
    if (!(error instanceof ActivityFailure) || isCancellation(error)) throw error;
    return 'failed';
  }
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
