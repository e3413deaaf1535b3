import { busiestOf } from '../../../src/api/http/busiestLoop';

test('of two loops the one that worked more counts, interval by interval', () => {
  const worked = [10, 100];
  const busiest = busiestOf(worked.map((_, index) => () => worked[index] ?? 0));
  expect(busiest()).toBe(0);
  worked[0] = 30;
  worked[1] = 105;
  expect(busiest()).toBe(20);
  worked[1] = 155;
  expect(busiest()).toBe(70);
});
