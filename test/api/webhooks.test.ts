import { Webhook } from 'standardwebhooks';
import { eventAnswer } from '../../src/api/event/schema';
import { createWebhookActivities } from '../../src/activities/webhook';
import { createWebhookSender } from '../../src/clients/webhook/send';
import { createEnvelope } from '../../src/db/envelope';
import { planFulfilment, recordShipmentEvent } from '../../src/db/fulfilment';
import { expectCoherent, publishNews } from '../support/expectCoherent';
import { givenHandOut } from '../support/presaleFixtures';
import { openReceiver, type Receiver } from '../workflows/support/receiver';
import { type ApiUnderTest, startApi, type TenantKeys } from './support/apiUnderTest';
import * as goods from './support/goods';
import { paymentOf, tellPayment } from './support/sign';

let api: ApiUnderTest;
let shop: TenantKeys;
let mini: string;
let receiver: Receiver;

beforeAll(async () => {
  api = await startApi();
  shop = await api.tenant('shop');
  await goods.givenShop(api, shop);
  mini = (await api.newKey('shop', { role: 'channel', channel: 'mini' })).key;
  receiver = await openReceiver();
});
afterAll(async () => {
  await expectCoherent(api.database, { atLeast: { 16: 10 } });
  await receiver.close();
  await api.close();
});

const send = (method: string, path: string, { key = shop.ops, body }: { key?: string; body?: object } = {}) =>
  api.send(method, path, { key, body });
const put = (endpointId: string, body: object, key = shop.ops) =>
  send('PUT', `/v1/webhook-endpoints/${endpointId}`, { key, body });

const place = async (externalId: string, changes: object = {}) =>
  (await send('POST', '/v1/orders', { key: shop.channel, body: goods.order({ externalId, ...changes }) }))
    .json as { orderId: string; totalFen: number };

/** What the endpoint's workflow would do now. */
async function deliver(endpointId: string): Promise<void> {
  await publishNews(api.database);
  const { deliverDue } = createWebhookActivities({
    db: api.database.as('xianda_app'),
    webhooks: createWebhookSender({ loopbackAllowed: true }),
    envelope: createEnvelope([{ id: 'test', key: Buffer.alloc(32, 7) }]),
    webhookTimeScale: 1,
  });
  await deliverDue({ tenant: 'shop', endpointId });
}

async function readFeed(query = '', key = shop.ops) {
  await publishNews(api.database);
  const events = [];
  let cursor = '';
  for (;;) {
    const { json } = await send('GET', `/v1/events?limit=2${query}${cursor}`, { key });
    expect(typeof json.nextCursor).toBe('string');
    if (json.items.length === 0) return { events, cursor: json.nextCursor as string };
    events.push(...json.items);
    cursor = `&cursor=${json.nextCursor}`;
  }
}

