import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type CarrierClient, createSandboxCarrierClient } from '../../src/clients/carriers/client';
import type { BookingRequest } from '../../src/clients/carriers/sandboxWire';
import { PartnerFault } from '../../src/clients/partnerFault';
import { sandboxHeaders } from '../../src/clients/signature';
import { runCarrierSandbox } from '../../src/sandbox/carrier/server';
import type { RunningSandbox } from '../../src/sandbox/server';
import { type Shop, call, eventually, openShop } from './support/shop';

const secret = 'carrier-secret';
let directory: string;
let sandbox: RunningSandbox;
let client: CarrierClient;
let shop: Shop;
let logged: string[];

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'carrier-sandbox-'));
  shop = await openShop(secret);
  client = createSandboxCarrierClient({ secret, timeoutMs: 2000, trusts: () => true });
  logged = [];
  await start();
});

afterEach(async () => {
  await sandbox.close();
  await shop.close();
  await rm(directory, { recursive: true });
});

const dataFile = () => join(directory, 'carrier.jsonl');

async function start(auto = false): Promise<void> {
  const log = (fields: object, message: string) => logged.push(JSON.stringify(fields) + message);
  sandbox = await runCarrierSandbox({
    port: 0,
    secret,
    dataFile: dataFile(),
    auto,
    stepSeconds: 0.05,
    patience: { firstWaitMs: 10, longestWaitMs: 20, attempts: 200 },
    logger: { info: log, warn: log },
  });
}

async function restart(auto = false): Promise<void> {
  await sandbox.close();
  await start(auto);
}

function booking(more: Partial<BookingRequest> = {}): BookingRequest {
  return {
    bookingId: 's1',
    tenant: 'acme',
    carrierId: 'cool',
    shipmentId: 's1',
    zone: 'chilled',
    parcels: [
      { parcelId: 's1.1', weightGrams: 1200 },
      { parcelId: 's1.2', weightGrams: 800 },
    ],
    from: { siteId: 'w1', location: { lat: 31.2, lng: 121.5 } },
    to: {
      location: { lat: 31.3, lng: 121.4 },
      recipient: {
        name: '李四',
        phone: '13900000000',
        address: { province: '上海', city: '上海', district: '徐汇', detail: '幸福路1号' },
      },
    },
    shipBy: '2026-01-02T18:00:00+08:00',
    deliverBy: '2026-01-03T23:59:59+08:00',
    callbackUrl: `${shop.url}/v1/carriers/cool/events`,
    ...more,
  };
}

const book = (more?: Partial<BookingRequest>) =>
  client.book({ baseUrl: sandbox.url, request: booking(more) });
const cancel = (bookingId = 's1', tenant = 'acme') =>
  client.cancel({ baseUrl: sandbox.url, request: { tenant, bookingId } });
const list = (tenant = 'acme') => client.listBookings({ baseUrl: sandbox.url, request: { tenant } });
const ask = (body: unknown) => call('POST', `${sandbox.url}/v1/control`, body);
const happen = (body: unknown, bookingId = 's1') =>
  call('POST', `${sandbox.url}/v1/bookings/${bookingId}/events`, body);
const quiet = async () => (await call('GET', `${sandbox.url}/healthz`)).body.pendingCallbacks === 0;
const kinds = () => shop.received.map((each) => each.body.kind);

