import {
  Client,
  Connection,
  WorkflowExecutionAlreadyStartedError,
  WorkflowNotFoundError,
  type WorkflowStartOptions,
} from '@temporalio/client';
import type { ClaimedOrder } from '../db/dispatch';
import type { Reader } from '../domain/tenant/model';
import {
  type LateMoneyWorkflowInput,
  type OrderWorkflowInput,
  type RefundWorkflowInput,
  type StageName,
  lateMoneyWorkflowId,
  lateMoneyWorkflowType,
  orderWorkflowId,
  orderWorkflowType,
  refundWorkflowId,
  refundWorkflowType,
  resumedSignalName,
} from '../workflows/order/messages';
import {
  type ArrivalWorkflowInput,
  arrivalWorkflowId,
  arrivalWorkflowType,
  arrivedSignalName,
} from '../workflows/presale/messages';
import {
  type WebhookWorkflowInput,
  wakeSignalName,
  webhookWorkflowId,
  webhookWorkflowType,
} from '../workflows/webhook/messages';
import { type ScheduleCalls, createScheduleCalls } from './scheduleCalls';
import { describeArrival, describeMoney, describeOrder, describeRefund, describeWebhook } from './describe';

export interface TemporalSettings {
  address: string;
  namespace: string;
  taskQueue: string;
}

/** `again`: only the reconciler and a realignment ask for it, having seen that the former workflow is gone. */
export interface AgainRule {
  again: boolean;
}

export interface StartRule extends AgainRule {
  reader: Reader;
}

/** `none`: no workflow of that id was ever seen, or its history is gone. */
export type WorkflowStanding = 'running' | 'completed' | 'broken' | 'none';

type OrderRun = Pick<OrderWorkflowInput, 'tenant' | 'orderId' | 'run'>;
export type RunningOrder = OrderRun;

/** All that dispatch says to Temporal. Each call is bounded by a deadline and may be made again. */
export interface Temporal {
  startOrder(order: OrderRun & ClaimedOrder, rule: StartRule): Promise<void>;
  startMoney(money: LateMoneyWorkflowInput, rule?: AgainRule): Promise<void>;
  startRefund(refund: RefundWorkflowInput, rule?: AgainRule): Promise<void>;
  /** Starts the hand-out of what came for a campaign, or tells the one that runs that there is something new. */
  startArrival(arrival: ArrivalWorkflowInput): Promise<void>;
  /** Telling a workflow that is not there is no fault: not started yet, it reads its row first; closed, it is done. */
  signalOrder(order: OrderRun, stage: StageName): Promise<void>;
  signalRefund(refund: RefundWorkflowInput): Promise<void>;
  /** Starts the endpoint's workflow, or has the one that runs look again at once. */
  wakeWebhook(endpoint: WebhookWorkflowInput): Promise<void>;
  look(workflowId: string): Promise<WorkflowStanding>;
  /** Running orders as visibility shows them, which is a little behind; at most `limit`. */
  listRunningOrders(limit: number): AsyncIterable<RunningOrder>;
  /** Ids of the running workflows of orders, late money and refunds of this task queue. */
  listRunningIds(): AsyncIterable<string>;
  /** Ends a workflow whatever it waits for; nothing is undone. One that is gone is no fault. */
  terminate(workflowId: string, reason: string): Promise<void>;
  readonly schedules: ScheduleCalls;
  close(): Promise<void>;
}

const callMs = 5000;
const listMs = 20_000;

/** What calls need. */
interface Line {
  client: Client['workflow'];
  taskQueue: string;
  /** Bounds a call: Temporal that does not answer is an error, not a wait. */
  within<Answer>(milliseconds: number, call: () => Promise<Answer>): Promise<Answer>;
}

/** Connects at the first call, and again by itself when the server comes back. */
export function connectTemporal({ address, namespace, taskQueue }: TemporalSettings): Temporal {
  const channelArgs = { 'grpc.initial_reconnect_backoff_ms': 200, 'grpc.max_reconnect_backoff_ms': 2000 };
  // no retries inside the client: they hide overload from the pace, and one that is due when the connection is
  // closed throws outside of every call
  const connection = Connection.lazy({ address, connectTimeout: callMs, channelArgs, interceptors: [] });
  const client = new Client({ connection, namespace });
  const line: Line = {
    client: client.workflow,
    taskQueue,
    within: (milliseconds, call) => connection.withDeadline(Date.now() + milliseconds, call),
  };
  return {
    ...createStarts(line),
    startArrival: (arrival) => startArrival(line, arrival),
    signalOrder: (order, stage) => signal(line, orderWorkflowId(order), stage),
    signalRefund: (refund) => signal(line, refundWorkflowId(refund), resumedSignalName),
    wakeWebhook: (endpoint) => wakeWebhook(line, endpoint),
    look: (workflowId) => look(line, workflowId),
    listRunningOrders: (limit) => listRunningOrders(line, limit),
    listRunningIds: () => listRunningIds(line),
    terminate: (workflowId, reason) => terminate(line, workflowId, reason),
    schedules: createScheduleCalls({ ...line, client: client.schedule }),
    close: () => connection.close(),
  };
}

