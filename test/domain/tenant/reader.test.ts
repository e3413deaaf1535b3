import fc from 'fast-check';
import { instantOf, localDateOf, offsetMinutesOf } from '../../../src/domain/network/calendar';
import { planReader } from '../../../src/domain/tenant/reader';

const reader = (timeZone: string, day: string) =>
  planReader({ language: 'en', timeZone, now: Date.parse(`${day}T03:04:05Z`) });

test('a zone without changes has one offset', () => {
  expect(reader('Asia/Shanghai', '2026-11-25')).toEqual({
    language: 'en',
    timeZone: 'Asia/Shanghai',
    offsets: [{ from: '2026-11-25T00:00:00.000Z', minutes: 480 }],
  });
});

test('a zone with summer time changes at the very minute', () => {
  expect(reader('Europe/Berlin', '2026-09-01').offsets).toEqual([
    { from: '2026-09-01T00:00:00.000Z', minutes: 120 },
    { from: '2026-10-25T01:00:00.000Z', minutes: 60 },
    { from: '2027-03-28T01:00:00.000Z', minutes: 120 },
  ]);
});

test('for a year to come the offsets are the calendar’s', () => {
  const zones = ['Asia/Shanghai', 'America/New_York', 'Australia/Lord_Howe', 'Asia/Kathmandu', 'UTC'];
  const start = Date.parse('2026-11-25T00:00:00Z');
  const within = fc.integer({ min: 0, max: 399 * 24 * 60 }).map((minutes) => start + minutes * 60_000);
  fc.assert(
    fc.property(fc.constantFrom(...zones), within, (timeZone, at) => {
      const { offsets } = planReader({ language: 'zh', timeZone, now: start });
      const passed = offsets.filter((offset) => Date.parse(offset.from) <= at);
      expect(passed.at(-1)?.minutes).toBe(offsetMinutesOf(at, timeZone));
    }),
  );
});

test('the offset leads to the calendar’s day', () => {
  const at = instantOf('2026-11-25', '00:30', 'Asia/Shanghai');
  expect(offsetMinutesOf(at, 'Asia/Shanghai')).toBe(480);
  expect(localDateOf(at, 'Asia/Shanghai')).toBe('2026-11-25');
});
