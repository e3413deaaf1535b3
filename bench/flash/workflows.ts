import { setTimeout as sleep } from 'node:timers/promises';
import { Client, Connection } from '@temporalio/client';
import { orderWorkflowId, orderWorkflowType } from '../../src/workflows/order/messages';
import type { Deployment, Servers } from '../support/servers';

/** The order workflows as Temporal has them. */
export interface Workflows {
  /** When the last of these orders' workflows was started, in milliseconds; null while one is not to be found. */
  findLastStart(orderIds: readonly string[]): Promise<number | null>;
  countRunning(): Promise<number>;
  close(): Promise<void>;
}

const lookMs = 1000;
/** The server's listing lags behind its histories a little. */
const listingLagMs = 30_000;

export async function openWorkflows(
  servers: Servers,
  { namespace }: Deployment,
  tenant: string,
): Promise<Workflows> {
  const connection = await Connection.connect({ address: servers.temporalAddress });
  const client = new Client({ connection, namespace });
  const ofType = `WorkflowType = '${orderWorkflowType}'`;
  const readStarts = async () => {
    const starts = new Map<string, number>();
    for await (const { workflowId, startTime } of client.workflow.list({ query: ofType, pageSize: 1000 })) {
      starts.set(workflowId, startTime.getTime());
    }
    return starts;
  };
  return {
    async findLastStart(orderIds) {
      const wanted = orderIds.map((orderId) => orderWorkflowId({ tenant, orderId, run: 1 }));
      for (const giveUpAt = Date.now() + listingLagMs; ; await sleep(lookMs)) {
        const starts = await readStarts();
        const found = wanted.flatMap((workflowId) => starts.get(workflowId) ?? []);
        if (found.length === wanted.length) return Math.max(...found);
        if (Date.now() > giveUpAt) return null;
      }
    },
    countRunning: async () =>
      (await client.workflow.count(`${ofType} AND ExecutionStatus = 'Running'`)).count,
    close: () => connection.close(),
  };
}
