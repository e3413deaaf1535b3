import fc from 'fast-check';
import { nextCalendarChange, sellableOf, type SellableState } from '../../../src/domain/inventory/sellable';
import { zones } from '../../../src/domain/catalogue/model';
import { addDays, localDateOf } from '../../../src/domain/network/calendar';
import { type Campaign, nextCampaignChange, quotaRemaining } from '../../../src/domain/presale/model';
import { someInstant, someTime, timeZones } from '../arbitrary';

// hundreds of runs on a busy machine; jest's five seconds are no sign of a fault
jest.setTimeout(60_000);

const zone = fc.constantFrom(...zones);

/** One SKU at a few sites, with lots that live a few days more or less than they must. */
const someState: fc.Arbitrary<SellableState> = fc
  .record({
    now: someInstant,
    timeZone: fc.constantFrom(...timeZones),
    zone,
    life: fc.nat(3),
    transitDays: fc.option(fc.nat(2), { nil: null }),
    sites: fc.array(
      fc.record({ cutoff: someTime, departsAt: fc.array(someTime, { maxLength: 2 }), closed: fc.boolean() }),
      { minLength: 1, maxLength: 3 },
    ),
    lots: fc.array(fc.record({ site: fc.nat(2), days: fc.integer({ min: -1, max: 6 }) }), { maxLength: 6 }),
  })
  .map(({ now, timeZone, zone: of, life, transitDays, sites, lots }) => {
    const today = localDateOf(now, timeZone);
    return {
      now,
      timeZone,
      sites: sites.map(({ closed, ...site }, index) => ({
        ...site,
        siteId: `s${index}`,
        kind: 'central' as const,
        location: { lat: 31, lng: 121 },
        zones: [...zones],
        closedOn: closed ? [addDays(today, 1)] : [],
        safetyStock: 0,
      })),
      carriers: transitDays === null ? [] : [{ carrierId: 'c', zones: [...zones], rates: {}, transitDays }],
      leaders: [],
      lots: lots.map(({ site, days }, index) => ({
        sku: 'a',
        siteId: `s${site}`,
        lotId: `l${index}`,
        expiresOn: addDays(today, days),
        onHand: 10 ** index,
        held: 0,
        committed: 0,
        quarantined: 0,
      })),
      waiting: new Map<string, number>(),
      skus: new Map([['a', { sku: 'a', zone: of, safetyStock: 0, minimumLifeDays: life, components: [] }]]),
    };
  });

const sold = (state: SellableState, at: number) =>
  sellableOf(state.skus.get('a') as never, { ...state, now: at });

test('between now and the next change of the calendar the clock alone changes nothing', () => {
  fc.assert(
    fc.property(someState, fc.double({ min: 0, max: 1, noNaN: true }), (state, share) => {
      const next = nextCalendarChange(state);
      expect(next).toBeGreaterThan(state.now);
      // half an hour longer than a day on which clocks are put back
      expect(next - state.now).toBeLessThanOrEqual(26 * 3_600_000);
      const between = state.now + Math.floor((next - 1 - state.now) * share);
      expect(sold(state, between)).toEqual(sold(state, state.now));
      expect(sold(state, next - 1)).toEqual(sold(state, state.now));
    }),
    { numRuns: 2000 },
  );
});

test('the change comes with the first millisecond past a cutoff, or with the new day', () => {
  const at = (time: string) => Date.parse(`2026-11-24T${time}+08:00`);
  const state = { timeZone: 'Asia/Shanghai', sites: [{ cutoff: '20:00' }, { cutoff: '21:30' }] } as never;
  const next = (time: string) => nextCalendarChange(Object.assign({}, state, { now: at(time) }));
  expect(next('19:59:59.999')).toBe(at('20:00:00.001'));
  expect(next('20:00:00.000')).toBe(at('20:00:00.001'));
  expect(next('20:00:00.001')).toBe(at('21:30:00.001'));
  expect(next('22:00:00.000')).toBe(at('00:00:00') + 24 * 3_600_000);
});

test('a campaign changes by the clock when it opens and when it closes', () => {
  fc.assert(
    fc.property(someInstant, fc.nat(1000), fc.integer({ min: 1, max: 1000 }), (at, until, length) => {
      const opensAt = at - 500 + until;
      const campaign = {
        opensAt,
        closesAt: opensAt + length,
        quotas: [{ region: 'east', units: 9, held: 0, sold: 0, waiting: 0 }],
      } as unknown as Campaign;
      const next = nextCampaignChange(campaign, at);
      const left = (instant: number) => quotaRemaining(campaign, 'east', instant);
      expect(left((next ?? at + 10_000) - 1)).toBe(left(at));
      if (next !== null) expect(left(next)).not.toBe(left(at));
    }),
    { numRuns: 500 },
  );
});