describe('booking', () => {
  test('a quote grows with weight, distance and cold', async () => {
    const request = {
      tenant: 'acme',
      carrierId: 'cool',
      zone: 'ambient' as const,
      weightGrams: 1000,
      from: { siteId: 'w1', location: { lat: 31.2, lng: 121.5 } },
      to: { location: { lat: 31.2, lng: 121.5 } },
    };
    const price = async (more: object) => {
      const outcome = await client.quote({ baseUrl: sandbox.url, request: { ...request, ...more } });
      if (outcome.kind !== 'quoted') throw new Error(outcome.kind);
      return outcome.costFen;
    };
    expect(await price({})).toBe(700);
    expect(await price({ weightGrams: 1001 })).toBe(800);
    expect(await price({ to: { location: { lat: 32.2, lng: 121.5 } } })).toBe(700 + 222);
    expect(await price({ zone: 'frozen' })).toBe(1750);
  });

  test('every parcel gets a waybill of its own, and the price is that of the quote', async () => {
    const outcome = await book();
    if (outcome.kind !== 'booked') throw new Error(outcome.kind);
    expect(outcome.waybills.map((each) => each.parcelId)).toEqual(['s1.1', 's1.2']);
    expect(new Set(outcome.waybills.map((each) => each.waybillNo)).size).toBe(2);
    const { tenant, carrierId, zone, from, to } = booking();
    const quoted = await client.quote({
      baseUrl: `${sandbox.url}/`,
      request: { tenant, carrierId, zone, weightGrams: 2000, from, to: { location: to.location } },
    });
    expect(quoted).toMatchObject({ kind: 'quoted', costFen: outcome.costFen });
  });

  test('the same booking twice, at once and after a restart is one booking', async () => {
    const outcomes = await Promise.all([book(), book(), book()]);
    await restart();
    outcomes.push(await book());
    expect(new Set(outcomes.map((outcome) => JSON.stringify(outcome))).size).toBe(1);
    expect((await list()).items).toHaveLength(1);
  });

  test('fields in another order are the same booking', async () => {
    const reversed = Object.fromEntries(Object.entries(booking()).reverse()) as BookingRequest;
    await book();
    expect(await client.book({ baseUrl: sandbox.url, request: reversed })).toMatchObject({ kind: 'booked' });
  });

  test.each([
    { zone: 'frozen' as const },
    { tenant: 'other' },
    { parcels: [{ parcelId: 's1.1', weightGrams: 1 }] },
    { to: { recipient: { name: '王五' } } },
  ])('the same id with another %j conflicts', async (other) => {
    await book();
    expect(await book(other)).toEqual({ kind: 'refused', code: 'idempotency-conflict' });
    expect((await list()).items).toHaveLength(1);
  });

  test('neither the books nor the log know the buyer', async () => {
    await book();
    await book({ to: { recipient: { name: '王五' } } });
    await happen({ kind: 'pickedUp' });
    await eventually(quiet);
    const kept = (await readFile(dataFile(), 'utf8')) + logged.join('\n');
    expect(kept).toContain('s1.2');
    expect(kept).not.toMatch(/李四|王五|13900000000|幸福路/);
  });

  test('lists are one tenant’s, with what happened', async () => {
    await book();
    await book({ bookingId: 's2', shipmentId: 's2', tenant: 'other' });
    await happen({ kind: 'pickedUp', at: '2026-01-02T17:00:00+08:00' });
    const { items, nextCursor } = await list();
    expect(nextCursor).toBeNull();
    expect(items).toMatchObject([
      { bookingId: 's1', state: 'pickedUp', events: [{ kind: 'pickedUp', at: '2026-01-02T17:00:00+08:00' }] },
    ]);
    const headers = sandboxHeaders(secret, Math.floor(Date.now() / 1000), '');
    const one = await call('GET', `${sandbox.url}/v1/bookings/s2`, undefined, headers);
    expect(one.body).toMatchObject({ bookingId: 's2', state: 'booked' });
    expect((await call('GET', `${sandbox.url}/v1/bookings/s3`, undefined, headers)).status).toBe(404);
  });
});

describe('cancelling', () => {
  test('is possible until pick-up, again and again', async () => {
    await book();
    expect(await cancel()).toEqual({ kind: 'done' });
    expect(await cancel()).toEqual({ kind: 'done' });
    expect(await book()).toEqual({ kind: 'refused', code: 'cancelled' });
    expect(await happen({ kind: 'pickedUp' })).toMatchObject({ status: 409, body: { code: 'cancelled' } });
    await restart();
    expect((await list()).items).toMatchObject([{ state: 'cancelled' }]);
  });

  test('is too late afterwards', async () => {
    await book();
    await happen({ kind: 'pickedUp' });
    expect(await cancel()).toEqual({ kind: 'tooLate' });
  });

  test('before the booking came at all keeps it from coming', async () => {
    expect(await cancel()).toEqual({ kind: 'done' });
    await restart();
    expect(await book()).toEqual({ kind: 'refused', code: 'cancelled' });
    expect((await list()).items).toEqual([]);
  });

  test('is not another tenant’s business', async () => {
    await book();
    expect(await cancel('s1', 'other')).toEqual({ kind: 'refused', code: 'unknown-booking' });
    expect((await list()).items).toMatchObject([{ state: 'booked' }]);
  });
});

