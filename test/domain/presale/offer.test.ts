import { chooseLaterDate } from '../../../src/domain/presale/offer';

const base = { promisedOn: '2026-12-10', today: '2026-12-01', supplierLeadDays: null, presaleLeadDays: null };

test.each([
  [{ supplierLeadDays: 4, presaleLeadDays: 15 }, '2026-12-14'],
  [{ presaleLeadDays: 15 }, '2026-12-25'],
  [{}, '2026-12-17'],
  // never the day that cannot be kept
  [{ supplierLeadDays: 0 }, '2026-12-11'],
  [{ today: '2026-12-20', supplierLeadDays: 4 }, '2026-12-24'],
])('with %j the later day is %s', (given, expected) => {
  expect(chooseLaterDate({ ...base, ...given })).toBe(expected);
});
