import { compare } from './route';

/** What a courier lifts alone; a single heavier unit travels by itself. */
export const maximumParcelGrams = 20_000;

/** Units of one hold, with the weight of one of them. */
export interface PackedUnits {
  holdId: string;
  quantity: number;
  weightGrams: number;
}

export interface ParcelPlan {
  lots: { holdId: string; quantity: number }[];
  weightGrams: number;
}

/**
 * Packs units of one zone into parcels of at most 20 kg: heaviest units first, each into the first parcel with
 * room. Every unit is packed exactly once; a unit heavier than the limit gets a parcel of its own. The same units
 * give the same parcels, whatever their order.
 */
export function packParcels(units: PackedUnits[]): ParcelPlan[] {
  const parcels: ParcelPlan[] = [];
  const ordered = [...units].sort((a, b) => b.weightGrams - a.weightGrams || compare(a.holdId, b.holdId));
  for (const { holdId, quantity, weightGrams } of ordered) {
    let missing = quantity;
    for (const parcel of parcels) {
      if (missing === 0) break;
      missing -= put(parcel, holdId, Math.min(missing, room(parcel, weightGrams)), weightGrams);
    }
    while (missing > 0) {
      const parcel: ParcelPlan = { lots: [], weightGrams: 0 };
      parcels.push(parcel);
      missing -= put(parcel, holdId, Math.min(missing, Math.max(1, room(parcel, weightGrams))), weightGrams);
    }
  }
  return parcels;
}

function room(parcel: ParcelPlan, weightGrams: number): number {
  const free = maximumParcelGrams - parcel.weightGrams;
  if (free < 0) return 0;
  return weightGrams === 0 ? Number.MAX_SAFE_INTEGER : Math.floor(free / weightGrams);
}

function put(parcel: ParcelPlan, holdId: string, quantity: number, weightGrams: number): number {
  if (quantity === 0) return 0;
  parcel.lots.push({ holdId, quantity });
  parcel.weightGrams += quantity * weightGrams;
  return quantity;
}
