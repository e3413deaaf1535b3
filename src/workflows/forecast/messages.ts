import type { Language } from '../../domain/tenant/model';

/** Names and shapes of what the forecast's workflow is told. */
export const supplierForecastWorkflowType = 'supplierForecastWorkflow';

export interface SupplierForecastWorkflowInput {
  tenant: string;
  language: Language;
}
