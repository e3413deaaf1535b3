import fc from 'fast-check';
import { findBookingRequest, planFulfilment, recordBooking } from '../../src/db/fulfilment';
import { type ShipmentRank, shipmentRanks } from '../../src/domain/fulfilment/model';
import { createTestDatabase, type TestDatabase } from '../support/database';
import { expectCoherent } from '../support/expectCoherent';
import { givenStock } from '../support/fixtures';
import {
  balanceOf,
  digestOf,
  givenJourney,
  type Journey,
  litresOf,
  orderFacts,
  outboxOf,
  personalData,
} from './orderJourney';

let database: TestDatabase;
let journey: Journey;

beforeAll(async () => {
  database = await createTestDatabase();
});
beforeEach(async () => {
  journey = await givenJourney(database);
});
afterAll(async () => {
  await expectCoherent(database);
  await database.drop();
});

const threeZones = [
  { sku: 'apple', quantity: 3 },
  { sku: 'milk', quantity: 1 },
  { sku: 'ice', quantity: 25 },
];

describe('planning', () => {
  it('makes one shipment a zone with parcels of its own, and the order fulfilling', async () => {
    const { orderId, shipments } = await journey.planned({ lines: threeZones });
    expect(shipments).toEqual([1, 2, 3].map((n) => `${orderId}.${n}`));
    const parcels = await database.query(
      `SELECT s.zone, s.state, p.weight_grams::integer AS grams FROM parcel p JOIN shipment s USING (tenant, shipment_id)
        WHERE s.order_id = $1 ORDER BY parcel_id`,
      [orderId],
    );
    expect(parcels).toEqual([
      { zone: 'ambient', state: 'planned', grams: 3000 },
      { zone: 'chilled', state: 'planned', grams: 1000 },
      { zone: 'frozen', state: 'planned', grams: 20_000 },
      { zone: 'frozen', state: 'planned', grams: 5000 },
    ]);
    expect((await orderFacts(database, orderId)).state).toBe('fulfilling');
  });

  it('answers the stored plan when asked again, also twice at once', async () => {
    const order = await journey.place({ lines: threeZones });
    await journey.pay(order);
    const key = { tenant: journey.tenant, orderId: order.orderId };
    const [one, two] = await Promise.all([planFulfilment(journey.db, key), planFulfilment(journey.db, key)]);
    expect(two).toEqual(one);
    expect(await planFulfilment(journey.db, key)).toEqual(one);
    expect((await orderFacts(database, order.orderId)).shipments).toHaveLength(3);
  });

  it('gives a pickup order to the leader of the point, booked at once', async () => {
    const { orderId } = await journey.planned({
      buyer: { ref: 'b', pickupPointId: 'point-cold' },
      lines: [
        { sku: 'milk', quantity: 1 },
        { sku: 'apple', quantity: 1 },
      ],
    });
    const shipments = await database.query(
      'SELECT leader_id, carrier_id, pickup_point_id, state FROM shipment WHERE order_id = $1',
      [orderId],
    );
    const run = {
      leader_id: 'leader-cold',
      carrier_id: null,
      pickup_point_id: 'point-cold',
      state: 'booked',
    };
    expect(shipments).toEqual([run, run]);
  });

  it('parks what nobody can carry any more, and plans it once somebody can', async () => {
    const order = await journey.place({ lines: [{ sku: 'ice', quantity: 1 }] });
    await journey.pay(order);
    const key = { tenant: journey.tenant, orderId: order.orderId };
    await database.query(`UPDATE carrier SET zones = '{ambient}' WHERE tenant = $1`, [journey.tenant]);
    expect(await planFulfilment(journey.db, key)).toEqual({ kind: 'parked', reason: 'noRoute' });
    expect(await planFulfilment(journey.db, key)).toEqual({ kind: 'parked', reason: 'noRoute' });
    expect(await orderFacts(database, order.orderId)).toMatchObject({
      state: 'paid',
      attention: ['noRoute'],
    });
    await database.query(`UPDATE carrier SET zones = '{frozen}' WHERE tenant = $1`, [journey.tenant]);
    expect(await planFulfilment(journey.db, key)).toMatchObject({ kind: 'planned' });
    expect(await orderFacts(database, order.orderId)).toMatchObject({ state: 'fulfilling', attention: [] });
  });

  it('waits for presale goods, and keeps a paid order without goods parked', async () => {
    const presale = await journey.place({ lines: [{ sku: 'pear', quantity: 2, supply: 'presale' }] });
    await journey.pay(presale);
    const key = { tenant: journey.tenant, orderId: presale.orderId };
    expect(await planFulfilment(journey.db, key)).toMatchObject({ kind: 'waitingForGoods' });
    const mixed = await journey.place({
      lines: [
        { sku: 'pear', quantity: 2, supply: 'presale' },
        { sku: 'apple', quantity: 1 },
      ],
    });
    await journey.pay(mixed);
    const plan = await planFulfilment(journey.db, { tenant: journey.tenant, orderId: mixed.orderId });
    expect(plan).toMatchObject({ kind: 'planned', unconvertedUntil: expect.any(String) });
    const payment = {
      transactionId: 'pre-1',
      amountFen: 200_000,
      paidAt: new Date().toISOString(),
      heldBy: 'tenant' as const,
    };
    const short = await journey.place({ lines: [{ sku: 'apple', quantity: 200 }], payment });
    const parked = await planFulfilment(journey.db, { tenant: journey.tenant, orderId: short.orderId });
    expect(parked).toEqual({ kind: 'parked', reason: 'paidShort' });
  });

  it('refuses unpaid orders and answers ended ones', async () => {
    const order = await journey.place();
    const key = { tenant: journey.tenant, orderId: order.orderId };
    await expect(planFulfilment(journey.db, key)).rejects.toThrow('I5');
    await journey.cancel(order.orderId);
    expect(await planFulfilment(journey.db, key)).toEqual({ kind: 'ended', state: 'cancelled' });
  });
});

