import { loadBaskets } from '../../src/dev/demo/baskets';
import { type Ledger, createLedger, isSettled } from '../../src/dev/demo/ledger';
import type { OrderView } from '../../src/dev/demo/orderView';
import { explodeLines, planShow } from '../../src/dev/demo/planShow';
import { type Recount, recountStock } from '../../src/dev/demo/recount';
import { brokenPromises, computeShopReport, quantile } from '../../src/dev/demo/report';
import { drawTerminalReport } from '../../src/dev/demo/terminalReport';
import { displayWidth, drawBar } from '../../src/dev/demo/terminalText';
import { buildCatalogue } from '../../src/dev/seed/catalogue';
import { buildNetwork } from '../../src/dev/seed/network';
import type { Zone } from '../../src/dev/seed/seedModel';

const catalogue = buildCatalogue();
const skus = new Map([...catalogue.skus, ...catalogue.bundles].map((sku) => [sku.sku, sku]));
const show = planShow(
  { liveSessionId: 'show-test', seed: 3, orderCount: 200, durationMs: 60_000, now: '2026-01-01T00:00:00Z' },
  { catalogue, network: buildNetwork(), baskets: loadBaskets().baskets },
);
const soundRecount: Recount = { movements: 1000, lots: 300, oversoldUnits: 0, unbalancedLots: [] };

/** A shop that sells everything to everybody and delivers it at once. */
function playPerfectShow(): Ledger {
  const ledger = createLedger(show.orders);
  ledger.entries.forEach((entry, index) => {
    entry.answeredAfterMs = 5 + (index % 50);
    entry.orderId = `o${index}`;
    const pays = entry.plan.behaviour === 'pays' || entry.plan.behaviour === 'comesPaid';
    const totalFen = entry.plan.body.lines.reduce((sum, line) => sum + line.quantity * line.unitPriceFen, 0);
    entry.chargedFen = pays ? totalFen : 0;
    entry.view = viewOf(entry.orderId, { lines: entry.plan.body.lines, totalFen, pays });
  });
  return ledger;
}

function viewOf(
  orderId: string,
  {
    lines,
    totalFen,
    pays,
  }: { lines: Array<{ sku: string; quantity: number }>; totalFen: number; pays: boolean },
): OrderView {
  const byZone = new Map<Zone, OrderView['shipments'][number]['lots']>();
  for (const part of explodeLines(lines, skus)) {
    const zone = skus.get(part.sku)?.zone ?? 'ambient';
    byZone.set(zone, [
      ...(byZone.get(zone) ?? []),
      { lineId: '1', lotId: 'lot', expiresOn: '2026-02-01', ...part },
    ]);
  }
  return {
    orderId,
    externalId: orderId,
    offers: [],
    timeline: [],
    state: pays ? 'delivered' : 'expired',
    attention: null,
    totalFen,
    paidFen: pays ? totalFen : 0,
    refundedFen: 0,
    lines,
    promise: { shipBy: '2026-01-02T00:00:00Z', deliverBy: '2026-01-03T00:00:00Z' },
    shipments: pays
      ? [...byZone].map(([zone, lots], index) => ({
          shipmentId: `${orderId}.${index + 1}`,
          zone,
          siteId: 's',
          via: { carrierId: 'c' },
          state: 'delivered' as const,
          costFen: 1,
          lots,
          parcels: [{ parcelId: `${orderId}.${index + 1}.1`, lots }],
          events: [{ at: '2026-01-02T12:00:00Z', kind: 'delivered' }],
        }))
      : [],
  };
}

function report(ledger: Ledger, recount: Recount = soundRecount) {
  return computeShopReport({ show, ledger, recount, skus, startedAtMs: 0, endedAtMs: 90_000, resent: 0 });
}