describe('events', () => {
  test('one event now, signed, in the words of the contract', async () => {
    await book();
    const at = '2026-01-02T17:00:00+08:00';
    const made = await happen({ kind: 'atPickupPoint', at, place: '南门', temperatureC: 3.5 });
    expect(made.status).toBe(201);
    await eventually(quiet);
    expect(shop.received).toHaveLength(1);
    expect(shop.received[0]?.verified).toBe(true);
    expect(shop.received[0]?.body).toEqual({
      eventId: made.body.eventId,
      tenant: 'acme',
      shipmentId: 's1',
      kind: 'atPickupPoint',
      at,
      place: '南门',
      temperatureC: 3.5,
    });
  });

  test('one parcel is told of by its waybill; the same kind twice is two events', async () => {
    const outcome = await book();
    if (outcome.kind !== 'booked') throw new Error(outcome.kind);
    for (const { waybillNo } of outcome.waybills) await happen({ kind: 'delivered', waybillNo });
    await eventually(quiet);
    const bodies = shop.received.map((each) => each.body);
    const told = bodies.map((body) => String(body.waybillNo)).sort();
    expect(told).toEqual(outcome.waybills.map((each) => each.waybillNo).sort());
    expect(bodies.every((body) => !('shipmentId' in body))).toBe(true);
    expect(new Set(bodies.map((body) => body.eventId)).size).toBe(2);
    expect((await happen({ kind: 'delivered', waybillNo: 'nobody' })).status).toBe(404);
  });

  test('an unknown booking, kind or field makes no event', async () => {
    await book();
    expect((await happen({ kind: 'delivered' }, 's9')).status).toBe(404);
    for (const body of [
      { kind: 'picking' },
      { kind: 'delivered', at: 'noon' },
      { kind: 'delivered', x: 1 },
      {},
    ]) {
      expect((await happen(body)).status).toBe(400);
    }
    expect((await list()).items[0]?.events).toEqual([]);
  });

  test('an event the shop did not take is told again, also after a restart', async () => {
    shop.answerWith(() => 503);
    await book();
    const { eventId } = (await happen({ kind: 'pickedUp' })).body;
    await eventually(() => shop.received.length >= 3);
    await sandbox.close();
    shop.received.length = 0;
    shop.answerWith(() => 204);
    await start();
    await eventually(quiet);
    expect(shop.received.map((each) => each.body.eventId)).toEqual([eventId]);
  });
});

describe('by itself', () => {
  test('a parcel is picked up, driven and delivered, each told once', async () => {
    await ask({ auto: true });
    await book();
    await eventually(() => shop.received.length === 3);
    expect(kinds()).toEqual(['pickedUp', 'inTransit', 'delivered']);
    expect(shop.received.map((each) => each.body.temperatureC)).toEqual([2, 2, 2]);
    await new Promise((resolve) => setTimeout(resolve, 150));
    expect(shop.received).toHaveLength(3);
    expect((await list()).items).toMatchObject([{ state: 'delivered' }]);
  });

  test('nothing moves while it is off, everything booked moves once it is on', async () => {
    await book();
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(shop.received).toEqual([]);
    await restart(true);
    await eventually(() => shop.received.length === 3);
  });

  test('a parcel on the road moves on after a restart', async () => {
    await ask({ auto: true });
    await book();
    await eventually(() => shop.received.length === 1);
    await restart(true);
    await eventually(() => shop.received.length >= 3 && kinds().includes('delivered'));
    expect(new Set(kinds())).toEqual(new Set(['pickedUp', 'inTransit', 'delivered']));
    expect((await list()).items[0]?.events).toHaveLength(3);
  });

  test('cancelled and failed parcels stay where they are', async () => {
    await book();
    await cancel();
    await book({ bookingId: 's2', shipmentId: 's2' });
    await happen({ kind: 'failed' }, 's2');
    await ask({ auto: true });
    await new Promise((resolve) => setTimeout(resolve, 250));
    expect(kinds()).toEqual(['failed']);
  });

  test('the clock can be turned', async () => {
    expect((await ask({ auto: true, stepSeconds: 3600 })).body).toMatchObject({
      auto: true,
      stepSeconds: 3600,
    });
    await book();
    await new Promise((resolve) => setTimeout(resolve, 150));
    expect(shop.received).toEqual([]);
    await ask({ stepSeconds: 0.01 });
    await eventually(() => shop.received.length === 3);
    expect((await ask({ stepSeconds: 0 })).status).toBe(400);
  });
});

