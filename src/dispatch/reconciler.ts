import {
  type IdleEndpoint,
  type OpenOrder,
  type OpenRefund,
  type Place,
  type Remedy,
  type ReservingCampaign,
  type UndecidedMoney,
  findEndedOrders,
  findIdleEndpoints,
  findMissingOrders,
  findReservingCampaigns,
  findSettledOpenOrders,
  findSettledOpenRefunds,
  findUndecidedMoney,
  insertRemedies,
} from '../db/dispatchReconcile';
import type { Database } from '../db/transaction';
import type { Logger } from '../log';
import { lateMoneyWorkflowId, orderWorkflowId, refundWorkflowId } from '../workflows/order/messages';
import { arrivalWorkflowId } from '../workflows/presale/messages';
import { webhookWorkflowId } from '../workflows/webhook/messages';
import type { RunningOrder, Temporal, WorkflowStanding } from './temporal';

export interface ReconcilerNeeds {
  /** As `xianda_dispatch`. */
  db: Database;
  temporal: Temporal;
  logger: Logger;
}

export interface Reconciler {
  /** One bounded look at both stores; what differs is mended through the outbox (I12). */
  reconcile(): Promise<number>;
}

const rowsARound = 5000;
const looksARound = 300;
const looksAtOnce = 8;
const workflowsARound = 50_000;
/** An ended order's workflow may have good reason to wait on (an unbooking that is parked): it is told seldom. */
const tellAgainMs = 3600_000;
const remediesLogged = 20;
const beginning: Place = { tenant: '', id: '' };

/** Compares PostgreSQL with Temporal, from where the last round stopped. */
export function createReconciler({ db, temporal, logger }: ReconcilerNeeds): Reconciler {
  const orders = createTurn({
    limit: rowsARound,
    idOf: (order: OpenOrder) => order.orderId,
    find: (from) => findSettledOpenOrders(db, from),
  });
  const refunds = createTurn({
    limit: looksARound,
    idOf: (refund: OpenRefund) => refund.refundId,
    find: (from) => findSettledOpenRefunds(db, from),
  });
  const moneys = createTurn({
    limit: looksARound,
    idOf: (money: UndecidedMoney) => money.transactionId,
    find: (from) => findUndecidedMoney(db, from),
  });
  const findLostArrivals = createArrivalsTurn({ db, temporal });
  const findIdleWebhooks = createWebhooksTurn({ db, temporal });
  const toldAt = new Map<string, number>();
  const endStrays = createStrayWatch({ db, temporal, logger });

  async function findLost(running: Set<string>): Promise<Remedy[]> {
    const unseen = (await orders())
      .filter((order) => !running.has(orderWorkflowId(order)))
      .slice(0, looksARound);
    const lostOrders = await keepLost(temporal, unseen, {
      workflowIdOf: orderWorkflowId,
      wellIf: ['running'],
    });
    const lostRefunds = await keepLost(temporal, await refunds(), {
      workflowIdOf: refundWorkflowId,
      wellIf: ['running'],
    });
    const wellIf: WorkflowStanding[] = ['running', 'completed'];
    const lostMoneys = await keepLost(temporal, await moneys(), {
      workflowIdOf: lateMoneyWorkflowId,
      wellIf,
    });
    return [
      ...lostOrders.map(restartOrder),
      ...lostRefunds.map(restartRefund),
      ...lostMoneys.map(restartMoney),
      ...(await findLostArrivals()),
      ...(await findIdleWebhooks()),
    ];
  }

  return {
    async reconcile() {
      const running: RunningOrder[] = [];
      for await (const order of temporal.listRunningOrders(workflowsARound)) running.push(order);
      const ids = new Set(running.map(orderWorkflowId));
      for (const told of toldAt.keys()) if (!ids.has(told)) toldAt.delete(told);
      const remedies = [...(await findLost(ids)), ...(await findLingering(db, running, toldAt))];
      await insertRemedies(db, remedies);
      for (const { tenant, kind, subject } of remedies.slice(0, remediesLogged)) {
        logger.warn({ tenant, kind, subject }, 'PostgreSQL and Temporal differed: Temporal is told again');
      }
      return remedies.length + (await endStrays(running));
    },
  };
}

/** Goods that came for a campaign and that nobody hands out. */
function createArrivalsTurn({ db, temporal }: Omit<ReconcilerNeeds, 'logger'>): () => Promise<Remedy[]> {
  const campaigns = createTurn({
    limit: looksARound,
    idOf: (campaign: ReservingCampaign) => campaign.campaignId,
    find: (from) => findReservingCampaigns(db, from),
  });
  return async () => {
    const lost = await keepLost(temporal, await campaigns(), {
      workflowIdOf: arrivalWorkflowId,
      wellIf: ['running'],
    });
    return lost.map(({ tenant, campaignId }) => remedy(tenant, 'startConversion', campaignId, {}));
  };
}

