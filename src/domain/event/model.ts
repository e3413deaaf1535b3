/**
 * Lines of an order's timeline that are told to the outside, each under its type. The database makes the events
 * (`outbound_type` in its migrations), a test holds both lists against each other.
 */
export const orderEventTypes = {
  placed: 'order.placed',
  waiting: 'order.waiting',
  promoted: 'order.promoted',
  paid: 'order.paid',
  reheld: 'order.paid',
  latePayment: 'order.latePayment',
  expired: 'order.expired',
  cancelled: 'order.cancelled',
  partlyCancelled: 'order.partlyCancelled',
  fulfilling: 'order.fulfilling',
  shipped: 'order.shipped',
  delivered: 'order.delivered',
  refundRequested: 'order.refundRequested',
  refunded: 'order.refunded',
  attention: 'order.attention',
  offered: 'order.offer',
  offerAnswered: 'order.offerAnswered',
  repromised: 'order.repromised',
  lineCancelled: 'order.lineCancelled',
  goodsArrived: 'order.goodsArrived',
} as const;

export type OrderEventType = (typeof orderEventTypes)[keyof typeof orderEventTypes];

/** Told by those who made it true, with `emitEvent`. */
export const emittedTypes = ['forecast.published'] as const;
export type EmittedType = (typeof emittedTypes)[number];

export type EventType = OrderEventType | EmittedType;

/** Every type of event that leaves the house, once. */
export const eventTypes: readonly EventType[] = [...new Set(Object.values(orderEventTypes)), ...emittedTypes];
