import type { QuoteAnswer, QuoteRequest } from '../../clients/carriers/sandboxWire';

interface Consignment {
  zone: QuoteRequest['zone'];
  weightGrams: number;
  from: { location?: { lat: number; lng: number } };
  to: { location?: { lat: number; lng: number } };
}

/** Fen; invented, in the order of what city couriers in China charge. */
const rates = {
  ambient: { baseFen: 600, perKgFen: 100, perKmFen: 2 },
  chilled: { baseFen: 1200, perKgFen: 200, perKmFen: 4 },
  frozen: { baseFen: 1500, perKgFen: 250, perKmFen: 5 },
  special: { baseFen: 2000, perKgFen: 300, perKmFen: 8 },
};
/** Where one end is not known. */
const assumedKm = 20;

/** What the sandbox carrier charges: base, begun kilograms and kilometres as the crow flies. */
export function priceConsignment({ zone, weightGrams, from, to }: Consignment): QuoteAnswer {
  const { baseFen, perKgFen, perKmFen } = rates[zone];
  const km = from.location && to.location ? greatCircleKm(from.location, to.location) : assumedKm;
  const costFen = baseFen + perKgFen * Math.ceil(weightGrams / 1000) + Math.round(perKmFen * km);
  return { costFen, transitDays: zone === 'special' ? 0 : km > 800 ? 2 : 1 };
}

type Point = { lat: number; lng: number };

/** Haversine on a sphere of 6,371 km. */
function greatCircleKm(from: Point, to: Point): number {
  const radians = Math.PI / 180;
  const byLat = Math.sin(((to.lat - from.lat) * radians) / 2) ** 2;
  const byLng = Math.sin(((to.lng - from.lng) * radians) / 2) ** 2;
  const share = byLat + Math.cos(from.lat * radians) * Math.cos(to.lat * radians) * byLng;
  return 2 * 6371 * Math.asin(Math.min(1, Math.sqrt(share)));
}
