import {
  type Place,
  type Remedy,
  findEndedOrders,
  findSettledOpenOrders,
  findSettledOpenRefunds,
  findUndecidedMoney,
  insertRemedies,
} from '../db/dispatchReconcile';
import type { Database } from '../db/transaction';
import type { Logger } from '../log';
import { lateMoneyWorkflowId, orderWorkflowId, refundWorkflowId } from '../workflows/order/messages';
import type { Temporal } from './temporal';

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
const beginning: Place = { tenant: '', id: '' };

/** Compares PostgreSQL with Temporal, from where the last round stopped. */
export function createReconciler({ db, temporal, logger }: ReconcilerNeeds): Reconciler {
  const places: Record<'orders' | 'refunds' | 'money', Place> = {
    orders: beginning,
    refunds: beginning,
    money: beginning,
  };
  const toldAt = new Map<string, number>();

  /** Rows from the last place on, and from the beginning again once the end is reached. */
  async function page<Row extends { tenant: string }>(
    list: keyof typeof places,
    find: (from: { after: Place; limit: number }) => Promise<Row[]>,
    { limit, idOf }: { limit: number; idOf: (row: Row) => string },
  ): Promise<Row[]> {
    const rows = await find({ after: places[list], limit });
    const last = rows.at(-1);
    places[list] = last !== undefined && rows.length === limit ? { tenant: last.tenant, id: idOf(last) } : beginning;
    return rows;
  }

  async function findLostOrders(running: Set<string>): Promise<Remedy[]> {
    const open = await page('orders', (from) => findSettledOpenOrders(db, from), {
      limit: rowsARound,
      idOf: (order) => order.orderId,
    });
    const unseen = open.filter((order) => !running.has(orderWorkflowId(order))).slice(0, looksARound);
    return findLost(unseen, orderWorkflowId, ['running'], ({ tenant, orderId, run }) => ({
      tenant,
      kind: 'startOrder',
      subject: orderId,
      // its id may have been used: only here may a second workflow be made under it
      payload: { run, again: true },
    }));
  }

  async function findLostRefunds(): Promise<Remedy[]> {
    const open = await page('refunds', (from) => findSettledOpenRefunds(db, from), {
      limit: looksARound,
      idOf: (refund) => refund.refundId,
    });
    return findLost(open, refundWorkflowId, ['running'], ({ tenant, refundId }) => ({
      tenant,
      kind: 'startRefund',
      subject: refundId,
      payload: {},
    }));
  }

  async function findLostMoney(): Promise<Remedy[]> {
    const undecided = await page('money', (from) => findUndecidedMoney(db, from), {
      limit: looksARound,
      idOf: (money) => money.transactionId,
    });
    return findLost(undecided, lateMoneyWorkflowId, ['running', 'completed'], (money) => ({
      tenant: money.tenant,
      kind: 'startMoney',
      subject: money.transactionId,
      payload: { provider: money.provider, transactionId: money.transactionId },
    }));
  }

  /** Visibility lags behind: only what the workflow's own record says is believed. */
  async function findLost<Row>(
    rows: Row[],
    workflowIdOf: (row: Row) => string,
    wellIf: string[],
    remedyOf: (row: Row) => Remedy,
  ): Promise<Remedy[]> {
    const remedies: Remedy[] = [];
    for (let from = 0; from < rows.length; from += looksAtOnce) {
      const some = rows.slice(from, from + looksAtOnce);
      const standings = await Promise.all(some.map((row) => temporal.look(workflowIdOf(row))));
      some.forEach((row, index) => {
        if (!wellIf.includes(standings[index] as string)) remedies.push(remedyOf(row));
      });
    }
    return remedies;
  }

  async function findLingering(running: { tenant: string; orderId: string; run: number }[]): Promise<Remedy[]> {
    const ended = await findEndedOrders(db, running);
    const remedies: Remedy[] = [];
    const runs = new Map(ended.map((order) => [`${order.tenant}/${order.orderId}`, order]));
    for (const { tenant, orderId, run } of running) {
      const order = runs.get(`${tenant}/${orderId}`);
      const workflowId = orderWorkflowId({ tenant, orderId, run });
      if (order === undefined || Date.now() - (toldAt.get(workflowId) ?? 0) < tellAgainMs) continue;
      toldAt.set(workflowId, Date.now());
      const stage = order.state === 'cancelled' ? 'cancelled' : 'ended';
      remedies.push({ tenant, kind: 'signalOrder', subject: orderId, payload: { stage, run } });
    }
    return remedies;
  }

  return {
    async reconcile() {
      const running: { tenant: string; orderId: string; run: number }[] = [];
      for await (const order of temporal.listRunningOrders(workflowsARound)) running.push(order);
      const ids = new Set(running.map(orderWorkflowId));
      for (const told of toldAt.keys()) if (!ids.has(told)) toldAt.delete(told);
      const remedies = [
        ...(await findLostOrders(ids)),
        ...(await findLingering(running)),
        ...(await findLostRefunds()),
        ...(await findLostMoney()),
      ];
      await insertRemedies(db, remedies);
      for (const { tenant, kind, subject } of remedies.slice(0, 20)) {
        logger.warn({ tenant, kind, subject }, 'PostgreSQL and Temporal differed: Temporal is told again');
      }
      return remedies.length;
    },
  };
}
