import { planFulfilment } from '../../src/db/fulfilment';
import { type ApiUnderTest, platformKey, startApi, type TenantKeys } from './support/apiUnderTest';
import { expectCoherent } from '../support/expectCoherent';
import * as goods from './support/goods';
import { paymentOf, tellCarrier, tellPayment } from './support/sign';

let api: ApiUnderTest;
let shop: TenantKeys;
let orders = 0;

beforeAll(async () => {
  api = await startApi();
  shop = await api.tenant('shop');
  await goods.givenShop(api, shop);
});
afterAll(() => api.close());

/** A paid order with its one shipment planned: to the door, or by the leader to the pickup point. */
async function givenShipment(
  buyer: object = { ref: 'b', communityId: 'biyun' },
): Promise<{ orderId: string; shipmentId: string }> {
  orders += 1;
  const body = goods.order({
    externalId: `e-${orders}`,
    buyer,
    lines: [{ sku: 'strawberries', quantity: 1 }],
  });
  const placed = await api.send('POST', '/v1/orders', { key: shop.channel, body });
  expect(placed.status).toBe(201);
  expect((await tellPayment(api, { body: paymentOf('shop', placed.json) })).status).toBe(204);
  const planned = await planFulfilment(api.database.as('xianda_app'), {
    tenant: 'shop',
    orderId: placed.json.orderId,
  });
  expect(planned.kind).toBe('planned');
  return { orderId: placed.json.orderId, shipmentId: `${placed.json.orderId}.1` };
}

const read = async (orderId: string) =>
  (await api.send('GET', `/v1/orders/${orderId}`, { key: shop.ops })).json;
const toPoint = { ref: 'b', pickupPointId: 'point-1' };
let events = 0;
function event(changes: object = {}) {
  events += 1;
  return { eventId: `event-${events}`, kind: 'picking', at: '2026-11-24T10:00:00+08:00', ...changes };
}

test('an order shows its shipments with lots, parcels and events, and one timeline', async () => {
  const { orderId, shipmentId } = await givenShipment();
  const report = (kind: string) =>
    api.send('POST', `/v1/shipments/${shipmentId}/events`, { key: shop.warehouse, body: event({ kind }) });
  expect(await report('picking')).toMatchObject({ status: 201, json: { shipmentId, state: 'picking' } });
  expect(
    await tellCarrier(api, 'hanyun', {
      body: { ...event({ kind: 'inTransit', place: '嘉定' }), tenant: 'shop', shipmentId, extra: 1 },
    }),
  ).toMatchObject({ status: 204, text: '' });
  const lot = { lineId: '1', sku: 'strawberries', lotId: 'lot-1', quantity: 1, expiresOn: goods.day(60) };
  const order = await read(orderId);
  expect(order.state).toBe('fulfilling');
  expect(order.shipments).toEqual([
    {
      shipmentId,
      zone: 'chilled',
      siteId: 'central',
      via: { carrierId: 'hanyun' },
      state: 'inTransit',
      costFen: expect.any(Number),
      lots: [lot],
      parcels: [{ parcelId: `${shipmentId}.1`, weightGrams: 500, lots: [lot] }],
      events: [
        { at: '2026-11-24T02:00:00.000Z', kind: 'picking' },
        { at: '2026-11-24T02:00:00.000Z', kind: 'inTransit', place: '嘉定' },
      ],
    },
  ]);
  expect(order.timeline).toContainEqual({
    at: '2026-11-24T02:00:00.000Z',
    kind: 'inTransit',
    detail: { shipmentId, place: '嘉定' },
  });
});

test('an event is recorded once; the same id with another body is a conflict', async () => {
  const { shipmentId } = await givenShipment();
  const path = `/v1/shipments/${shipmentId}/events`;
  const body = event({ kind: 'packed', temperatureC: 3.5, note: 'ok' });
  const send = (body: object) => api.send('POST', path, { key: shop.ops, body });
  expect((await send(body)).status).toBe(201);
  expect((await send(body)).status).toBe(200);
  expect(await send({ ...body, note: 'not ok' })).toMatchObject({
    status: 409,
    slug: 'idempotency-conflict',
  });
  expect((await send(event({ parcelId: 'not-its-own' }))).status).toBe(404);
});

