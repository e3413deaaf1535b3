import fc from 'fast-check';
import { orderTotal } from '../../../src/domain/order/price';
import { refundShareFen } from '../../../src/domain/order/refundShare';

const fen = fc.integer({ min: 0, max: 1_000_000 });
const someLine = fc.record({
  unitPriceFen: fen,
  quantity: fc.integer({ min: 1, max: 100 }),
  discountFen: fen,
});

test('a total is exact, or it is refused', () => {
  fc.assert(
    fc.property(fc.array(someLine, { maxLength: 20 }), fen, (lines, freightFen) => {
      const total = orderTotal(lines, freightFen);
      const bad = lines.findIndex((line) => line.discountFen > line.unitPriceFen * line.quantity);
      if (bad >= 0) return expect(total).toEqual({ kind: 'badLine', index: bad });
      const exact = lines.reduce(
        (sum, line) => sum + BigInt(line.unitPriceFen) * BigInt(line.quantity) - BigInt(line.discountFen),
        BigInt(freightFen),
      );
      expect(total).toEqual({ kind: 'total', totalFen: Number(exact) });
    }),
  );
});

test('what leaves the safe integers is refused, not rounded', () => {
  const huge = Number.MAX_SAFE_INTEGER;
  expect(orderTotal([{ unitPriceFen: huge, quantity: 2, discountFen: 0 }], 0)).toEqual({ kind: 'tooLarge' });
  expect(orderTotal([{ unitPriceFen: huge, quantity: 1, discountFen: 0 }], 1)).toEqual({ kind: 'tooLarge' });
  expect(orderTotal([{ unitPriceFen: huge, quantity: 1, discountFen: 0 }], 0)).toEqual({
    kind: 'total',
    totalFen: huge,
  });
});

test('shares of a line never add up to more than the line, and a whole line is exact', () => {
  const someGoods = someLine.chain((line) =>
    fc.record({ units: fc.integer({ min: 1, max: 50 }), part: fc.nat(50) }).map(({ units, part }) => ({
      line: {
        ...line,
        discountFen: Math.min(line.discountFen, line.unitPriceFen * line.quantity),
        lineId: '1',
        units,
      },
      part: Math.min(part, units),
    })),
  );
  fc.assert(
    fc.property(someGoods, ({ line, part }) => {
      const whole = line.unitPriceFen * line.quantity - line.discountFen;
      const first = refundShareFen([line], [{ lineId: '1', units: part }]);
      const rest = refundShareFen([line], [{ lineId: '1', units: line.units - part }]);
      expect(first + rest).toBeLessThanOrEqual(whole);
      expect(refundShareFen([line], [{ lineId: '1', units: line.units }])).toBe(whole);
    }),
  );
});
