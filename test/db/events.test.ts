import { insertOrderEvent } from '../../src/db/order';
import { emitEvent, publishEvents } from '../../src/db/event';
import { listEvents, type PublishedEvent } from '../../src/db/event.read';
import { putEndpoint, removeEndpoint, supplierEndpointId } from '../../src/db/webhookEndpoint';
import { emittedTypes, eventTypes, orderEventTypes } from '../../src/domain/event/model';
import { createTestDatabase, type TestDatabase } from '../support/database';
import { examine, expectCoherent } from '../support/expectCoherent';
import { decideMoney, givenJourney, type Journey } from './orderJourney';

let database: TestDatabase;
let journey: Journey;
beforeAll(async () => {
  database = await createTestDatabase();
});
beforeEach(async () => {
  journey = await givenJourney(database);
});
afterAll(async () => {
  await decideMoney(database);
  await expectCoherent(database, { atLeast: { 16: 30 } });
  await database.drop();
});

const publish = (limit = 500) => publishEvents(journey.db, { tenant: journey.tenant, limit });

async function feed({ channel, type }: { channel?: string; type?: string } = {}): Promise<PublishedEvent[]> {
  const filter = { ofChannels: channel !== undefined, channel: channel ?? null, type };
  return journey.db.inTenant(journey.tenant, (tx) => listEvents(tx, filter, { after: null, limit: 200 }));
}

const typesOf = (events: PublishedEvent[]) => events.map(({ type }) => type);

function emit(subject: string, supplierId?: string): Promise<void> {
  return journey.db.inTenant(journey.tenant, (tx) =>
    emitEvent(tx, { type: 'forecast.published', subject, data: { forecastId: subject }, supplierId }),
  );
}

async function givenSupplier(supplierId: string): Promise<void> {
  await database.query(
    `INSERT INTO supplier (tenant, supplier_id, name, lead_days) VALUES ($1, $2, 'farm', 1)`,
    [journey.tenant, supplierId],
  );
}

async function deliveriesOf(endpointId: string): Promise<string[]> {
  const rows = await database.query<{ subject: string }>(
    `SELECT e.subject FROM webhook_delivery d JOIN event e USING (tenant, event_id)
      WHERE d.tenant = $1 AND d.endpoint_id = $2 ORDER BY d.position`,
    [journey.tenant, endpointId],
  );
  return rows.map(({ subject }) => subject);
}

const wants = (endpointId: string, wish: object = {}) =>
  journey.db.inTenant(journey.tenant, (tx) =>
    putEndpoint(tx, endpointId, { url: 'https://hook.example.com/in', ...wish }),
  );

