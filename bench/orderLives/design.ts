import { setTimeout as sleep } from 'node:timers/promises';
import { Client, Connection } from '@temporalio/client';
import { type ApiClient, createApiClient } from '../../src/dev/seed/apiClient';
import { type Brand, placeOrder, seedBrand } from '../support/brand';
import type { Deployment, Servers } from '../support/servers';

/** A design under test with its shop open: it can be sold to, and told how many lives have ended. */
export interface Design {
  deployment: Deployment;
  temporal: Client;
  /** Names of the processes that are this design's alone. */
  processes: string[];
  /** One buyer: places an order and pays it at the provider, whose own notification brings the news. */
  sell(): Promise<void>;
  /** Orders placed so far. */
  placed(): number;
  /** Order workflows that have completed. */
  countClosed(): Promise<number>;
  close(): Promise<void>;
}

export async function openDesign(
  servers: Servers,
  deployment: Deployment,
  processes: string[],
): Promise<Design> {
  const brand = await seedBrand(deployment, servers);
  const payments = createApiClient(servers.paymentUrl, 32);
  const connection = await Connection.connect({ address: servers.temporalAddress });
  const temporal = new Client({ connection, namespace: deployment.namespace });
  let placed = 0;
  return {
    deployment,
    temporal,
    processes,
    placed: () => placed,
    async sell() {
      placed += 1;
      await buy(
        { brand, payments, notifyUrl: `${deployment.apiUrl}/v1/payments/sandbox/notifications` },
        placed,
      );
    },
    async countClosed() {
      const query = `WorkflowType = 'orderWorkflow' AND ExecutionStatus = 'Completed'`;
      return (await temporal.workflow.count(query)).count;
    },
    async close() {
      brand.api.close();
      payments.close();
      await connection.close();
    },
  };
}

interface Till {
  brand: Brand;
  payments: ApiClient;
  notifyUrl: string;
}

/** From the order to the payment: long enough for the workflow to be there and wait, as it does for people. */
const hesitationMs = 1000;

async function buy({ brand, payments, notifyUrl }: Till, number: number): Promise<void> {
  const { orderId, totalFen } = await placeOrder(brand, number);
  await sleep(hesitationMs);
  const body = { tenant: brand.tenant, orderId, amountFen: totalFen, notifyUrl };
  const answer = await payments.send('POST', '/v1/charges', { body });
  if (answer.status !== 201) throw new Error(`a charge was answered ${answer.status}`);
}
