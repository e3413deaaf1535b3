import type { OrderState } from '../../domain/order/model';
import type { Reader } from '../../domain/tenant/model';

/** Names and shapes of all that the order's, the late money's and the refund's workflows are told. */
export const orderWorkflowType = 'orderWorkflow';
export const lateMoneyWorkflowType = 'lateMoneyWorkflow';
export const refundWorkflowType = 'refundWorkflow';

export const resumedSignalName = 'resumed';
/** How stages were told before 0.2, the stage inside the message: such signals stand in open histories. */
export const stageSignalName = 'stage';

export interface OrderWorkflowInput {
  tenant: string;
  orderId: string;
  /** 1 for an order as placed; one more each time late money brought it back, or a lost workflow is replaced. */
  run: number;
  /** Absent in workflows from before 0.2: they speak English and change their columns less often. */
  shown?: ShownOrder;
}

/** A wait that people see, under the name it goes on by. */
export interface ShownWait {
  name: string;
  /** ISO 8601 */
  since: string;
}

/** Whom an order's workflow speaks to, and what it shows at its start; kept from run to run. */
export interface ShownOrder {
  reader: Reader;
  /** The column `OrderStage`, and the two beside it. */
  stage: string;
  attention?: string;
  siteIds?: string[];
  wait?: ShownWait;
  /** What a person has to decide lies over it. */
  parked?: ShownWait;
}

/**
 * `paid`, `cancelled`, `ended`: so PostgreSQL decided · `resumed`: what was parked is to be tried again. Each is told
 * by a signal of its own name, because the Web UI shows a signal by its name alone.
 */
export const stageNames = ['paid', 'cancelled', 'resumed', 'ended'] as const;
export type StageName = (typeof stageNames)[number];

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
  reader?: Reader;
}

export interface LateMoneyOutcome {
  outcome: 'reheld' | 'refunding' | 'alreadyDecided';
}

export interface RefundWorkflowInput {
  tenant: string;
  refundId: string;
  /** Absent in workflows from before 0.2. */
  reader?: Reader;
  /** When what is parked was parked; kept from run to run. ISO 8601. */
  parkedSince?: string;
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
