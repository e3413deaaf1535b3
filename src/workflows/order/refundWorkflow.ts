import {
  condition,
  continueAsNew,
  defineSignal,
  proxyActivities,
  proxyLocalActivities,
  setCurrentDetails,
  setHandler,
  sleep,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import { defineSearchAttributeKey } from '@temporalio/common';
import type { RefundActivities, RefundKey, RefundStanding } from '../../activities/refund';
import type { PlainActivities } from '../plain';
import { hasGivenUp, problemOf } from './failures';
import { type RefundWorkflowInput, resumedSignalName } from './messages';
import { localStep, partnerCall } from './retries';
import { type Wording, wordingFor } from './texts';

export const resumedSignal = defineSignal(resumedSignalName);

const provider = proxyActivities<PlainActivities<RefundActivities>>(partnerCall);
const steps = proxyLocalActivities<PlainActivities<RefundActivities>>(localStep);

const secondMs = 1000;
const firstPollMs = 2 * secondMs;
const longestPollMs = 600 * secondMs;
const polls = 40;
/** After finance was shown: a provider that came back is asked again without anybody's word. */
const retryMs = 3600 * secondMs;

const attentionKey = defineSearchAttributeKey('Attention', 'KEYWORD');

interface Circumstances {
  refund: RefundKey;
  wording: Wording;
  /** When this run began to ask. ISO 8601. */
  since: string;
}

/**
 * Carries one refund to its confirmation. The refund's id is the idempotency key at the provider, so asking again
 * after any fault moves the money once (I10); what the provider refuses or never confirms is shown to finance.
 */
export async function refundWorkflow(input: RefundWorkflowInput): Promise<{ state: 'confirmed' }> {
  const { tenant, refundId, reader } = input;
  const refund = { tenant, refundId };
  const wording = wordingFor(reader);
  let { parkedSince } = input;
  let resumed = false;
  setHandler(resumedSignal, () => {
    resumed = true;
  });
  for (;;) {
    resumed = false;
    const problem = await carryOut({ refund, wording, since: new Date().toISOString() });
    if (problem === null) {
      // refunds from before 0.2 had no column to clear
      if (reader !== undefined && parkedSince !== undefined)
        upsertSearchAttributes([{ key: attentionKey, value: null }]);
      setCurrentDetails(wording.notices.refunded);
      return { state: 'confirmed' };
    }
    await steps.parkRefund.executeWithOptions(
      { ...localStep, summary: wording.steps.park(wording.parked.refundFailed.name) },
      [{ ...refund, problem }],
    );
    if (reader !== undefined && parkedSince === undefined)
      upsertSearchAttributes([{ key: attentionKey, value: 'refundFailed' }]);
    parkedSince ??= new Date().toISOString();
    const summary = showParked({ refund, wording, since: parkedSince }, problem);
    await condition(() => resumed, retryMs, { summary });
    if (workflowInfo().continueAsNewSuggested)
      await continueAsNew<typeof refundWorkflow>({ ...input, parkedSince });
  }
}

/** Shows what finance has to decide; answers the line for the timer. */
function showParked({ refund, wording, since }: Circumstances, problem: string): string {
  const until = new Date(Date.now() + retryMs).toISOString();
  const notice = wording.parkedNotice({ reason: 'refundFailed', subject: `\`${refund.refundId}\`` });
  setCurrentDetails(wording.render(notice, { since, until, problem }));
  return wording.line(wording.steps.until({ waitsFor: notice.waitsFor, until: wording.at(until) }));
}

/** Null when the money has gone back, else what stands in the way. */
async function carryOut(circumstances: Circumstances): Promise<string | null> {
  const { refund, wording, since } = circumstances;
  setCurrentDetails(wording.render(wording.notices.refund, { since }));
  try {
    let standing = await request(circumstances);
    for (let poll = 0; poll < polls && standing !== 'confirmed' && standing !== 'refused'; poll += 1) {
      const pauseMs = Math.min(firstPollMs * 2 ** poll, longestPollMs);
      const { waitsFor } = wording.notices.refund;
      const until = wording.at(Date.now() + pauseMs);
      await sleep(pauseMs, { summary: wording.steps.until({ waitsFor, until }) });
      standing = await provider.queryRefund.executeWithOptions(
        { ...partnerCall, summary: wording.steps.queryRefund },
        [refund],
      );
      if (standing === 'unknown') standing = await request(circumstances);
    }
    if (standing === 'confirmed') return null;
    return standing === 'refused' ? 'the provider refuses' : 'the provider does not confirm';
  } catch (error) {
    if (!hasGivenUp(error)) throw error;
    return problemOf(error);
  }
}

function request({ refund, wording }: Circumstances): Promise<RefundStanding> {
  return provider.requestRefund.executeWithOptions({ ...partnerCall, summary: wording.steps.requestRefund }, [
    refund,
  ]);
}
