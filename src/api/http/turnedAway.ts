import type { Logger } from '../../log';
import type { Metrics } from './metrics';
import { Problem, type ProblemSlug } from './problem';
import { type Refusal, type RefusalReason, refusalReasons } from './refusal';

/** Why a call is answered before any work: by the limits, or because nobody has its key. */
export const turnedAway = [...refusalReasons, 'unknownKey', 'strangers'] as const;
export type TurnedAway = (typeof turnedAway)[number];

const meanings: Record<RefusalReason | 'strangers', { slug: ProblemSlug; detail: string }> = {
  keyRate: { slug: 'too-many-requests', detail: 'This key sends more than its rate allows.' },
  tenantRate: { slug: 'too-many-requests', detail: 'The tenant’s keys send more than its rate allows.' },
  fairShare: {
    slug: 'overloaded',
    detail: 'Others sell as well, and this tenant asks for more than its share.',
  },
  inFlight: { slug: 'overloaded', detail: 'Too many orders are under way.' },
  queueFull: { slug: 'overloaded', detail: 'Too many requests of the tenant wait.' },
  strangers: { slug: 'overloaded', detail: 'Too many keys that nobody knows are being looked up.' },
};

export type TurningAway = Omit<Refusal, 'reason'> & { reason: RefusalReason | 'strangers' };

/** The answer, with the seconds after which asking again has better prospects. */
export function problemOfRefusal({ reason, retryAfterSeconds }: TurningAway): Problem {
  const { slug, detail } = meanings[reason];
  return new Problem(
    slug,
    { detail: `${detail} Nothing was done; ask again after ${retryAfterSeconds} s.` },
    { 'Retry-After': String(retryAfterSeconds) },
  );
}

export interface TurnAwayNotes {
  note(reason: TurnedAway, tenant?: string): void;
}

const tellMs = 5_000;

/** Counts who is turned away and tells the log in sums: a line a call would cost more than the call. */
export function createTurnAwayNotes(log: Logger, metrics: Pick<Metrics, 'countRefused'>): TurnAwayNotes {
  const sums = new Map<string, { reason: TurnedAway; tenant?: string; calls: number }>();

  function tell(): void {
    for (const sum of sums.values()) log.warn(sum, 'turned away');
    sums.clear();
  }

  return {
    note(reason, tenant) {
      metrics.countRefused(reason);
      if (sums.size === 0) setTimeout(tell, tellMs).unref();
      const name = `${reason} ${tenant ?? ''}`;
      const sum = sums.get(name) ?? { reason, tenant, calls: 0 };
      sum.calls += 1;
      sums.set(name, sum);
    },
  };
}