describe('endpoints', () => {
  test('are made, read, listed and removed', async () => {
    const body = { url: receiver.url, types: ['order.paid', 'order.shipped'], channel: 'mini' };
    expect(await put('a', body)).toMatchObject({
      status: 200,
      json: { endpointId: 'a', ...body, liveSecrets: 0, pending: 0 },
    });
    expect((await send('GET', '/v1/webhook-endpoints/a')).json).toMatchObject(body);
    const listed = (await send('GET', '/v1/webhook-endpoints')).json.items;
    expect(listed.map(({ endpointId }: { endpointId: string }) => endpointId)).toEqual([
      'a',
      'supplier:supplier-1',
    ]);
    expect((await send('DELETE', '/v1/webhook-endpoints/a')).status).toBe(204);
    expect((await send('DELETE', '/v1/webhook-endpoints/a')).status).toBe(404);
    expect((await send('GET', '/v1/webhook-endpoints/a')).status).toBe(404);
    expect((await send('GET', '/v1/webhook-endpoints/a/deliveries')).json.items).toEqual([]);
  });

  test.each([
    'http://10.0.0.1/hook',
    'http://169.254.169.254/latest/meta-data/',
    'https://user:secret@hook.example.com/',
    'https://hook.example.com:25/',
    'http://intranet/',
    'ftp://hook.example.com/',
  ])('%s is refused, with its path', async (url) => {
    expect(await put('bad', { url })).toMatchObject({
      status: 400,
      slug: 'invalid-request',
      paths: ['url'],
    });
    expect(
      await send('PUT', '/v1/suppliers/supplier-1', { body: { ...goods.supplier, webhookUrl: url } }),
    ).toMatchObject({ status: 400, paths: ['webhookUrl'] });
  });

  test('loopback is for development', async () => {
    const production = await startApi({ mode: 'production' });
    try {
      const keys = await production.tenant('shop');
      for (const url of ['http://127.0.0.1:1/', 'http://localhost/', 'http://[::1]/', 'http://2130706433/']) {
        expect(
          await production.send('PUT', '/v1/webhook-endpoints/x', { key: keys.ops, body: { url } }),
        ).toMatchObject({ status: 400, paths: ['url'] });
      }
      const body = { url: 'https://hook.example.com/in' };
      expect((await production.send('PUT', '/v1/webhook-endpoints/x', { key: keys.ops, body })).status).toBe(
        200,
      );
    } finally {
      await production.close();
    }
  });

  test('a channel’s key has its own and sees no other', async () => {
    await put('of-ops', { url: receiver.url });
    await put('of-other', { url: receiver.url, channel: 'other' });
    expect((await put('of-mini', { url: receiver.url }, mini)).json).toMatchObject({ channel: 'mini' });
    expect((await put('x', { url: receiver.url, channel: 'other' }, mini)).status).toBe(403);
    expect((await put('x', { url: receiver.url }, shop.channel)).paths).toEqual(['channel']);
    for (const endpointId of ['of-ops', 'of-other', 'supplier:supplier-1']) {
      const path = `/v1/webhook-endpoints/${endpointId}`;
      expect((await send('GET', path, { key: mini })).status).toBe(404);
      expect((await send('GET', `${path}/deliveries`, { key: mini })).status).toBe(404);
      expect((await send('POST', `${path}/secrets`, { key: mini, body: {} })).status).toBe(404);
    }
    expect((await put('of-ops', { url: receiver.url }, mini)).status).toBe(404);
    const listed = (await send('GET', '/v1/webhook-endpoints', { key: mini })).json.items;
    expect(listed.map(({ endpointId }: { endpointId: string }) => endpointId)).toEqual(['of-mini']);
    for (const id of ['of-ops', 'of-other', 'of-mini']) await send('DELETE', `/v1/webhook-endpoints/${id}`);
  });

  test('a supplier’s webhookUrl is its endpoint, with secrets of its own', async () => {
    const path = '/v1/suppliers/supplier-1';
    const secrets = `${path}/webhook-secrets`;
    expect((await send('GET', path)).json.webhookUrl).toBe(goods.supplier.webhookUrl);
    const made = await send('POST', secrets, { key: shop.supplier, body: {} });
    expect(made).toMatchObject({ status: 201, json: { secret: expect.stringMatching(/^whsec_/) } });
    expect(() => new Webhook(made.json.secret)).not.toThrow();
    const own = await send('GET', '/v1/webhook-endpoints', { key: shop.supplier });
    expect(own.json.items).toMatchObject([{ endpointId: 'supplier:supplier-1', liveSecrets: 1 }]);
    expect(own.text).not.toContain(made.json.secret);
    const { key: stranger } = await api.newKey('shop', { role: 'supplier', supplierId: 'supplier-2' });
    expect((await send('POST', secrets, { key: stranger, body: {} })).status).toBe(404);
    expect((await put('supplier:supplier-1', { url: receiver.url })).paths).toEqual(['endpointId']);
    const without = { ...goods.supplier, webhookUrl: undefined };
    expect((await send('PUT', path, { body: without })).json.webhookUrl).toBeUndefined();
    expect((await send('POST', secrets, { body: {} })).status).toBe(404);
    await send('PUT', path, { body: goods.supplier });
    expect((await send('GET', '/v1/webhook-endpoints/supplier:supplier-1')).json.liveSecrets).toBe(1);
  });

  test('a stored secret cannot be read, nor opened on another row', async () => {
    await put('sealed', { url: receiver.url });
    const { secret } = (await send('POST', '/v1/webhook-endpoints/sealed/secrets', { body: {} })).json;
    const [row] = await api.database.query<{ secretId: string; keyId: string; sealed: Buffer }>(
      `SELECT secret_id AS "secretId", key_id AS "keyId", sealed FROM webhook_secret WHERE endpoint_id = 'sealed'`,
    );
    if (row === undefined) throw new Error('the secret is not there');
    expect(row.sealed.includes(secret)).toBe(false);
    const envelope = createEnvelope([{ id: 'test', key: Buffer.alloc(32, 7) }]);
    const owner = (endpointId: string) => ['webhook secret', 'shop', endpointId, row.secretId];
    expect(envelope.open(owner('sealed'), row).toString()).toBe(secret);
    expect(() => envelope.open(owner('other'), row)).toThrow();
    await send('DELETE', '/v1/webhook-endpoints/sealed');
  });
});