describe('the report', () => {
  test('of a perfect show breaks no promise and adds up', () => {
    const made = report(playPerfectShow());
    expect(brokenPromises(made)).toEqual([]);
    expect(made.accepted).toBe(200);
    expect(made.delivered + made.expired).toBe(200);
    expect(made.stillOpen).toBe(0);
    expect(made.onTime.rate).toBe(1);
    expect(made.parcels.mixed).toBe(0);
    expect(made.parcels.ambient + made.parcels.chilled + made.parcels.frozen + made.parcels.special).toBe(
      made.shipments.total,
    );
  });

  test('finds units of a paid order that no lot stands behind', () => {
    const ledger = playPerfectShow();
    const lot = ledger.entries.find((entry) => entry.view?.state === 'delivered')?.view?.shipments[0]
      ?.lots[0];
    if (lot) lot.quantity -= 1;
    expect(report(ledger).oversoldUnits).toBe(1);
  });

  test('finds an acknowledged order that is not there', () => {
    const ledger = playPerfectShow();
    const entry = ledger.entries[0];
    if (entry) entry.missing = true;
    expect(report(ledger).lostOrders).toBe(1);
    expect(brokenPromises(report(ledger)).join()).toMatch('lost');
  });

  test('finds money that was taken and is not shown', () => {
    const ledger = playPerfectShow();
    const entry = ledger.entries.find(({ chargedFen }) => chargedFen > 0);
    if (entry?.view) entry.view.paidFen -= 5;
    expect(report(ledger).moneyUnaccountedFen).toBe(5);
  });

  test('counts late money that came back as refunded, whatever it was called', () => {
    const ledger = playPerfectShow();
    const [surplus, open] = ledger.entries.filter(({ view }) => view?.state === 'delivered');
    for (const entry of [surplus, open]) Object.assign(entry ?? {}, { chargedLate: true });
    if (surplus?.view) Object.assign(surplus.view, { state: 'cancelled', refundedFen: surplus.view.paidFen });
    expect(report(ledger).latePayments).toMatchObject({ told: 2, refunded: 1, undecided: 1 });
  });

  test('finds goods of another zone in a parcel', () => {
    const ledger = playPerfectShow();
    const shipment = ledger.entries
      .flatMap((entry) => entry.view?.shipments ?? [])
      .find(({ zone }) => zone === 'ambient');
    if (shipment) shipment.zone = 'frozen';
    expect(report(ledger).parcels.mixed).toBe(1);
  });

  test('counts a late hand-over as late', () => {
    const ledger = playPerfectShow();
    const event = ledger.entries.flatMap((entry) => entry.view?.shipments ?? [])[0]?.events[0];
    if (event) event.at = '2026-01-03T00:00:01Z';
    const { onTime } = report(ledger);
    expect(onTime.ordersDelivered - onTime.onTime).toBe(1);
  });

  test('tells who stood in line, who was served after how long, and who left', () => {
    const ledger = playPerfectShow();
    const at = (second: number) => new Date(second * 1000).toISOString();
    const stand = (index: number, until: Array<{ kind: string; at: string }>, state: OrderView['state']) => {
      const entry = ledger.entries[index];
      if (!entry?.view) throw new Error('there is no such buyer');
      entry.acknowledgedState = 'waiting';
      const timeline = [{ kind: 'placed', at: at(0) }, { kind: 'waiting', at: at(0) }, ...until];
      Object.assign(entry, { chargedFen: 0, view: { ...entry.view, state, paidFen: 0, timeline } });
      return entry;
    };
    const paying = stand(0, [{ kind: 'promoted', at: at(4) }], 'delivered');
    Object.assign(paying, { view: { ...paying.view, paidFen: 10 } });
    stand(1, [{ kind: 'promoted', at: at(60) }], 'expired');
    stand(2, [{ kind: 'cancelled', at: at(50) }], 'cancelled');
    const cancelsLater = [
      { kind: 'promoted', at: at(5) },
      { kind: 'cancelled', at: at(9) },
    ];
    stand(3, cancelsLater, 'cancelled');
    const made = report(ledger);
    expect(made.waitingList).toEqual({
      waited: 4,
      served: 3,
      paid: 1,
      left: 1,
      p50Seconds: 5,
      p95Seconds: 60,
    });
    const drawn = drawTerminalReport(made, { coloured: false });
    expect(drawn).toMatch(/stood in line for them 候补 +4 .*3 served 递补, 1 of them paid 付款 · 1 left/);
    expect(drawTerminalReport(report(playPerfectShow()), { coloured: false })).not.toContain('候补');
  });

  test('sorts refusals: sold out, others by slug, never answered', () => {
    const ledger = playPerfectShow();
    const refuse = (index: number, slug: string) => {
      const entry = ledger.entries[index];
      if (entry)
        Object.assign(entry, { orderId: undefined, view: undefined, refusals: [slug], chargedFen: 0 });
    };
    refuse(0, 'sold-out');
    refuse(1, 'no-route');
    const silent = ledger.entries[2];
    if (silent) Object.assign(silent, { orderId: undefined, answeredAfterMs: undefined });
    const made = report(ledger);
    expect([made.accepted, made.refusedSoldOut, made.otherRefusals, made.unanswered]).toEqual([
      197,
      1,
      { 'no-route': 1 },
      1,
    ]);
  });

  test('that could count nothing is no success', () => {
    expect(brokenPromises(report(playPerfectShow(), { ...soundRecount, movements: 0 }))).not.toEqual([]);
  });

  test('fits its frame in the terminal, Chinese characters counted double', () => {
    const ledger = playPerfectShow();
    const widths = drawTerminalReport(report(ledger), { coloured: false }).split('\n').map(displayWidth);
    expect(new Set(widths).size).toBe(1);
  });
});

