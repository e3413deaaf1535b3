import { Client } from 'pg';
import { findTenantsWithNews, publishEvents } from '../../src/db/event';
import { findUnsealedTenants, sealBatches } from '../../src/db/seal';
import { createDatabase, type DatabaseRole } from '../../src/db/transaction';

const eventsAtOnce = 5000;

/** Seals every batch and publishes every event, as the dispatcher would have: for benches that run none. */
export async function closeBooks(url: string): Promise<void> {
  const open = (role: DatabaseRole) => createDatabase({ url, role, maxConnections: 1 });
  const [sealer, dispatch, app] = [open('xianda_sealer'), open('xianda_dispatch'), open('xianda_app')];
  try {
    for (const tenant of await findUnsealedTenants(sealer)) while ((await sealBatches(sealer, tenant)) > 0);
    for (const tenant of await findTenantsWithNews(dispatch))
      while ((await publishEvents(app, { tenant, limit: eventsAtOnce })) > 0);
  } finally {
    await Promise.all([sealer.close(), dispatch.close(), app.close()]);
  }
}

/**
 * Asks every check of the doctor that is SQL, as the doctor's own role; throws with what it found, and when a check
 * that must have seen rows saw none.
 */
export async function expectSound(url: string): Promise<void> {
  const db = createDatabase({ url, role: 'xianda_checker', maxConnections: 1 });
  try {
    await db.inTransaction(async (tx) => {
      // compiling these long queries takes longer than running them
      await tx.query('SET LOCAL jit = off');
      const views = await tx.query<{ name: string }>(
        `SELECT relname::text AS name FROM pg_class WHERE relkind = 'v' AND relname ~ '^check_[0-9]{2}_' ORDER BY 1`,
      );
      for (const { name } of views.rows) {
        const { rows } = await tx.query(`SELECT tenant, subject, detail FROM ${name} LIMIT 3`);
        if (rows.length > 0) throw new Error(`${name} is not sound: ${JSON.stringify(rows)}`);
      }
      const blind = await tx.query(
        `SELECT invariant FROM check_rows WHERE invariant IN (1, 2, 3, 4, 6, 9, 13) AND rows_seen = 0`,
      );
      if (blind.rows.length > 0) throw new Error(`checks saw nothing: ${JSON.stringify(blind.rows)}`);
    });
  } finally {
    await db.close();
  }
}

/** What a database holds of orders that nobody has paid, over all tenants. */
export interface Counts {
  orders: number;
  lines: number;
  holds: number;
  heldUnits: number;
  recipients: number;
  placedEvents: number;
  starts: number;
}

export async function countOrders(url: string): Promise<Counts> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    const { rows } = await client.query<Counts>(
      `SELECT (SELECT count(*)::int FROM orders WHERE state = 'awaitingPayment') AS orders,
              (SELECT count(*)::int FROM order_line l JOIN orders o USING (tenant, order_id)
                WHERE o.state = 'awaitingPayment') AS lines,
              (SELECT count(*)::int FROM hold WHERE state = 'held') AS holds,
              (SELECT coalesce(sum(held), 0)::int FROM stock_balance) AS "heldUnits",
              (SELECT count(*)::int FROM recipient r JOIN orders o USING (tenant, order_id)
                WHERE o.state = 'awaitingPayment') AS recipients,
              (SELECT count(*)::int FROM order_event e JOIN orders o USING (tenant, order_id)
                WHERE e.kind = 'placed' AND o.state = 'awaitingPayment') AS "placedEvents",
              (SELECT count(*)::int FROM outbox WHERE kind = 'startOrder' AND done_at IS NULL) AS starts`,
    );
    return rows[0] as Counts;
  } finally {
    await client.end();
  }
}

/** Orders of one line and one unit: acknowledged orders, and every row of theirs, are exactly as many. */
export async function expectExactly(url: string, accepted: number): Promise<void> {
  const counts = await countOrders(url);
  if (Object.values(counts).every((count) => count === accepted)) return;
  throw new Error(`${accepted} orders were acknowledged, the database has ${JSON.stringify(counts)}`);
}
