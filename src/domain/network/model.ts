import type { Zone } from '../catalogue/model';

/** Milliseconds since the epoch. */
export type Instant = number;
/** `YYYY-MM-DD` in the tenant's time zone. */
export type LocalDate = string;
/** `HH:MM` in the tenant's time zone. */
export type LocalTime = string;

/** WGS84 degrees. */
export interface Location {
  lat: number;
  lng: number;
}

export const siteKinds = ['central', 'forward', 'store', 'pickup', 'temporary', 'supplier'] as const;
export type SiteKind = (typeof siteKinds)[number];

export interface Site {
  siteId: string;
  kind: SiteKind;
  location: Location;
  zones: Zone[];
  cutoff: LocalTime;
  departsAt: LocalTime[];
  closedOn: LocalDate[];
  /** Units of every SKU at this site that no order may touch. */
  safetyStock: number;
}

export interface Leader {
  leaderId: string;
  certificate: 'basic' | 'cold';
}

export interface PickupPoint {
  pickupPointId: string;
  leader: Leader;
  location: Location;
  capacity: Record<PointZone, number>;
  opens: LocalTime;
  closes: LocalTime;
  closedOn: LocalDate[];
}

/** Zones a pickup point may keep, in millilitres; special goods never go there. */
export type PointZone = Exclude<Zone, 'special'>;

export interface Community {
  communityId: string;
  region: string;
  location: Location;
}

export interface Rate {
  baseFen: number;
  perKgFen: number;
  perKmFen: number;
}

export interface Carrier {
  carrierId: string;
  zones: Zone[];
  rates: Partial<Record<Zone, Rate>>;
  transitDays: number;
}
