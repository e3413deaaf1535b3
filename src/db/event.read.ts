import type { Page } from './page';
import type { TenantTx } from './transaction';

export interface PublishedEvent {
  eventId: string;
  type: string;
  subject: string;
  at: Date;
  data: Record<string, unknown>;
  position: number;
}

export interface EventFilter {
  /** Events that belong to a channel alone: what a channel's key sees. */
  ofChannels: boolean;
  /** Of this channel alone; null: any. */
  channel: string | null;
  type?: string;
}

/**
 * The feed after a position, oldest first, at most a page of it: exactly the published events, and what is read once
 * never changes.
 */
export async function listEvents(
  tx: TenantTx,
  { ofChannels, channel, type }: EventFilter,
  { after, limit }: Page<number>,
): Promise<PublishedEvent[]> {
  const { rows } = await tx.query<PublishedEvent>(
    `SELECT event_id AS "eventId", type, subject, at, data, position FROM event
      WHERE tenant = $1 AND position > $2 AND (NOT $3 OR channel IS NOT NULL) AND ($4::text IS NULL OR channel = $4)
        AND ($5::text IS NULL OR type = $5)
      ORDER BY position LIMIT $6`,
    [tx.tenant, after ?? 0, ofChannels, channel, type ?? null, limit],
  );
  return rows;
}
