/** Name and shape of all that an endpoint's workflow is told. */
export const webhookWorkflowType = 'webhookWorkflow';
export const wakeSignalName = 'wake';

export interface WebhookWorkflowInput {
  tenant: string;
  endpointId: string;
}

export interface WebhookOutcome {
  /** How the endpoint stood when there was nothing more to be done. */
  standing: string;
}

export function webhookWorkflowId({ tenant, endpointId }: WebhookWorkflowInput): string {
  return `webhook:${tenant}/${endpointId}`;
}
