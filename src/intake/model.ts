import type { AdmissionRefusal } from '../domain/order/admission';
import type { UnpaidLimitRefusal } from '../domain/order/givingWay';

/** The body of `POST /v1/orders`, checked by the edge; times are ISO 8601 text. */
export interface IntakeRequest {
  channel: string;
  externalId: string;
  buyer: {
    ref: string;
    communityId?: string;
    pickupPointId?: string;
    name?: string;
    phone?: string;
    address?: { province: string; city: string; district: string; detail: string };
    location?: { lat: number; lng: number };
  };
  deliveryMethod?: 'express' | 'pickup' | 'local';
  window?: { from: string; to: string };
  lines: IntakeLine[];
  freightFen?: number;
  payment?: { transactionId: string; amountFen: number; paidAt: string; heldBy: 'tenant' | 'channel' };
  notes?: { buyer?: string; seller?: string };
  liveSessionId?: string;
  acceptLater?: boolean;
}

export interface IntakeLine {
  lineId?: string;
  sku: string;
  quantity: number;
  unitPriceFen?: number;
  discountFen?: number;
  supply?: 'spot' | 'presale';
  campaignId?: string;
}

/** What the shop is told about an accepted order; a repeat gets the same words. */
export interface AcceptedOrder {
  orderId: string;
  state: 'awaitingPayment' | 'paid' | 'waiting';
  /** Null for an order that came already paid, which never expires, and for one that waits and holds nothing. */
  expiresAt: string | null;
  /** Of an order in state waiting: until when it stays in line. */
  waiting?: { until: string };
  totalFen: number;
  lines: {
    lineId: string;
    sku: string;
    quantity: number;
    supply: 'spot' | 'presale';
    unitPriceFen: number;
  }[];
  /** Of a waiting order what it could expect if it were served now; the promise is made when it is. */
  promise: { shipBy: string; deliverBy: string };
}

export type IntakeAnswer =
  | { kind: 'accepted' | 'repeated'; answer: AcceptedOrder }
  /** The same channel and external id with another body. */
  | { kind: 'conflict' }
  /** The payment's transaction already pays another order. */
  | { kind: 'transactionUsed'; transactionId: string }
  | { kind: 'unknownSku'; skus: string[] }
  /** A pickup point, community or campaign that does not exist. */
  | { kind: 'unknownReference'; path: string; id: string }
  /** What a schema cannot see: a discount above its line, a payment of another amount, repeated line ids. */
  | { kind: 'invalid'; path: string; expected: string; received: string }
  | UnpaidLimitRefusal
  | AdmissionRefusal;
