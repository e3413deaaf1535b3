import type { OrderState } from './model';

/** The declared graph (I9); the database's trigger holds the same pairs. */
export const orderSteps: Record<OrderState, readonly OrderState[]> = {
  waiting: ['awaitingPayment', 'cancelled'],
  awaitingPayment: ['paid', 'expired', 'cancelled'],
  paid: ['fulfilling', 'cancelled'],
  fulfilling: ['delivered', 'cancelled'],
  expired: ['paid'],
  delivered: [],
  cancelled: [],
};

export function canStep(from: OrderState, to: OrderState): boolean {
  return orderSteps[from].includes(to);
}

/** Nothing more happens to it by itself. `expired` may still become paid by late money. */
export function isEnded(state: OrderState): boolean {
  return state === 'delivered' || state === 'expired' || state === 'cancelled';
}
