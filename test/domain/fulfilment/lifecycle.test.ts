import fc from 'fast-check';
import {
  hasLeft,
  isTerminal,
  nextShipmentState,
  pickingStarted,
  rankOf,
} from '../../../src/domain/fulfilment/lifecycle';
import { type ShipmentState, shipmentRanks } from '../../../src/domain/fulfilment/model';
import { canStep, isEnded, orderSteps } from '../../../src/domain/order/lifecycle';
import { orderStates } from '../../../src/domain/order/model';

const someEvents = fc.array(fc.constantFrom(...shipmentRanks), { maxLength: 12 });

test('events in any order, any number of times, end in the same state: the highest rank seen', () => {
  fc.assert(
    fc.property(someEvents, someEvents, (events, repeats) => {
      const run = (list: readonly (typeof shipmentRanks)[number][]) =>
        list.reduce<ShipmentState>(nextShipmentState, 'planned');
      const again = [...repeats.filter((event) => events.includes(event)), ...events].reverse();
      expect(run(again)).toBe(run(events));
      expect(rankOf(run(events) as (typeof shipmentRanks)[number])).toBe(Math.max(0, ...events.map(rankOf)));
    }),
  );
});

test('a cancelled shipment stays cancelled', () => {
  fc.assert(
    fc.property(someEvents, (events) =>
      expect(events.reduce<ShipmentState>(nextShipmentState, 'cancelled')).toBe('cancelled'),
    ),
  );
  expect([pickingStarted('cancelled'), hasLeft('cancelled'), isTerminal('cancelled')]).toEqual([
    false,
    false,
    true,
  ]);
});

test('goods that have left were being picked, and what ended has left or was cancelled', () => {
  for (const state of shipmentRanks) {
    if (hasLeft(state)) expect(pickingStarted(state)).toBe(true);
    if (isTerminal(state)) expect(hasLeft(state)).toBe(true);
  }
});

test('every order state is reached, and from every one an end is', () => {
  const reach = (from: (typeof orderStates)[number]) => {
    const seen = new Set([from]);
    for (const state of seen) for (const next of orderSteps[state]) seen.add(next);
    return seen;
  };
  expect([...reach('waiting')].sort()).toEqual([...orderStates].sort());
  for (const state of orderStates) expect([...reach(state)].some(isEnded)).toBe(true);
  expect(canStep('expired', 'paid')).toBe(true);
  expect(canStep('delivered', 'cancelled')).toBe(false);
});
