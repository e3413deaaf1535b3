import { findTenantsWithDueOffers, findTenantsWithDueOrders } from '../db/dispatch';
import { expireDueOrders } from '../db/expiry';
import { lapseDueOffers } from '../db/offerEnd';
import { serveWaiting } from '../db/promotion';
import type { Database } from '../db/transaction';
import { endDueWaits, findTenantsWhoWait } from '../db/waitingList';
import type { Logger } from '../log';

export interface SweeperNeeds {
  dispatchDb: Database;
  /** As `xianda_app`: expiring moves a tenant's stock. */
  appDb: Database;
  logger: Logger;
  /** The default hold of an order that is promoted from the waiting list. */
  paymentWindowSeconds: number;
  /** Of one tenant in one round. */
  atOnce?: { orders: number; offers: number; waits: number };
}

/**
 * Buyers of a SKU wait while orders of it end: some 60 ms for 500, and the next 500 follow at once. An offer's end may
 * pay back: several statements an order, under the locks of what it was sold. So is a turn in the waiting list.
 */
const usually = { orders: 500, offers: 100, waits: 100 };

/**
 * Ends what is due by database time, whatever the workers do: unpaid holds (I4), unanswered offers (I8) and waits; and
 * gives what has come free to those who wait (I18).
 */
export async function sweep({
  dispatchDb,
  appDb,
  logger,
  paymentWindowSeconds,
  atOnce = usually,
}: SweeperNeeds): Promise<'more' | 'idle'> {
  const holds = await sweepTenants(
    await findTenantsWithDueOrders(dispatchDb),
    atOnce.orders,
    async (tenant) => {
      const expired = await expireDueOrders(appDb, tenant, atOnce.orders);
      if (expired > 0) logger.info({ tenant, expired }, 'ended holds that were due');
      return expired;
    },
  );
  const offers = await sweepTenants(
    await findTenantsWithDueOffers(dispatchDb),
    atOnce.offers,
    async (tenant) => {
      const lapsed = await lapseDueOffers(appDb, tenant, atOnce.offers);
      if (lapsed > 0) logger.info({ tenant, lapsed }, 'ended offers that nobody answered');
      return lapsed;
    },
  );
  // after the holds, whose units they wait for
  const waits = await sweepTenants(await findTenantsWhoWait(dispatchDb), atOnce.waits, async (tenant) => {
    const ended = await endDueWaits(appDb, tenant, atOnce.waits);
    const { promoted, looked } = await serveWaiting(appDb, {
      tenant,
      paymentWindowSeconds,
      limit: atOnce.waits,
    });
    if (ended + promoted > 0) logger.info({ tenant, promoted, ended }, 'moved the waiting list on');
    return Math.max(ended, looked);
  });
  const swept = [holds, offers, waits];
  const [failure] = swept.flatMap(({ failures }) => failures);
  if (failure !== undefined) throw failure;
  return swept.some(({ full }) => full) ? 'more' : 'idle';
}

/** A tenant that fails does not stop the others. */
async function sweepTenants(
  tenants: string[],
  atOnce: number,
  end: (tenant: string) => Promise<number>,
): Promise<{ full: boolean; failures: unknown[] }> {
  const swept = { full: false, failures: [] as unknown[] };
  for (const tenant of tenants) {
    try {
      const ended = await end(tenant);
      swept.full ||= ended === atOnce;
    } catch (error) {
      swept.failures.push(error);
    }
  }
  return swept;
}
