import type { Location } from './model';

const earthRadiusKm = 6371.0088;

/** Great-circle kilometres (haversine); roads are longer, but the order of near and far is the same. */
export function distanceKm(from: Location, to: Location): number {
  const radians = Math.PI / 180;
  const dLat = (to.lat - from.lat) * radians;
  const dLng = (to.lng - from.lng) * radians;
  const h =
    Math.sin(dLat / 2) ** 2 +
    Math.cos(from.lat * radians) * Math.cos(to.lat * radians) * Math.sin(dLng / 2) ** 2;
  return 2 * earthRadiusKm * Math.asin(Math.min(1, Math.sqrt(h)));
}

/** The place nearest to a location; ties go to the earlier one in the list. Null for an empty list. */
export function nearest<T extends { location: Location }>(places: readonly T[], to: Location): T | null {
  let best: T | null = null;
  let bestKm = Number.POSITIVE_INFINITY;
  for (const place of places) {
    const km = distanceKm(place.location, to);
    if (km < bestKm) {
      best = place;
      bestKm = km;
    }
  }
  return best;
}