describe('misbehaviour on request', () => {
  test('slow, status500 and status429 on booking are faults without a booking', async () => {
    await ask({ route: 'booking', behaviour: 'status500', count: 1 });
    await expect(book()).rejects.toMatchObject({
      partner: 'carrier sandbox',
      operation: 'book',
      status: 500,
    });
    await ask({ route: 'booking', behaviour: 'status429', count: 1 });
    await expect(book()).rejects.toMatchObject({ status: 429, retryAfterSeconds: 1 });
    expect((await list()).items).toEqual([]);
    const hasty = createSandboxCarrierClient({ secret, timeoutMs: 100, trusts: () => true });
    await ask({ route: 'booking', behaviour: 'slow', delayMs: 300, count: 1 });
    await expect(hasty.book({ baseUrl: sandbox.url, request: booking() })).rejects.toBeInstanceOf(
      PartnerFault,
    );
    await eventually(async () => (await list()).items.length === 1);
    expect(await book()).toMatchObject({ kind: 'booked' });
    expect((await list()).items).toHaveLength(1);
  });

  test('dropAnswer and garbage: booked all the same, and once', async () => {
    for (const behaviour of ['dropAnswer', 'garbage']) {
      await ask({ route: 'booking', behaviour, count: 1 });
      const error = await book().catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(PartnerFault);
      expect(String(error)).not.toMatch(/张三|李四/);
    }
    await restart();
    expect(await book()).toMatchObject({ kind: 'booked' });
    expect((await list()).items).toHaveLength(1);
  });

  test('refuse, and failures of the other routes', async () => {
    await ask({ route: 'booking', behaviour: 'refuse', count: 1 });
    expect(await book()).toEqual({ kind: 'refused', code: 'refused' });
    await book();
    await ask({ route: 'cancel', behaviour: 'dropAnswer', count: 1 });
    await expect(cancel()).rejects.toBeInstanceOf(PartnerFault);
    expect(await cancel()).toEqual({ kind: 'done' });
    await ask({ route: 'query', behaviour: 'status500', count: 1 });
    await expect(list()).rejects.toMatchObject({ status: 500 });
    await ask({ route: 'quote', behaviour: 'status500', count: 1 });
    const { tenant, carrierId, zone, from } = booking();
    const request = { tenant, carrierId, zone, from, to: {}, weightGrams: 1 };
    await expect(client.quote({ baseUrl: sandbox.url, request })).rejects.toMatchObject({ status: 500 });
  });

  test('duplicate and shuffle: five of each, in any order', async () => {
    await ask({ behaviour: 'duplicate' });
    await ask({ behaviour: 'shuffle', delayMs: 400, seed: 3, auto: true });
    await book();
    await eventually(() => shop.received.length === 15);
    const inOrder = ['pickedUp', 'inTransit', 'delivered'].flatMap((kind) => Array<string>(5).fill(kind));
    expect(kinds()).not.toEqual(inOrder);
    expect([...kinds()].sort()).toEqual([...inOrder].sort());
    expect(new Set(shop.received.map((each) => each.rawBody)).size).toBe(3);
  });

  test('neverCallBack: parcels arrive and nobody is told', async () => {
    await ask({ behaviour: 'neverCallBack', auto: true });
    await book();
    await eventually(async () => (await list()).items[0]?.state === 'delivered');
    await restart();
    await eventually(quiet);
    expect(shop.received).toEqual([]);
  });
});

describe('who may ask', () => {
  test('only holders of the secret, lately', async () => {
    const stranger = createSandboxCarrierClient({ secret: 'guess', timeoutMs: 1000, trusts: () => true });
    await expect(stranger.book({ baseUrl: sandbox.url, request: booking() })).rejects.toMatchObject({
      status: 401,
    });
    const body = JSON.stringify(booking());
    const stale = sandboxHeaders(secret, Math.floor(Date.now() / 1000) - 310, body);
    expect(await call('POST', `${sandbox.url}/v1/bookings`, body, stale)).toMatchObject({
      status: 401,
      body: { detail: 'stale' },
    });
    for (const path of ['/v1/bookings', '/v1/bookings/s1']) {
      expect((await call('GET', sandbox.url + path)).status).toBe(401);
    }
    expect((await list()).items).toEqual([]);
  });

  test('a booking of the wrong form is a fault with 400 and books nothing', async () => {
    for (const wrong of [
      { parcels: [] },
      { shipBy: 'soon' },
      { zone: 'hot' as 'frozen' },
      { callbackUrl: 'x' },
    ]) {
      await expect(book(wrong)).rejects.toMatchObject({ status: 400 });
    }
    expect((await list()).items).toEqual([]);
  });
});
