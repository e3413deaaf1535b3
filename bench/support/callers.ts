// Callers and intake in one process: what taking an order in costs without HTTP.
import { readConfig } from '../../src/config';
import { createPersonalData } from '../../src/db/personalData';
import { createDatabase } from '../../src/db/transaction';
import { createIntake, type Intake } from '../../src/intake/intake';
import { createNaiveIntake } from '../naive/intake';
import { hotOrder } from './hotSku';
import { serveLoads } from './load/serveLoads';

export interface CallersLoad {
  design: 'ours' | 'naive';
  /** Connections of the design's own pool. */
  connections: number;
  /** Callers take the shops in turn, orders the shop's SKUs. */
  shops: { tenant: string; skus: string[] }[];
  /** A run that follows another must not repeat its orders. */
  firstNumber: number;
}

serveLoads<CallersLoad>(async ({ design, connections, shops, firstNumber }) => {
  const intake = openIntake(design, connections);
  let number = firstNumber;
  return {
    async call(caller) {
      const { tenant, skus } = shops[caller % shops.length] as (typeof shops)[number];
      number += 1;
      return (await intake.place(tenant, hotOrder(number, skus[number % skus.length]), 'bench')).kind;
    },
    close: () => intake.close(),
  };
});

function openIntake(
  design: CallersLoad['design'],
  connections: number,
): Pick<Intake, 'place'> & { close(): Promise<void> } {
  const { databaseUrl: url = '', personalDataKeys, paymentWindowSeconds } = readConfig();
  const personalData = createPersonalData(personalDataKeys);
  if (design === 'naive') return createNaiveIntake({ url, personalData, paymentWindowSeconds, connections });
  const db = createDatabase({ url, role: 'xianda_app', maxConnections: connections });
  const intake = createIntake({ db, personalData, paymentWindowSeconds });
  return { place: intake.place, close: () => db.close() };
}