describe('booking', () => {
  it('asks with the label, and stores waybills once', async () => {
    const buyer = { ref: 'b', communityId: 'garden', name: '王小明', phone: '13800000000' };
    const { shipments } = await journey.planned({ buyer });
    const key = { tenant: journey.tenant, shipmentId: shipments[0] as string };
    const request = await findBookingRequest(journey.db, key, personalData);
    expect(request).toMatchObject({
      bookingId: key.shipmentId,
      from: { siteId: 'central' },
      to: { location: { lat: 31.25, lng: 121.45 }, recipient: { name: '王小明', phone: '13800000000' } },
      parcels: [{ parcelId: `${key.shipmentId}.1`, weightGrams: 2000 }],
    });
    const booking = {
      ...key,
      waybills: [{ parcelId: `${key.shipmentId}.1`, waybillNo: `w-${key.shipmentId}` }],
    };
    expect(await recordBooking(journey.db, booking)).toBe('booked');
    expect(await recordBooking(journey.db, booking)).toBe('booked');
    expect(await findBookingRequest(journey.db, key)).toBeNull();
    const told = await journey.tell({ kind: 'pickedUp', waybillNo: `w-${key.shipmentId}` });
    expect(told).toEqual({ kind: 'recorded', state: 'pickedUp' });
  });

  it('never lowers what events have reached, and tells when the order was cancelled meanwhile', async () => {
    const fast = await journey.planned();
    const shipmentId = fast.shipments[0] as string;
    await journey.tell({ kind: 'inTransit', shipmentId });
    const key = { tenant: journey.tenant, shipmentId };
    expect(await findBookingRequest(journey.db, key)).not.toBeNull();
    expect(await recordBooking(journey.db, { ...key, waybills: [] })).toBe('booked');
    expect((await orderFacts(database, fast.orderId)).shipments).toEqual(['inTransit']);
    const gone = await journey.planned();
    await journey.cancel(gone.orderId);
    const late = { tenant: journey.tenant, shipmentId: gone.shipments[0] as string };
    expect(await findBookingRequest(journey.db, late)).toBeNull();
    expect(await recordBooking(journey.db, { ...late, waybills: [] })).toBe('cancelledMeanwhile');
    expect((await orderFacts(database, gone.orderId)).shipments).toEqual(['cancelled']);
  });
});

