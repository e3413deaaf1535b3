import { type Page, type Slice, sliceOf } from './page';
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
  /** Events of this channel alone; null: the whole tenant's. */
  channel: string | null;
  type?: string;
}

/** The feed, oldest first, exactly the published events after a position: what is read once never changes. */
export async function listEvents(
  tx: TenantTx,
  { channel, type }: EventFilter,
  page: Page<number>,
): Promise<Slice<PublishedEvent, number>> {
  const { rows } = await tx.query<PublishedEvent>(
    `SELECT event_id AS "eventId", type, subject, at, data, position FROM event
      WHERE tenant = $1 AND position > $2 AND ($3::text IS NULL OR channel = $3) AND ($4::text IS NULL OR type = $4)
      ORDER BY position LIMIT $5 + 1`,
    [tx.tenant, page.after ?? 0, channel, type ?? null, page.limit],
  );
  return sliceOf(rows, page.limit, { item: (row) => row, position: (row) => row.position });
}
