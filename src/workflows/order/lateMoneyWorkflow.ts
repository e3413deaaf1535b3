import { proxyLocalActivities, setCurrentDetails } from '@temporalio/workflow';
import type { OrderActivities } from '../../activities/order';
import type { PlainActivities } from '../plain';
import type { LateMoneyOutcome, LateMoneyWorkflowInput } from './messages';
import { localStep } from './retries';
import { wordingFor } from './texts';

const steps = proxyLocalActivities<PlainActivities<OrderActivities>>(localStep);

/** Money that came after its order had ended, or that nobody owed: decided once, by one transaction (I8). */
export async function lateMoneyWorkflow({
  reader,
  ...money
}: LateMoneyWorkflowInput): Promise<LateMoneyOutcome> {
  const wording = wordingFor(reader);
  setCurrentDetails(wording.render(wording.notices.deciding, { since: new Date().toISOString() }));
  const decision = await steps.decideLateMoney.executeWithOptions(
    { ...localStep, summary: wording.steps.decideMoney },
    [money],
  );
  setCurrentDetails(wording.notices.decided[decision.outcome]);
  return decision;
}
