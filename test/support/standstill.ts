import { Client } from 'pg';
import type { TestDatabase } from './database';
import { eventually } from './eventually';

/** A transaction that a test has made stop. Whoever waits behind it waits too. */
export interface Standstill {
  /** Resolves when the transaction stands still. */
  reached(): Promise<void>;
  /** Lets it go on, and waits for the end of its connection: for tests that have killed its process. */
  letGo(): Promise<void>;
}

/** Stops whatever wants to lock the order: it holds the locks that come before, and has written nothing. */
export async function haltAtLock(database: TestDatabase, orderId: string): Promise<Standstill> {
  const holder = await connect(database);
  await holder.query('BEGIN');
  await holder.query('SELECT 1 FROM orders WHERE order_id = $1 FOR UPDATE', [orderId]);
  return standBehind(database, { holder, holderPid: await pidOf(holder) });
}

/**
 * Stops whatever changes the order in the midst of its COMMIT: it counts in the end, but who sent it has not been told.
 */
export async function haltAtCommit(database: TestDatabase, orderId: string): Promise<Standstill> {
  const holder = await connect(database);
  await holder.query('SELECT pg_advisory_lock(1)');
  await holder.query(
    `CREATE FUNCTION stand_still() RETURNS trigger LANGUAGE plpgsql AS $$
       BEGIN PERFORM pg_advisory_xact_lock(1); RETURN NULL; END $$`,
  );
  await holder.query(
    `CREATE CONSTRAINT TRIGGER stand_still AFTER UPDATE ON orders DEFERRABLE INITIALLY DEFERRED
       FOR EACH ROW WHEN (NEW.order_id = ${holder.escapeLiteral(orderId)}) EXECUTE FUNCTION stand_still()`,
  );
  const standstill = standBehind(database, { holder, holderPid: await pidOf(holder) });
  return {
    ...standstill,
    async letGo() {
      await standstill.letGo();
      await database.query('DROP FUNCTION stand_still CASCADE');
    },
  };
}

async function connect(database: TestDatabase): Promise<Client> {
  const client = new Client({ connectionString: database.url });
  // a test that has failed drops the database under it
  client.on('error', () => undefined);
  await client.connect();
  return client;
}

async function pidOf(client: Client): Promise<number> {
  const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
  return (rows[0] as { pid: number }).pid;
}

function standBehind(
  database: TestDatabase,
  { holder, holderPid }: { holder: Client; holderPid: number },
): Standstill {
  let stopped: number[] = [];
  const isThere = async (pids: number[]) =>
    (await database.query('SELECT 1 FROM pg_stat_activity WHERE pid = ANY($1)', [pids])).length > 0;
  return {
    async reached() {
      const find = async () => {
        const rows = await database.query<{ pid: number }>(
          'SELECT pid FROM pg_stat_activity WHERE $1 = ANY (pg_blocking_pids(pid))',
          [holderPid],
        );
        stopped = rows.map(({ pid }) => pid);
        return stopped.length > 0;
      };
      await eventually(find, { what: 'a transaction to stand still' });
    },
    async letGo() {
      await holder.end();
      await eventually(async () => !(await isThere(stopped)), { what: 'its connection to end' });
    },
  };
}