describe('deliveries and the feed', () => {
  test('a shop follows its order by webhook, by log and by feed: the same documents, no buyer in them', async () => {
    await put('shop', { url: receiver.url, channel: 'mini' }, mini);
    receiver.secret = (
      await send('POST', '/v1/webhook-endpoints/shop/secrets', { key: mini, body: {} })
    ).json.secret;
    const order = await place('followed', { buyer: { ref: 'b', pickupPointId: 'point-1', name: '李女士' } });
    await tellPayment(api, { body: paymentOf('shop', order) });
    const { orderId } = order;
    await planFulfilment(api.database.as('xianda_app'), { tenant: 'shop', orderId });
    for (const kind of ['pickedUp', 'delivered'] as const) {
      await recordShipmentEvent(api.database.as('xianda_app'), {
        tenant: 'shop',
        source: 'test',
        eventId: kind,
        shipmentId: `${orderId}.1`,
        kind,
        at: new Date(),
        bodyDigest: Buffer.alloc(32),
      });
    }
    receiver.answerWith = 500;
    await deliver('shop');
    receiver.answerWith = 200;
    expect((await send('POST', '/v1/webhook-endpoints/shop/enable', { key: mini, body: {} })).status).toBe(
      200,
    );
    await deliver('shop');

    const log = (await send('GET', '/v1/webhook-endpoints/shop/deliveries', { key: mini })).json.items;
    expect(log.map(({ type }: { type: string }) => type)).toEqual([
      'order.delivered',
      'order.shipped',
      'order.fulfilling',
      'order.paid',
      'order.placed',
    ]);
    expect(log[4]).toMatchObject({
      state: 'delivered',
      attempts: [
        { number: 1, status: 500, problem: 'answered 500', nextAttemptAt: expect.any(String) },
        { number: 2, status: 200 },
      ],
    });
    expect(
      (await send('GET', '/v1/webhook-endpoints/shop/deliveries?state=pending', { key: mini })).json.items,
    ).toEqual([]);

    const { events, cursor } = await readFeed('', mini);
    expect(events.map(({ id }) => id)).toEqual(
      [...log].reverse().map(({ deliveryId }: { deliveryId: string }) => deliveryId),
    );
    for (const event of events) expect(eventAnswer.parse(event)).toEqual(event);
    for (const body of new Set(receiver.bodies)) {
      const sent = JSON.parse(body);
      expect(events.find(({ id }) => id === sent.id)).toEqual(sent);
    }
    expect(JSON.stringify(events)).not.toMatch(/李女士|"b"|point-1.*name/);
    expect((await send('GET', `/v1/events?cursor=${cursor}`, { key: mini })).json).toEqual({
      items: [],
      nextCursor: cursor,
    });
  });

  test('whatever is told is what its schema says: offers, refunds, attention, the end', async () => {
    const short = await place('short', {
      lines: [{ sku: 'strawberries', quantity: 3, campaignId: 'spring' }],
    });
    await tellPayment(api, { body: paymentOf('shop', short) });
    const lots = [{ ...goods.receipt().lots[0], lotId: 'few', quantity: 1, campaignId: 'spring' }];
    const body = goods.receipt({ reference: 'few', lots });
    await api.send('POST', '/v1/stock/receipts', { key: shop.warehouse, body });
    await givenHandOut(api.database, 'shop', { campaignId: 'spring' });
    const paid = await place('to-cancel');
    await tellPayment(api, { body: paymentOf('shop', paid) });
    await send('POST', `/v1/orders/${paid.orderId}/cancel`, { body: { reason: '李女士不要了' } });
    await place('too-many', {
      lines: [{ sku: 'strawberries', quantity: 900, unitPriceFen: 1 }],
      payment: { transactionId: 't', amountFen: 900, paidAt: '2026-11-24T08:00:00Z', heldBy: 'channel' },
    });
    const { events } = await readFeed();
    for (const event of events) expect(eventAnswer.parse(event)).toEqual(event);
    const told = (type: string) => events.find((event) => event.type === type)?.data;
    const answered = (await send('GET', `/v1/orders/${short.orderId}`)).json.offers;
    expect(
      told('order.offer')
        .offers.map(({ offerId }: { offerId: string }) => offerId)
        .sort(),
    ).toEqual(answered.map(({ offerId }: { offerId: string }) => offerId).sort());
    expect(told('order.refundRequested')).toMatchObject({
      externalId: 'to-cancel',
      refund: { heldBy: 'tenant' },
    });
    expect(told('order.attention')).toMatchObject({ attention: { reason: 'paidShort' } });
    expect(JSON.stringify(events)).not.toContain('李女士');
  });

  test('what becomes of a presale line is told: the answer, the new promise, the line given up, the goods', async () => {
    await send('PUT', '/v1/presale-campaigns/autumn', { body: goods.campaign() });
    const preordered = async (externalId: string, quantity: number, ...more: object[]) => {
      const lines = [{ sku: 'strawberries', quantity, campaignId: 'autumn' }, ...more];
      const order = await place(externalId, { buyer: { ref: externalId, communityId: 'biyun' }, lines });
      await tellPayment(api, { body: paymentOf('shop', order) });
      return order.orderId;
    };
    const served = await preordered('served', 1);
    const waits = await preordered('waits', 2);
    const partly = await preordered('partly', 3, { sku: 'strawberries', quantity: 1 });
    const wholly = await preordered('wholly', 4);
    const lots = [{ ...goods.receipt().lots[0], lotId: 'autumn', quantity: 1, campaignId: 'autumn' }];
    const body = goods.receipt({ reference: 'autumn', lots });
    await send('POST', '/v1/stock/receipts', { key: shop.warehouse, body });
    await givenHandOut(api.database, 'shop', { campaignId: 'autumn' });
    const agree = async (orderId: string, wanted: string) => {
      const { offers } = (await send('GET', `/v1/orders/${orderId}`)).json;
      const { offerId } = offers.find(({ kind }: { kind: string }) => kind === wanted);
      const answer = await send('POST', `/v1/orders/${orderId}/offers/${offerId}/answer`, {
        body: { accept: true },
      });
      expect(answer.status).toBe(200);
    };
    await agree(waits, 'laterDate');
    await agree(partly, 'refund');
    await agree(wholly, 'refund');

    const { events } = await readFeed();
    for (const event of events) expect(eventAnswer.parse(event)).toEqual(event);
    const told = (orderId: string, type: string) =>
      events.filter((event) => event.subject === orderId && event.type === type).map(({ data }) => data);
    const line = { lineId: '1', sku: 'strawberries' };
    expect(told(served, 'order.goodsArrived')).toMatchObject([
      { line: { ...line, quantity: 1, campaignId: 'autumn' } },
    ]);
    expect(told(waits, 'order.offerAnswered')).toMatchObject([
      { line: { ...line, quantity: 2, offer: 'laterDate', accept: true } },
    ]);
    const { promise } = (await send('GET', `/v1/orders/${waits}`)).json;
    expect(told(waits, 'order.repromised')).toMatchObject([
      { line: { ...line, quantity: 2, deliverBy: promise.deliverBy }, promise },
    ]);
    expect(told(partly, 'order.lineCancelled')).toMatchObject([
      { state: 'paid', line: { ...line, quantity: 3, refundFen: 3 * 2990 } },
    ]);
    expect(told(partly, 'order.cancelled')).toEqual([]);
    const [given] = told(wholly, 'order.lineCancelled');
    expect(given.line).toEqual({ ...line, quantity: 4 });
    expect(told(wholly, 'order.cancelled')).toHaveLength(1);
    expect(told(wholly, 'order.refundRequested')).toMatchObject([{ refund: { amountFen: 4 * 2990 } }]);
  });

  test('a resend goes out again under the same id', async () => {
    await deliver('shop');
    const [first] = (await send('GET', '/v1/webhook-endpoints/shop/deliveries?limit=1', { key: mini })).json
      .items;
    receiver.messages.length = 0;
    const path = `/v1/webhook-endpoints/shop/deliveries/${first.deliveryId}/resend`;
    expect(await send('POST', path, { key: mini, body: {} })).toMatchObject({
      status: 200,
      json: { deliveryId: first.deliveryId, state: 'pending' },
    });
    await deliver('shop');
    expect(receiver.messages.map(({ webhookId }) => webhookId)).toEqual([first.deliveryId]);
    expect((await send('POST', path.replace(first.deliveryId, 'nothing'), { body: {} })).status).toBe(404);
  });

  test('operations read the whole tenant’s feed, a channel its own orders’, each by type', async () => {
    await place('elsewhere', { channel: 'other' });
    const all = (await readFeed()).events;
    const own = (await readFeed('', mini)).events;
    const any = (await readFeed('', shop.channel)).events;
    expect(new Set(all.map(({ data }) => data.channel))).toEqual(new Set(['mini', 'other']));
    expect(any).toEqual(all);
    expect(own).toEqual(all.filter(({ data }) => data.channel === 'mini'));
    const placed = (await readFeed('&type=order.placed')).events;
    expect(placed).toEqual(all.filter(({ type }) => type === 'order.placed'));
    expect(await send('GET', '/v1/events?type=order.unknown')).toMatchObject({ status: 400 });
    expect(await send('GET', '/v1/events?cursor=x')).toMatchObject({ status: 400, paths: ['cursor'] });
  });
});
