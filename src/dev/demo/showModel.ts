/** What a buyer of the show is going to do. Shares are fixed, not drawn, so that every show has all of them. */
export type Behaviour = 'pays' | 'neverPays' | 'paysLate' | 'comesPaid' | 'cancelsUnpaid' | 'cancelsPaid';

/** What a buyer does when the answer is "sold out". */
export type Comeback = 'withoutIt' | 'waits' | 'givesUp';

export interface OrderLine {
  sku: string;
  quantity: number;
  unitPriceFen: number;
}

/** The body of `POST /v1/orders`. */
export interface OrderBody {
  channel: string;
  externalId: string;
  buyer: {
    ref: string;
    communityId: string;
    pickupPointId?: string;
    name: string;
    phone: string;
    address: { province: string; city: string; district: string; detail: string };
    location: { lat: number; lng: number };
  };
  deliveryMethod: 'express' | 'pickup';
  lines: OrderLine[];
  freightFen: number;
  payment?: { transactionId: string; amountFen: number; paidAt: string; heldBy: 'channel' };
  liveSessionId: string;
  acceptLater?: true;
}

export interface PlannedOrder {
  atMs: number;
  moment?: number;
  behaviour: Behaviour;
  comeback: Comeback;
  /** What a buyer takes who comes back without the sold-out goods and had nothing else on a short hold. */
  substitute?: OrderLine;
  body: OrderBody;
  /** Milliseconds from the answer (for `paysLate`: from the end of the hold) to the payment. */
  payAfterMs: number;
  cancelAfterMs: number;
  /** How long a buyer who waits stays in line. */
  patienceMs: number;
  /** The shop sends the same order again, this much after the first time; absent for most. */
  repeatAfterMs?: number;
  /** The provider tells this payment more than once. */
  toldTwice: boolean;
}

export interface Show {
  liveSessionId: string;
  durationMs: number;
  moments: Array<{ atMs: number; sku: string }>;
  orders: PlannedOrder[];
  /** Units of plain SKUs that all buyers together will ask for, gift boxes exploded. */
  demand: Map<string, number>;
}
