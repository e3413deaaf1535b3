import type { Database } from './transaction';

/** Answers when the database does; throws what the driver throws otherwise. */
export async function pingDatabase(db: Database): Promise<void> {
  await db.inTransaction((tx) => tx.query('SELECT 1'));
}

/** Seconds that the oldest untold outbox row of any tenant has waited; 0 when none waits. Runs as the checker. */
export async function readOutboxBacklogSeconds(checker: Database): Promise<number> {
  return checker.inTransaction(async (tx) => {
    const { rows } = await tx.query<{ seconds: number }>(
      `SELECT coalesce(extract(epoch FROM clock_timestamp() - min(due_at)), 0)::double precision AS seconds
         FROM outbox WHERE done_at IS NULL`,
    );
    return Math.max(0, rows[0]?.seconds ?? 0);
  });
}
