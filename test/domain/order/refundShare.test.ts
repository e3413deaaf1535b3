import fc from 'fast-check';
import { refundShareFen } from '../../../src/domain/order/refundShare';

const line = { lineId: '1', unitPriceFen: 1000, quantity: 3, discountFen: 100, units: 3 };

it('shares a line by its units, rounded down, and knows no freight', () => {
  expect(refundShareFen([line], [{ lineId: '1', units: 3 }])).toBe(2900);
  expect(refundShareFen([line], [{ lineId: '1', units: 1 }])).toBe(966);
  expect(refundShareFen([line], [{ lineId: 'other', units: 1 }])).toBe(0);
});

it('stays exact where a product would leave the safe integers', () => {
  const dear = { lineId: '1', unitPriceFen: 2 ** 43, quantity: 1000, discountFen: 0, units: 1000 };
  expect(refundShareFen([dear], [{ lineId: '1', units: 999 }])).toBe(2 ** 43 * 999);
});

it('never gives back more than the lines, however their goods are parted', () => {
  const anyLine = fc
    .record({
      unitPriceFen: fc.integer({ min: 0, max: 100_000 }),
      quantity: fc.integer({ min: 1, max: 50 }),
      each: fc.integer({ min: 1, max: 5 }),
      discount: fc.double({ min: 0, max: 1, noNaN: true }),
    })
    .map(({ unitPriceFen, quantity, each, discount }) => ({
      unitPriceFen,
      quantity,
      discountFen: Math.floor(unitPriceFen * quantity * discount),
      units: quantity * each,
    }));
  fc.assert(
    fc.property(
      fc.array(anyLine, { maxLength: 5 }),
      fc.array(fc.nat({ max: 40 }), { maxLength: 8 }),
      (drawn, cuts) => {
        const lines = drawn.map((each, index) => ({ ...each, lineId: String(index) }));
        const total = lines.reduce(
          (sum, each) => sum + each.unitPriceFen * each.quantity - each.discountFen,
          0,
        );
        let shared = 0;
        for (const each of lines) {
          let left = each.units;
          for (const cut of cuts) {
            const units = Math.min(cut, left);
            left -= units;
            shared += refundShareFen(lines, [{ lineId: each.lineId, units }]);
          }
          shared += refundShareFen(lines, [{ lineId: each.lineId, units: left }]);
        }
        expect(shared).toBeLessThanOrEqual(total);
        const whole = lines.map(({ lineId, units }) => ({ lineId, units }));
        expect(refundShareFen(lines, whole)).toBe(total);
      },
    ),
  );
});
