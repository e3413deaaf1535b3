/** What the demo reads of `GET /v1/orders/{orderId}`. */
export interface OrderView {
  orderId: string;
  externalId: string;
  state: 'waiting' | 'awaitingPayment' | 'paid' | 'fulfilling' | 'delivered' | 'expired' | 'cancelled';
  attention: null | { reason: string; since: string };
  totalFen: number;
  paidFen: number;
  refundedFen: number;
  lines: Array<{ lineId: string; sku: string; quantity: number }>;
  promise: null | { shipBy: string; deliverBy: string };
  latePayment?: null | { outcome: 'reheld' | 'repromised' | 'refunded'; at: string };
  offers?: Array<{ offerId: string; kind: string }>;
  shipments: ShipmentView[];
}

export interface ShipmentView {
  shipmentId: string;
  zone: string;
  siteId: string;
  via: { carrierId?: string; leaderId?: string; pickupPointId?: string };
  state: string;
  costFen: number;
  lots: Array<{ lineId: string; sku: string; lotId: string; quantity: number }>;
  parcels: Array<{ parcelId: string; waybillNo?: string; lots: Array<{ sku: string; quantity: number }> }>;
  events: Array<{ at: string; kind: string }>;
}

/** A movement of the journal as `GET /v1/stock/movements` shows it: what changed, by how much, and why. */
export interface MovementView {
  sku: string;
  siteId: string;
  lotId: string;
  onHand: number;
  held: number;
  committed: number;
  quarantined: number;
}

/** An item of `GET /v1/stock`. */
export interface StockView {
  sku: string;
  siteId: string;
  lotId: string;
  onHand: number;
  held: number;
  committed: number;
  quarantined: number;
}
