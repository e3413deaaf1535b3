import { movementKinds } from '../../src/domain/inventory/model';
import { shipmentRanks } from '../../src/domain/fulfilment/model';
import { orderSteps } from '../../src/domain/order/lifecycle';
import { orderStates } from '../../src/domain/order/model';
import { offerStates, offerSteps } from '../../src/domain/presale/offer';
import { createTestDatabase, type TestDatabase } from '../support/database';

/** Graphs stand twice, in the domain for decisions and in the database as the last word: they must be the same. */
let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

async function stepsOf(table: string): Promise<string[]> {
  const rows = await database.query<{ definition: string }>(
    `SELECT pg_get_triggerdef(oid) AS definition FROM pg_trigger WHERE tgrelid = $1::regclass AND tgname = 'declared_graph'`,
    [table],
  );
  return [...(rows[0]?.definition ?? '').matchAll(/'(\w+>\w+)'/g)].map((match) => match[1] as string).sort();
}

test('orders', async () => {
  const declared = orderStates.flatMap((from) => orderSteps[from].map((to) => `${from}>${to}`));
  expect(await stepsOf('orders')).toEqual(declared.sort());
});

test('holds end once', async () => {
  const once = ['held>committed', 'held>expired', 'held>released'];
  expect(await stepsOf('hold')).toEqual(once);
  expect(await stepsOf('quota_hold')).toEqual(once);
});

test('shipments climb their ranks and are cancelled only before pick-up', async () => {
  const climbs = shipmentRanks.flatMap((from, index) =>
    shipmentRanks.slice(index + 1).map((to) => `${from}>${to}`),
  );
  const cancels = shipmentRanks
    .slice(0, shipmentRanks.indexOf('pickedUp'))
    .map((from) => `${from}>cancelled`);
  expect(await stepsOf('shipment')).toEqual([...climbs, ...cancels].sort());
});

test('offers end once', async () => {
  const declared = offerStates.flatMap((from) => offerSteps[from].map((to) => `${from}>${to}`));
  expect(await stepsOf('offer')).toEqual(declared.sort());
});

test('kinds of movement', async () => {
  const rows = await database.query<{ definition: string }>(
    `SELECT pg_get_constraintdef(oid) AS definition FROM pg_constraint WHERE conname = 'movement_shape'`,
  );
  const kinds = [...(rows[0]?.definition ?? '').matchAll(/WHEN '(\w+)'/g)].map((match) => match[1]);
  expect(kinds.sort()).toEqual([...movementKinds].sort());
});
