// What every peer's program shares: one hot SKU, so many callers in this process, and a report to the bench.
import pg from 'pg';

export const sku = 'hot';
export const paymentWindowSeconds = 1800;
/** Connections of each peer's own pool: more did not raise any of them on two cores. */
export const connections = 20;

/** The tables a user of a job queue writes: the shelf, and the orders. */
const tables = `
  CREATE TABLE stock (sku text PRIMARY KEY, available bigint NOT NULL CHECK (available >= 0));
  CREATE TABLE orders (
    order_id text PRIMARY KEY,
    sku text NOT NULL REFERENCES stock,
    quantity bigint NOT NULL CHECK (quantity >= 1),
    state text NOT NULL CHECK (state IN ('awaitingPayment', 'paid', 'expired')),
    expires_at timestamptz NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp());
  CREATE INDEX orders_due ON orders (expires_at) WHERE state = 'awaitingPayment';
  INSERT INTO stock VALUES ('${sku}', ${Number.MAX_SAFE_INTEGER})`;

/** Makes the tables in this peer's own database; answers a pool for what the peer has no API of its own for. */
export async function openShop(databaseUrl) {
  const pool = new pg.Pool({ connectionString: databaseUrl, max: connections });
  await pool.query(tables);
  return pool;
}

/** Runs `work` in one transaction of the pool. */
export async function inTransaction(pool, work) {
  const client = await pool.connect();
  try {
    await client.query('BEGIN');
    const answer = await work(client);
    await client.query('COMMIT');
    client.release();
    return answer;
  } catch (error) {
    // a connection whose transaction failed is not used again
    client.release(true);
    throw error;
  }
}

/** The order is written first: the hot row is locked for the last two round trips alone. */
export const insertOrder = {
  name: 'insert-order',
  text: `INSERT INTO orders (order_id, sku, quantity, state, expires_at)
         VALUES ($1, $2, 1, 'awaitingPayment', clock_timestamp() + make_interval(secs => $3))`,
};
export const takeUnit = {
  name: 'take-unit',
  text: 'UPDATE stock SET available = available - 1 WHERE sku = $1 AND available >= 1',
};

/** What the payment timeout does in a job queue: the order ends unless it was paid, and its unit comes back. */
export async function expireOrder(client, orderId) {
  const { rowCount } = await client.query(
    `UPDATE orders SET state = 'expired' WHERE order_id = $1 AND state = 'awaitingPayment'`,
    [orderId],
  );
  if (rowCount > 0) await client.query('UPDATE stock SET available = available + 1 WHERE sku = $1', [sku]);
}

export async function countOrders(pool) {
  const { rows } = await pool.query('SELECT count(*)::int AS orders FROM orders');
  return rows[0].orders;
}