test('the database and the domain name the same types', async () => {
  const kinds = Object.keys(orderEventTypes);
  const rows = await database.query<{ kind: string; type: string }>(
    'SELECT kind, outbound_type(kind) AS type FROM unnest($1::text[]) kind',
    [kinds],
  );
  expect(Object.fromEntries(rows.map(({ kind, type }) => [kind, type]))).toEqual(orderEventTypes);
  const [definition] = await database.query<{ text: string }>(
    `SELECT pg_get_functiondef('outbound_type'::regproc) AS text`,
  );
  expect(definition?.text.match(/WHEN '/g)).toHaveLength(kinds.length);
  expect(eventTypes).toHaveLength(new Set(Object.values(orderEventTypes)).size + emittedTypes.length);
});

test('the life of an order is told step by step, with what a shop needs to follow it', async () => {
  const { orderId, shipments, totalFen } = await journey.planned();
  for (const kind of ['pickedUp', 'inTransit', 'delivered'] as const) {
    await journey.tell({ kind, shipmentId: shipments[0] });
  }
  await publish();
  const events = await feed();
  expect(typesOf(events)).toEqual([
    'order.placed',
    'order.paid',
    'order.fulfilling',
    'order.shipped',
    'order.delivered',
  ]);
  for (const { subject, data } of events) {
    expect(subject).toBe(orderId);
    expect(data).toMatchObject({ orderId, channel: 'shop', externalId: expect.any(String), totalFen });
  }
  expect(events[3]?.data).toMatchObject({
    shipment: {
      shipmentId: shipments[0],
      via: { carrierId: expect.any(String) },
      parcels: [{ parcelId: `${shipments[0]}.1`, lines: [{ lineId: '1', sku: 'apple', quantity: 2 }] }],
    },
  });
});

test('a cancelled order tells of its refund, and never why nor who', async () => {
  const { orderId } = await journey.planned();
  await journey.cancel(orderId);
  await publish();
  const events = await feed();
  expect(typesOf(events).slice(-2)).toEqual(['order.cancelled', 'order.refundRequested']);
  expect(events.at(-1)?.data).toMatchObject({ refund: { heldBy: 'tenant', state: 'requested' } });
  expect(JSON.stringify(events)).not.toContain('"by"');
  expect(JSON.stringify(events)).not.toContain('"reason"');
});

test('what commits late gets a later place: who has read up to a place has missed nothing below it', async () => {
  let commitSlow = () => undefined as void;
  const held = new Promise<void>((resolve) => {
    commitSlow = resolve;
  });
  let begun = () => undefined as void;
  const writing = new Promise<void>((resolve) => {
    begun = resolve;
  });
  const slow = journey.db.inTenant(journey.tenant, async (tx) => {
    await emitEvent(tx, { type: 'forecast.published', subject: 'slow', data: {} });
    begun();
    await held;
  });
  await writing;
  await emit('fast');
  expect(await publish()).toBe(1);
  const seen = await feed();
  expect(seen.map(({ subject }) => subject)).toEqual(['fast']);
  commitSlow();
  await slow;
  await publish();
  expect((await feed()).map(({ subject, position }) => [subject, position])).toEqual([
    ['fast', 1],
    ['slow', 2],
  ]);
});

test('many writers and several publishers at once make one gapless feed and one delivery each', async () => {
  await wants('all');
  const writers = Promise.all(Array.from({ length: 60 }, (_, index) => emit(`f${index}`)));
  let writing = true;
  void writers.then(() => {
    writing = false;
  });
  const publisher = async () => {
    while (writing) await publish(7);
  };
  await Promise.all([writers, publisher(), publisher(), publisher()]);
  while ((await publish(7)) > 0);
  const events = await feed();
  expect(events.map(({ position }) => position)).toEqual(Array.from({ length: 60 }, (_, index) => index + 1));
  expect((await deliveriesOf('all')).sort()).toEqual(events.map(({ subject }) => subject).sort());
});

test('emitting again changes nothing', async () => {
  await emit('once');
  await publish();
  await emit('once');
  expect(await publish()).toBe(0);
  expect(await feed()).toHaveLength(1);
});

test('an event that is rolled back was never told', async () => {
  const failing = journey.db.inTenant(journey.tenant, async (tx) => {
    await emitEvent(tx, { type: 'forecast.published', subject: 'never', data: {} });
    throw new Error('no');
  });
  await expect(failing).rejects.toThrow('no');
  expect(await publish()).toBe(0);
});

test('each endpoint is told what is its own and what it asked for, once, and its workflow is woken', async () => {
  await givenSupplier('farm');
  await givenSupplier('mill');
  await wants(supplierEndpointId('farm'), { supplierId: 'farm' });
  await wants('shop', { channel: 'shop', types: ['order.placed'] });
  await wants('other-shop', { channel: 'other' });
  await wants('everything');
  const order = await journey.place();
  await journey.pay(order);
  await emit('for-farm', 'farm');
  await emit('for-mill', 'mill');
  await publish();
  expect(await deliveriesOf(supplierEndpointId('farm'))).toEqual(['for-farm']);
  expect(await deliveriesOf('shop')).toEqual([order.orderId]);
  expect(await deliveriesOf('other-shop')).toEqual([]);
  expect(await deliveriesOf('everything')).toEqual([order.orderId, order.orderId, 'for-farm', 'for-mill']);
  const woken = await database.query<{ subject: string }>(
    `SELECT subject FROM outbox WHERE tenant = $1 AND kind = 'wakeWebhook' ORDER BY subject`,
    [journey.tenant],
  );
  expect(woken.map(({ subject }) => subject)).toEqual(['everything', 'shop', supplierEndpointId('farm')]);
  expect(typesOf(await feed({ channel: 'shop' }))).toEqual(['order.placed', 'order.paid']);
  expect(typesOf(await feed({ type: 'order.paid' }))).toEqual(['order.paid']);
});

test('a wish counts from its change on; a removed endpoint is told nothing', async () => {
  await emit('before');
  await publish();
  await wants('late');
  await emit('first');
  await publish();
  await wants('late', { types: ['order.placed'] });
  await emit('unwanted');
  await publish();
  await journey.db.inTenant(journey.tenant, (tx) => removeEndpoint(tx, 'late'));
  await journey.place();
  await publish();
  expect(await deliveriesOf('late')).toEqual(['first']);
});

test('a published event never changes', async () => {
  await emit('stone');
  await publish();
  await expect(
    database.query(`UPDATE event SET data = '{}' WHERE tenant = $1`, [journey.tenant]),
  ).rejects.toThrow('I16 a published event never changes');
});

describe('the check can fail', () => {
  const problems = async () =>
    (await examine(database)).findings
      .filter(({ invariant, tenant }) => invariant === 16 && tenant === journey.tenant)
      .map(({ detail }) => detail.problem);

  afterEach(async () => {
    await database.query(`UPDATE webhook_endpoint SET removed_at = clock_timestamp() WHERE tenant = $1`, [
      journey.tenant,
    ]);
  });

  test('a fan-out that left an endpoint out', async () => {
    await wants('all');
    await emit('x');
    await publish();
    expect(await problems()).toEqual([]);
    await database.query('DELETE FROM webhook_delivery WHERE tenant = $1', [journey.tenant]);
    expect(await problems()).toEqual(['an endpoint was not told']);
  });

  test('a fan-out that told another supplier', async () => {
    await givenSupplier('farm');
    await givenSupplier('mill');
    await wants(supplierEndpointId('mill'), { supplierId: 'mill' });
    await emit('for-farm', 'farm');
    await publish();
    await database.query(
      `INSERT INTO webhook_delivery (tenant, endpoint_id, event_id, position, state, next_attempt_at)
       SELECT tenant, 'supplier:mill', event_id, position, 'pending', clock_timestamp() FROM event WHERE tenant = $1`,
      [journey.tenant],
    );
    expect(await problems()).toEqual(['told to whom it does not belong']);
    await database.query('DELETE FROM webhook_delivery WHERE tenant = $1', [journey.tenant]);
  });

  test('a timeline that is told without its trigger, a delivery without its log, a gap', async () => {
    const order = await journey.place();
    await wants('all');
    await database.query('ALTER TABLE order_event DISABLE TRIGGER emit_order_events');
    await journey.db.inTenant(journey.tenant, (tx) => insertOrderEvent(tx, order.orderId, 'shipped'));
    await database.query('ALTER TABLE order_event ENABLE TRIGGER emit_order_events');
    await emit('x');
    await publish();
    expect(await problems()).toEqual(['the timeline and the events differ']);
    await database.query(`DELETE FROM order_event WHERE tenant = $1 AND kind = 'shipped'`, [journey.tenant]);
    await database.query(
      `UPDATE webhook_delivery SET state = 'delivered', attempts = 1, next_attempt_at = NULL, ended_at = now() WHERE tenant = $1`,
      [journey.tenant],
    );
    expect(new Set(await problems())).toEqual(new Set(['the delivery is not what its attempts say']));
    await database.query('DELETE FROM webhook_delivery WHERE tenant = $1', [journey.tenant]);
    await database.query('DELETE FROM event WHERE tenant = $1 AND position = 1', [journey.tenant]);
    await database.query(`UPDATE webhook_endpoint SET removed_at = now() WHERE tenant = $1`, [
      journey.tenant,
    ]);
    expect(await problems()).toEqual(['the feed has a gap']);
    await database.query('DELETE FROM event WHERE tenant = $1', [journey.tenant]);
  });
});