test('a leader sees and reports its own shipments only', async () => {
  await api.send('PUT', '/v1/leaders/leader-2', { key: shop.ops, body: goods.leader });
  const { key: other } = await api.newKey('shop', { role: 'leader', leaderId: 'leader-2' });
  const { orderId, shipmentId } = await givenShipment(toPoint);
  const report = (key: string) =>
    api.send('POST', `/v1/shipments/${shipmentId}/events`, { key, body: event({ kind: 'atPickupPoint' }) });
  expect((await report(other)).status).toBe(404);
  expect(await report(shop.leader)).toMatchObject({ status: 201, json: { state: 'atPickupPoint' } });
  const list = async (key: string, query = '') => api.send('GET', `/v1/shipments${query}`, { key });
  expect((await list(other)).json.items).toEqual([]);
  expect((await list(other, '?leaderId=leader-1')).status).toBe(403);
  expect((await list(shop.leader, '?leaderId=leader-1')).json.items).toEqual([
    expect.objectContaining({ orderId, shipmentId, via: { leaderId: 'leader-1', pickupPointId: 'point-1' } }),
  ]);
  expect((await list(shop.warehouse, '?state=atPickupPoint&siteId=central')).json.items).toHaveLength(1);
});

test('what is promised to a leader and a point cannot be taken from under it', async () => {
  await givenShipment(toPoint);
  const put = (path: string, body: object) => api.send('PUT', path, { key: shop.ops, body });
  expect(await put('/v1/leaders/leader-1', { ...goods.leader, certificate: 'basic' })).toMatchObject({
    status: 409,
    slug: 'in-use',
  });
  const capacity = { ...goods.pickupPoint.capacity, chilledLitres: 1 };
  expect(await put('/v1/pickup-points/point-1', { ...goods.pickupPoint, capacity })).toMatchObject({
    status: 409,
    slug: 'in-use',
  });
  await put('/v1/leaders/plain', { name: 'p', certificate: 'basic' });
  expect(await put('/v1/pickup-points/point-1', { ...goods.pickupPoint, leaderId: 'plain' })).toMatchObject({
    status: 409,
    slug: 'in-use',
  });
  // refused whole: nothing of what was put is kept
  const { json } = await api.send('GET', '/v1/pickup-points/point-1', { key: shop.ops });
  expect(json).toEqual({ ...goods.pickupPoint, pickupPointId: 'point-1' });
});

test('a callback with a bad, old or missing signature is 401 and stores nothing', async () => {
  const { shipmentId, orderId } = await givenShipment();
  const before = await api.countRows();
  const body = { ...event({ kind: 'delivered' }), tenant: 'shop', shipmentId };
  const unauthorized = { status: 401, slug: 'unauthorized' };
  expect(await tellCarrier(api, 'hanyun', { body, secret: 'wrong' })).toMatchObject(unauthorized);
  expect(await tellCarrier(api, 'hanyun', { body, ahead: -301 })).toMatchObject(unauthorized);
  expect(await api.send('POST', '/v1/carriers/hanyun/events', { body })).toMatchObject(unauthorized);
  const money = paymentOf('shop', { orderId, totalFen: 1 });
  expect(await tellPayment(api, { body: money, secret: 'wrong' })).toMatchObject(unauthorized);
  expect(await tellPayment(api, { body: '{"outcome":', secret: 'wrong' })).toMatchObject(unauthorized);
  expect(await tellPayment(api, { body: '{"outcome":' })).toMatchObject({ status: 400 });
  expect(await api.countRows()).toEqual(before);
});

