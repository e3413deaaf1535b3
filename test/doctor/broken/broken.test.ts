import { putSupplier } from '../../../src/db/network';
import { makeForecasts, publish } from '../../db/forecastJourney';
import { expireDueOrders } from '../../../src/db/expiry';
import { createTestDatabase, type TestDatabase } from '../../support/database';
import { examine } from '../../support/expectCoherent';
import { givenOrder, givenPayment, givenPlannedOrder, givenStock, placeOrder } from '../../support/fixtures';
import { givenHandOut } from '../../support/presaleFixtures';
import {
  commitNothing,
  holdWithoutLock,
  releaseTwice,
  sweepEveryTenant,
  testLinesOneByOne,
} from './variants';
import { convertAgain, serveFromShelf, unreserveTooEarly } from './presaleVariants';
import { findBroken, givenWorld, sabotage, type World } from './world';

/**
 * A checker that cannot fail proves nothing. Each test breaks a coherent world the way a plausible mistake would,
 * and names the invariant that must be found broken.
 */
let database: TestDatabase;
let world: World;
beforeAll(async () => {
  database = await createTestDatabase();
  // the database's own last word is taken away, so that mistakes get as far as the checker
  await database.query('ALTER TABLE stock_balance DROP CONSTRAINT i3_no_oversell');
});
beforeEach(async () => {
  world = await givenWorld(database);
});
afterAll(() => database.drop());

const findHere = () => findBroken(database, world.tenant);

describe('stock', () => {
  test('no lock and check-then-act: two buyers take the last units', async () => {
    await givenStock(database, world.tenant, { sku: 'fish', lotId: 'last', siteId: 'central', quantity: 1 });
    await holdWithoutLock(database, world, { sku: 'fish', lotId: 'last', buyers: 3 });
    expect(await findHere()).toEqual(expect.arrayContaining([1, 3]));
  });

  test('an oversell that healed since is still found in the journal', async () => {
    await givenStock(database, world.tenant, { sku: 'fish', lotId: 'last', siteId: 'central', quantity: 1 });
    await holdWithoutLock(database, world, { sku: 'fish', lotId: 'last', buyers: 3 });
    await givenStock(database, world.tenant, { sku: 'fish', lotId: 'last', siteId: 'central', quantity: 9 });
    expect(await findHere()).toEqual([3]);
  });

  test('a hold that crosses the safety stock', async () => {
    await holdWithoutLock(database, world, { sku: 'apple', lotId: 'lot-30d', buyers: 1, units: 45 });
    expect(await findHere()).toEqual([3]);
  });

  test('safety stock raised later accuses nobody', async () => {
    await database.query('UPDATE sku SET safety_stock = 55 WHERE tenant = $1 AND sku = $2', [
      world.tenant,
      'apple',
    ]);
    expect(await findHere()).toEqual([]);
  });

  test('a balance changed beside the journal', async () => {
    await database.query('UPDATE stock_balance SET on_hand = on_hand + 1 WHERE tenant = $1 AND sku = $2', [
      world.tenant,
      'fish',
    ]);
    expect(await findHere()).toEqual([2]);
  });

  test('released twice', async () => {
    await releaseTwice(database, world);
    expect(await findHere()).toEqual([4]);
  });

  test('a sweeper without tenant filter', async () => {
    const other = await givenWorld(database);
    await database.query(
      `UPDATE hold SET expires_at = clock_timestamp() - interval '1 second' WHERE state = 'held'`,
    );
    await database.query(
      `UPDATE orders SET expires_at = clock_timestamp() - interval '1 second' WHERE state = 'awaitingPayment'`,
    );
    await sweepEveryTenant(database, world.tenant);
    expect(await findBroken(database, other.tenant)).toEqual([4]);
    expect(await findHere()).toEqual([]);
  });

  test('a due hold that nobody ended', async () => {
    await database.query(
      `UPDATE hold SET expires_at = clock_timestamp() - interval '2 minutes' WHERE state = 'held'`,
    );
    expect(await findHere()).toEqual([4]);
  });

  test('two lines of one SKU tested one by one', async () => {
    await testLinesOneByOne(database, world);
    expect(await findHere()).toEqual([13]);
  });

  test('presale that eats the shelf', async () => {
    await sabotage(
      database,
      `UPDATE order_line SET supply = 'presale', campaign_id = 'early' WHERE order_id = '${world.unpaidId}'`,
    );
    expect(await findHere()).toEqual([3, 13]);
  });

  test('goods with less life than promised', async () => {
    await sabotage(database, `UPDATE lot SET expires_on = current_date - 1 WHERE sku = 'fish'`);
    expect(await findHere()).toEqual([14]);
  });
});

