import { findTenantsWithNews, publishEvents } from '../db/event';
import type { Database } from '../db/transaction';

export interface PublisherNeeds {
  dispatchDb: Database;
  /** As `xianda_app`: an event's data is read from its tenant's rows. */
  appDb: Database;
}

const eventsAtOnce = 500;

/**
 * Gives events their place in the feed and has endpoints told (I16), until none is left, each tenant in turn. A tenant
 * that fails does not stop the others.
 */
export async function publishAll(
  { dispatchDb, appDb }: PublisherNeeds,
  stop: AbortSignal,
): Promise<'more' | 'idle'> {
  const failures: unknown[] = [];
  let tenants = await findTenantsWithNews(dispatchDb);
  while (tenants.length > 0 && !stop.aborted) {
    const unfinished: string[] = [];
    for (const tenant of tenants) {
      try {
        const published = await publishEvents(appDb, { tenant, limit: eventsAtOnce });
        if (published === eventsAtOnce) unfinished.push(tenant);
      } catch (error) {
        failures.push(error);
      }
    }
    tenants = unfinished;
  }
  if (failures.length > 0) throw failures[0];
  return 'idle';
}
