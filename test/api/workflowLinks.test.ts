import { raiseAttention } from '../../src/db/attention';
import { linkToOrder } from '../../src/api/http/workflowLink';
import { inTenant } from '../support/fixtures';
import { type ApiUnderTest, startApi, type TenantKeys } from './support/apiUnderTest';
import * as goods from './support/goods';

let api: ApiUnderTest;
let shop: TenantKeys;
let orderId: string;

beforeAll(async () => {
  api = await startApi({ temporalUiUrl: 'https://ui.example/temporal', temporalNamespace: 'food & co' });
  shop = await api.tenant('shop');
  await goods.givenShop(api, shop);
  const body = goods.order({ externalId: 'external-1' });
  const placed = await api.send('POST', '/v1/orders', { key: shop.channel, body });
  orderId = placed.json.orderId;
});
afterAll(() => api.close());

const read = async (key: string) => (await api.send('GET', `/v1/orders/${orderId}`, { key })).json;
const page = (id: string) =>
  `https://ui.example/temporal/namespaces/food%20%26%20co/workflows/${encodeURIComponent(id)}`;

test('ops find an order’s workflow from the order; the channel sees none', async () => {
  const workflowId = `order:shop/${orderId}`;
  expect((await read(shop.ops)).workflow).toEqual({ workflowId, url: page(workflowId) });
  expect(page(workflowId)).toContain(`/order%3Ashop%2F${orderId}`);
  expect(await read(shop.channel)).not.toHaveProperty('workflow');
});

test('what waits for a person links to its refund’s workflow, else to its order’s, else to none', async () => {
  await inTenant(api.database, 'shop', async (tx) => {
    await raiseAttention(tx, { reason: 'noRoute', subject: orderId, orderId });
    await raiseAttention(tx, { reason: 'refundFailed', subject: 'r1', orderId });
    await raiseAttention(tx, { reason: 'unknownShipment', subject: 'w1' });
  });
  const { items } = (await api.send('GET', '/v1/attention', { key: shop.ops })).json;
  const links = Object.fromEntries(
    items.map((item: { reason: string; workflow?: object }) => [item.reason, item.workflow]),
  );
  expect(links).toEqual({
    noRoute: { workflowId: `order:shop/${orderId}`, url: page(`order:shop/${orderId}`) },
    refundFailed: { workflowId: 'refund:shop/r1', url: page('refund:shop/r1') },
    unknownShipment: undefined,
  });
  expect(items[0]).not.toHaveProperty('run');
});

test('after late money the link leads to the present run', async () => {
  await api.database.query('UPDATE orders SET run = 2 WHERE order_id = $1', [orderId]);
  expect((await read(shop.ops)).workflow.workflowId).toBe(`order:shop/${orderId}/2`);
});

test('where the Web UI is not known the id stands alone', () => {
  expect(linkToOrder({}, { tenant: 'shop', orderId: 'o1', run: 1 })).toEqual({ workflowId: 'order:shop/o1' });
});
