import { type Books, openBooks } from '../../bench/flash/books';
import { findFalseRefusals, readHistory } from '../../bench/flash/falseRefusals';
import { cancelOrder } from '../../src/db/cancel';
import type { Intake } from '../../src/intake/intake';
import { createTestDatabase, type TestDatabase } from '../support/database';
import { expectCoherent } from '../support/expectCoherent';
import {
  givenNetwork,
  givenSku,
  givenStock,
  givenTenant,
  intakeOver,
  orderRequest,
} from '../support/fixtures';

/** What the flash bench reads in the product's own books, and whether it would find out a shop that lies. */
const sku = 'apple';
const units = 3;
let database: TestDatabase;
let books: Books;
let intake: Intake;
let tenant: string;

beforeAll(async () => {
  database = await createTestDatabase();
});
beforeEach(async () => {
  tenant = await givenTenant(database);
  await givenSku(database, tenant);
  await givenNetwork(database, tenant);
  await givenStock(database, tenant, { quantity: units });
  intake = intakeOver(database.as('xianda_app'));
  books = await openBooks(database.url, { tenant, sku });
});
afterEach(() => books.close());
afterAll(async () => {
  await expectCoherent(database);
  await database.drop();
});

const told = new Map<string, number>();
const toldAt = ({ kind, orderId }: { kind: string; orderId: string }) => told.get(`${kind} ${orderId}`);
const readStates = async () => readHistory(0, await books.readBatches(toldAt));

/** One buyer, as the bench's crowd notes it. */
async function ask() {
  const sentAt = Date.now();
  const answer = await intake.place(tenant, orderRequest(), 'test');
  const answeredAt = Date.now() + 1;
  const orderId = answer.kind === 'accepted' ? answer.answer.orderId : undefined;
  if (orderId !== undefined) told.set(`held ${orderId}`, answeredAt);
  return { sentAt, answeredAt, orderId, kind: answer.kind, quantity: 1 };
}

async function cancel(orderId: string): Promise<void> {
  const answer = await cancelOrder(database.as('xianda_app'), {
    tenant,
    orderId,
    reason: '-',
    actor: 'test',
  });
  expect(answer).toEqual({ outcome: 'done' });
  told.set(`released ${orderId}`, Date.now() + 1);
}

test('the product’s own refusals stand, and those of a shop that remembers "sold out" do not', async () => {
  const asked = await Promise.all(Array.from({ length: 20 }, ask));
  const accepted = asked.flatMap(({ orderId }) => orderId ?? []);
  const refusals = asked.filter(({ kind }) => kind === 'soldOut');
  expect([accepted.length, refusals.length]).toEqual([units, 20 - units]);
  await cancel(accepted[0] as string);
  const states = await readStates();
  expect(states.changes.reduce((sellable, change) => sellable + change.units, 0)).toBe(1);
  expect(findFalseRefusals(states, refusals)).toEqual([]);
  const remembered = { sentAt: Date.now() + 2, answeredAt: Date.now() + 3, quantity: 1 };
  expect(findFalseRefusals(states, [...refusals, remembered])).toEqual([remembered]);
  const again = [await ask(), await ask()];
  expect(again.map(({ kind }) => kind)).toEqual(['accepted', 'soldOut']);
  expect(findFalseRefusals(await readStates(), again.slice(1))).toEqual([]);
});

test('an acknowledged order is lost when it is not there, or holds nothing', async () => {
  const [first, second] = [await ask(), await ask()];
  const orderIds = [first.orderId as string, second.orderId as string];
  expect(await books.findLost(orderIds)).toEqual([]);
  await cancel(orderIds[0] as string);
  expect(await books.findLost([...orderIds, 'of-nobody'])).toEqual([orderIds[0], 'of-nobody']);
});
