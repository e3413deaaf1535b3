import { createRateMeter, type RateMeter } from './rateMeter';

/** Tells how many orders a second a tenant may hand in while others sell as well. */
export interface FairShare {
  /** A tenant asks; whether it is let in is decided elsewhere. */
  asked(tenant: string): void;
  /** An order was let in. */
  admitted(): void;
  /** Orders a second that one tenant may have at present; Infinity while there is enough for everybody. */
  level(): number;
  /** Whether a tenant asks for more than the level, as steadily as a crowd comes. */
  isAbove(tenant: string): boolean;
  /** How many orders a second a tenant asks for. */
  demandOf(tenant: string): number;
  /** Whether somebody else has asked within the last seconds. */
  hasOthers(tenant: string): boolean;
}

export interface FairShareOptions {
  /** How busy the event loop may be while several tenants sell, in percent; 0 leaves them all alone. */
  busyPercent: number;
  /** In milliseconds; never goes back. */
  now(): number;
  /** Milliseconds that the busiest event loop has worked so far, rather than waited. */
  loopMilliseconds(): number;
}

/** Of what the process does: a level follows it within half a second. */
const memoryMs = 300;
/** Of what a tenant asks for: a small one's crowd must not look like a flood for a moment. */
const demandMemoryMs = 1_000;
const tolerance = 1.25;
const lookMs = 100;
const presentMs = 3_000;
/** What each tenant may always have of one process, however busy that is for other reasons. */
const leastPerSecond = 50;

/**
 * Max-min fairness over what this process can do without keeping anybody waiting. An order costs the event loop time;
 * while that is busier than it should be with several tenants there, the orders it may take are shared out: whoever
 * asks for little gets all of it, and those who ask for most are held to one level. A tenant alone is never held back,
 * and neither is anybody when all ask for much.
 */
export function createFairShare({ busyPercent, now, loopMilliseconds }: FairShareOptions): FairShare {
  const askers = new Map<string, { rate: RateMeter; seenAt: number }>();
  const letIn = createRateMeter({ memoryMs, now });
  let level = Number.POSITIVE_INFINITY;
  let lookedAt = now();
  let workedMs = loopMilliseconds();
  let busy = 0;

  function look(): void {
    const instant = now();
    const elapsedMs = instant - lookedAt;
    if (elapsedMs < lookMs) return;
    const worked = loopMilliseconds();
    busy += (Math.min(1, (worked - workedMs) / elapsedMs) - busy) * (1 - Math.exp(-elapsedMs / memoryMs));
    lookedAt = instant;
    workedMs = worked;
    for (const [tenant, { seenAt }] of askers) {
      if (instant - seenAt > presentMs) askers.delete(tenant);
    }
    level = nextLevel();
  }

  function nextLevel(): number {
    if (busyPercent === 0 || busy === 0) return Number.POSITIVE_INFINITY;
    const demands = [...askers.values()].map(({ rate }) => rate.perSecond());
    const whole = letIn.perSecond() / busy;
    return Math.max(leastPerSecond, protectiveLevel(whole, { demands, mark: busyPercent / 100 }));
  }

  const demandOf = (tenant: string) => askers.get(tenant)?.rate.perSecond() ?? 0;

  return {
    asked(tenant) {
      look();
      const asker = askers.get(tenant) ?? {
        rate: createRateMeter({ memoryMs: demandMemoryMs, now }),
        seenAt: 0,
      };
      asker.rate.happened();
      asker.seenAt = now();
      askers.set(tenant, asker);
    },
    admitted: () => letIn.happened(),
    level: () => level,
    isAbove: (tenant) => demandOf(tenant) > level * tolerance,
    demandOf,
    hasOthers: (tenant) => askers.size > (askers.has(tenant) ? 1 : 0),
  };
}

/**
 * The level at which a process that could take `whole` orders a second is as busy as the mark allows. One that asks
 * for more is a flood, and the others are kept from feeling it; the more ask for more, the more it is a busy evening,
 * and the less is left idle. When everybody does, nobody is there to be protected: Infinity.
 */
export function protectiveLevel(
  whole: number,
  { demands, mark }: { demands: readonly number[]; mark: number },
): number {
  const level = levelOf(whole * mark, demands);
  const heavy = demands.filter((demand) => demand > level).length;
  if (heavy === 0 || heavy === demands.length) return Number.POSITIVE_INFINITY;
  return levelOf(whole * (1 - (1 - mark) / heavy), demands);
}

/**
 * The most that one may have when `capacity` is shared out: whoever asks for less gets what it asks for, and the
 * others get equal parts of the rest. Infinity when there is enough for all.
 */
export function levelOf(capacity: number, demands: readonly number[]): number {
  const sorted = [...demands].sort((a, b) => a - b);
  let rest = capacity;
  for (const [index, demand] of sorted.entries()) {
    const part = rest / (sorted.length - index);
    if (demand > part) return Math.max(0, part);
    rest -= demand;
  }
  return Number.POSITIVE_INFINITY;
}
