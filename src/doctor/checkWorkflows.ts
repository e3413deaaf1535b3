import { WorkflowNotFoundError } from '@temporalio/client';
import type { DueEndpointRow, Finding, OpenOrderRow } from '../db/coherence.read';
import { orderWorkflowId, orderWorkflowType } from '../workflows/order/messages';
import { webhookWorkflowId } from '../workflows/webhook/messages';
import type { CoherenceSources, OutsideCheck } from './checkCoherence';

const invariant = 12;
/** More than any installation of the demo's size; beyond it the listing would take minutes and is told as not made. */
const listedAtMost = 100_000;
/** The listing lags a little, so each suspicion is asked about once; more than these would be no news. */
const describedAtMost = 500;

type Temporal = CoherenceSources['temporal'];
export type RunningOrders = { ids: Set<string> } | { reason: string };

/** Ids of the order workflows that run now; or why they could not be listed. */
export async function listRunningOrders(temporal: Temporal): Promise<RunningOrders> {
  if (!temporal) return { reason: 'Temporal is not known here' };
  const query = `WorkflowType = '${orderWorkflowType}' AND ExecutionStatus = 'Running' AND TaskQueue = '${temporal.taskQueue}'`;
  const ids = new Set<string>();
  try {
    for await (const { workflowId } of temporal.client.workflow.list({ query, pageSize: 1000 })) {
      ids.add(workflowId);
      if (ids.size > listedAtMost) return { reason: `more than ${listedAtMost} workflows run` };
    }
  } catch (error) {
    return { reason: `Temporal did not answer: ${error instanceof Error ? error.message : 'unknown'}` };
  }
  return { ids };
}

/**
 * Invariant 12: every open order's workflow runs (or its start is on its way), and every running one's order is
 * open. A minute of grace for what has just changed; what is parked for a person may stand either way.
 */
export async function checkWorkflows(
  orders: OpenOrderRow[],
  running: RunningOrders,
  temporal: Temporal,
  tenants: string[],
): Promise<OutsideCheck> {
  const result: OutsideCheck = { findings: [], rows: { invariant, rowsSeen: orders.length }, notLooked: [] };
  if (!('ids' in running) || !temporal) {
    if (orders.some((order) => order.open)) {
      result.notLooked.push({
        invariant,
        reason: 'reason' in running ? running.reason : 'Temporal is not known here',
      });
    }
    return result;
  }
  const suspicions = suspect(orders, running.ids, tenants);
  for (const suspicion of suspicions.slice(0, describedAtMost)) {
    if ((await isRunning(temporal, suspicion.workflowId)) === suspicion.runs)
      result.findings.push(suspicion.finding);
  }
  return result;
}

/** Invariant 12 for webhooks: whoever has deliveries overdue by minutes has a workflow that runs. */
export async function checkDeliveries(
  endpoints: DueEndpointRow[],
  temporal: Temporal,
): Promise<Pick<OutsideCheck, 'findings' | 'notLooked'>> {
  if (endpoints.length === 0) return { findings: [], notLooked: [] };
  if (!temporal) {
    return { findings: [], notLooked: [{ invariant, reason: 'Temporal is not known here' }] };
  }
  const findings: Finding[] = [];
  for (const { tenant, endpointId } of endpoints.slice(0, describedAtMost)) {
    const workflowId = webhookWorkflowId({ tenant, endpointId });
    if (await isRunning(temporal, workflowId)) continue;
    const detail = { problem: 'deliveries are due and the endpoint’s workflow does not run', workflowId };
    findings.push({ invariant, tenant, subject: endpointId, detail });
  }
  return { findings, notLooked: [] };
}

interface Suspicion {
  workflowId: string;
  /** What the workflow does if the suspicion is right. */
  runs: boolean;
  finding: Finding;
}

function suspect(orders: OpenOrderRow[], ids: Set<string>, tenants: string[]): Suspicion[] {
  const byId = new Map(orders.map((order) => [`${order.tenant}/${order.orderId}`, order]));
  const idle = orders
    .filter((order) => order.open && !order.young && !order.startPending && !order.parked)
    .map((order) => ({ order, workflowId: orderWorkflowId(order) }))
    .filter(({ workflowId }) => !ids.has(workflowId))
    .map(({ order, workflowId }) =>
      suspicion(order, workflowId, false, 'the order is open and its workflow does not run'),
    );
  const stray = [...ids].flatMap((workflowId) => {
    const [tenant = '', orderId = ''] = workflowId.replace(/^order:/, '').split('/');
    const order = byId.get(`${tenant}/${orderId}`);
    if (!order && !tenants.includes(tenant)) return [];
    if (!order)
      return [
        suspicion(
          { tenant, orderId, state: 'unknown' },
          workflowId,
          true,
          'a workflow runs for an order that is not there',
        ),
      ];
    if (order.young || order.parked) return [];
    if (!order.open)
      return [suspicion(order, workflowId, true, 'the order has ended and its workflow still runs')];
    return workflowId === orderWorkflowId(order)
      ? []
      : [suspicion(order, workflowId, true, 'an older run still runs')];
  });
  return [...idle, ...stray];
}

function suspicion(
  order: Pick<OpenOrderRow, 'tenant' | 'orderId' | 'state'>,
  workflowId: string,
  runs: boolean,
  problem: string,
): Suspicion {
  const detail = { problem, workflowId, state: order.state };
  return { workflowId, runs, finding: { invariant, tenant: order.tenant, subject: order.orderId, detail } };
}

async function isRunning({ client }: NonNullable<Temporal>, workflowId: string): Promise<boolean> {
  try {
    return (await client.workflow.getHandle(workflowId).describe()).status.name === 'RUNNING';
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return false;
    throw error;
  }
}
