import { createFairShare } from './fairShare';
import { createRateMeter, type RateMeter } from './rateMeter';
import type { Refusal, RefusalReason } from './refusal';

/** What one process can bear; 0 is no limit. */
export interface PlaceSettings {
  /** Orders that may be under way at once. */
  ordersInFlight: number;
  /** How busy the process may be while several tenants sell, before those that ask for most are held back. */
  sharedBusyPercent: number;
}

export interface PlacesOptions {
  settings: PlaceSettings;
  /** Whether the tenant's queue behind us takes no more. */
  isQueueFull(tenant: string): boolean;
  now(): number;
  loopMilliseconds(): number;
}

/** The places for orders under way. */
export interface Places {
  /** An order of the tenant is at the door. */
  asked(tenant: string): void;
  /** Why there is no place for it at this moment. Takes nothing. */
  refusalOf(tenant: string): Refusal | null;
  take(tenant: string): void;
  /** An order that had a place has been answered, or its caller is gone. */
  leave(tenant: string): void;
  /** Orders under way by tenant. */
  inFlight(): TenantLoad[];
}

export interface TenantLoad {
  tenant: string;
  orders: number;
}

const longestRetrySeconds = 30;
const drainMemoryMs = 1_000;
const forgetMs = 60_000;
/**
 * A share is given out ten times a second and taken at once: orders that come together go into one batch, and between
 * the batches of a flood there is room. Let in evenly, each would have one of its own, for several times the work.
 */
const shareMs = 100;

interface Seat {
  inFlight: number;
  answered: RateMeter;
  /** Taken of the present share, and which one that is. */
  share: { number: number; taken: number };
  seenAt: number;
}

/**
 * Refuses an order when the tenant's queue is full, when too many are under way (a tenant has all places while it is
 * alone, else half of them), or when others sell as well and it is more than a fair share.
 */
export function createPlaces({ settings, isQueueFull, now, loopMilliseconds }: PlacesOptions): Places {
  const fairShare = createFairShare({ busyPercent: settings.sharedBusyPercent, now, loopMilliseconds });
  const seats = createSeats(now);
  let underWay = 0;

  function isCrowded(tenant: string, { inFlight }: Seat): boolean {
    if (settings.ordersInFlight === 0) return false;
    const most = fairShare.hasOthers(tenant) ? settings.ordersInFlight / 2 : settings.ordersInFlight;
    return underWay >= settings.ordersInFlight || inFlight >= most;
  }

  function shareOf(seat: Seat): Seat['share'] {
    const number = Math.floor(now() / shareMs);
    if (seat.share.number !== number) seat.share = { number, taken: 0 };
    return seat.share;
  }

  return {
    asked: fairShare.asked,
    refusalOf(tenant) {
      const seat = seats.of(tenant);
      const drainSeconds = () => seat.inFlight / Math.max(1, seat.answered.perSecond());
      if (isQueueFull(tenant)) return refuse('queueFull', drainSeconds());
      if (isCrowded(tenant, seat)) return refuse('inFlight', drainSeconds());
      const share = shareOf(seat);
      if (!fairShare.isAbove(tenant) || share.taken < (fairShare.level() * shareMs) / 1000) return null;
      return refuse('fairShare', fairShare.demandOf(tenant) / fairShare.level());
    },
    take(tenant) {
      const seat = seats.of(tenant);
      shareOf(seat).taken += 1;
      seat.inFlight += 1;
      underWay += 1;
      fairShare.admitted();
    },
    leave(tenant) {
      const seat = seats.of(tenant);
      seat.answered.happened();
      seat.inFlight -= 1;
      underWay -= 1;
    },
    inFlight: () => seats.occupied(),
  };
}

/** What is known of each tenant; one that has been still for a minute is forgotten. */
function createSeats(now: () => number) {
  const seats = new Map<string, Seat>();
  let sweptAt = now();

  function sweep(): void {
    if (now() - sweptAt < forgetMs) return;
    sweptAt = now();
    for (const [tenant, { seenAt, inFlight }] of seats) {
      if (inFlight === 0 && sweptAt - seenAt > forgetMs) seats.delete(tenant);
    }
  }

  return {
    of(tenant: string): Seat {
      sweep();
      const seat = seats.get(tenant) ?? {
        inFlight: 0,
        answered: createRateMeter({ memoryMs: drainMemoryMs, now }),
        share: { number: 0, taken: 0 },
        seenAt: 0,
      };
      seat.seenAt = now();
      seats.set(tenant, seat);
      return seat;
    },
    occupied: (): TenantLoad[] =>
      [...seats].flatMap(([tenant, { inFlight }]) => (inFlight > 0 ? [{ tenant, orders: inFlight }] : [])),
  };
}

function refuse(reason: RefusalReason, seconds: number): Refusal {
  return { reason, retryAfterSeconds: Math.min(longestRetrySeconds, Math.max(1, Math.ceil(seconds))) };
}
