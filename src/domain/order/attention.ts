/** Who has to act. */
export type AttentionOwner = 'ops' | 'warehouse' | 'finance' | 'platform';

/**
 * What an operator may do about it, over `POST /v1/attention/{id}/resolve`.
 * retry: the machine tries again · refund: cancel what is left and give the money back · settle: closed by hand,
 * `detail` says how · keepWaiting: a new deadline · accept / decline: the answer to a request · enable: begin anew ·
 * dismiss: leave it as it is.
 */
export const attentionActions = [
  'retry',
  'refund',
  'settle',
  'keepWaiting',
  'accept',
  'decline',
  'enable',
  'dismiss',
] as const;
export type AttentionAction = (typeof attentionActions)[number];

export interface AttentionRule {
  owner: AttentionOwner;
  /** Minutes until somebody must have acted. */
  deadlineMinutes: number;
  actions: readonly AttentionAction[];
}

/** Every reason the machine may park something for. A new reason adds its line here and its test. */
export const attentionRules = {
  /** An order that came already paid cannot be kept: no stock, route or quota for it. */
  paidShort: { owner: 'ops', deadlineMinutes: 60, actions: ['retry', 'refund'] },
  /** A paid order's goods cannot be routed any more (point closed, carrier gone). */
  noRoute: { owner: 'ops', deadlineMinutes: 60, actions: ['retry', 'refund'] },
  /** The carrier would not or could not take the booking. */
  bookingFailed: { owner: 'ops', deadlineMinutes: 60, actions: ['retry', 'refund'] },
  /** A cancelled shipment's booking could not be undone at the carrier. */
  unbookingFailed: { owner: 'ops', deadlineMinutes: 120, actions: ['retry', 'settle'] },
  /** The promise has passed and a shipment is not there. */
  overdue: { owner: 'ops', deadlineMinutes: 120, actions: ['keepWaiting', 'refund'] },
  /** The carrier or leader reported that the hand-over failed. */
  deliveryFailed: { owner: 'ops', deadlineMinutes: 240, actions: ['keepWaiting', 'refund'] },
  /** Goods of a cancelled shipment moved all the same. */
  movedAfterCancel: { owner: 'warehouse', deadlineMinutes: 240, actions: ['settle'] },
  /** The buyer asked to cancel while the order was being picked. */
  cancelAsked: { owner: 'warehouse', deadlineMinutes: 30, actions: ['accept', 'decline'] },
  /** A presale promise's last day has come without goods. */
  presaleOverdue: { owner: 'ops', deadlineMinutes: 240, actions: ['keepWaiting', 'refund'] },
  /** A supplier will deliver less than presale has promised; `detail` names the orders at risk. */
  supplyCut: { owner: 'ops', deadlineMinutes: 240, actions: ['settle', 'keepWaiting', 'refund'] },
  /** The day by which a presale campaign's goods must be bought has come, and more are needed than were said bought. */
  purchaseDue: { owner: 'ops', deadlineMinutes: 480, actions: ['settle'] },
  /** Money of another amount than the order's total; not applied. */
  wrongAmount: { owner: 'finance', deadlineMinutes: 240, actions: ['refund', 'settle'] },
  /** Money for an order this tenant does not have. */
  unknownOrder: { owner: 'finance', deadlineMinutes: 240, actions: ['settle'] },
  /** One notification or transaction told twice with different contents. */
  conflictingNotice: { owner: 'finance', deadlineMinutes: 240, actions: ['settle'] },
  /** The provider refuses or does not answer a refund. */
  refundFailed: { owner: 'finance', deadlineMinutes: 240, actions: ['retry', 'settle'] },
  /** The channel holds the money: ask it to refund, and say so when it has. */
  channelRefund: { owner: 'finance', deadlineMinutes: 1440, actions: ['settle'] },
  /** An event for a shipment or waybill nobody knows. */
  unknownShipment: { owner: 'ops', deadlineMinutes: 240, actions: ['settle'] },
  /** A webhook endpoint is told nothing any more: five days of failures, or it answered 410. */
  webhookDisabled: { owner: 'ops', deadlineMinutes: 1440, actions: ['enable', 'dismiss'] },
  /** The software met a state that must not exist. */
  brokenInvariant: { owner: 'ops', deadlineMinutes: 60, actions: ['retry', 'settle'] },
  /** Signed money that names no tenant we know. */
  unknownTenant: { owner: 'platform', deadlineMinutes: 240, actions: ['settle'] },
} as const satisfies Record<string, AttentionRule>;

export type AttentionReason = keyof typeof attentionRules;

export function attentionRule(reason: AttentionReason): AttentionRule {
  return attentionRules[reason];
}
