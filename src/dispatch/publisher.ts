import { findTenantsWithNews, publishEvents } from '../db/event';
import type { Database } from '../db/transaction';

export interface PublisherNeeds {
  dispatchDb: Database;
  /** As `xianda_app`: an event's data is read from its tenant's rows. */
  appDb: Database;
}

const eventsAtOnce = 500;

/** Gives events their place in the feed and has endpoints told (I16). A tenant that fails does not stop the others. */
export async function publishAll(
  { dispatchDb, appDb }: PublisherNeeds,
  stop: AbortSignal,
): Promise<'more' | 'idle'> {
  const failures: unknown[] = [];
  for (const tenant of await findTenantsWithNews(dispatchDb)) {
    try {
      while (!stop.aborted && (await publishEvents(appDb, { tenant, limit: eventsAtOnce })) === eventsAtOnce);
    } catch (error) {
      failures.push(error);
    }
  }
  if (failures.length > 0) throw failures[0];
  return 'idle';
}
