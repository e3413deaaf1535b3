import type { LocalDate } from '../network/model';

/** One balance row: units of one lot at one site. `held` counts live holds only (a hold past its end is not live). */
export interface LotBalance {
  sku: string;
  siteId: string;
  lotId: string;
  expiresOn: LocalDate;
  onHand: number;
  held: number;
  committed: number;
  quarantined: number;
}

export const movementKinds = [
  'received',
  'held',
  'released',
  'expired',
  'committed',
  'uncommitted',
  'pickedUp',
  // goods that came for a presale campaign: set aside for it, given to the shelf, or made an order's own
  'reserved',
  'unreserved',
  'converted',
] as const;
export type MovementKind = (typeof movementKinds)[number];

export interface Movement {
  kind: MovementKind;
  sku: string;
  siteId: string;
  lotId: string;
  /** Units, always positive; the kind says what they do to the balance. */
  quantity: number;
  causeKind: 'receipt' | 'order' | 'shipment' | 'campaign';
  causeId: string;
}
