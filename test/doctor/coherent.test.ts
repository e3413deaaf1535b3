import { expireDueOrders } from '../../src/db/expiry';
import { decideLateMoney } from '../../src/db/lateMoney';
import { createTestDatabase, type TestDatabase } from '../support/database';
import { expectCoherent } from '../support/expectCoherent';
import {
  givenCampaign,
  givenNetwork,
  givenOrder,
  givenPaidOrder,
  givenPayment,
  givenSku,
  givenStock,
  givenTenant,
  placeOrder,
} from '../support/fixtures';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

test('what the product does by itself is coherent at every step', async () => {
  const tenant = await givenTenant(database);
  await givenNetwork(database, tenant);
  await givenSku(database, tenant, { safetyStock: 5 });
  await givenSku(database, tenant, { sku: 'fish', zone: 'frozen' });
  await givenSku(database, tenant, { sku: 'box', components: { apple: 2, fish: 1 } });
  await givenStock(database, tenant, { quantity: 40 });
  await givenStock(database, tenant, { quantity: 10, siteId: 'forward', expiresInDays: 5 });
  await givenStock(database, tenant, { sku: 'fish', quantity: 20 });
  await givenCampaign(database, tenant);
  await givenOrder(database, tenant, {
    lines: [
      { sku: 'apple', quantity: 3 },
      { sku: 'box', quantity: 2 },
      { sku: 'apple', quantity: 1 },
    ],
  });
  await givenPaidOrder(database, tenant, { lines: { apple: 12, fish: 2 } });
  await givenPaidOrder(database, tenant, { lines: [{ sku: 'apple', quantity: 4, campaignId: 'early' }] });
  await givenPaidOrder(database, tenant, { buyer: { pickupPointId: 'point-cold' }, lines: { box: 1 } });
  expect(await placeOrder(database, tenant, { lines: { apple: 500 } })).toMatchObject({ kind: 'soldOut' });
  const payment = {
    transactionId: 'channel-1',
    amountFen: 500 * 1990,
    paidAt: new Date().toISOString(),
    heldBy: 'channel' as const,
  };
  expect(await placeOrder(database, tenant, { lines: { apple: 500 }, payment })).toMatchObject({
    kind: 'accepted',
  });
  await expectCoherent(database, { atLeast: { 1: 3, 4: 6, 5: 4, 6: 5, 11: 5, 13: 6 } });
});

test('an order that ends unpaid, and money that comes after it', async () => {
  const tenant = await givenTenant(database);
  await givenNetwork(database, tenant);
  await givenSku(database, tenant);
  await givenStock(database, tenant, { quantity: 2 });
  const { orderId, totalFen } = await givenOrder(database, tenant, {
    lines: { apple: 2 },
    paymentWindowSeconds: 1,
  });
  await new Promise((resolve) => setTimeout(resolve, 1100));
  expect(await expireDueOrders(database.as('xianda_app'), tenant, 10)).toBe(1);
  await expectCoherent(database);
  expect(await givenPayment(database, tenant, { orderId, amountFen: totalFen })).toBe('late');
  await expectCoherent(database);
  const money = { tenant, provider: 'sandbox', transactionId: `t-${orderId}` };
  expect(await decideLateMoney(database.as('xianda_app'), money)).toMatchObject({ outcome: 'reheld' });
  await expectCoherent(database, { atLeast: { 8: 1 } });
});
