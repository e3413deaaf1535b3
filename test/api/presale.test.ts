import { expectCoherent } from '../support/expectCoherent';
import { givenHandOut } from '../support/presaleFixtures';
import { type ApiUnderTest, expectStatus, startApi, type TenantKeys } from './support/apiUnderTest';
import * as goods from './support/goods';
import { paymentOf, tellPayment } from './support/sign';

let api: ApiUnderTest;
let shop: TenantKeys;
let orders = 0;

beforeAll(async () => {
  api = await startApi();
  shop = await api.tenant('shop');
  await goods.givenShop(api, shop);
});
afterAll(async () => {
  await expectCoherent(api.database);
  await api.close();
});

/** A paid presale order; answers its id. */
async function preordered(quantity: number, channel = 'mini'): Promise<string> {
  orders += 1;
  const body = goods.order({
    channel,
    externalId: `presale-${orders}`,
    buyer: { ref: `buyer-${orders}`, communityId: 'biyun' },
    lines: [{ sku: 'strawberries', quantity, campaignId: 'spring' }],
  });
  const placed = expectStatus(await api.send('POST', '/v1/orders', { key: shop.channel, body }), 201).json;
  expectStatus(await tellPayment(api, { body: paymentOf('shop', placed) }), 204);
  return placed.orderId;
}

const arrive = (reference: string, quantity: number) =>
  api.send('POST', '/v1/stock/receipts', {
    key: shop.warehouse,
    body: goods.receipt({
      reference,
      lots: [{ ...goods.receipt().lots[0], lotId: 'presale', quantity, campaignId: 'spring' }],
    }),
  });
const handOut = () => givenHandOut(api.database, 'shop', { campaignId: 'spring' });
const read = async (orderId: string) =>
  (await api.send('GET', `/v1/orders/${orderId}`, { key: shop.ops })).json;
const answer = (orderId: string, offerId: string, accept: boolean, key = shop.channel) =>
  api.send('POST', `/v1/orders/${orderId}/offers/${offerId}/answer`, { key, body: { accept } });
const campaign = async () => (await api.send('GET', '/v1/presale-campaigns/spring', { key: shop.ops })).json;

test('presale from order to offers, as a shop sees it', async () => {
  const first = await preordered(3);
  const second = await preordered(2);
  const third = await preordered(2);
  expect(await read(first)).toMatchObject({ state: 'paid', offers: [], shipments: [] });
  const before = (await api.send('GET', '/v1/sellable?sku=strawberries', { key: shop.host })).json.items[0];
  expect(await arrive('truck-1', 4)).toMatchObject({
    status: 201,
    json: { lots: [{ sku: 'strawberries', lotId: 'presale', quantity: 4, campaignId: 'spring' }] },
  });
  expect(await arrive('truck-1', 4)).toMatchObject({ status: 200 });
  const stock = await api.send('GET', '/v1/stock?sku=strawberries', { key: shop.warehouse });
  expect(stock.json.items).toContainEqual(
    expect.objectContaining({ lotId: 'presale', onHand: 4, held: 4, committed: 0, sellable: 0 }),
  );
  expect(await handOut()).toMatchObject({ converted: 1, offered: 2 });
  // quotas are what was sold; that goods have come changes nothing about them
  expect(await campaign()).toMatchObject({
    sold: [{ region: 'shanghai', units: 7, held: 0 }],
    arrival: { reserved: 1, waiting: 4, offered: 2 },
  });
  const after = (await api.send('GET', '/v1/sellable?sku=strawberries', { key: shop.host })).json.items[0];
  expect(after).toEqual(before);
  const movements = await api.send('GET', '/v1/stock/movements?lotId=presale', { key: shop.ops });
  expect(
    movements.json.items.map(({ kind, cause }: { kind: string; cause: object }) => ({ kind, cause })),
  ).toEqual([
    { kind: 'converted', cause: { kind: 'order', id: first } },
    { kind: 'reserved', cause: { kind: 'campaign', id: 'spring' } },
    { kind: 'received', cause: { kind: 'receipt', id: 'truck-1' } },
  ]);

  const { offers, promise } = await read(second);
  expect(offers).toEqual([
    {
      offerId: expect.stringMatching(/^f[a-z2-7]{24}$/),
      kind: 'laterDate',
      detail: {
        lineId: '1',
        sku: 'strawberries',
        quantity: 2,
        promisedOn: goods.day(14),
        deliverOn: goods.day(16),
      },
      until: expect.stringMatching(/Z$/),
    },
    {
      offerId: expect.any(String),
      kind: 'refund',
      detail: { lineId: '1', sku: 'strawberries', quantity: 2, promisedOn: goods.day(14), amountFen: 5980 },
      until: expect.any(String),
    },
  ]);
  const [later, refund] = offers;
  const said = await answer(second, later.offerId, true);
  expect(said).toMatchObject({
    status: 200,
    json: { orderId: second, offerId: later.offerId, accept: true },
  });
  expect(await answer(second, later.offerId, true)).toMatchObject({ status: 200, text: said.text });
  expect(await answer(second, later.offerId, false)).toMatchObject({ status: 409, slug: 'already-answered' });
  expect(await answer(second, refund.offerId, true)).toMatchObject({ status: 409, slug: 'offer-ended' });
  const moved = await read(second);
  expect(moved).toMatchObject({ state: 'paid', offers: [] });
  expect(Date.parse(moved.promise.deliverBy) - Date.parse(promise.deliverBy)).toBe(2 * 86_400_000);
  expect(moved.timeline.map(({ kind }: { kind: string }) => kind)).toEqual([
    'placed',
    'paid',
    'offered',
    'offerAnswered',
    'repromised',
  ]);

  const back = (await read(third)).offers[1];
  expect(await answer(third, back.offerId, true, shop.ops)).toMatchObject({ status: 200 });
  expect(await read(third)).toMatchObject({ state: 'cancelled', offers: [] });
  expect((await campaign()).sold).toEqual([{ region: 'shanghai', units: 5, held: 0 }]);
});

test('only the order’s own channel and operations answer, and only what was offered', async () => {
  const orderId = await preordered(4);
  await arrive('truck-2', 1);
  await handOut();
  const [{ offerId }] = (await read(orderId)).offers;
  const { key } = await api.newKey('shop', { role: 'channel', channel: 'other' });
  expect(await answer(orderId, offerId, true, key)).toMatchObject({ status: 404 });
  expect(await answer(orderId, offerId, true, shop.host)).toMatchObject({ status: 403 });
  expect(await answer(orderId, 'nothing', true)).toMatchObject({ status: 404, slug: 'not-found' });
  expect(await answer('nothing', offerId, true)).toMatchObject({ status: 404 });
  const wrong = await api.send('POST', `/v1/orders/${orderId}/offers/${offerId}/answer`, {
    key: shop.channel,
    body: { accept: 'yes' },
  });
  expect(wrong).toMatchObject({ status: 400, paths: ['accept'] });
  expect((await read(orderId)).offers).toHaveLength(2);
});
