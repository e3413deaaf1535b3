import type { OrderState } from './model';

/** One word of a provider: money came for an order. */
export interface Notice {
  provider: string;
  notificationId: string;
  transactionId: string;
  orderId: string;
  amountFen: number;
  /** Of the body, to tell a repeat from another body under the same id. */
  digest: string;
}

/** An order as it stands under its locks. */
export interface PayableOrder {
  state: OrderState;
  totalFen: number;
  /** Its end has come, or one of its holds has ended: nothing of it may be taken any more. */
  ended: boolean;
}

/** What is known before the first notice; keys are of `notificationKey` and `transactionKey`. */
export interface PaymentFacts {
  /** Orders that exist. */
  orders: ReadonlyMap<string, PayableOrder>;
  /** Digests of the bodies that were told before, by notification. */
  notifications: ReadonlyMap<string, string>;
  /** Money that came before, by transaction. */
  payments: ReadonlyMap<string, { orderId: string; amountFen: number }>;
}

/**
 * booked: pays its order · repeated: known already · conflict: the same notification with another body · unknownOrder:
 * nothing to be stored · otherFacts: the same transaction with another order or amount · wrongAmount: not believed ·
 * late: the hold had ended, to be decided; `expires` when the order still has to be ended for it · surplus: nobody owes
 * it, to be refunded.
 */
export type PaymentDecision =
  | { kind: 'booked' | 'repeated' | 'conflict' | 'unknownOrder' | 'otherFacts' | 'wrongAmount' | 'surplus' }
  | { kind: 'late'; expires: boolean };

/** Under which key a provider's notification is known. */
export function notificationKey({
  provider,
  notificationId,
}: Pick<Notice, 'provider' | 'notificationId'>): string {
  return `${provider}/${notificationId}`;
}

/** Under which key a provider's money is known, however often and under whatever notification it is told. */
export function transactionKey({
  provider,
  transactionId,
}: Pick<Notice, 'provider' | 'transactionId'>): string {
  return `${provider}/${transactionId}`;
}

/**
 * Decides notices in the order they came, each seeing what those before it have done: the same decisions as if they
 * had come one at a time. Money is applied once, to an order that still waits for exactly this amount (I7); what comes
 * after the hold's end is late (I8), what nobody owes a surplus.
 */
export function planPayments(notices: readonly Notice[], facts: PaymentFacts): PaymentDecision[] {
  const orders = new Map(facts.orders);
  const notifications = new Map(facts.notifications);
  const payments = new Map(facts.payments);
  return notices.map((notice) => {
    const told = notifications.get(notificationKey(notice));
    if (told !== undefined) return { kind: told === notice.digest ? 'repeated' : 'conflict' };
    const order = orders.get(notice.orderId);
    if (!order) return { kind: 'unknownOrder' };
    notifications.set(notificationKey(notice), notice.digest);
    const payment = payments.get(transactionKey(notice));
    if (payment) return { kind: isSame(payment, notice) ? 'repeated' : 'otherFacts' };
    payments.set(transactionKey(notice), notice);
    const { decision, after } = takeMoney(order, notice.amountFen);
    orders.set(notice.orderId, { ...order, state: after });
    return decision;
  });
}

function isSame(payment: { orderId: string; amountFen: number }, notice: Notice): boolean {
  return payment.orderId === notice.orderId && payment.amountFen === notice.amountFen;
}

/** What becomes of money never told before, and of its order. */
function takeMoney(
  { state, totalFen, ended }: PayableOrder,
  amountFen: number,
): { decision: PaymentDecision; after: OrderState } {
  if (amountFen !== totalFen) return { decision: { kind: 'wrongAmount' }, after: state };
  switch (state) {
    case 'awaitingPayment':
      return ended
        ? { decision: { kind: 'late', expires: true }, after: 'expired' }
        : { decision: { kind: 'booked' }, after: 'paid' };
    case 'expired':
      return { decision: { kind: 'late', expires: false }, after: 'expired' };
    case 'waiting':
    case 'paid':
    case 'fulfilling':
    case 'delivered':
    case 'cancelled':
      return { decision: { kind: 'surplus' }, after: state };
  }
}
