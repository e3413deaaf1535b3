import type { components } from '../../sdk/api';

type Order = components['schemas']['Order'];

/** What the demo reads of an order. */
export type OrderView = Pick<
  Order,
  | 'orderId'
  | 'externalId'
  | 'state'
  | 'attention'
  | 'totalFen'
  | 'paidFen'
  | 'refundedFen'
  | 'promise'
  | 'latePayment'
  | 'offers'
  | 'shipments'
  | 'timeline'
> & { lines: Pick<Order['lines'][number], 'sku' | 'quantity'>[] };
export type ShipmentView = OrderView['shipments'][number];

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
