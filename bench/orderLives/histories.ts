import type { Client } from '@temporalio/client';
import { mean } from '../support/figures';

/** What one life costs the Temporal server, the workflows it started included. */
export interface HistoryCost {
  events: number;
  workflowTasks: number;
}

/** Mean over the newest `sample` order workflows that have completed. */
export async function readHistoryCost(client: Client, sample: number): Promise<HistoryCost> {
  const query = `WorkflowType = 'orderWorkflow' AND ExecutionStatus = 'Completed'`;
  const costs: HistoryCost[] = [];
  for await (const { workflowId } of client.workflow.list({ query, pageSize: sample })) {
    costs.push(await costOf(client, workflowId));
    if (costs.length === sample) break;
  }
  return {
    events: mean(costs.map((cost) => cost.events)),
    workflowTasks: mean(costs.map((cost) => cost.workflowTasks)),
  };
}

async function costOf(client: Client, workflowId: string): Promise<HistoryCost> {
  const { events } = await client.workflow.getHandle(workflowId).fetchHistory();
  const children = (events ?? []).flatMap(
    (event) => event.childWorkflowExecutionStartedEventAttributes?.workflowExecution?.workflowId ?? [],
  );
  const own = {
    events: events?.length ?? 0,
    workflowTasks: (events ?? []).filter((event) => Boolean(event.workflowTaskCompletedEventAttributes))
      .length,
  };
  for (const child of children) {
    const cost = await costOf(client, child);
    own.events += cost.events;
    own.workflowTasks += cost.workflowTasks;
  }
  return own;
}