describe('presale', () => {
  const arrive = (quantity: number) =>
    givenStock(database, world.tenant, { quantity, lotId: 'arrived', campaignId: 'early' });
  const handOut = () => givenHandOut(database, world.tenant);

  test('goods set aside in one book only', async () => {
    await arrive(4);
    await sabotage(database, `UPDATE campaign_reserve SET units = 0 WHERE tenant = '${world.tenant}'`);
    expect(await findHere()).toEqual([3, 4]);
  });

  test('converted twice', async () => {
    await arrive(4);
    expect(await handOut()).toMatchObject({ converted: 1, reserved: 2 });
    expect(await findHere()).toEqual([]);
    await convertAgain(database, world);
    expect(await findHere()).toEqual([5]);
  });

  test('a presale order served from the shelf', async () => {
    await serveFromShelf(database, world);
    expect(await findHere()).toEqual([3]);
  });

  test('a surplus to the shelf too early, also when the wait is over since', async () => {
    await arrive(2);
    await unreserveTooEarly(database, world, 1);
    expect(await findHere()).toEqual([3]);
    await givenStock(database, world.tenant, { quantity: 1, lotId: 'arrived', campaignId: 'early' });
    expect(await handOut()).toMatchObject({ converted: 1 });
    expect(await findHere()).toEqual([3]);
  });

  test('a promise given up and nothing paid back', async () => {
    await sabotage(
      database,
      `UPDATE quota_hold SET uncommitted_at = now() WHERE order_id = '${world.presaleId}'`,
      `UPDATE presale_quota SET sold = 0 WHERE tenant = '${world.tenant}'`,
    );
    expect(await findHere()).toEqual([5]);
  });

  test('an offer decided in two ways', async () => {
    await arrive(1);
    expect(await handOut()).toMatchObject({ offered: 1 });
    expect(await findHere()).toEqual([]);
    await sabotage(
      database,
      `UPDATE offer SET state = 'accepted', ended_at = now(), ended_by = 'x' WHERE tenant = '${world.tenant}'`,
    );
    const { findings } = await examine(database);
    const problems = findings
      .filter(({ tenant }) => tenant === world.tenant)
      .map(({ detail }) => detail.problem);
    expect(problems).toEqual(
      expect.arrayContaining([
        'one promise was decided in two ways',
        'the money back was agreed and the line still stands',
        'a later date was agreed and the promise has not moved',
      ]),
    );
  });

  test('an offer about a line that has its goods', async () => {
    await arrive(1);
    await handOut();
    await arrive(1);
    await handOut();
    await sabotage(
      database,
      `UPDATE offer SET state = 'open', ended_at = NULL, ended_by = NULL WHERE tenant = '${world.tenant}'`,
    );
    expect(await findHere()).toEqual([8]);
  });

  test('an offer that landed under another tenant', async () => {
    const other = await givenWorld(database);
    await arrive(1);
    await handOut();
    await sabotage(database, `UPDATE offer SET tenant = '${other.tenant}' WHERE tenant = '${world.tenant}'`);
    expect(await findBroken(database, other.tenant)).toEqual([11]);
  });
});

describe('the waiting list', () => {
  let waitingId: string;
  beforeEach(async () => {
    const answer = await placeOrder(database, world.tenant, { acceptLater: true, lines: { fish: 19 } });
    if (answer.kind !== 'accepted') throw new Error('the order does not wait');
    waitingId = answer.answer.orderId;
    expect(await findHere()).toEqual([]);
  });

  test('units lie free and nobody has a look', async () => {
    await givenStock(database, world.tenant, { sku: 'fish', lotId: 'more', quantity: 1 });
    expect(await findHere()).toEqual([]);
    await sabotage(
      database,
      `UPDATE waiting_order SET since = now() - interval '1 minute' WHERE order_id = '${waitingId}'`,
      `UPDATE stock_movement SET at = at - interval '1 minute' WHERE tenant = '${world.tenant}'`,
    );
    expect(await findHere()).toContain(18);
  });

  test('an order that lost its place', async () => {
    await sabotage(
      database,
      `DELETE FROM waiting_demand WHERE order_id = '${waitingId}'`,
      `UPDATE waiting_order SET ended_at = now(), outcome = 'promoted' WHERE order_id = '${waitingId}'`,
    );
    expect(await findHere()).toEqual([18]);
  });

  test('a count of those who wait that is wrong, and a wait without end', async () => {
    await sabotage(
      database,
      `UPDATE stock_pool SET waiting = 1 WHERE tenant = '${world.tenant}' AND sku = 'fish'`,
      `UPDATE waiting_order SET until = now() - interval '2 minutes' WHERE order_id = '${waitingId}'`,
    );
    const { findings } = await examine(database);
    expect(
      findings.filter(({ tenant }) => tenant === world.tenant).map(({ detail }) => detail.problem),
    ).toEqual(
      ['the pool’s count of those who wait is wrong', 'waits for more than 60 s past its end'].map(
        (problem) => problem.replace('’', "'"),
      ),
    );
  });

  test('a promotion that forgets to leave the line', async () => {
    await sabotage(
      database,
      `UPDATE orders SET state = 'awaitingPayment', expires_at = now() + interval '1 hour' WHERE order_id = '${waitingId}'`,
    );
    expect(await findHere()).toEqual([6, 13, 18]);
  });
});

