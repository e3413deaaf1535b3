import type { Instant, LocalDate, Rate } from '../network/model';

/** In order of rank: a shipment's state is the highest rank seen, in whatever order events come (I9). */
export const shipmentRanks = [
  'planned',
  'booked',
  'picking',
  'packed',
  'pickedUp',
  'inTransit',
  'atPickupPoint',
  'failed',
  'delivered',
  'returned',
] as const;
export type ShipmentRank = (typeof shipmentRanks)[number];
export type ShipmentState = ShipmentRank | 'cancelled';

export type Via = { carrierId: string } | { leaderId: string; pickupPointId: string };

/** One way for goods of one zone from one site to the buyer. */
export interface Route {
  siteId: string;
  via: Via;
  rate: Rate;
  /** Null when the buyer's place is unknown: then distance counts for nothing. */
  km: number | null;
  shipBy: Instant;
  deliverBy: Instant;
  handOverOn: LocalDate;
}
