import { readConfig } from '../../../src/config';
import { createPersonalData } from '../../../src/db/personalData';
import { createDatabase } from '../../../src/db/transaction';
import { createIntake } from '../../../src/intake/intake';
import { hotOrder } from '../../support/hotSku';

/** As many connections as the API gives its intake. */
const maxConnections = 24;

/** The product's own intake in one process with its callers, without HTTP, as the peers are called. */
async function main(): Promise<void> {
  const { databaseUrl: url = '', personalDataKeys, paymentWindowSeconds } = readConfig();
  const tenant = process.env.BENCH_TENANT ?? '';
  const { sellThrough } = await import('./sell.mjs');
  await sellThrough(async () => {
    const db = createDatabase({ url, role: 'xianda_app', maxConnections });
    const personalData = createPersonalData(personalDataKeys);
    const intake = createIntake({ db, personalData, paymentWindowSeconds });
    let number = 0;
    return {
      async place() {
        const answer = await intake.place(tenant, hotOrder((number += 1)), 'bench');
        if (answer.kind !== 'accepted') throw new Error(`an order was answered ${answer.kind}`);
      },
      count: () =>
        db.inTenant(tenant, async (tx) => {
          const { rows } = await tx.query<{ orders: number }>(
            `SELECT count(*)::int AS orders FROM hold WHERE tenant = $1 AND state = 'held'`,
            [tenant],
          );
          return rows[0]?.orders ?? 0;
        }),
      close: () => db.close(),
    };
  });
}

void main();