describe('events that overtake their waybill', () => {
  it('wait for the booking, are shown until then, and lose nothing', async () => {
    const { orderId, shipments } = await journey.planned();
    const shipmentId = shipments[0] as string;
    const waybillNo = `early-${orderId}`;
    const carrier = { source: 'carrier/swift', carrierId: 'swift', waybillNo };
    const early = { ...carrier, kind: 'pickedUp' as const, eventId: `early-${orderId}` };
    expect(await journey.tell(early)).toEqual({ kind: 'unknownShipment' });
    expect(await journey.tell(early)).toEqual({ kind: 'unknownShipment' });
    expect(await journey.tell({ ...early, bodyDigest: digestOf('other') })).toEqual({ kind: 'conflict' });
    await journey.tell({ ...carrier, kind: 'delivered', carrierId: 'polar', source: 'carrier/polar' });
    const waybills = [{ parcelId: `${shipmentId}.1`, waybillNo }];
    expect(await recordBooking(journey.db, { tenant: journey.tenant, shipmentId, waybills })).toBe('booked');
    expect((await orderFacts(database, orderId)).shipments).toEqual(['pickedUp']);
    expect(await journey.tell(early)).toEqual({ kind: 'repeated' });
    const open = await database.query(
      `SELECT subject FROM attention WHERE tenant = $1 AND reason = 'unknownShipment' AND resolved_at IS NULL`,
      [journey.tenant],
    );
    // another carrier's word about it stays with people
    expect(open).toHaveLength(1);
  });

  it('meet the booking in any order of commits', async () => {
    for (let round = 0; round < 15; round += 1) {
      const { orderId, shipments } = await journey.planned();
      const shipmentId = shipments[0] as string;
      const waybillNo = `race-${orderId}`;
      const told = { source: 'carrier/swift', carrierId: 'swift', waybillNo };
      const waybills = [{ parcelId: `${shipmentId}.1`, waybillNo }];
      await Promise.all([
        journey.tell({ ...told, kind: 'pickedUp' }),
        recordBooking(journey.db, { tenant: journey.tenant, shipmentId, waybills }),
        journey.tell({ ...told, kind: 'inTransit' }),
      ]);
      expect((await orderFacts(database, orderId)).shipments).toEqual(['inTransit']);
      const open = await database.query(
        `SELECT 1 FROM attention WHERE tenant = $1 AND reason = 'unknownShipment' AND resolved_at IS NULL`,
        [journey.tenant],
      );
      expect(open).toEqual([]);
    }
  });
});

