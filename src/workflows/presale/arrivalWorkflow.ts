import {
  condition,
  continueAsNew,
  defineSignal,
  proxyActivities,
  setCurrentDetails,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import type { CampaignKey, PresaleActivities } from '../../activities/presale';
import type { PlainActivities } from '../plain';
import { type ArrivalOutcome, type ArrivalWorkflowInput, arrivedSignalName } from './messages';
import { arrivalWordingFor } from './texts';

export const arrivedSignal = defineSignal(arrivedSignalName);

/** Hundreds of orders a step; repeated for ever, because the database comes back. */
const steps = proxyActivities<PlainActivities<PresaleActivities>>({
  startToCloseTimeout: '2 minutes',
  retry: { initialInterval: '1 s', backoffCoefficient: 2, maximumInterval: '60 s' },
});

type Wording = ReturnType<typeof arrivalWordingFor>;

const shortestWaitMs = 1000;

/**
 * What has come for one presale campaign, from its first receipt until nothing of it is set aside any more: handed
 * out batch by batch to those who wait, again whenever it is told that goods, a payment or a cancel have come, and
 * what is left goes to the shelf when the campaign is over. It waits; PostgreSQL decides, so each step may run twice.
 */
export async function arrivalWorkflow(arrival: ArrivalWorkflowInput): Promise<ArrivalOutcome> {
  const { tenant, campaignId, reader } = arrival;
  const campaign = { tenant, campaignId };
  const wording = arrivalWordingFor(reader);
  let told = false;
  setHandler(arrivedSignal, () => {
    told = true;
  });
  const sum: ArrivalOutcome = { converted: 0, offered: 0, unreserved: 0 };
  for (;;) {
    told = false;
    setCurrentDetails(wording.render(wording.working, { since: new Date().toISOString() }));
    await handOut(campaign, { wording, sum });
    const options = { summary: wording.settle };
    const { unreserved, lookAgainAt, ...left } = await steps.settleCampaign.executeWithOptions(options, [
      campaign,
    ]);
    sum.unreserved += unreserved;
    if (told) continue;
    if (left.reserved === 0) {
      setCurrentDetails(wording.ended({ ...sum, ...left }));
      return sum;
    }
    const notice = wording.waits({ ...sum, ...left });
    setCurrentDetails(wording.render(notice, { since: new Date().toISOString(), until: lookAgainAt }));
    const summary = wording.steps.until({ waitsFor: notice.title, until: wording.at(lookAgainAt) });
    const milliseconds = Math.max(shortestWaitMs, new Date(lookAgainAt).getTime() - Date.now());
    await condition(() => told, milliseconds, { summary });
    if (workflowInfo().continueAsNewSuggested) await continueAsNew<typeof arrivalWorkflow>(arrival);
  }
}

/** Serves the whole queue once, from its head. */
async function handOut(
  campaign: CampaignKey,
  { wording, sum }: { wording: Wording; sum: ArrivalOutcome },
): Promise<void> {
  let after = null;
  do {
    const summary = after === null ? wording.handOut.first : wording.handOut.further;
    const batch = await steps.convertBatch.executeWithOptions({ summary }, [{ ...campaign, after }]);
    sum.converted += batch.converted;
    sum.offered += batch.offered;
    after = batch.next;
  } while (after !== null);
}
