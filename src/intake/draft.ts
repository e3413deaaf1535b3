import { orderIdOf } from '../db/order';
import type { Facts } from '../db/facts';
import type { Destination } from '../domain/order/model';
import { orderTotal } from '../domain/order/price';
import type { IntakeAnswer, IntakeRequest } from './model';
import { type PresaleOffer, type ResolvedLine, resolveDestination, resolveLines } from './resolve';

/** Everything known about an order before the stock is locked. */
export interface Draft {
  orderId: string;
  lines: ResolvedLine[];
  destination: Destination;
  totalFen: number;
  /** Paid at once: it came with its payment, or costs nothing. */
  paid: boolean;
}

export interface DraftContext {
  tenant: string;
  facts: Facts;
  offer: PresaleOffer;
}

/** The order as it would be written, or why it cannot be one whatever the stock. */
export function draftOrder(request: IntakeRequest, context: DraftContext): Draft | IntakeAnswer {
  const { facts, tenant } = context;
  const unknown = request.lines.map((line) => line.sku).filter((sku) => !facts.skus.has(sku));
  if (unknown.length > 0) return { kind: 'unknownSku', skus: [...new Set(unknown)] };
  const destination = resolveDestination(request, facts);
  if ('kind' in destination) return destination;
  const lines = resolveLines(request.lines, facts, context.offer);
  if (!Array.isArray(lines)) return lines;
  const total = totalOf(request, lines);
  if (typeof total !== 'number') return total;
  return {
    orderId: orderIdOf({ tenant, channel: request.channel, externalId: request.externalId }),
    lines,
    destination,
    totalFen: total,
    paid: request.payment !== undefined || total === 0,
  };
}

/** What the order costs in fen; a payment it came with must be just that. */
function totalOf(request: IntakeRequest, lines: ResolvedLine[]): number | IntakeAnswer {
  const total = orderTotal(lines, request.freightFen ?? 0);
  if (total.kind === 'tooLarge') {
    return {
      kind: 'invalid',
      path: 'lines',
      expected: 'a total within the safe integers',
      received: 'a larger one',
    };
  }
  if (total.kind === 'badLine') {
    return {
      kind: 'invalid',
      path: `lines.${total.index}.discountFen`,
      expected: 'at most unitPriceFen × quantity',
      received: String(lines[total.index]?.discountFen),
    };
  }
  if (request.payment && request.payment.amountFen !== total.totalFen) {
    return {
      kind: 'invalid',
      path: 'payment.amountFen',
      expected: `the order's total, ${total.totalFen}`,
      received: String(request.payment.amountFen),
    };
  }
  return total.totalFen;
}
