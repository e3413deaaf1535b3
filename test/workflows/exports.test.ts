import * as workflows from '../../src/workflows';
import type { Plain, PlainActivities } from '../../src/workflows/plain';

test('exactly these workflows can be started', () => {
  expect(Object.keys(workflows).sort()).toEqual([
    'arrivalWorkflow',
    'lateMoneyWorkflow',
    'orderWorkflow',
    'presaleAggregationWorkflow',
    'refundWorkflow',
    'supplierForecastWorkflow',
    'webhookWorkflow',
  ]);
});

test('what is not JSON does not compile as a message', () => {
  const plain: Plain<{ at: string; units: number; lots: { lotId: string | null }[] }> = {
    at: '2026-11-24T00:00:00Z',
    units: 1,
    lots: [{ lotId: null }],
  };
  expect(JSON.parse(JSON.stringify(plain))).toEqual(plain);
  // @ts-expect-error a Date comes out as text
  const date: Plain<{ at: Date }> = { at: new Date() };
  // @ts-expect-error a Map comes out empty
  const map: Plain<{ lots: Map<string, number> }> = { lots: new Map() };
  // @ts-expect-error a Set comes out empty
  const set: Plain<{ skus: Set<string> }> = { skus: new Set() };
  // @ts-expect-error a bigint does not come out at all
  const big: Plain<{ fen: bigint }> = { fen: 1n };
  // @ts-expect-error an activity that answers a Date cannot be called with one
  const call: PlainActivities<{ now(input: { a: string }): Promise<Date> }> = { now: async () => new Date() };
  expect([date, map, set, big, call]).toHaveLength(5);
});
