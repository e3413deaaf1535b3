import { z } from 'zod';
import { wireFen, wireId, wireInstant, wireTenant, wireUrl } from '../wire';

/** Why the payment sandbox refuses. Anything else in an error's body is not read. */
export const paymentRefusalCode = z.enum([
  'closed',
  'declined',
  'idempotency-conflict',
  'over-refund',
  'refused',
  'transaction-mismatch',
  'unknown-refund',
  'unknown-transaction',
]);
export type PaymentRefusalCode = z.infer<typeof paymentRefusalCode>;

export const chargeRequest = z.strictObject({
  tenant: wireTenant,
  orderId: wireId,
  amountFen: wireFen,
  /** The idempotency key of the buyer's side; drawn by the sandbox when absent. */
  transactionId: wireId.optional(),
  notifyUrl: wireUrl,
  outcome: z.enum(['paid', 'declined']).optional(),
});
export type ChargeRequest = z.infer<typeof chargeRequest>;

/** The body of a payment notification, as the HTTP contract has it. */
export interface PaymentNotification {
  notificationId: string;
  transactionId: string;
  tenant: string;
  orderId: string;
  amountFen: number;
  paidAt: string;
  outcome: 'paid';
}

export const transactionView = z.object({
  transactionId: wireId,
  tenant: wireTenant,
  orderId: wireId,
  amountFen: wireFen,
  refundedFen: z.int().min(0),
  /** Absent when the sandbox never charged it and knows it from a refund request only. */
  paidAt: wireInstant.optional(),
});
export type TransactionView = z.infer<typeof transactionView>;

export const paymentOrderView = z.object({
  tenant: wireTenant,
  orderId: wireId,
  closed: z.boolean(),
  transactions: z.array(transactionView),
});
export type PaymentOrderView = z.infer<typeof paymentOrderView>;

export const refundRequest = z.strictObject({
  /** The idempotency key: one refund is carried out once however often it is asked for. */
  refundId: wireId,
  transactionId: wireId,
  tenant: wireTenant,
  orderId: wireId,
  amountFen: wireFen,
  /** Trusted for a transaction the sandbox never charged; must agree with its books otherwise. */
  transactionAmountFen: wireFen,
  reason: z.string().min(1).max(200),
});
export type RefundRequest = z.infer<typeof refundRequest>;

export const refundView = z.object({
  refundId: wireId,
  transactionId: wireId,
  tenant: wireTenant,
  orderId: wireId,
  amountFen: wireFen,
  state: z.enum(['succeeded', 'processing']),
});
export type RefundView = z.infer<typeof refundView>;

export const refundPage = z.object({ items: z.array(refundView), nextCursor: z.string().nullable() });