/** An order that two rounds did not find is lost with a backup; told again by its shop it must find a free id. */
function createStrayWatch({ db, temporal, logger }: ReconcilerNeeds) {
  let missingBefore = new Set<string>();
  return async (running: RunningOrder[]): Promise<number> => {
    const missing = new Set((await findMissingOrders(db, running)).map(keyOf));
    const strays = running.filter((order) => missing.has(keyOf(order)) && missingBefore.has(keyOf(order)));
    missingBefore = missing;
    for (const { tenant, orderId, run } of strays) {
      await temporal.terminate(orderWorkflowId({ tenant, orderId, run }), 'its order is not in the database');
      logger.error({ tenant, orderId }, 'a workflow ran for an order that is not there: it is ended');
    }
    return strays.length;
  };
}

/** Deliveries that are due, at endpoints whose workflow does not run. */
function createWebhooksTurn({ db, temporal }: Omit<ReconcilerNeeds, 'logger'>): () => Promise<Remedy[]> {
  const endpoints = createTurn({
    limit: looksARound,
    idOf: (endpoint: IdleEndpoint) => endpoint.endpointId,
    find: (from) => findIdleEndpoints(db, from),
  });
  return async () => {
    const lost = await keepLost(temporal, await endpoints(), {
      workflowIdOf: webhookWorkflowId,
      wellIf: ['running'],
    });
    return lost.map(({ tenant, endpointId }) => remedy(tenant, 'wakeWebhook', endpointId, {}));
  };
}

/** Workflows whose order has ended, and that were not told so lately. */
async function findLingering(
  db: Database,
  running: RunningOrder[],
  toldAt: Map<string, number>,
): Promise<Remedy[]> {
  const ended = new Map((await findEndedOrders(db, running)).map((order) => [keyOf(order), order.state]));
  const untold = running.filter(
    (order) =>
      ended.has(keyOf(order)) && Date.now() - (toldAt.get(orderWorkflowId(order)) ?? 0) >= tellAgainMs,
  );
  return untold.map((order) => {
    toldAt.set(orderWorkflowId(order), Date.now());
    const stage = ended.get(keyOf(order)) === 'cancelled' ? 'cancelled' : 'ended';
    return remedy(order.tenant, 'signalOrder', order.orderId, { stage, run: order.run });
  });
}

function keyOf({ tenant, orderId }: { tenant: string; orderId: string }): string {
  return `${tenant}/${orderId}`;
}

function remedy(tenant: string, kind: Remedy['kind'], subject: string, payload: object): Remedy {
  return { tenant, kind, subject, payload };
}

/** `again`: the workflow's id may have been used, and here alone may a second one be made under it. */
export const restartOrder = ({ tenant, orderId, run }: OpenOrder): Remedy =>
  remedy(tenant, 'startOrder', orderId, { run, again: true });

/** Harmless to make twice: the provider pays once under the refund's id. */
export const restartRefund = ({ tenant, refundId }: OpenRefund): Remedy =>
  remedy(tenant, 'startRefund', refundId, { again: true });

export const restartMoney = ({ tenant, provider, transactionId }: UndecidedMoney): Remedy =>
  remedy(tenant, 'startMoney', transactionId, { provider, transactionId, again: true });

interface Turn<Row> {
  limit: number;
  idOf: (row: Row) => string;
  find: (from: { after: Place; limit: number }) => Promise<Row[]>;
}

/** Reads a long list a page at a time: from the last place on, and from the beginning once the end is reached. */
function createTurn<Row extends { tenant: string }>({ limit, idOf, find }: Turn<Row>): () => Promise<Row[]> {
  let place = beginning;
  return async () => {
    const rows = await find({ after: place, limit });
    const last = rows.at(-1);
    place = last !== undefined && rows.length === limit ? { tenant: last.tenant, id: idOf(last) } : beginning;
    return rows;
  };
}

/** Those whose workflow is not well. Visibility lags behind: only what the workflow's own record says is believed. */
async function keepLost<Row>(
  temporal: Temporal,
  rows: Row[],
  { workflowIdOf, wellIf }: { workflowIdOf: (row: Row) => string; wellIf: WorkflowStanding[] },
): Promise<Row[]> {
  const lost: Row[] = [];
  for (let from = 0; from < rows.length; from += looksAtOnce) {
    const some = rows.slice(from, from + looksAtOnce);
    const standings = await Promise.all(some.map((row) => temporal.look(workflowIdOf(row))));
    lost.push(...some.filter((_, index) => !wellIf.includes(standings[index] as WorkflowStanding)));
  }
  return lost;
}