describe('events', () => {
  it('take the goods off at the first rank at or above pickedUp, once', async () => {
    const { shipments } = await journey.planned({ lines: [{ sku: 'apple', quantity: 5 }] });
    const shipmentId = shipments[0] as string;
    await journey.tell({ kind: 'picking', shipmentId });
    expect(await balanceOf(database, journey.tenant, 'apple')).toEqual([100, 0, 5]);
    await journey.tell({ kind: 'inTransit', shipmentId });
    await journey.tell({ kind: 'pickedUp', shipmentId });
    await journey.tell({ kind: 'delivered', shipmentId });
    await journey.tell({ kind: 'returned', shipmentId });
    expect(await balanceOf(database, journey.tenant, 'apple')).toEqual([95, 0, 0]);
  });

  it('end the order with its last shipment, and give litres back zone by zone', async () => {
    const lines = [
      { sku: 'milk', quantity: 1 },
      { sku: 'apple', quantity: 2 },
    ];
    const { orderId, shipments } = await journey.planned({
      buyer: { ref: 'b', pickupPointId: 'point-cold' },
      lines,
    });
    expect(await litresOf(database, journey.tenant)).toBe(6000);
    await journey.tell({ kind: 'delivered', shipmentId: shipments[0] });
    expect(await litresOf(database, journey.tenant)).toBe(2000);
    expect((await orderFacts(database, orderId)).state).toBe('fulfilling');
    await journey.tell({ kind: 'returned', shipmentId: shipments[1] });
    expect(await litresOf(database, journey.tenant)).toBe(0);
    expect((await orderFacts(database, orderId)).state).toBe('delivered');
    expect(await outboxOf(database, orderId)).toContainEqual({ kind: 'signalOrder', stage: 'ended' });
  });

  it('leave an order open while presale goods are still to come', async () => {
    const lines = [
      { sku: 'pear', quantity: 1, supply: 'presale' as const },
      { sku: 'apple', quantity: 1 },
    ];
    const { orderId, shipments } = await journey.planned({ lines });
    await journey.tell({ kind: 'delivered', shipmentId: shipments[0] });
    expect((await orderFacts(database, orderId)).state).toBe('fulfilling');
  });

  it('tell the earliest hand-over, whichever report comes first', async () => {
    const [morning, noon] = [new Date('2026-11-24T01:00:00Z'), new Date('2026-11-24T04:00:00Z')];
    for (const story of [
      [morning, noon],
      [noon, morning],
    ]) {
      const { shipments } = await journey.planned();
      for (const at of story) await journey.tell({ kind: 'delivered', shipmentId: shipments[0], at });
      const [row] = await database.query('SELECT delivered_at FROM shipment WHERE shipment_id = $1', [
        shipments[0],
      ]);
      expect(row).toEqual({ delivered_at: morning });
    }
  });

  it('are told once: a repeat is a repeat, another body a conflict', async () => {
    const { shipments } = await journey.planned();
    const event = { kind: 'pickedUp' as const, shipmentId: shipments[0], eventId: 'once' };
    const both = await Promise.all([journey.tell(event), journey.tell(event)]);
    expect(both.map((answer) => answer.kind).sort()).toEqual(['recorded', 'repeated']);
    expect(await journey.tell(event)).toEqual({ kind: 'repeated' });
    expect(await journey.tell({ ...event, bodyDigest: digestOf('other') })).toEqual({ kind: 'conflict' });
  });

  it('of unknown shipments, foreign parcels and other carriers change nothing; a carrier is shown to people', async () => {
    const one = await journey.planned();
    const two = await journey.planned();
    const shipmentId = one.shipments[0];
    expect(await journey.tell({ kind: 'delivered', shipmentId: 'nobody' })).toEqual({
      kind: 'unknownShipment',
    });
    const foreign = { kind: 'delivered' as const, shipmentId, parcelId: `${two.shipments[0]}.1` };
    expect(await journey.tell(foreign)).toEqual({ kind: 'unknownShipment' });
    expect(await journey.tell({ kind: 'delivered', shipmentId, waybillNo: 'nope' })).toEqual({
      kind: 'unknownShipment',
    });
    const other = { kind: 'delivered' as const, shipmentId, carrierId: 'polar', source: 'carrier:polar' };
    expect(await journey.tell(other)).toEqual({ kind: 'unknownShipment' });
    const shown = await database.query('SELECT reason FROM attention WHERE tenant = $1', [journey.tenant]);
    expect(shown).toEqual([{ reason: 'unknownShipment' }]);
    expect((await orderFacts(database, one.orderId)).shipments).toEqual(['planned']);
  });

  it('raise a failed delivery, which a later delivery clears', async () => {
    const { orderId, shipments } = await journey.planned();
    await journey.tell({ kind: 'failed', shipmentId: shipments[0] });
    expect((await orderFacts(database, orderId)).attention).toEqual(['deliveryFailed']);
    await journey.tell({ kind: 'delivered', shipmentId: shipments[0] });
    expect(await orderFacts(database, orderId)).toMatchObject({ state: 'delivered', attention: [] });
  });

  it('of a cancelled shipment are kept, and shown when goods moved', async () => {
    const { orderId, shipments } = await journey.planned();
    await journey.cancel(orderId);
    await journey.tell({ kind: 'packed', shipmentId: shipments[0] });
    expect((await orderFacts(database, orderId)).attention).toEqual([]);
    expect(await journey.tell({ kind: 'pickedUp', shipmentId: shipments[0] })).toEqual({
      kind: 'recorded',
      state: 'cancelled',
    });
    expect(await orderFacts(database, orderId)).toMatchObject({
      state: 'cancelled',
      attention: ['movedAfterCancel'],
    });
    expect(await balanceOf(database, journey.tenant, 'apple')).toEqual([100, 0, 0]);
  });

  it('give the same final state in any order and any number of times (I9)', async () => {
    const kinds = shipmentRanks.filter((rank) => rank !== 'planned' && rank !== 'booked');
    const anyStory = fc
      .array(fc.tuple(fc.constantFrom(0, 1), fc.constantFrom<ShipmentRank>(...kinds)), {
        minLength: 1,
        maxLength: 7,
      })
      .chain((story) =>
        fc.record({
          story: fc.constant(story),
          shuffled: fc
            .shuffledSubarray(story, { minLength: story.length, maxLength: story.length })
            .chain((once) => fc.subarray(once).map((again) => [...once, ...again])),
        }),
      );
    const buyer = { ref: 'many', pickupPointId: 'point-cold' };
    const lines = [
      { sku: 'milk', quantity: 1 },
      { sku: 'apple', quantity: 1 },
    ];
    await givenStock(database, journey.tenant, { sku: 'milk', lotId: 'plenty', quantity: 2000 });
    await givenStock(database, journey.tenant, { sku: 'apple', lotId: 'plenty', quantity: 2000 });
    let run = 0;
    async function live(story: [number, ShipmentRank][], allAtOnce = false) {
      const { orderId, shipments } = await journey.planned({ buyer, lines });
      const answers: string[] = [];
      const tellings = story.map(([which, kind]) => async () => {
        // a fact has one id, however often and whenever it is told
        const eventId = `${run}-${orderId}-${which}-${kind}`;
        answers.push((await journey.tell({ shipmentId: shipments[which], kind, eventId })).kind);
      });
      if (allAtOnce) await Promise.all(tellings.map((tell) => tell()));
      else for (const tell of tellings) await tell();
      const facts = new Set(story.map(([which, kind]) => `${which} ${kind}`)).size;
      expect(answers.filter((kind) => kind === 'recorded')).toHaveLength(facts);
      expect(answers.filter((kind) => kind === 'repeated')).toHaveLength(story.length - facts);
      const ends = await database.query(
        `SELECT state, delivered_at, ended_at IS NOT NULL AS ended FROM shipment WHERE order_id = $1 ORDER BY shipment_id`,
        [orderId],
      );
      const holds = await database.query(
        'SELECT sku, remaining::integer FROM hold WHERE order_id = $1 ORDER BY sku',
        [orderId],
      );
      const litres = await database.query(
        'SELECT zone, released_at IS NOT NULL AS released FROM capacity_hold WHERE order_id = $1 ORDER BY zone',
        [orderId],
      );
      return { ...(await orderFacts(database, orderId)), ends, holds, litres };
    }
    await fc.assert(
      fc.asyncProperty(anyStory, async ({ story, shuffled }) => {
        run += 1;
        const told = await live(story);
        expect(await live(shuffled)).toEqual(told);
        expect(await live(shuffled, true)).toEqual(told);
      }),
      { numRuns: 15 },
    );
  });
});
