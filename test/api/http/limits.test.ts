import { createLimits, type LimitSettings } from '../../../src/api/http/limits';

const off: LimitSettings = {
  keyOrdersPerSecond: 0,
  tenantOrdersPerSecond: 0,
  keyCallsPerSecond: 0,
  tenantCallsPerSecond: 0,
  ordersInFlight: 0,
  sharedBusyPercent: 0,
};
const shop = { tenant: 'shop', keyId: 'k1' };
const till = { tenant: 'shop', keyId: 'k2' };
const other = { tenant: 'other', keyId: 'k3' };

function given(settings: Partial<LimitSettings>, isQueueFull: (tenant: string) => boolean = () => false) {
  const clock = { ms: 0 };
  const limits = createLimits({
    settings: { ...off, ...settings },
    isQueueFull,
    now: () => clock.ms,
    loopMilliseconds: () => 0,
  });
  const enter = (times: number, caller: typeof shop, kind: 'orders' | 'reads' | 'writes' = 'orders') =>
    Array.from({ length: times }, () => limits.enter(caller, kind)?.reason ?? 'in');
  const letIn = (...call: Parameters<typeof enter>) => enter(...call).filter((each) => each === 'in').length;
  return { clock, limits, enter, letIn };
}

test('with everything off nothing is turned away', () => {
  expect(given({}).letIn(5_000, shop)).toBe(5_000);
});

test('a key has ten seconds of its rate saved up, then its rate', () => {
  const { clock, enter, letIn } = given({ keyOrdersPerSecond: 5 });
  expect(letIn(80, shop)).toBe(50);
  expect(enter(1, shop)).toEqual(['keyRate']);
  expect(letIn(80, till)).toBe(50);
  clock.ms += 1_000;
  expect(letIn(80, shop)).toBe(5);
});

test('all keys of a tenant share its rate, and other tenants’ do not', () => {
  const { enter, letIn } = given({ tenantOrdersPerSecond: 5 });
  expect(letIn(30, shop) + letIn(30, till)).toBe(50);
  expect(enter(1, till)).toEqual(['tenantRate']);
  expect(letIn(50, other)).toBe(50);
});

test('orders, reads and other writes have each their own', () => {
  const { letIn } = given({ keyOrdersPerSecond: 1, keyCallsPerSecond: 2 });
  expect(letIn(30, shop, 'orders')).toBe(10);
  expect(letIn(30, shop, 'reads')).toBe(20);
  expect(letIn(30, shop, 'writes')).toBe(20);
});

test('what is refused takes nothing, and looking takes nothing', () => {
  const { clock, limits, letIn } = given({ keyOrdersPerSecond: 1, tenantOrdersPerSecond: 2 });
  for (let n = 0; n < 100; n += 1) expect(limits.refusalOf(shop, 'orders')).toBeNull();
  expect(letIn(50, shop)).toBe(10);
  // the forty that its own rate refused cost the tenant nothing
  expect(letIn(50, till)).toBe(10);
  clock.ms += 60_000;
  expect(letIn(10, shop)).toBe(10);
});

test('a tenant alone may fill the process; who comes beside it finds half of the places', () => {
  const alone = given({ ordersInFlight: 10 });
  expect(alone.letIn(20, shop)).toBe(10);
  expect(alone.enter(1, other)).toEqual(['inFlight']);

  const beside = given({ ordersInFlight: 10 });
  beside.letIn(1, other);
  expect(beside.letIn(20, shop)).toBe(5);
  expect(beside.letIn(20, other)).toBe(4);
  beside.limits.leave('shop');
  expect(beside.letIn(20, shop)).toBe(1);
});

test('a full queue refuses the orders of its tenant alone', () => {
  const { enter } = given({}, (tenant) => tenant === 'shop');
  expect(enter(1, shop)).toEqual(['queueFull']);
  expect(enter(1, other)).toEqual(['in']);
  expect(enter(1, shop, 'writes')).toEqual(['in']);
});

test('Retry-After is how long the orders under way take at the rate at which they have been answered', () => {
  const { clock, limits, letIn } = given({ ordersInFlight: 100 });
  for (let second = 0; second < 10; second += 1) {
    clock.ms += 100;
    letIn(1, shop);
    limits.leave('shop');
  }
  letIn(100, shop);
  const seconds = limits.enter(shop, 'orders')?.retryAfterSeconds as number;
  // 100 orders at some ten a second
  expect(seconds).toBeGreaterThanOrEqual(10);
  expect(seconds).toBeLessThanOrEqual(20);

  const idle = given({ ordersInFlight: 1 });
  idle.letIn(1, shop);
  expect(idle.limits.enter(shop, 'orders')).toEqual({ reason: 'inFlight', retryAfterSeconds: 1 });
});

test('a tenant that has been still for a minute is forgotten, one with orders under way is not', () => {
  const { clock, limits, letIn } = given({ ordersInFlight: 10 });
  letIn(3, shop);
  letIn(1, other);
  limits.leave('other');
  clock.ms += 120_000;
  limits.enter({ tenant: 'third', keyId: 'k' }, 'reads');
  expect(limits.inFlight()).toEqual([{ tenant: 'shop', orders: 3 }]);
});
