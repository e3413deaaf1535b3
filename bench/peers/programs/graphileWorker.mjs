// graphile-worker: the order, its unit and its payment timeout in one transaction of the shop's own pool, the job by
// the SQL function that the project offers for this; its runner is in the same process.
import { Logger, run } from 'graphile-worker';
import {
  countOrders,
  expireOrder,
  inTransaction,
  insertOrder,
  openShop,
  paymentWindowSeconds,
  sku,
  takeUnit,
} from './seller.mjs';
import { sellThrough } from './sell.mjs';

const addTimeout = {
  name: 'add-timeout',
  text: `SELECT graphile_worker.add_job('expireOrder', json_build_object('orderId', $1::text),
           run_at := clock_timestamp() + make_interval(secs => $2), job_key := $1::text)`,
};

await sellThrough(async (databaseUrl) => {
  const pool = await openShop(databaseUrl);
  const runner = await run({
    connectionString: databaseUrl,
    concurrency: 4,
    noHandleSignals: true,
    logger: new Logger(() => () => {}),
    taskList: {
      expireOrder: ({ orderId }, helpers) => helpers.withPgClient((client) => expireOrder(client, orderId)),
    },
  });
  return {
    place: (orderId) =>
      inTransaction(pool, async (client) => {
        await client.query({ ...insertOrder, values: [orderId, sku, paymentWindowSeconds] });
        await client.query({ ...addTimeout, values: [orderId, paymentWindowSeconds] });
        const { rowCount } = await client.query({ ...takeUnit, values: [sku] });
        if (rowCount === 0) throw new Error('sold out');
      }),
    count: () => countOrders(pool),
    async close() {
      await runner.stop();
      await pool.end();
    },
  };
});
