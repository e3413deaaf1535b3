import { type Precedence, precedences } from './outbox';
import type { Database } from './transaction';

/** Answers when the database does; throws what the driver throws otherwise. */
export async function pingDatabase(db: Database): Promise<void> {
  await db.inTransaction((tx) => tx.query('SELECT 1'));
}

/** What is due and not done yet, over all tenants. Seconds are 0, and counts too, when nothing waits. */
export interface Backlogs {
  /** What Temporal has still to be told. */
  outbox: OutboxBacklog[];
  /** Age of the oldest batch of the journal that no seal chains (I2: within 5 s). */
  unsealedSeconds: number;
  /** How long the longest-due unpaid order has waited for the sweeper (I4: at most 60 s). */
  dueHoldSeconds: number;
  /** Open attention, tenants' and the platform's, whose deadline has passed. */
  overdueAttention: number;
  openAttention: number;
  /** How long the longest-due webhook attempt to an enabled endpoint has not been made: ours to mend. */
  webhookLateSeconds: number;
  /** Enabled endpoints that have refused or not answered for an hour: their owner's to mend. */
  failingEndpoints: number;
}

export interface OutboxBacklog {
  precedence: Precedence;
  messages: number;
  /** Since the oldest was written: what fails again and again grows old, however often it is tried. */
  seconds: number;
}

/** One round trip, so that a scrape costs the database little. Runs as the checker. */
export async function readBacklogs(checker: Database): Promise<Backlogs> {
  return checker.inTransaction(async (tx) => {
    const { rows } = await tx.query<Omit<Backlogs, 'outbox'> & { outbox: [number, number][] }>(
      `WITH waiting AS (
         SELECT deadline FROM attention WHERE resolved_at IS NULL
         UNION ALL SELECT deadline FROM platform_attention WHERE resolved_at IS NULL),
       oldest AS (
         SELECT (SELECT min(b.at) FROM unsealed_batch u JOIN stock_batch b USING (tenant, batch_id)) AS unsealed,
                (SELECT min(expires_at) FROM orders WHERE state = 'awaitingPayment') AS due_hold,
                (SELECT min(d.next_attempt_at) FROM webhook_delivery d
                   JOIN webhook_endpoint w USING (tenant, endpoint_id)
                  WHERE d.state = 'pending' AND w.disabled_at IS NULL AND w.removed_at IS NULL) AS webhook)
       SELECT ARRAY(SELECT ARRAY[count(b.outbox_id)::float8, ${secondsSince('min(b.created_at)')}] FROM generate_series(0, 2) p
                      LEFT JOIN outbox b ON b.precedence = p AND b.done_at IS NULL GROUP BY p ORDER BY p) AS outbox,
              ${secondsSince('unsealed')} AS "unsealedSeconds",
              ${secondsSince('due_hold')} AS "dueHoldSeconds",
              (SELECT count(*) FROM waiting WHERE deadline < clock_timestamp()) AS "overdueAttention",
              (SELECT count(*) FROM waiting) AS "openAttention",
              ${secondsSince('webhook')} AS "webhookLateSeconds",
              (SELECT count(*) FROM webhook_endpoint WHERE removed_at IS NULL AND disabled_at IS NULL
                  AND failing_since < clock_timestamp() - interval '1 hour') AS "failingEndpoints"
         FROM oldest`,
    );
    const [{ outbox, ...others }] = rows as [(typeof rows)[0]];
    return {
      ...others,
      outbox: outbox.map(([messages, seconds], index) => ({
        precedence: precedences[index] as Precedence,
        messages,
        seconds,
      })),
    };
  });
}

/** An instant yet to come has waited no time at all. */
const secondsSince = (column: string) =>
  `greatest(0, coalesce(extract(epoch FROM clock_timestamp() - ${column}), 0))::double precision`;
