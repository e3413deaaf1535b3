import { findUnsealedTenants, sealBatches } from '../db/seal';
import type { Database } from '../db/transaction';

/** Seals what every tenant's stock transactions have left (I2); `more` while there is a backlog. */
export async function sealAll(sealerDb: Database, stop: AbortSignal): Promise<'more' | 'idle'> {
  const failures: unknown[] = [];
  for (const tenant of await findUnsealedTenants(sealerDb)) {
    try {
      // until nothing is left: one thousand at a time
      while (!stop.aborted && (await sealBatches(sealerDb, tenant)) > 0);
    } catch (error) {
      failures.push(error);
    }
  }
  if (failures.length > 0) throw failures[0];
  return 'idle';
}