function createStarts(line: Line): Pick<Temporal, 'startOrder' | 'startMoney' | 'startRefund'> {
  return {
    startOrder: (order, { again, reader }) => {
      const { tenant, orderId, run, state: stage } = order;
      const input: OrderWorkflowInput = { tenant, orderId, run, shown: { reader, stage } };
      return start(line, orderWorkflowType, {
        workflowId: orderWorkflowId(input),
        args: [input],
        workflowIdReusePolicy: again ? 'ALLOW_DUPLICATE' : 'REJECT_DUPLICATE',
        ...describeOrder(order, reader),
      });
    },
    startMoney: (money, { again } = { again: false }) =>
      start(line, lateMoneyWorkflowType, {
        workflowId: lateMoneyWorkflowId(money),
        args: [money],
        // harmless to run again, for the decision is one guarded transaction; needed after a termination
        workflowIdReusePolicy: again ? 'ALLOW_DUPLICATE' : 'ALLOW_DUPLICATE_FAILED_ONLY',
        ...describeMoney(money),
      }),
    startRefund: (refund, { again } = { again: false }) =>
      start(line, refundWorkflowType, {
        workflowId: refundWorkflowId(refund),
        args: [refund],
        // the refund's id makes the provider pay once, however often this runs
        workflowIdReusePolicy: again ? 'ALLOW_DUPLICATE' : 'ALLOW_DUPLICATE_FAILED_ONLY',
        ...describeRefund(refund),
      }),
  };
}

async function start(
  { client, taskQueue, within }: Line,
  type: string,
  options: Omit<WorkflowStartOptions, 'taskQueue'>,
): Promise<void> {
  const whole = { workflowIdConflictPolicy: 'USE_EXISTING', ...options, taskQueue } as WorkflowStartOptions;
  try {
    await within(callMs, () => client.start(type, whole));
  } catch (error) {
    // started before, by us or by another dispatcher: that is what was wanted
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
  }
}

async function startArrival(
  { client, taskQueue, within }: Line,
  arrival: ArrivalWorkflowInput,
): Promise<void> {
  await within(callMs, () =>
    client.signalWithStart(arrivalWorkflowType, {
      workflowId: arrivalWorkflowId(arrival),
      args: [arrival],
      signal: arrivedSignalName,
      taskQueue,
      // one campaign's goods come in several deliveries: each time anew
      workflowIdReusePolicy: 'ALLOW_DUPLICATE',
      ...describeArrival(arrival),
    }),
  );
}

async function signal({ client, within }: Line, workflowId: string, name: string): Promise<void> {
  try {
    await within(callMs, () => client.getHandle(workflowId).signal(name));
  } catch (error) {
    if (!(error instanceof WorkflowNotFoundError)) throw error;
  }
}

/** The workflow closes when nothing is pending, and is started again under its id for ever. */
async function wakeWebhook(
  { client, taskQueue, within }: Line,
  endpoint: WebhookWorkflowInput,
): Promise<void> {
  await within(callMs, () =>
    client.signalWithStart(webhookWorkflowType, {
      workflowId: webhookWorkflowId(endpoint),
      taskQueue,
      args: [endpoint],
      signal: wakeSignalName,
      signalArgs: [],
      workflowIdReusePolicy: 'ALLOW_DUPLICATE',
      workflowIdConflictPolicy: 'USE_EXISTING',
      ...describeWebhook(endpoint),
    }),
  );
}

async function look({ client, within }: Line, workflowId: string): Promise<WorkflowStanding> {
  try {
    const { status } = await within(callMs, () => client.getHandle(workflowId).describe());
    if (status.name === 'RUNNING') return 'running';
    return status.name === 'COMPLETED' ? 'completed' : 'broken';
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return 'none';
    throw error;
  }
}

async function* listRunningOrders(line: Line, limit: number): AsyncIterable<RunningOrder> {
  let count = 0;
  for await (const workflowId of listIds(line, `WorkflowType = '${orderWorkflowType}'`)) {
    if ((count += 1) > limit) return;
    const order = parseOrderWorkflowId(workflowId);
    if (order !== null) yield order;
  }
}

function listRunningIds(line: Line): AsyncIterable<string> {
  const types = [orderWorkflowType, lateMoneyWorkflowType, refundWorkflowType];
  return listIds(line, `WorkflowType IN (${types.map((type) => `'${type}'`).join(', ')})`);
}

/** Running workflows of our task queue: another installation may share the namespace. */
async function* listIds({ client, taskQueue, within }: Line, which: string): AsyncIterable<string> {
  const query = `${which} AND ExecutionStatus = 'Running' AND TaskQueue = '${taskQueue}'`;
  const pages = client.list({ query, pageSize: 1000 })[Symbol.asyncIterator]();
  for (;;) {
    const { done, value } = await within(listMs, () => pages.next());
    if (done === true) return;
    yield value.workflowId;
  }
}

async function terminate({ client, within }: Line, workflowId: string, reason: string): Promise<void> {
  try {
    await within(callMs, () => client.getHandle(workflowId).terminate(reason));
  } catch (error) {
    if (!(error instanceof WorkflowNotFoundError)) throw error;
  }
}

function parseOrderWorkflowId(workflowId: string): RunningOrder | null {
  const [, tenant, orderId, run = '1'] = /^order:([^/]+)\/([^/]+)(?:\/(\d+))?$/.exec(workflowId) ?? [];
  return tenant === undefined || orderId === undefined ? null : { tenant, orderId, run: Number(run) };
}
