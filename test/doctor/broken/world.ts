import type { TestDatabase } from '../../support/database';
import { examine, sealBooks } from '../../support/expectCoherent';
import {
  givenCampaign,
  givenNetwork,
  givenOrder,
  givenPaidOrder,
  givenPlannedOrder,
  givenSku,
  givenStock,
  givenTenant,
} from '../../support/fixtures';

export interface World {
  tenant: string;
  /** Awaits payment, holds 3 apples. */
  unpaidId: string;
  /** Paid, 2 apples committed, not planned. */
  paidId: string;
  paidFen: number;
  /** Fulfilling: apples (ambient) and fish (frozen), each in a booked shipment. */
  plannedId: string;
  ambientShipment: string;
  frozenShipment: string;
  /** Paid presale of 2 apples. */
  presaleId: string;
}

/** A brand with one order at each stage, all of it made by the product, sealed and coherent. */
export async function givenWorld(database: TestDatabase): Promise<World> {
  const tenant = await givenTenant(database);
  await givenNetwork(database, tenant);
  await givenSku(database, tenant, { safetyStock: 10 });
  await givenSku(database, tenant, { sku: 'fish', zone: 'frozen' });
  await givenStock(database, tenant, { quantity: 60 });
  await givenStock(database, tenant, { sku: 'fish', quantity: 20 });
  await givenCampaign(database, tenant);
  const unpaid = await givenOrder(database, tenant, { lines: { apple: 3 } });
  const paid = await givenPaidOrder(database, tenant, { lines: { apple: 2 } });
  const planned = await givenPlannedOrder(database, tenant, { lines: { apple: 4, fish: 2 }, booked: true });
  const presale = await givenPaidOrder(database, tenant, {
    lines: [{ sku: 'apple', quantity: 2, campaignId: 'early' }],
  });
  await sealBooks(database);
  expect(await findBroken(database, tenant)).toEqual([]);
  const inZone = (zone: string) =>
    planned.shipments.find((shipment) => shipment.zone === zone)?.shipmentId as string;
  return {
    tenant,
    unpaidId: unpaid.orderId,
    paidId: paid.orderId,
    paidFen: paid.totalFen,
    plannedId: planned.orderId,
    ambientShipment: inZone('ambient'),
    frozenShipment: inZone('frozen'),
    presaleId: presale.orderId,
  };
}

/** Invariants that the checker finds broken in a tenant's rows, each once, in order. */
export async function findBroken(database: TestDatabase, tenant: string): Promise<number[]> {
  const { findings } = await examine(database);
  const own = findings.filter(
    (finding) => finding.tenant === tenant && finding.detail.problem !== 'not sealed within 5 s',
  );
  return [...new Set(own.map((finding) => finding.invariant))];
}

/** SQL that no constraint, trigger or key may stop: what a broken release or a hand in the database could do. */
export async function sabotage(database: TestDatabase, ...statements: string[]): Promise<void> {
  const text = [
    'SET session_replication_role = replica',
    ...statements,
    'SET session_replication_role = origin',
  ];
  await database.query(text.join(';\n'));
}
