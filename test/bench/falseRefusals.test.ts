import fc from 'fast-check';
import { type BalanceHistory, findFalseRefusals, readHistory } from '../../bench/flash/falseRefusals';

/** Ten units, all sold at 100, three given back at 200, sold again at 300; each seen within 5 ms. */
const history: BalanceHistory = {
  opening: 10,
  changes: [
    { units: -10, from: 100, until: 105 },
    { units: 3, from: 200, until: 205 },
    { units: -3, from: 300, until: 305 },
  ],
};
const refused = (sentAt: number, answeredAt: number, quantity = 1) =>
  findFalseRefusals(history, [{ sentAt, answeredAt, quantity }]).length === 0 ? 'true' : 'false';

test.each([
  ['before anything was sold', 50, 90, 1, 'false'],
  ['while the last was being sold', 95, 110, 1, 'true'],
  ['when nothing is left', 120, 180, 1, 'true'],
  ['sent when nothing is left, answered when some is', 180, 250, 1, 'true'],
  ['while units given back lie there', 210, 290, 1, 'false'],
  ['for more than was given back', 210, 290, 4, 'true'],
  ['just when it may not have been seen yet', 204, 290, 1, 'true'],
  ['just when it may be sold again already', 210, 300, 1, 'true'],
  ['after the last was sold again', 400, 500, 1, 'true'],
])('a refusal %s', (_, sentAt, answeredAt, quantity, expected) => {
  expect(refused(sentAt, answeredAt, quantity)).toBe(expected);
});

test('the journal tells when a change can be seen: once written, before the next and before anybody was told', () => {
  const batches = [
    { units: 2, writtenAt: 50, toldAt: [70, 58] },
    { units: -3, writtenAt: 10, toldAt: [30, 90] },
    { units: -1, writtenAt: 60, toldAt: [] },
  ];
  expect(readHistory(5, batches)).toEqual({
    opening: 5,
    changes: [
      { units: -3, from: 10, until: 30 },
      { units: 2, from: 50, until: 58 },
      { units: -1, from: 60, until: Number.POSITIVE_INFINITY },
    ],
  });
});

/** A shop that gives a unit back or sells one, each at a moment of its own within what the journal knows of it. */
const steps = fc.array(
  fc.record({ giveBack: fc.boolean(), pauseMs: fc.integer({ min: 2, max: 40 }), lateMs: fc.nat(30) }),
  { maxLength: 40 },
);

interface Sale {
  units: number;
  writtenAt: number;
  seenAt: number;
}

function trade(opening: number, day: { giveBack: boolean; pauseMs: number; lateMs: number }[]): Sale[] {
  let sellable = opening;
  let at = 0;
  return day.map(({ giveBack, pauseMs, lateMs }) => {
    const units = giveBack || sellable === 0 ? 1 : -1;
    sellable += units;
    const writtenAt = at + 1;
    at = writtenAt + Math.min(lateMs, pauseMs);
    return { units, writtenAt, seenAt: at };
  });
}

const seenAt = (opening: number, sales: Sale[], at: number) =>
  sales.filter((sale) => sale.seenAt <= at).reduce((sellable, { units }) => sellable + units, opening);

const historyOf = (opening: number, sales: Sale[]) =>
  readHistory(
    opening,
    sales.map(({ units, writtenAt, seenAt: told }) => ({ units, writtenAt, toldAt: [told] })),
  );

test('whoever looks at the balance once between request and answer refuses nobody wrongly', () => {
  fc.assert(
    fc.property(
      fc.nat(2),
      steps,
      fc.array(fc.tuple(fc.nat(900), fc.nat(50), fc.nat(50))),
      (opening, day, asked) => {
        const sales = trade(opening, day);
        const refusals = asked
          .map(([sentAt, looks, answers]) => ({
            sentAt,
            looksAt: sentAt + looks,
            answeredAt: sentAt + looks + answers,
          }))
          .filter(({ looksAt }) => seenAt(opening, sales, looksAt) < 1)
          .map((each) => ({ ...each, quantity: 1 }));
        expect(findFalseRefusals(historyOf(opening, sales), refusals)).toEqual([]);
      },
    ),
  );
});

test('mutant: a shop that remembers for 100 ms that it was sold out is found out when units came back', () => {
  const rememberedMs = 100;
  const sales: Sale[] = [
    { units: -1, writtenAt: 10, seenAt: 12 },
    { units: 1, writtenAt: 60, seenAt: 61 },
  ];
  const askEvery = Array.from({ length: 200 }, (_, index) => index);
  let soldOutUntil = -1;
  const refusals = askEvery.flatMap((sentAt) => {
    if (sentAt > soldOutUntil && seenAt(1, sales, sentAt) < 1) soldOutUntil = sentAt + rememberedMs;
    return sentAt <= soldOutUntil ? [{ sentAt, answeredAt: sentAt + 1, quantity: 1 }] : [];
  });
  const falsely = findFalseRefusals(historyOf(1, sales), refusals);
  expect(falsely[0]?.sentAt).toBe(62);
  expect(falsely).toHaveLength(soldOutUntil - 61);
});
