import { findTenantsWithDueOrders } from '../db/dispatch';
import { expireDueOrders } from '../db/expiry';
import type { Database } from '../db/transaction';
import type { Logger } from '../log';

export interface SweeperNeeds {
  dispatchDb: Database;
  /** As `xianda_app`: expiring moves a tenant's stock. */
  appDb: Database;
  logger: Logger;
}

/** One sweep of 10,000 takes 0.3 s (docs/decisions); more of one tenant wait for the next round. */
const ordersAtOnce = 10_000;

/** Ends the holds that are due, whatever the workers do (I4). A tenant that fails does not stop the others. */
export async function sweep({ dispatchDb, appDb, logger }: SweeperNeeds): Promise<'more' | 'idle'> {
  const tenants = await findTenantsWithDueOrders(dispatchDb);
  const failures: unknown[] = [];
  let full = false;
  for (const tenant of tenants) {
    try {
      const expired = await expireDueOrders(appDb, tenant, ordersAtOnce);
      if (expired > 0) logger.info({ tenant, expired }, 'ended holds that were due');
      full ||= expired === ordersAtOnce;
    } catch (error) {
      failures.push(error);
    }
  }
  if (failures.length > 0) throw failures[0];
  return full ? 'more' : 'idle';
}
