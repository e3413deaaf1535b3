import { type PartnerAnswer, callPartner } from '../callPartner';
import { PartnerFault } from '../partnerFault';
import type { Page } from '../wire';
import {
  type PaymentOrderView,
  type PaymentRefusalCode,
  type RefundRequest,
  type RefundView,
  paymentOrderView,
  paymentRefusalCode,
  refundPage,
  refundView,
} from './sandboxWire';

export type RefundOutcome =
  | { kind: 'succeeded' | 'processing'; refundId: string; amountFen: number }
  | { kind: 'refused'; code: PaymentRefusalCode };

export type RefundQueryOutcome =
  | { kind: 'succeeded' | 'processing'; refundId: string; amountFen: number }
  | { kind: 'unknown' };

interface OrderAtProvider {
  tenant: string;
  orderId: string;
}

/** What the product asks of a payment provider. Refusals are answered; faults are thrown as PartnerFault. */
export interface PaymentClient {
  /**
   * Stops the provider from taking further money for the order; closing twice is closing once. The answer
   * lists what was paid before, so that money which won the race is seen by the one who closed.
   */
  closeOrder(order: OrderAtProvider): Promise<PaymentOrderView>;
  /** All money the provider knows for the order, in fen; an order it never saw is open and empty. */
  queryOrder(order: OrderAtProvider): Promise<PaymentOrderView>;
  /**
   * Sends money (fen) of one transaction back. `refundId` is the idempotency key: repeat it after a fault and
   * the money leaves once. `processing` is a promise kept later: ask queryRefund. Refuses what exceeds the
   * transaction and a known id with another body. Serves invariants 7 and 10.
   */
  requestRefund(request: RefundRequest): Promise<RefundOutcome>;
  /** How a refund stands; `unknown` means that no request with that id ever arrived. */
  queryRefund(refund: { refundId: string }): Promise<RefundQueryOutcome>;
  /** All refunds of a transaction or of a tenant, oldest first, for checks that each happened once. */
  listRefunds(filter: {
    tenant?: string;
    transactionId?: string;
    cursor?: string;
  }): Promise<Page<RefundView>>;
}

interface SandboxPaymentOptions {
  baseUrl: string;
  secret: string;
  timeoutMs: number;
}

/** The payment client over the sandbox provider's signed HTTP. Every call is one attempt within `timeoutMs`. */
export function createSandboxPaymentClient(options: SandboxPaymentOptions): PaymentClient {
  const partner = { partner: 'payment sandbox', refusals: paymentRefusalCode, ...options };
  return {
    async closeOrder(order) {
      const operation = 'closeOrder';
      const path = `${orderPath(order)}/close`;
      const answer = await callPartner({
        ...partner,
        operation,
        method: 'POST',
        path,
        body: {},
        answer: paymentOrderView,
      });
      return expectAnswered(answer, operation);
    },

    async queryOrder(order) {
      const operation = 'queryOrder';
      const path = orderPath(order);
      const answer = await callPartner({
        ...partner,
        operation,
        method: 'GET',
        path,
        answer: paymentOrderView,
      });
      return expectAnswered(answer, operation);
    },

    async requestRefund(request) {
      const operation = 'requestRefund';
      const path = '/v1/refunds';
      const answer = await callPartner({
        ...partner,
        operation,
        method: 'POST',
        path,
        body: request,
        answer: refundView,
      });
      if (answer.kind === 'refused') return answer;
      const { refundId, amountFen, state } = answer.value;
      if (refundId !== request.refundId || amountFen !== request.amountFen) {
        throw mismatch(operation, 'answered for another refund');
      }
      return { kind: state, refundId, amountFen };
    },

    async queryRefund({ refundId }) {
      const operation = 'queryRefund';
      const path = `/v1/refunds/${encodeURIComponent(refundId)}`;
      const answer = await callPartner({ ...partner, operation, method: 'GET', path, answer: refundView });
      if (answer.kind === 'refused' && answer.code === 'unknown-refund') return { kind: 'unknown' };
      const refund = expectAnswered(answer, operation);
      if (refund.refundId !== refundId) throw mismatch(operation, 'answered for another refund');
      return { kind: refund.state, refundId, amountFen: refund.amountFen };
    },

    async listRefunds(filter) {
      const operation = 'listRefunds';
      const query = new URLSearchParams(Object.entries(filter).filter(([, value]) => value !== undefined));
      const path = `/v1/refunds?${query}`;
      const answer = await callPartner({ ...partner, operation, method: 'GET', path, answer: refundPage });
      return expectAnswered(answer, operation);
    },
  };
}

function orderPath({ tenant, orderId }: OrderAtProvider): string {
  return `/v1/orders/${encodeURIComponent(tenant)}/${encodeURIComponent(orderId)}`;
}

/** Reading and closing have nothing that could be refused: a refusal there is a fault of the partner. */
function expectAnswered<Answer>(
  answer: PartnerAnswer<Answer, PaymentRefusalCode>,
  operation: string,
): Answer {
  if (answer.kind === 'answered') return answer.value;
  throw mismatch(operation, `refused with ${answer.code} what cannot be refused`);
}

function mismatch(operation: string, problem: string): PartnerFault {
  return new PartnerFault({ partner: 'payment sandbox', operation, problem });
}
