// The bundle's only entry: what is exported here can be started, and nothing else (test/workflows/exports.test.ts).
export { orderWorkflow } from './order/workflow';
export { lateMoneyWorkflow } from './order/lateMoneyWorkflow';
export { refundWorkflow } from './order/refundWorkflow';
export { webhookWorkflow } from './webhook/webhookWorkflow';
export { arrivalWorkflow } from './presale/arrivalWorkflow';
export { presaleAggregationWorkflow } from './presale/aggregationWorkflow';
export { supplierForecastWorkflow } from './forecast/supplierForecastWorkflow';
