// pg-boss: the order, its unit and its payment timeout in one transaction of the shop's own pool; `send` takes the
// transaction's connection, as the project offers for this. Its worker is in the same process.
import PgBoss from 'pg-boss';
import {
  connections,
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

const timeouts = 'payment-timeouts';

await sellThrough(async (databaseUrl) => {
  const pool = await openShop(databaseUrl);
  const boss = new PgBoss({ connectionString: databaseUrl, max: connections });
  boss.on('error', (error) => console.error(error));
  await boss.start();
  await boss.createQueue(timeouts);
  await boss.work(timeouts, async (jobs) => {
    for (const { data } of jobs) await inTransaction(pool, (client) => expireOrder(client, data.orderId));
  });
  return {
    place: (orderId) =>
      inTransaction(pool, async (client) => {
        await client.query({ ...insertOrder, values: [orderId, sku, paymentWindowSeconds] });
        const db = { executeSql: (text, values) => client.query(text, values) };
        await boss.send(
          timeouts,
          { orderId },
          { startAfter: paymentWindowSeconds, singletonKey: orderId, db },
        );
        const { rowCount } = await client.query({ ...takeUnit, values: [sku] });
        if (rowCount === 0) throw new Error('sold out');
      }),
    count: () => countOrders(pool),
    async close() {
      await boss.stop({ graceful: false });
      await pool.end();
    },
  };
});
