import type { SkuQuantity } from '../catalogue/model';
import type { Instant, LocalDate, Location } from '../network/model';

export const orderStates = [
  'waiting',
  'awaitingPayment',
  'paid',
  'fulfilling',
  'delivered',
  'expired',
  'cancelled',
] as const;
export type OrderState = (typeof orderStates)[number];

export type DeliveryMethod = 'express' | 'pickup' | 'local';
export type Supply = 'spot' | 'presale';

/** A line as the planner sees it: what was sold, and the real goods behind it. */
export interface PlannedLine {
  lineId: string;
  sku: string;
  quantity: number;
  supply: Supply;
  campaignId: string | null;
  /** The recipe multiplied by the quantity; the SKU itself when it is no bundle. */
  components: SkuQuantity[];
}

/** Where and how an order goes, with the network's facts already looked up. */
export interface Destination {
  deliveryMethod: DeliveryMethod;
  location: Location | null;
  communityId: string | null;
  region: string | null;
  pickupPointId: string | null;
  window: { from: Instant; to: Instant } | null;
}

/** Units of one line bound to a site and a lot. */
export interface PlannedHold {
  lineId: string;
  sku: string;
  siteId: string;
  lotId: string;
  quantity: number;
  handOverOn: LocalDate;
}

export interface PlannedQuotaHold {
  lineId: string;
  campaignId: string;
  region: string;
  quantity: number;
}

export interface DeliveryPromise {
  shipBy: Instant;
  deliverBy: Instant;
}

export interface Shortfall {
  sku: string;
  asked: number;
  sellable: number;
  campaignId?: string;
}
