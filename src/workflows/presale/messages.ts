import type { Language, Reader } from '../../domain/tenant/model';

/** Names and shapes of all that the arrival's and the aggregation's workflows are told. */
export const arrivalWorkflowType = 'arrivalWorkflow';
export const presaleAggregationWorkflowType = 'presaleAggregationWorkflow';
export const arrivedSignalName = 'arrived';

export interface ArrivalWorkflowInput {
  tenant: string;
  campaignId: string;
  /** Whom its words are for. */
  reader: Reader;
}

export interface ArrivalOutcome {
  /** Lines that got their goods, and lines that were offered something else, since this run began. */
  converted: number;
  offered: number;
  /** Units that nobody needed and that went to the shelf. */
  unreserved: number;
}

export function arrivalWorkflowId({ tenant, campaignId }: Omit<ArrivalWorkflowInput, 'reader'>): string {
  return `arrival:${tenant}/${campaignId}`;
}

export interface PresaleAggregationWorkflowInput {
  tenant: string;
  /** Whose words the run's page is in. */
  language: Language;
}
