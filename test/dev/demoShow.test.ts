import { loadBaskets, sortByPopularity } from '../../src/dev/demo/baskets';
import { planShow } from '../../src/dev/demo/planShow';
import { planTopUp } from '../../src/dev/demo/planTopUp';
import { buildCatalogue, hotPurchaseLimit, hotSkus } from '../../src/dev/seed/catalogue';
import { buildCarriers, buildNetwork } from '../../src/dev/seed/network';
import { planOpening, planReceipts } from '../../src/dev/seed/planReceipts';
import { zones } from '../../src/dev/seed/seedModel';

const catalogue = buildCatalogue();
const network = buildNetwork();
const extract = loadBaskets();
const settings = {
  liveSessionId: 'show-test',
  seed: 7,
  orderCount: 1500,
  durationMs: 60_000,
  now: '2026-01-01T00:00:00Z',
};
const show = planShow(settings, { catalogue, network, baskets: extract.baskets });
const bySku = new Map([...catalogue.skus, ...catalogue.bundles].map((sku) => [sku.sku, sku]));

describe('the brand', () => {
  test('has a few hundred SKUs in all four zones, each under its own id', () => {
    expect(catalogue.skus.length).toBeGreaterThan(300);
    expect(bySku.size).toBe(catalogue.skus.length + catalogue.bundles.length);
    for (const zone of zones)
      expect(catalogue.skus.filter((sku) => sku.zone === zone).length).toBeGreaterThan(10);
  });

  test('keeps every number within what the contract takes', () => {
    for (const sku of bySku.values()) {
      expect(sku.sku).toMatch(/^[A-Za-z0-9._:-]{1,64}$/);
      expect(Number.isSafeInteger(sku.priceFen) && sku.priceFen > 0).toBe(true);
      expect(sku.volumeLitres).toBeGreaterThan(0);
      expect(sku.minimumRemainingLifeDays).toBeLessThan(sku.shelfLifeDays);
      expect(catalogue.categories.map(({ category }) => category)).toContain(sku.category);
    }
  });

  test('sells no hot SKU inside a gift box, so that only its moment sells it', () => {
    const parts = catalogue.bundles.flatMap((box) => box.components ?? []).map(({ sku }) => sku);
    expect(parts.filter((sku) => hotSkus.includes(sku))).toEqual([]);
  });

  test('has six sites, 40 communities, 30 leaders, and points that only name what exists', () => {
    expect([network.sites.length, network.communities.length, network.leaders.length]).toEqual([6, 40, 30]);
    const communities = new Set(network.communities.map(({ communityId }) => communityId));
    const leaders = new Map(network.leaders.map((leader) => [leader.leaderId, leader]));
    for (const point of network.pickupPoints) {
      expect(point.communities.every((id) => communities.has(id))).toBe(true);
      const cold = leaders.get(point.leaderId)?.certificate === 'cold';
      expect(point.capacity.chilledLitres > 0).toBe(cold);
    }
    for (const { communityId } of network.communities)
      expect(network.addressOf(communityId).street).not.toBe('');
  });

  test('has a carrier for every zone', () => {
    const carried = new Set(buildCarriers('http://127.0.0.1:1').flatMap((carrier) => carrier.zones));
    expect(zones.every((zone) => carried.has(zone))).toBe(true);
  });
});