describe('the books', () => {
  test('a batch that nobody seals', async () => {
    await sabotage(
      database,
      `DELETE FROM stock_seal WHERE tenant = '${world.tenant}'
          AND position = (SELECT max(position) FROM stock_seal WHERE tenant = '${world.tenant}')`,
      `UPDATE stock_batch SET at = now() - interval '6 seconds'`,
    );
    const { findings } = await examine(database);
    expect(findings.filter((finding) => finding.tenant === world.tenant)).toMatchObject([
      { invariant: 2, detail: { problem: 'not sealed within 5 s' } },
    ]);
  });

  test('a journal row edited after sealing', async () => {
    await sabotage(database, `UPDATE stock_movement SET actor = 'nobody' WHERE kind = 'received'`);
    expect(await findHere()).toEqual([2]);
  });

  test('a journal row edited and its batch made to fit', async () => {
    await sabotage(
      database,
      `UPDATE stock_movement SET actor = 'nobody' WHERE kind = 'received'`,
      `UPDATE stock_batch b SET sha256 = (SELECT sha256(convert_to(string_agg(canonical_movement(m), E'\\n' ORDER BY m.position), 'UTF8'))
         FROM stock_movement m WHERE m.tenant = b.tenant AND m.batch_id = b.batch_id)`,
    );
    expect(await findHere()).toEqual([2]);
  });

  test('a seal taken out of the chain', async () => {
    await sabotage(database, 'DELETE FROM stock_seal WHERE position = 2');
    expect(await findHere()).toContain(2);
  });
});

describe('orders and money', () => {
  test('zero-row commit: the payment is taken although the hold is gone', async () => {
    const { orderId, totalFen } = await givenOrder(database, world.tenant, { lines: { apple: 1 } });
    await database.query(`UPDATE hold SET expires_at = now() - interval '1 second' WHERE order_id = $1`, [
      orderId,
    ]);
    await database.query(`UPDATE orders SET expires_at = now() - interval '1 second' WHERE order_id = $1`, [
      orderId,
    ]);
    expect(await expireDueOrders(database.as('xianda_app'), world.tenant, 10)).toBe(1);
    await commitNothing(database, world.tenant, { orderId, totalFen });
    expect(await findHere()).toEqual([5, 13]);
  });

  test('a lost order', async () => {
    await sabotage(database, `DELETE FROM orders WHERE order_id = '${world.unpaidId}'`);
    expect(await findHere()).toContain(6);
  });

  test('an order whose workflow nobody was told to start', async () => {
    await sabotage(database, `DELETE FROM outbox WHERE subject = '${world.paidId}'`);
    expect(await findHere()).toEqual([6]);
  });

  test('a refund counted twice', async () => {
    await sabotage(
      database,
      `INSERT INTO refund (tenant, refund_id, order_id, provider, transaction_id, amount_fen, reason, state, confirmed_at)
       SELECT tenant, 'r1', order_id, provider, transaction_id, 10, 'test', 'confirmed', now() FROM payment WHERE order_id = '${world.paidId}'`,
      `UPDATE orders SET refunded_fen = 20 WHERE order_id = '${world.paidId}'`,
    );
    expect(await findHere()).toEqual([7]);
  });

  test('more refunded than was paid', async () => {
    await sabotage(
      database,
      `INSERT INTO refund (tenant, refund_id, order_id, provider, transaction_id, amount_fen, reason, state)
       SELECT tenant, 'r1', order_id, provider, transaction_id, amount_fen + 1, 'test', 'requested' FROM payment WHERE order_id = '${world.paidId}'`,
    );
    expect(await findHere()).toEqual([7]);
  });

  test('surplus money that nobody decides', async () => {
    const notice = { orderId: world.paidId, amountFen: world.paidFen, transactionId: 'again' };
    expect(await givenPayment(database, world.tenant, notice)).toBe('surplus');
    expect(await findHere()).toEqual([]);
    await sabotage(
      database,
      `UPDATE payment SET received_at = now() - interval '2 minutes' WHERE transaction_id = 'again'`,
    );
    expect(await findHere()).toEqual([8]);
  });

  test('an order that skipped its graph', async () => {
    await sabotage(
      database,
      `UPDATE orders SET state = 'delivered', ended_at = now() WHERE order_id = '${world.plannedId}'`,
    );
    expect(await findHere()).toContain(9);
  });

  test('a row that landed under another tenant', async () => {
    const other = await givenWorld(database);
    await sabotage(
      database,
      `UPDATE order_event SET tenant = '${other.tenant}' WHERE order_id = '${world.paidId}'`,
    );
    expect(await findBroken(database, other.tenant)).toEqual([11]);
  });
});

