import type { Reader } from '../../domain/tenant/model';

/** Name and shape of all that an endpoint's workflow is told. */
export const webhookWorkflowType = 'webhookWorkflow';
export const wakeSignalName = 'wake';

export interface WebhookWorkflowInput {
  tenant: string;
  endpointId: string;
  /** Whom its words are for, from the start on; left out by versions before there was one. */
  reader?: Reader;
}

export interface WebhookOutcome {
  /** How the endpoint stood when there was nothing more to be done. */
  standing: string;
}

export function webhookWorkflowId({ tenant, endpointId }: Omit<WebhookWorkflowInput, 'reader'>): string {
  return `webhook:${tenant}/${endpointId}`;
}
