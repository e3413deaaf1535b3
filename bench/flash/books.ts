import { Client as Postgres } from 'pg';
import type { HotShop } from '../support/hotSku';
import type { JournalBatch } from './falseRefusals';

/** What the database says of the sale, read beside the product with rights of its own. */
export interface Books {
  /** Acknowledged orders that are not there, or whose unit is not held. */
  findLost(orderIds: readonly string[]): Promise<string[]>;
  countOrders(): Promise<number>;
  /** The SKU's journal; `toldAt` says when the caller heard of what a movement did for an order. */
  readBatches(toldAt: ToldAt): Promise<JournalBatch[]>;
  /** When the last start was marked as told, in milliseconds; null while one is still to be told. */
  findLastStart(): Promise<number | null>;
  /** Holds not ended, and for how long the first of them has been due, in seconds; negative while none is. */
  readHolds(): Promise<{ standing: number; dueForSeconds: number }>;
  /** The longest that any hold's end came after it was due, in seconds. */
  readLongestDelay(): Promise<number>;
  findFirstDue(): Promise<number>;
  readBalance(): Promise<{ onHand: number; held: number; committed: number }>;
  countByState(): Promise<Record<string, number>>;
  close(): Promise<void>;
}

export type ToldAt = (movement: { kind: string; orderId: string }) => number | undefined;

interface MovementRow {
  batch: string;
  kind: string;
  cause: string;
  at: number;
  units: number;
}

const epochMs = (column: string) => `(extract(epoch FROM ${column}) * 1000)::float8`;

/** One connection and its statements. */
async function connect(databaseUrl: string) {
  const client = new Postgres({ connectionString: databaseUrl });
  await client.connect();
  const ask = async <Row>(sql: string, values: unknown[] = []): Promise<Row[]> =>
    (await client.query(sql, values)).rows as Row[];
  return {
    ask,
    askOne: async <Row>(sql: string, values: unknown[] = []): Promise<Row> =>
      (await ask<Row>(sql, values))[0] as Row,
    close: () => client.end(),
  };
}

export async function openBooks(
  databaseUrl: string,
  { tenant, sku }: Pick<HotShop, 'tenant' | 'sku'>,
): Promise<Books> {
  const { ask, askOne, close } = await connect(databaseUrl);
  return {
    async findLost(orderIds) {
      const held = await ask<{ orderId: string }>(
        `SELECT order_id AS "orderId" FROM orders JOIN hold USING (tenant, order_id)
          WHERE tenant = $1 AND hold.sku = $2 AND hold.state = 'held' AND hold.quantity = 1
          GROUP BY order_id HAVING count(*) = 1`,
        [tenant, sku],
      );
      const kept = new Set(held.map(({ orderId }) => orderId));
      return orderIds.filter((orderId) => !kept.has(orderId));
    },
    countOrders: async () =>
      (await askOne<{ orders: number }>('SELECT count(*)::int AS orders FROM orders')).orders,
    async readBatches(toldAt) {
      const rows = await ask<MovementRow>(
        `SELECT batch_id AS batch, kind, cause_id AS cause, ${epochMs('at')} AS at,
                (on_hand - held - committed - quarantined)::int AS units
           FROM stock_movement WHERE tenant = $1 AND sku = $2`,
        [tenant, sku],
      );
      return [...groupByBatch(rows, toldAt).values()];
    },
    async findLastStart() {
      const { open, last } = await askOne<{ open: number; last: number }>(
        `SELECT count(*) FILTER (WHERE done_at IS NULL)::int AS open, ${epochMs('max(done_at)')} AS last
           FROM outbox WHERE kind = 'startOrder'`,
      );
      return open === 0 ? last : null;
    },
    readHolds: () =>
      askOne(
        `SELECT count(*)::int AS standing,
                coalesce(extract(epoch FROM clock_timestamp() - min(expires_at)), -1)::float8 AS "dueForSeconds"
           FROM hold WHERE tenant = $1 AND sku = $2 AND state = 'held'`,
        [tenant, sku],
      ),
    async readLongestDelay() {
      const { seconds } = await askOne<{ seconds: number }>(
        `SELECT max(extract(epoch FROM ended_at - expires_at))::float8 AS seconds FROM hold WHERE state = 'expired'`,
      );
      return seconds;
    },
    async findFirstDue() {
      const { first } = await askOne<{ first: number }>(
        `SELECT ${epochMs('min(expires_at)')} AS first FROM hold`,
      );
      return first;
    },
    readBalance: () =>
      askOne(
        `SELECT sum(on_hand)::int AS "onHand", sum(held)::int AS held, sum(committed)::int AS committed
           FROM stock_balance WHERE tenant = $1 AND sku = $2`,
        [tenant, sku],
      ),
    async countByState() {
      const rows = await ask<{ state: string; orders: number }>(
        'SELECT state, count(*)::int AS orders FROM orders GROUP BY state ORDER BY state',
      );
      return Object.fromEntries(rows.map(({ state, orders }) => [state, orders]));
    },
    close,
  };
}

function groupByBatch(rows: readonly MovementRow[], toldAt: ToldAt) {
  const batches = new Map<string, { units: number; writtenAt: number; toldAt: number[] }>();
  for (const { batch, kind, cause, at, units } of rows) {
    const its = batches.get(batch) ?? { units: 0, writtenAt: at, toldAt: [] };
    const told = toldAt({ kind, orderId: cause });
    its.units += units;
    its.writtenAt = Math.min(its.writtenAt, at);
    if (told !== undefined) its.toldAt.push(told);
    batches.set(batch, its);
  }
  return batches;
}