describe('shipments', () => {
  test('a shipment that mixes zones', async () => {
    await sabotage(
      database,
      `UPDATE parcel_lot SET parcel_id = '${world.ambientShipment}.1' WHERE parcel_id = '${world.frozenShipment}.1'`,
    );
    expect(await findHere()).toEqual([5]);
  });

  test('one unit in two shipments', async () => {
    await sabotage(
      database,
      `INSERT INTO parcel (tenant, parcel_id, shipment_id, weight_grams) VALUES ('${world.tenant}', 'second', '${world.ambientShipment}', 1)`,
      `INSERT INTO parcel_lot SELECT tenant, 'second', hold_id, 1 FROM parcel_lot WHERE parcel_id = '${world.ambientShipment}.1'`,
    );
    expect(await findHere()).toEqual([5]);
  });

  test('frozen goods sent to a leader without the certificate', async () => {
    const buyer = { pickupPointId: 'point-cold' };
    const { shipments } = await givenPlannedOrder(database, world.tenant, { buyer, lines: { fish: 1 } });
    expect(await findHere()).toEqual([]);
    await sabotage(
      database,
      `UPDATE shipment SET leader_id = 'leader-basic', pickup_point_id = 'point-basic' WHERE shipment_id = '${shipments[0]?.shipmentId}'`,
    );
    expect(await findHere()).toEqual([5]);
  });

  test('a state below the highest rank seen', async () => {
    await sabotage(
      database,
      `INSERT INTO shipment_event (tenant, source, event_id, shipment_id, kind, at, body_digest)
       VALUES ('${world.tenant}', 'people', 'e1', '${world.ambientShipment}', 'packed', now(), '\\x00')`,
    );
    expect(await findHere()).toEqual([9]);
  });

  test('litres given back twice', async () => {
    await givenPlannedOrder(database, world.tenant, {
      buyer: { pickupPointId: 'point-cold' },
      lines: { fish: 1 },
    });
    await sabotage(database, `UPDATE point_load SET millilitres = 0 WHERE pickup_point_id = 'point-cold'`);
    expect(await findHere()).toEqual([15]);
  });
});

describe('forecasts', () => {
  beforeEach(async () => {
    const journey = { tenant: world.tenant, db: database.as('xianda_app') };
    await journey.db.inTenant(world.tenant, (tx) =>
      putSupplier(tx, 'farm', { name: 'farm', skus: ['apple'], leadDays: 1 }),
    );
    const madeAt = new Date();
    await makeForecasts(journey, madeAt);
    await publish(journey, madeAt);
    expect(await findHere()).toEqual([]);
  });

  test('a schedule that nobody runs any more', async () => {
    await sabotage(
      database,
      `UPDATE forecast_run SET recorded_at = now() - interval '37 hours' WHERE tenant = '${world.tenant}'`,
    );
    expect(await findHere()).toEqual([17]);
  });

  test('a supplier’s forecast that nobody told it of', async () => {
    await sabotage(
      database,
      `DELETE FROM event WHERE tenant = '${world.tenant}' AND type = 'forecast.published'`,
    );
    expect(await findHere()).toContain(17);
  });

  test('a word on a day that was never asked for', async () => {
    await sabotage(
      database,
      `INSERT INTO supplier_answer (tenant, forecast_id, sku, date, confirmed, answered_by)
       SELECT tenant, forecast_id, 'apple', '2020-01-01', 1, 'x' FROM supplier_forecast WHERE tenant = '${world.tenant}'`,
    );
    expect(await findHere()).toEqual([17]);
  });
});
