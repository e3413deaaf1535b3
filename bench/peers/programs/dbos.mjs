// DBOS Transact: placing an order is a workflow. Its transaction takes the unit and writes the order, recorded with
// them; then it starts the payment timeout as a delayed workflow on a queue.
import { DBOS } from '@dbos-inc/dbos-sdk';
import { PostgresDataSource } from '@dbos-inc/postgres-datasource';
import { connections, countOrders, openShop, paymentWindowSeconds, sku } from './seller.mjs';
import { sellThrough } from './sell.mjs';

const timeouts = 'payment-timeouts';

await sellThrough(async (databaseUrl) => {
  const pool = await openShop(databaseUrl);
  const url = new URL(databaseUrl);
  const shelf = new PostgresDataSource('shelf', {
    host: url.hostname,
    port: Number(url.port),
    user: decodeURIComponent(url.username),
    password: decodeURIComponent(url.password),
    database: url.pathname.slice(1),
    max: connections,
    onnotice: () => {},
  });
  const reserve = shelf.registerTransaction(
    async (orderId) => {
      const sql = shelf.client;
      await sql`INSERT INTO orders (order_id, sku, quantity, state, expires_at)
                VALUES (${orderId}, ${sku}, 1, 'awaitingPayment',
                        clock_timestamp() + make_interval(secs => ${paymentWindowSeconds}))`;
      const taken =
        await sql`UPDATE stock SET available = available - 1 WHERE sku = ${sku} AND available >= 1`;
      if (taken.count === 0) throw new Error('sold out');
    },
    { name: 'reserve', isolationLevel: 'READ COMMITTED' },
  );
  const giveBack = shelf.registerTransaction(
    async (orderId) => {
      const sql = shelf.client;
      const ended = await sql`UPDATE orders SET state = 'expired'
                               WHERE order_id = ${orderId} AND state = 'awaitingPayment'`;
      if (ended.count > 0) await sql`UPDATE stock SET available = available + 1 WHERE sku = ${sku}`;
    },
    { name: 'giveBack', isolationLevel: 'READ COMMITTED' },
  );
  const expireOrder = DBOS.registerWorkflow((orderId) => giveBack(orderId), { name: 'expireOrder' });
  const placeOrder = DBOS.registerWorkflow(
    async (orderId) => {
      await reserve(orderId);
      await DBOS.startWorkflow(expireOrder, {
        workflowID: `expire-${orderId}`,
        queueName: timeouts,
        enqueueOptions: { delaySeconds: paymentWindowSeconds },
      })(orderId);
    },
    { name: 'placeOrder' },
  );
  DBOS.setConfig({
    name: 'peers',
    systemDatabaseUrl: databaseUrl,
    systemDatabasePoolSize: connections,
    logLevel: 'error',
    runAdminServer: false,
  });
  await DBOS.launch();
  await DBOS.registerQueue(timeouts);
  return {
    place: (orderId) =>
      DBOS.startWorkflow(placeOrder, { workflowID: orderId })(orderId).then((h) => h.getResult()),
    count: () => countOrders(pool),
    async close() {
      await DBOS.shutdown();
      await pool.end();
    },
  };
});
