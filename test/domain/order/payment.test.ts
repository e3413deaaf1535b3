import fc from 'fast-check';
import { orderStates } from '../../../src/domain/order/model';
import {
  type Notice,
  notificationKey,
  type PayableOrder,
  type PaymentDecision,
  type PaymentFacts,
  planPayments,
  transactionKey,
} from '../../../src/domain/order/payment';

const notice = (given: Partial<Notice> = {}): Notice => ({
  provider: 'bank',
  notificationId: 'n1',
  transactionId: 't1',
  orderId: 'o1',
  amountFen: 100,
  digest: 'body',
  ...given,
});
const open: PayableOrder = { state: 'awaitingPayment', totalFen: 100, ended: false };

function decide(notices: Notice[], orders: Record<string, PayableOrder> = { o1: open }): PaymentDecision[] {
  return planPayments(notices, {
    orders: new Map(Object.entries(orders)),
    notifications: new Map(),
    payments: new Map(),
  });
}

it('books the first payment of an order and keeps the second as surplus', () => {
  const second = notice({ notificationId: 'n2', transactionId: 't2' });
  expect(decide([notice(), second])).toEqual([{ kind: 'booked' }, { kind: 'surplus' }]);
});

it('takes a repeat within a batch for one, under its own id or another', () => {
  expect(decide([notice(), notice(), notice({ notificationId: 'n2' })])).toEqual([
    { kind: 'booked' },
    { kind: 'repeated' },
    { kind: 'repeated' },
  ]);
});

it('shows one id told with two bodies, and one transaction told of two orders', () => {
  const orders = { o1: open, o2: open };
  expect(decide([notice(), notice({ digest: 'other' })], orders)).toEqual([
    { kind: 'booked' },
    { kind: 'conflict' },
  ]);
  expect(decide([notice(), notice({ notificationId: 'n2', orderId: 'o2' })], orders)).toEqual([
    { kind: 'booked' },
    { kind: 'otherFacts' },
  ]);
});

it('ends an order for the first late payment only', () => {
  const late = [notice(), notice({ notificationId: 'n2', transactionId: 't2' })];
  expect(decide(late, { o1: { ...open, ended: true } })).toEqual([
    { kind: 'late', expires: true },
    { kind: 'late', expires: false },
  ]);
});

it('never believes another amount, and lets the right one pay afterwards', () => {
  const right = notice({ notificationId: 'n2', transactionId: 't2' });
  expect(decide([notice({ amountFen: 99 }), right])).toEqual([{ kind: 'wrongAmount' }, { kind: 'booked' }]);
});

it('forgets what names no order: the id may be told again', () => {
  expect(decide([notice({ orderId: 'nobody' }), notice()])).toEqual([
    { kind: 'unknownOrder' },
    { kind: 'booked' },
  ]);
});

const digestOf = ({ transactionId, orderId, amountFen }: Omit<Notice, 'digest'>) =>
  `${transactionId} ${orderId} ${amountFen}`;
const someNotice = fc
  .record({
    provider: fc.constant('bank'),
    notificationId: fc.constantFrom('n1', 'n2', 'n3', 'n4', 'n5'),
    transactionId: fc.constantFrom('t1', 't2', 't3', 't4'),
    orderId: fc.constantFrom('o1', 'o2', 'nobody'),
    amountFen: fc.constantFrom(100, 100, 99),
  })
  .map((body): Notice => ({ ...body, digest: digestOf(body) }));
const someOrder = fc.record({
  state: fc.constantFrom('awaitingPayment' as const, 'awaitingPayment' as const, ...orderStates),
  totalFen: fc.constant(100),
  ended: fc.boolean(),
});
const someFacts = fc.record({ o1: someOrder, o2: someOrder }).map(
  (orders): PaymentFacts => ({
    orders: new Map(Object.entries(orders)),
    notifications: new Map([['bank/n5', 't4 o1 100']]),
    payments: new Map([['bank/t4', { orderId: 'o1', amountFen: 100 }]]),
  }),
);

/** What the books say after one decision, written down here a second time. */
function after(facts: PaymentFacts, told: Notice, { kind }: PaymentDecision): PaymentFacts {
  if (kind === 'unknownOrder' || kind === 'conflict') return facts;
  const order = facts.orders.get(told.orderId) as PayableOrder;
  const orders = new Map(facts.orders);
  if (kind === 'booked') orders.set(told.orderId, { ...order, state: 'paid' });
  if (kind === 'late') orders.set(told.orderId, { ...order, state: 'expired' });
  const notifications = new Map([[notificationKey(told), told.digest], ...facts.notifications]);
  const payments = new Map([[transactionKey(told), told], ...facts.payments]);
  return { orders, notifications, payments };
}

it('decides a batch as it decides one at a time, and applies money once', () => {
  fc.assert(
    fc.property(fc.array(someNotice, { maxLength: 12 }), someFacts, (notices, facts) => {
      let books = facts;
      const one = notices.map((told) => {
        const [decision] = planPayments([told], books) as [PaymentDecision];
        books = after(books, told, decision);
        return decision;
      });
      const batch = planPayments(notices, facts);
      expect(batch).toEqual(one);
      for (const orderId of facts.orders.keys()) {
        const booked = notices.filter((told, i) => batch[i]?.kind === 'booked' && told.orderId === orderId);
        expect(booked.length).toBeLessThanOrEqual(1);
        expect(booked.every((told) => told.amountFen === 100)).toBe(true);
      }
      const stored = notices.filter((_, i) => /booked|late|surplus|wrong/i.test(batch[i]?.kind ?? ''));
      expect(new Set(stored.map(transactionKey)).size).toBe(stored.length);
    }),
  );
});
