import { type ApiUnderTest, startApi, type TenantKeys } from './support/apiUnderTest';
import { expectCoherent } from '../support/expectCoherent';
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
afterAll(() => api.close());

function newOrder(changes: object = {}) {
  orders += 1;
  return goods.order({ externalId: `external-${orders}`, ...changes });
}

const place = (body: object, key = shop.channel) => api.send('POST', '/v1/orders', { key, body });

test('an order is accepted, and read back in the contract’s shape', async () => {
  const body = newOrder({
    lines: [
      { sku: 'strawberries', quantity: 2, discountFen: 80 },
      { lineId: 'second', sku: 'strawberries', quantity: 1, unitPriceFen: 1 },
    ],
    freightFen: 600,
  });
  const placed = await place(body);
  expect(placed).toMatchObject({
    status: 201,
    json: {
      orderId: expect.stringMatching(/^o[a-z2-7]{24}$/),
      state: 'awaitingPayment',
      totalFen: 2 * 3990 - 80 + 1 + 600,
      lines: [
        { lineId: '1', sku: 'strawberries', quantity: 2, supply: 'spot', unitPriceFen: 3990 },
        { lineId: 'second', quantity: 1, unitPriceFen: 1 },
      ],
      promise: { shipBy: expect.any(String), deliverBy: expect.any(String) },
    },
  });
  const { json } = await api.send('GET', `/v1/orders/${placed.json.orderId}`, { key: shop.channel });
  expect(json).toEqual({
    orderId: placed.json.orderId,
    channel: 'mini',
    externalId: body.externalId,
    state: 'awaitingPayment',
    attention: null,
    expiresAt: placed.json.expiresAt,
    totalFen: placed.json.totalFen,
    paidFen: 0,
    refundedFen: 0,
    lines: [
      { lineId: '1', sku: 'strawberries', quantity: 2, supply: 'spot', unitPriceFen: 3990, discountFen: 80 },
      { lineId: 'second', sku: 'strawberries', quantity: 1, supply: 'spot', unitPriceFen: 1, discountFen: 0 },
    ],
    promise: placed.json.promise,
    shipments: [],
    offers: [],
    timeline: [{ at: expect.stringMatching(/Z$/), kind: 'placed' }],
  });
});

test('a repeat gets the first answer word for word; another body is a conflict', async () => {
  const body = newOrder();
  const first = await place(body);
  const repeat = await place({ ...body, lines: [{ quantity: 2, sku: 'strawberries' }] });
  expect(repeat.status).toBe(200);
  expect(repeat.text).toBe(first.text);
  expect(await place({ ...body, lines: [{ sku: 'strawberries', quantity: 3 }] })).toMatchObject({
    status: 409,
    slug: 'idempotency-conflict',
  });
});

test('refusals have their own slugs and store nothing', async () => {
  const before = await api.countRows();
  const line = (changes: object) => newOrder({ lines: [{ sku: 'strawberries', quantity: 1, ...changes }] });
  expect(await place(line({ quantity: 5000 }))).toMatchObject({
    status: 409,
    slug: 'sold-out',
    json: { shortfall: [{ sku: 'strawberries', asked: 5000, sellable: expect.any(Number) }] },
  });
  expect(await place(line({ quantity: Number.MAX_SAFE_INTEGER, unitPriceFen: 0 }))).toMatchObject({
    status: 409,
    slug: 'sold-out',
  });
  expect(await place(line({ quantity: Number.MAX_SAFE_INTEGER }))).toMatchObject({
    status: 400,
    paths: ['lines'],
  });
  expect(await place(line({ sku: 'nothing' }))).toMatchObject({
    status: 422,
    slug: 'unknown-sku',
    json: { skus: ['nothing'] },
  });
  expect(await place(line({ supply: 'presale', quantity: 21, campaignId: 'spring' }))).toMatchObject({
    status: 409,
    slug: 'quota-exhausted',
    json: { shortfall: [{ sku: 'strawberries', asked: 21, sellable: 20, campaignId: 'spring' }] },
  });
  expect(await place(newOrder({ buyer: { ref: 'b', communityId: 'nowhere' } }))).toMatchObject({
    status: 422,
    slug: 'unknown-reference',
    paths: ['buyer.communityId'],
  });
  expect(
    await place(
      newOrder({ buyer: { ref: 'b' }, lines: [{ sku: 'strawberries', quantity: 1, supply: 'presale' }] }),
    ),
  ).toMatchObject({
    status: 422,
    slug: 'unknown-region',
  });
  expect(await api.countRows()).toEqual(before);
});