describe('the show', () => {
  test('is the same for the same seed, and another for another', () => {
    const again = planShow(settings, { catalogue, network, baskets: extract.baskets });
    const other = planShow({ ...settings, seed: 8 }, { catalogue, network, baskets: extract.baskets });
    expect(again).toEqual(show);
    expect(other.orders).not.toEqual(show.orders);
  });

  test('brings every buyer within the minute, most of them in bursts', () => {
    const times = show.orders.map(({ atMs }) => atMs);
    expect(times).toEqual([...times].sort((a, b) => a - b));
    expect(times.length).toBe(1500);
    expect(times.at(-1)).toBeLessThanOrEqual(60_000);
    const inBursts = times.filter((at) => show.moments.some(({ atMs }) => at >= atMs && at < atMs + 3_000));
    expect(inBursts.length / times.length).toBeGreaterThan(0.6);
  });

  test('leaves a tenth unpaid in time, every one of them on a short hold', () => {
    const slow = show.orders.filter(({ behaviour }) => behaviour === 'neverPays' || behaviour === 'paysLate');
    expect(slow.length).toBe(150);
    for (const { body } of slow) {
      expect(body.lines.some(({ sku }) => bySku.get(sku)?.category === 'flash-sale')).toBe(true);
    }
  });

  test('asks for known SKUs in allowed quantities, each SKU once in an order', () => {
    for (const { body } of show.orders) {
      expect(body.lines.length).toBeGreaterThan(0);
      expect(new Set(body.lines.map(({ sku }) => sku)).size).toBe(body.lines.length);
      for (const line of body.lines) {
        expect(bySku.has(line.sku)).toBe(true);
        expect(Number.isSafeInteger(line.quantity) && line.quantity >= 1).toBe(true);
      }
    }
  });

  test('sends each external id once, and pays exactly what comes paid', () => {
    expect(new Set(show.orders.map(({ body }) => body.externalId)).size).toBe(1500);
    for (const { body, behaviour } of show.orders) {
      expect(body.payment !== undefined).toBe(behaviour === 'comesPaid');
      const goodsFen = body.lines.reduce((sum, line) => sum + line.unitPriceFen * line.quantity, 0);
      if (body.payment) expect(body.payment.amountFen).toBe(goodsFen + body.freightFen);
    }
  });

  test('has buyers who will stand in line at every moment, none of whom keeps the show from its end', () => {
    const hot = show.orders.filter(({ body }) => body.lines.some(({ sku }) => hotSkus.includes(sku)));
    const waiting = hot.filter(({ comeback }) => comeback === 'waits');
    for (const moment of show.moments.keys())
      expect(waiting.filter((order) => order.moment === moment).length).toBeGreaterThan(10);
    for (const { behaviour, moment, atMs, patienceMs } of waiting) {
      expect(['pays', 'neverPays', 'cancelsUnpaid', 'cancelsPaid']).toContain(behaviour);
      if (behaviour === 'neverPays') expect(moment).toBeLessThan(2);
      expect(atMs + patienceMs).toBeLessThanOrEqual(145_000);
    }
  });

  test('sells hot SKUs at their moments only, and a few buyers want too many', () => {
    const hot = show.orders.flatMap((order) =>
      order.body.lines.filter(({ sku }) => hotSkus.includes(sku)).map((line) => ({ order, line })),
    );
    for (const { order, line } of hot) expect(line.sku).toBe(show.moments[order.moment ?? -1]?.sku);
    const greedy = hot.filter(({ line }) => line.quantity > hotPurchaseLimit);
    expect(greedy.length).toBe(8);
  });
});

describe('what comes in', () => {
  const sites = network.sites;
  const skus = sortByPopularity(catalogue.skus, extract.skusByPopularity);
  const today = '2026-01-01';

  test('a hot SKU for a third of those who want it, counting what is left; everything else for all', () => {
    const hot = hotSkus[0] as string;
    const units = planTopUp(show, new Map([[hot, 10]]));
    const asked = show.demand.get(hot) as number;
    expect(units.get(hot)).toBe(Math.ceil(asked * 0.34) - 10);
    for (const [sku, wanted] of show.demand) {
      if (!hotSkus.includes(sku)) expect(units.get(sku)).toBeGreaterThan(wanted);
    }
  });

  test('receipts split the units among sites of the zone and lots, and lose none', () => {
    const units = planTopUp(show, new Map());
    const receipts = planReceipts({ referencePrefix: 'r', today, sites, skus, units });
    const received = new Map<string, number>();
    for (const receipt of receipts) {
      const site = sites.find(({ siteId }) => siteId === receipt.siteId);
      for (const lot of receipt.lots) {
        expect(site?.zones).toContain(bySku.get(lot.sku)?.zone);
        received.set(lot.sku, (received.get(lot.sku) ?? 0) + lot.quantity);
      }
    }
    expect(received).toEqual(units);
  });

  test('every lot has life enough to be handed over the day after tomorrow', () => {
    const receipts = planReceipts({
      referencePrefix: 'r',
      today,
      sites,
      skus,
      units: planOpening(catalogue),
    });
    for (const lot of receipts.flatMap((receipt) => receipt.lots)) {
      const sku = bySku.get(lot.sku);
      const lifeLeft = (Date.parse(lot.expiresOn) - Date.parse(today)) / 86_400_000;
      expect(lot.lotId.length).toBeLessThanOrEqual(64);
      const handOverDays = sku?.zone === 'special' ? 1 : 2;
      expect(lifeLeft - handOverDays).toBeGreaterThanOrEqual(sku?.minimumRemainingLifeDays ?? 0);
    }
  });
});
