import fc from 'fast-check';
import {
  addDays,
  daysBetween,
  endOfDay,
  instantOf,
  localDateOf,
  nextDeparture,
  nextOpenDay,
} from '../../../src/domain/network/calendar';
import type { Site } from '../../../src/domain/network/model';
import { someDay, someInstant, someTime, timeZones } from '../arbitrary';

// hundreds of runs on a busy machine; jest's five seconds are no sign of a fault
jest.setTimeout(60_000);

const zone = fc.constantFrom(...timeZones);
const clockAt = (at: number, timeZone: string) =>
  new Intl.DateTimeFormat('en-GB', { timeZone, hourCycle: 'h23', hour: '2-digit', minute: '2-digit' }).format(
    at,
  );

test('a wall clock that exists is found again, in every zone and on every day', () => {
  fc.assert(
    fc.property(someInstant, zone, (instant, timeZone) => {
      const minute = Math.floor(instant / 60_000) * 60_000;
      const date = localDateOf(minute, timeZone);
      const found = instantOf(date, clockAt(minute, timeZone), timeZone);
      // a repeated hour has two right answers
      expect([localDateOf(found, timeZone), clockAt(found, timeZone)]).toEqual([
        date,
        clockAt(minute, timeZone),
      ]);
      expect(Math.abs(found - minute)).toBeLessThanOrEqual(3_600_000);
    }),
    { numRuns: 500 },
  );
});

test('a wall clock that a clock change skips is answered after the change', () => {
  expect(instantOf('2026-03-29', '02:30', 'Europe/Berlin')).toBe(Date.parse('2026-03-29T01:30:00Z'));
  expect(instantOf('2026-03-08', '02:30', 'America/New_York')).toBe(Date.parse('2026-03-08T07:30:00Z'));
});

test('where midnight is skipped the day begins with its first instant', () => {
  expect(endOfDay('2026-09-05', 'America/Santiago')).toBe(Date.parse('2026-09-06T04:00:00Z'));
  expect(endOfDay('2026-04-23', 'Africa/Cairo')).toBe(Date.parse('2026-04-23T22:00:00Z'));
});

test('a day ends where the next begins: its last millisecond is its own, and nothing lies between', () => {
  fc.assert(
    fc.property(someDay, zone, (day, timeZone) => {
      const end = endOfDay(day, timeZone);
      expect(localDateOf(end - 1, timeZone)).toBe(day);
      expect(localDateOf(end, timeZone)).toBe(addDays(day, 1));
    }),
    { numRuns: 500 },
  );
});

test('days add up and count back', () => {
  fc.assert(
    fc.property(someDay, fc.integer({ min: -400, max: 400 }), (day, days) => {
      expect(daysBetween(day, addDays(day, days))).toBe(days);
    }),
  );
});

test('the next open day is open, not before, and none open lies between', () => {
  fc.assert(
    fc.property(someDay, fc.uniqueArray(fc.integer({ min: 0, max: 70 })), (from, closed) => {
      const closedOn = closed.map((days) => addDays(from, days));
      const open = nextOpenDay(from, closedOn);
      if (open === null)
        return expect(
          Array.from({ length: 61 }, (_, days) => addDays(from, days)).every((day) => closedOn.includes(day)),
        ).toBe(true);
      expect(closedOn).not.toContain(open);
      for (let day = from; day < open; day = addDays(day, 1)) expect(closedOn).toContain(day);
    }),
  );
});

test('a departure is never before the work is ready, on a day that is open, and the earliest such', () => {
  const site = (cutoff: string, departsAt: string[], closedOn: string[]): Site => ({
    siteId: 's1',
    kind: 'central',
    location: { lat: 0, lng: 0 },
    zones: ['ambient'],
    cutoff,
    departsAt,
    closedOn,
    safetyStock: 0,
  });
  fc.assert(
    fc.property(
      someInstant,
      zone,
      someTime,
      fc.array(someTime, { maxLength: 3 }),
      fc.subarray([0, 1, 2]),
      (readyAt, timeZone, cutoff, departsAt, closed) => {
        const today = localDateOf(readyAt, timeZone);
        const closedOn = closed.map((days) => addDays(today, days));
        const departure = nextDeparture(site(cutoff, departsAt, closedOn), readyAt, timeZone);
        expect(departure).not.toBeNull();
        // a clock change may move a time of the day by its hour
        expect(departure as number).toBeGreaterThanOrEqual(readyAt - 3_600_000);
        expect(closedOn).not.toContain(localDateOf(departure as number, timeZone));
        const later = nextDeparture(site(cutoff, departsAt, closedOn), readyAt + 60_000, timeZone);
        expect(later as number).toBeGreaterThanOrEqual(departure as number);
      },
    ),
    { numRuns: 300 },
  );
});
