import {
  type Place,
  type Remedy,
  findSettledOpenOrders,
  findSettledOpenRefunds,
  findUndecidedMoney,
  insertRemedies,
} from '../db/dispatchReconcile';
import type { ReconcilerNeeds } from './reconciler';
import { restartMoney, restartOrder, restartRefund } from './reconciler';

export interface Realignment {
  /** Workflows that were ended. */
  ended: number;
  /** Orders, refunds and late payments whose workflow is to be started anew; dispatch does it. */
  told: number;
}

const endedAtOnce = 16;
const pageSize = 1000;
const reason = 'realigned: one of the stores was restored from a backup';

/**
 * Makes Temporal follow PostgreSQL after either was restored to an earlier instant: whatever runs is ended, undoing
 * nothing, and every open order, unconfirmed refund and undecided payment gets a workflow anew, which reads where
 * it stands from its row. Safe to repeat. Rows younger than a minute are left to the reconciler.
 */
export async function realign({ db, temporal, logger }: ReconcilerNeeds): Promise<Realignment> {
  const ids: string[] = [];
  for await (const workflowId of temporal.listRunningIds()) ids.push(workflowId);
  for (let from = 0; from < ids.length; from += endedAtOnce) {
    await Promise.all(ids.slice(from, from + endedAtOnce).map((id) => temporal.terminate(id, reason)));
  }
  logger.info({ ended: ids.length }, 'running workflows are ended');
  const told =
    (await restartAll(db, {
      find: findSettledOpenOrders,
      idOf: (order) => order.orderId,
      remedy: restartOrder,
    })) +
    (await restartAll(db, {
      find: findSettledOpenRefunds,
      idOf: (refund) => refund.refundId,
      remedy: restartRefund,
    })) +
    (await restartAll(db, {
      find: findUndecidedMoney,
      idOf: (money) => money.transactionId,
      remedy: restartMoney,
    }));
  logger.info({ told }, 'workflows are asked for anew');
  return { ended: ids.length, told };
}

interface Restart<Row> {
  find(db: ReconcilerNeeds['db'], from: { after: Place; limit: number }): Promise<Row[]>;
  idOf(row: Row): string;
  remedy(row: Row): Remedy;
}

async function restartAll<Row extends { tenant: string }>(
  db: ReconcilerNeeds['db'],
  { find, idOf, remedy }: Restart<Row>,
): Promise<number> {
  let count = 0;
  for (let after: Place = { tenant: '', id: '' }; ; ) {
    const rows = await find(db, { after, limit: pageSize });
    await insertRemedies(db, rows.map(remedy));
    count += rows.length;
    const last = rows.at(-1);
    if (last === undefined || rows.length < pageSize) return count;
    after = { tenant: last.tenant, id: idOf(last) };
  }
}