test('a presale line takes quota and no stock', async () => {
  const before = (await api.send('GET', '/v1/sellable?sku=strawberries', { key: shop.host })).json.items[0];
  expect(
    await place(newOrder({ lines: [{ sku: 'strawberries', quantity: 3, campaignId: 'spring' }] })),
  ).toMatchObject({
    status: 201,
    json: { lines: [{ supply: 'presale', unitPriceFen: 2990 }] },
  });
  const after = (await api.send('GET', '/v1/sellable?sku=strawberries', { key: shop.host })).json.items[0];
  expect(after).toEqual({ ...before, presaleRemaining: before.presaleRemaining - 3 });
  expect((await api.send('GET', '/v1/presale-campaigns/spring', { key: shop.ops })).json.sold).toEqual([
    { region: 'shanghai', units: 0, held: 3 },
  ]);
});

test('an order that comes already paid is paid at once, and never refused for want of stock', async () => {
  const payment = {
    transactionId: 'prepaid-1',
    amountFen: 3990,
    paidAt: '2026-11-01T08:00:00+08:00',
    heldBy: 'channel',
  };
  const paid = await place(newOrder({ payment, lines: [{ sku: 'strawberries', quantity: 1 }] }));
  expect(paid).toMatchObject({ status: 201, json: { state: 'paid', expiresAt: null } });
  expect((await api.send('GET', `/v1/orders/${paid.json.orderId}`, { key: shop.ops })).json).toMatchObject({
    paidFen: 3990,
    attention: null,
  });
  expect(await place(newOrder({ payment, lines: [{ sku: 'strawberries', quantity: 1 }] }))).toMatchObject({
    status: 409,
    slug: 'transaction-used',
  });
  expect(
    await place(newOrder({ payment: { ...payment, transactionId: 'prepaid-2', amountFen: 1 } })),
  ).toMatchObject({
    status: 400,
    paths: ['payment.amountFen'],
  });
  const short = await place(
    newOrder({
      payment: { ...payment, transactionId: 'prepaid-3', amountFen: 3990 * 900 },
      lines: [{ sku: 'strawberries', quantity: 900 }],
    }),
  );
  expect(short).toMatchObject({ status: 201, json: { state: 'paid' } });
  const { json } = await api.send('GET', `/v1/orders/${short.json.orderId}`, { key: shop.ops });
  expect(json.attention).toEqual({ reason: 'paidShort', since: expect.any(String) });
  const waiting = (await api.send('GET', `/v1/attention?orderId=${short.json.orderId}`, { key: shop.ops }))
    .json.items;
  expect(waiting).toEqual([
    expect.objectContaining({
      reason: 'paidShort',
      orderId: short.json.orderId,
      owner: 'ops',
      actions: ['retry', 'refund'],
    }),
  ]);
});

test('payment makes an order paid; cancelling gives the goods back and asks for the money back', async () => {
  const placed = (await place(newOrder())).json;
  const notice = paymentOf('shop', placed);
  expect((await tellPayment(api, { body: notice })).status).toBe(204);
  expect((await tellPayment(api, { body: notice })).status).toBe(204);
  expect((await api.send('GET', `/v1/orders/${placed.orderId}`, { key: shop.ops })).json).toMatchObject({
    state: 'paid',
    paidFen: placed.totalFen,
  });
  const cancel = () =>
    api.send('POST', `/v1/orders/${placed.orderId}/cancel`, {
      key: shop.channel,
      body: { reason: '不要了' },
    });
  expect(await cancel()).toMatchObject({ status: 200, json: { outcome: 'done' } });
  expect(await cancel()).toMatchObject({ status: 200, json: { outcome: 'done' } });
  const { json } = await api.send('GET', `/v1/orders/${placed.orderId}`, { key: shop.ops });
  expect(json.state).toBe('cancelled');
  expect(json.timeline.map((event: { kind: string }) => event.kind)).toEqual(
    expect.arrayContaining(['placed', 'paid', 'cancelled']),
  );
});

test('lists filter, go newest first, and page without gaps', async () => {
  const placed = [];
  for (let n = 0; n < 3; n += 1)
    placed.push(
      (await place(newOrder({ channel: 'listed', lines: [{ sku: 'strawberries', quantity: 1 }] }))).json
        .orderId,
    );
  const seen: string[] = [];
  let path = '/v1/orders?channel=listed&state=awaitingPayment&limit=2';
  for (;;) {
    const { json } = await api.send('GET', path, { key: shop.ops });
    seen.push(...json.items.map((item: { orderId: string }) => item.orderId));
    if (json.nextCursor === null) break;
    path = `/v1/orders?channel=listed&state=awaitingPayment&limit=2&cursor=${json.nextCursor}`;
  }
  expect(seen).toEqual(placed.reverse());
  const one = await api.send('GET', `/v1/orders?channel=listed&externalId=external-${orders}`, {
    key: shop.ops,
  });
  expect(one.json.items.map((item: { orderId: string }) => item.orderId)).toEqual([placed[0]]);
});

