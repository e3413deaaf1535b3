import {
  condition,
  continueAsNew,
  defineSignal,
  proxyActivities,
  setCurrentDetails,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import type { PresaleActivities } from '../../activities/presale';
import type { PlainActivities } from '../plain';
import { type ArrivalOutcome, type ArrivalWorkflowInput, arrivedSignalName } from './messages';

export const arrivedSignal = defineSignal(arrivedSignalName);

/** Hundreds of orders a step; repeated for ever, because the database comes back. */
const step = proxyActivities<PlainActivities<PresaleActivities>>({
  startToCloseTimeout: '2 minutes',
  retry: { initialInterval: '1 s', backoffCoefficient: 2, maximumInterval: '60 s' },
});

/**
 * What has come for one presale campaign, from its first receipt until nothing of it is set aside any more: handed
 * out batch by batch to those who wait, again whenever it is told that goods, a payment or a cancel have come, and
 * what is left goes to the shelf when the campaign is over. It waits; PostgreSQL decides, so each step may run twice.
 */
export async function arrivalWorkflow(arrival: ArrivalWorkflowInput): Promise<ArrivalOutcome> {
  let told = false;
  setHandler(arrivedSignal, () => {
    told = true;
  });
  const sum: ArrivalOutcome = { converted: 0, offered: 0, unreserved: 0 };
  for (;;) {
    told = false;
    await handOut(arrival, sum);
    const summary = 'what is left to the shelf, if everybody is served';
    const standing = await step.settleCampaign.executeWithOptions({ summary }, [arrival]);
    sum.unreserved += standing.unreserved;
    if (told) continue;
    const { reserved, waiting, lookAgainAt } = standing;
    setCurrentDetails(
      `${sum.converted} lines converted, ${sum.offered} offered something else, ${waiting} wait, ${reserved} units in reserve`,
    );
    if (reserved === 0) return sum;
    const milliseconds = Math.max(1000, new Date(lookAgainAt).getTime() - Date.now());
    await condition(() => told, milliseconds, {
      summary: `${reserved} units in reserve, until somebody needs them`,
    });
    if (workflowInfo().continueAsNewSuggested) await continueAsNew<typeof arrivalWorkflow>(arrival);
  }
}

/** Serves the whole queue once, from its head. */
async function handOut({ tenant, campaignId }: ArrivalWorkflowInput, sum: ArrivalOutcome): Promise<void> {
  let after = null;
  do {
    const summary =
      after === null ? 'hand out, from the first promise on' : 'hand out, further down the queue';
    const batch = await step.convertBatch.executeWithOptions({ summary }, [{ tenant, campaignId, after }]);
    sum.converted += batch.converted;
    sum.offered += batch.offered;
    after = batch.next;
  } while (after !== null);
}