describe('the recount', () => {
  const lot = { sku: 'a', siteId: 's', lotId: 'l', quarantined: 0 };
  const received = { ...lot, onHand: 5, held: 0, committed: 0 };
  const held = { ...lot, onHand: 0, held: 3, committed: 0 };

  test('of sound books finds nothing', () => {
    const balance = { ...lot, onHand: 5, held: 3, committed: 0 };
    expect(recountStock([held, received], [balance])).toMatchObject({ oversoldUnits: 0, unbalancedLots: [] });
  });

  test('finds more promised than was there, even if it was mended later', () => {
    const released = { ...lot, onHand: 0, held: -6, committed: 0 };
    const books = [released, held, held, received];
    expect(recountStock(books, [{ ...lot, onHand: 5, held: 0, committed: 0 }]).oversoldUnits).toBe(1);
  });

  test('finds a balance that the journal does not explain', () => {
    expect(recountStock([received], [{ ...lot, onHand: 4, held: 0, committed: 0 }]).unbalancedLots).toEqual([
      's a l',
    ]);
  });
});

describe('an order is settled', () => {
  const plan = show.orders[0] as (typeof show.orders)[0];
  const base = { plan, refusals: [], totalFen: 10, chargedFen: 0, viewedAtMs: 0, orderId: 'o1' };
  const view = viewOf('o1', { lines: [], totalFen: 10, pays: true });

  test('when delivered; not while fulfilling; whenever a person must decide', () => {
    expect(isSettled({ ...base, view })).toBe(true);
    expect(isSettled({ ...base, view: { ...view, state: 'fulfilling' } })).toBe(false);
    expect(
      isSettled({
        ...base,
        view: { ...view, state: 'fulfilling', attention: { reason: 'noRoute', since: '' } },
      }),
    ).toBe(true);
  });

  test('not before its money is back, nor before late money was decided', () => {
    expect(isSettled({ ...base, view: { ...view, state: 'cancelled', paidFen: 10, refundedFen: 0 } })).toBe(
      false,
    );
    expect(isSettled({ ...base, view: { ...view, state: 'cancelled', paidFen: 10, refundedFen: 10 } })).toBe(
      true,
    );
    expect(
      isSettled({
        ...base,
        chargedFen: 10,
        chargedLate: true,
        view: { ...view, state: 'expired', paidFen: 0 },
      }),
    ).toBe(false);
  });
});

test('quantiles are nearest ranks, and bars end where they should', () => {
  expect([quantile([1, 2, 3, 4], 0.5), quantile([1, 2, 3, 4], 0.99), quantile([], 0.5)]).toEqual([
    2,
    4,
    null,
  ]);
  expect(drawBar(5, 10, 10)).toBe('█████');
  expect(drawBar(20, 10, 10)).toBe('█'.repeat(10));
});
