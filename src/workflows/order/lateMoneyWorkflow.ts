import { proxyLocalActivities } from '@temporalio/workflow';
import type { OrderActivities } from '../../activities/order';
import type { PlainActivities } from '../plain';
import type { LateMoneyOutcome, LateMoneyWorkflowInput } from './messages';
import { localStep } from './retries';

const steps = proxyLocalActivities<PlainActivities<OrderActivities>>(localStep);

/** Money that came after its order had ended, or that nobody owed: decided once, by one transaction (I8). */
export async function lateMoneyWorkflow(money: LateMoneyWorkflowInput): Promise<LateMoneyOutcome> {
  return steps.decideLateMoney.executeWithOptions(
    { ...localStep, summary: 'hold again if the goods are still there, else refund' },
    [money],
  );
}
