import {
  condition,
  continueAsNew,
  defineSignal,
  proxyActivities,
  proxyLocalActivities,
  setCurrentDetails,
  setHandler,
  sleep,
  workflowInfo,
} from '@temporalio/workflow';
import type { RefundActivities, RefundStanding } from '../../activities/refund';
import type { PlainActivities } from '../plain';
import { hasGivenUp, problemOf } from './failures';
import { type RefundWorkflowInput, resumedSignalName } from './messages';
import { localStep, partnerCall } from './retries';

export const resumedSignal = defineSignal(resumedSignalName);

const provider = proxyActivities<PlainActivities<RefundActivities>>(partnerCall);
const steps = proxyLocalActivities<PlainActivities<RefundActivities>>(localStep);

const secondMs = 1000;
const firstPollMs = 2 * secondMs;
const longestPollMs = 600 * secondMs;
const polls = 40;
/** After finance was shown: a provider that came back is asked again without anybody's word. */
const retryMs = 3600 * secondMs;

/**
 * Carries one refund to its confirmation. The refund's id is the idempotency key at the provider, so asking again
 * after any fault moves the money once (I10); what the provider refuses or never confirms is shown to finance.
 */
export async function refundWorkflow(refund: RefundWorkflowInput): Promise<{ state: 'confirmed' }> {
  let resumed = false;
  setHandler(resumedSignal, () => {
    resumed = true;
  });
  for (;;) {
    resumed = false;
    const problem = await carryOut(refund);
    if (problem === null) return { state: 'confirmed' };
    await steps.parkRefund({ ...refund, problem });
    setCurrentDetails(`parked: ${problem}`);
    await condition(() => resumed, retryMs, { summary: 'refund parked, until resumed' });
    if (workflowInfo().continueAsNewSuggested) await continueAsNew<typeof refundWorkflow>(refund);
  }
}

/** Null when the money has gone back, else what stands in the way. */
async function carryOut(refund: RefundWorkflowInput): Promise<string | null> {
  try {
    let standing = await request(refund);
    for (let poll = 0; poll < polls && standing !== 'confirmed' && standing !== 'refused'; poll += 1) {
      await sleep(Math.min(firstPollMs * 2 ** poll, longestPollMs), {
        summary: 'until the provider confirms',
      });
      standing = await provider.queryRefund.executeWithOptions(
        { ...partnerCall, summary: 'ask how it stands' },
        [refund],
      );
      if (standing === 'unknown') standing = await request(refund);
    }
    if (standing === 'confirmed') return null;
    return standing === 'refused' ? 'the provider refuses' : 'the provider does not confirm';
  } catch (error) {
    if (!hasGivenUp(error)) throw error;
    return problemOf(error);
  }
}

function request(refund: RefundWorkflowInput): Promise<RefundStanding> {
  return provider.requestRefund.executeWithOptions(
    { ...partnerCall, summary: 'ask the provider to pay back' },
    [refund],
  );
}