test('a key bound to a channel places, sees and cancels that channel’s orders only', async () => {
  const { key } = await api.newKey('shop', { role: 'channel', channel: 'wechat' });
  const foreign = (await place(newOrder())).json.orderId;
  const own = (await place(newOrder({ channel: 'wechat' }), key)).json.orderId;
  expect(await place(newOrder({ channel: 'mini' }), key)).toMatchObject({ status: 403, slug: 'forbidden' });
  expect((await api.send('GET', `/v1/orders/${own}`, { key })).status).toBe(200);
  expect((await api.send('GET', `/v1/orders/${foreign}`, { key })).status).toBe(404);
  expect(
    (await api.send('POST', `/v1/orders/${foreign}/cancel`, { key, body: { reason: 'x' } })).status,
  ).toBe(404);
  expect((await api.send('GET', '/v1/orders?channel=mini', { key })).status).toBe(403);
  const { json } = await api.send('GET', '/v1/orders', { key });
  expect(json.items.map((item: { orderId: string }) => item.orderId)).toEqual([own]);
});

test.each([
  '鲜'.repeat(128),
  '🍓'.repeat(128),
  ' ',
  '6917204183957384921',
  "'; DROP TABLE orders; --",
  '<script>',
])('an externalId is any text: %s', async (externalId) => {
  const placed = await place(newOrder({ externalId, lines: [{ sku: 'strawberries', quantity: 1 }] }));
  expect(placed.status).toBe(201);
  const found = await api.send('GET', `/v1/orders?externalId=${encodeURIComponent(externalId)}`, {
    key: shop.ops,
  });
  expect(found.json.items).toEqual([expect.objectContaining({ externalId, orderId: placed.json.orderId })]);
});

test('of sixty callers at once, as many are served as there are goods', async () => {
  await api.send('PUT', '/v1/skus/scarce', { key: shop.ops, body: { ...goods.sku, temperature: undefined } });
  const lots = [{ ...goods.receipt().lots[0], sku: 'scarce', quantity: 10 }];
  await api.send('POST', '/v1/stock/receipts', {
    key: shop.ops,
    body: goods.receipt({ reference: 'scarce', lots }),
  });
  const answers = await Promise.all(
    Array.from({ length: 60 }, (_, caller) =>
      place(
        newOrder({
          buyer: { ref: `caller-${caller}`, communityId: 'biyun' },
          lines: [{ sku: 'scarce', quantity: 1 }],
        }),
      ),
    ),
  );
  const count = (status: number) => answers.filter((answer) => answer.status === status).length;
  expect([count(201), count(409)]).toEqual([10, 50]);
});

test('one order sent twenty times at once is one order', async () => {
  const body = newOrder({ lines: [{ sku: 'strawberries', quantity: 1 }] });
  const answers = await Promise.all(Array.from({ length: 20 }, () => place(body)));
  expect(answers.map((answer) => answer.status).sort()).toEqual([...Array(19).fill(200), 201]);
  expect(new Set(answers.map((answer) => answer.text)).size).toBe(1);
});

test('every invariant holds after all of this', () => expectCoherent(api.database));

test('who may wait is put in line, seen there, and taken out again', async () => {
  await api.send('PUT', '/v1/skus/rare', { key: shop.ops, body: { ...goods.sku, temperature: undefined } });
  const lines = [{ sku: 'rare', quantity: 1 }];
  expect(await place(newOrder({ lines }))).toMatchObject({ status: 409 });
  const placed = await place(newOrder({ lines, acceptLater: true }));
  expect(placed).toMatchObject({
    status: 201,
    json: { state: 'waiting', expiresAt: null, waiting: { until: expect.any(String) } },
  });
  const { orderId } = placed.json;
  const read = () => api.send('GET', `/v1/orders/${orderId}`, { key: shop.ops });
  expect((await read()).json).toMatchObject({ state: 'waiting', waiting: { ahead: 0 } });
  const list = await api.send('GET', '/v1/orders?state=waiting', { key: shop.ops });
  expect(list.json.items).toEqual([expect.objectContaining({ orderId })]);
  const cancelled = await api.send('POST', `/v1/orders/${orderId}/cancel`, {
    key: shop.ops,
    body: { reason: 'no more' },
  });
  expect(cancelled.json).toEqual({ outcome: 'done' });
  expect((await read()).json).toMatchObject({ state: 'cancelled' });
});
