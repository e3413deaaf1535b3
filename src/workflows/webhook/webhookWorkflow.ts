import {
  type ActivityOptions,
  condition,
  continueAsNew,
  defineSignal,
  proxyActivities,
  setCurrentDetails,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import type { WebhookActivities } from '../../activities/webhook';
import type { PlainActivities } from '../plain';
import { type WebhookOutcome, type WebhookWorkflowInput, wakeSignalName } from './messages';
import { webhookWordingFor } from './texts';

export const wakeSignal = defineSignal(wakeSignalName);

/**
 * A round sends for ten seconds, and an attempt then under way lasts fifteen at most: a worker that died is noticed
 * after thirty. Repeated for ever: what a round may fail of is the database, which comes back.
 */
const round: ActivityOptions = {
  startToCloseTimeout: '30 s',
  retry: { initialInterval: '1 s', backoffCoefficient: 2, maximumInterval: '60 s' },
};

const { deliverDue } = proxyActivities<PlainActivities<WebhookActivities>>(round);

/**
 * Brings one endpoint what it is due, attempt after attempt, and closes when nothing is pending; the next event starts
 * it again. One workflow for each endpoint: a slow one keeps nobody else waiting. What was sent stands in PostgreSQL;
 * here is only the time.
 */
export async function webhookWorkflow(input: WebhookWorkflowInput): Promise<WebhookOutcome> {
  const { tenant, endpointId, reader } = input;
  const { steps, describe } = webhookWordingFor(reader);
  let woken = false;
  setHandler(wakeSignal, () => {
    woken = true;
  });
  for (;;) {
    woken = false;
    const done = await deliverDue.executeWithOptions({ ...round, summary: steps.deliver }, [
      { tenant, endpointId },
    ]);
    setCurrentDetails(describe(endpointId, done));
    if (!woken && done.nextAt === null) return { standing: done.standing };
    // the next run looks first of all, so it needs no word of a waking
    if (workflowInfo().continueAsNewSuggested) await continueAsNew<typeof webhookWorkflow>(input);
    const waitMs = done.nextAt === null ? 0 : Math.max(0, Date.parse(done.nextAt) - Date.now());
    if (waitMs > 0) await condition(() => woken, waitMs, { summary: steps.untilNext });
  }
}
