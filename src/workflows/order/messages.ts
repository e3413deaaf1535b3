import type { OrderState } from '../../domain/order/model';

/** Names and shapes of all that the order's, the late money's and the refund's workflows are told. */
export const orderWorkflowType = 'orderWorkflow';
export const lateMoneyWorkflowType = 'lateMoneyWorkflow';
export const refundWorkflowType = 'refundWorkflow';

export const stageSignalName = 'stage';
export const resumedSignalName = 'resumed';

export interface OrderWorkflowInput {
  tenant: string;
  orderId: string;
  /** 1 for an order as placed; one more each time late money brought it back, or a lost workflow is replaced. */
  run: number;
}

/** `paid`, `cancelled`, `ended`: so PostgreSQL decided · `resumed`: what was parked is to be tried again. */
export type StageName = 'paid' | 'cancelled' | 'resumed' | 'ended';

export interface StageMessage {
  stage: StageName;
}

export interface OrderOutcome {
  /** `superseded`: a later run of the same order has taken over. */
  state: OrderState | 'superseded';
}

export interface LateMoneyWorkflowInput {
  tenant: string;
  provider: string;
  transactionId: string;
}

export interface LateMoneyOutcome {
  outcome: 'reheld' | 'refunding' | 'alreadyDecided';
}

export interface RefundWorkflowInput {
  tenant: string;
  refundId: string;
}

export function orderWorkflowId({ tenant, orderId, run }: OrderWorkflowInput): string {
  return run > 1 ? `order:${tenant}/${orderId}/${run}` : `order:${tenant}/${orderId}`;
}

export function lateMoneyWorkflowId({
  tenant,
  transactionId,
}: {
  tenant: string;
  transactionId: string;
}): string {
  return `money:${tenant}/${transactionId}`;
}

export function refundWorkflowId({ tenant, refundId }: RefundWorkflowInput): string {
  return `refund:${tenant}/${refundId}`;
}
