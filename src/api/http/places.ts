import { createFairShare, type FairShare } from './fairShare';
import { createRateMeter, type RateMeter } from './rateMeter';
import type { Refusal, RefusalReason } from './refusal';
import { createTokenBucket, type TokenBucket } from './tokenBucket';

/** What one process can bear; 0 is no limit. */
export interface PlaceSettings {
  /** Orders that may be under way at once. */
  ordersInFlight: number;
  /** How busy the process may be while several tenants sell, before those that ask for most are held back. */
  sharedBusyPercent: number;
}

export interface PlacesOptions {
  settings: PlaceSettings;
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
/** Of a share: small, so that what is let in of a flood comes evenly, and nobody waits behind a heap of it. */
const shareBurstSeconds = 0.02;
const leastShareBurst = 2;

interface Seat {
  inFlight: number;
  answered: RateMeter;
  share: TokenBucket;
  seenAt: number;
}

/**
 * Refuses an order when too many are under way (a tenant has all places while it is
 * alone, else half of them), or when others sell as well and it is more than a fair share.
 */
export function createPlaces({ settings, now, loopMilliseconds }: PlacesOptions): Places {
  const fairShare = createFairShare({ busyPercent: settings.sharedBusyPercent, now, loopMilliseconds });
  const seats = createSeats(now);
  let underWay = 0;

  function isCrowded(tenant: string, { inFlight }: Seat): boolean {
    if (settings.ordersInFlight === 0) return false;
    const most = fairShare.hasOthers(tenant) ? settings.ordersInFlight / 2 : settings.ordersInFlight;
    return underWay >= settings.ordersInFlight || inFlight >= most;
  }

  return {
    asked: fairShare.asked,
    refusalOf(tenant) {
      const seat = seats.of(tenant);
      const drainSeconds = () => seat.inFlight / Math.max(1, seat.answered.perSecond());
      if (isCrowded(tenant, seat)) return refuse('inFlight', drainSeconds());
      if (!fairShare.isAbove(tenant) || hasShare(seat, fairShare)) return null;
      return refuse('fairShare', fairShare.demandOf(tenant) / fairShare.level());
    },
    take(tenant) {
      const seat = seats.of(tenant);
      if (fairShare.isAbove(tenant)) seat.share.take();
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
        share: createTokenBucket({ perSecond: 0, burst: leastShareBurst }, now),
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

function hasShare({ share }: Seat, fairShare: FairShare): boolean {
  const perSecond = fairShare.level();
  share.setPace({ perSecond, burst: Math.max(leastShareBurst, perSecond * shareBurstSeconds) });
  return share.has();
}

function refuse(reason: RefusalReason, seconds: number): Refusal {
  return { reason, retryAfterSeconds: Math.min(longestRetrySeconds, Math.max(1, Math.ceil(seconds))) };
}