test('a carrier’s event told twice is one; with another body it is a conflict and parked', async () => {
  const { shipmentId } = await givenShipment();
  const body = { ...event({ kind: 'pickedUp' }), tenant: 'shop', shipmentId };
  expect((await tellCarrier(api, 'hanyun', { body })).status).toBe(204);
  expect((await tellCarrier(api, 'hanyun', { body })).status).toBe(204);
  expect(await tellCarrier(api, 'hanyun', { body: { ...body, kind: 'delivered' } })).toMatchObject({
    status: 409,
    slug: 'idempotency-conflict',
  });
  expect(
    await tellCarrier(api, 'hanyun', { body: { ...event({ kind: 'delivered' }), tenant: 'shop' } }),
  ).toMatchObject({
    status: 400,
    paths: ['shipmentId'],
  });
  const parked = (await api.send('GET', '/v1/attention?reason=conflictingNotice', { key: shop.ops })).json
    .items;
  expect(parked).toHaveLength(1);
});

test('an event for an unknown shipment is taken, parked, and settled by ops', async () => {
  expect(
    (
      await tellCarrier(api, 'hanyun', {
        body: { ...event({ kind: 'pickedUp' }), tenant: 'shop', waybillNo: 'nobody-knows' },
      })
    ).status,
  ).toBe(204);
  const [item] = (await api.send('GET', '/v1/attention?reason=unknownShipment', { key: shop.ops })).json
    .items;
  expect(item).toMatchObject({ owner: 'ops', actions: ['settle'] });
  const resolve = (body: object) =>
    api.send('POST', `/v1/attention/${item.attentionId}/resolve`, { key: shop.ops, body });
  expect(await resolve({ action: 'refund' })).toMatchObject({
    status: 409,
    slug: 'action-not-allowed',
    json: { actions: ['settle'] },
  });
  expect(await resolve({ action: 'settle', detail: 'the carrier took it back' })).toMatchObject({
    status: 200,
    json: { action: 'settle' },
  });
  expect(await resolve({ action: 'settle' })).toMatchObject({ status: 409, slug: 'already-resolved' });
  expect(
    (await api.send('GET', '/v1/attention?reason=unknownShipment', { key: shop.ops })).json.items,
  ).toEqual([]);
});

test('money and events that name nobody wait with the platform, once, and are settled there', async () => {
  const strange = paymentOf('nobody', { orderId: 'o1', totalFen: 5 });
  const list = async (reason: string) =>
    (await api.send('GET', `/v1/attention?reason=${reason}`, { key: platformKey })).json.items;
  expect((await tellPayment(api, { body: strange })).status).toBe(204);
  expect((await tellPayment(api, { body: strange })).status).toBe(204);
  expect((await tellPayment(api, { body: { ...strange, notificationId: 'second-word' } })).status).toBe(204);
  expect(await tellPayment(api, { body: { ...strange, amountFen: 6 } })).toMatchObject({
    status: 409,
    slug: 'idempotency-conflict',
  });
  expect(
    (await tellPayment(api, { body: paymentOf('shop', { orderId: 'unknown', totalFen: 5 }) })).status,
  ).toBe(204);
  expect(
    (
      await tellCarrier(api, 'hanyun', {
        body: { ...event({ kind: 'pickedUp' }), tenant: 'nobody', shipmentId: 'x' },
      })
    ).status,
  ).toBe(204);
  expect(await list('unknownTenant')).toHaveLength(2);
  expect(await list('unknownOrder')).toHaveLength(1);
  expect(await list('conflictingNotice')).toHaveLength(1);
  const [item] = await list('unknownOrder');
  expect(item).toMatchObject({
    owner: 'platform',
    actions: ['settle'],
    detail: { orderId: 'unknown', amountFen: 5 },
  });
  const resolve = (key: string) =>
    api.send('POST', `/v1/attention/${item.attentionId}/resolve`, {
      key,
      body: { action: 'settle', detail: { how: 'sent back' } },
    });
  expect((await resolve(shop.ops)).status).toBe(404);
  expect((await resolve(platformKey)).status).toBe(200);
  expect(await resolve(platformKey)).toMatchObject({ status: 409, slug: 'already-resolved' });
  expect(await list('unknownOrder')).toEqual([]);
});

test('another provider is not found', async () => {
  expect((await api.send('POST', '/v1/payments/alipay/notifications', { body: {} })).status).toBe(404);
});

test('every invariant holds after all of this', () => expectCoherent(api.database));
