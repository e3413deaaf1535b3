/** The bodies of the catalogue and network routes, as the HTTP contract has them, with the id each is put under. */
export type Zone = 'ambient' | 'chilled' | 'frozen' | 'special';
export const zones: Zone[] = ['ambient', 'chilled', 'frozen', 'special'];

export interface Location {
  lat: number;
  lng: number;
}

export interface SeedSku {
  sku: string;
  name: string;
  zone: Zone;
  temperature?: { min: number; max: number };
  handling?: Array<'live' | 'shortLife'>;
  category: string;
  weightGrams: number;
  volumeLitres: number;
  priceFen: number;
  shelfLifeDays: number;
  minimumRemainingLifeDays: number;
  safetyStock?: number;
  purchaseLimit?: number;
  origin?: string;
  components?: Array<{ sku: string; quantity: number }>;
}

export interface SeedCategory {
  category: string;
  holdMinutes?: number;
  nearExpiryDays?: number;
  presaleLeadDays?: number;
  purchaseLimit?: number;
  minimumRemainingLifeDays?: number;
}

export interface SeedSite {
  siteId: string;
  name: string;
  kind: 'central' | 'forward' | 'store' | 'supplier';
  location: Location;
  zones: Zone[];
  cutoff: string;
  shipmentsPerHour?: number;
  safetyStock?: number;
}

export interface SeedCommunity {
  communityId: string;
  name: string;
  region: string;
  location: Location;
  households: number;
}

export interface SeedLeader {
  leaderId: string;
  name: string;
  certificate: 'basic' | 'cold';
}

export interface SeedPickupPoint {
  pickupPointId: string;
  leaderId: string;
  location: Location;
  communities: string[];
  capacity: { ambientLitres: number; chilledLitres: number; frozenLitres: number };
  opens: string;
  closes: string;
}

export interface SeedCarrier {
  carrierId: string;
  name: string;
  zones: Zone[];
  rates: Array<{ zone: Zone; baseFen: number; perKgFen: number; perKmFen: number }>;
  shipmentsPerDay: number;
  transitDays: number;
  baseUrl: string;
}

export interface SeedSupplier {
  supplierId: string;
  name: string;
  skus: string[];
  leadDays: number;
}

export interface LotReceipt {
  sku: string;
  lotId: string;
  quantity: number;
  producedOn: string;
  expiresOn: string;
  origin?: string;
}

export interface Receipt {
  reference: string;
  siteId: string;
  lots: LotReceipt[];
}
