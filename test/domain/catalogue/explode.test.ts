import fc from 'fast-check';
import { explode, sumBySku } from '../../../src/domain/catalogue/explode';
import type { Sku } from '../../../src/domain/catalogue/model';
import { chooseRules, holdMilliseconds } from '../../../src/domain/catalogue/rules';

const part = fc.record({ sku: fc.constantFrom('a', 'b', 'c'), quantity: fc.integer({ min: 1, max: 9 }) });
const skuOf = (components: { sku: string; quantity: number }[]): Sku => ({
  sku: 'box',
  zone: 'ambient',
  category: 'food',
  weightGrams: 1,
  volumeMillilitres: 1,
  priceFen: 1,
  shelfLifeDays: 1,
  safetyStock: 0,
  components,
});
const total = (parts: { quantity: number }[]) => parts.reduce((sum, each) => sum + each.quantity, 0);

test('a bundle is its parts multiplied, a plain SKU is itself', () => {
  fc.assert(
    fc.property(
      fc.array(part, { minLength: 1, maxLength: 5 }),
      fc.integer({ min: 1, max: 20 }),
      (parts, quantity) => {
        expect(total(explode(skuOf(parts), quantity))).toBe(total(parts) * quantity);
        expect(explode(skuOf([]), quantity)).toEqual([{ sku: 'box', quantity }]);
      },
    ),
  );
});

test('summing names every SKU once, in order, and loses no unit', () => {
  fc.assert(
    fc.property(fc.array(part), (parts) => {
      const summed = sumBySku(parts);
      expect(total(summed)).toBe(total(parts));
      expect(summed.map((each) => each.sku)).toEqual([...new Set(parts.map((each) => each.sku))].sort());
      expect(sumBySku(summed)).toEqual(summed);
    }),
  );
});

test('a SKU’s own rule wins over its category’s, and the shortest hold counts', () => {
  const sku = { ...skuOf([]), holdMinutes: 5 };
  expect(chooseRules(sku, { holdMinutes: 9, purchaseLimit: 3 })).toMatchObject({
    holdMinutes: 5,
    purchaseLimit: 3,
  });
  expect(holdMilliseconds([{ holdMinutes: 9 }, { holdMinutes: 5 }, {}], 1800)).toBe(300_000);
  expect(holdMilliseconds([{}, {}], 1800)).toBe(1_800_000);
});
