import { ActivityFailure, ApplicationFailure, isCancellation } from '@temporalio/workflow';
import type { BrokenInvariantType } from '../../activities/faults';

/** No retry can mend it: the order is parked for a person. */
const brokenInvariantType: BrokenInvariantType = 'BrokenInvariant';

function causeOf(error: unknown): unknown {
  return error instanceof ActivityFailure ? error.cause : error;
}

export function isBrokenInvariant(error: unknown): boolean {
  const cause = causeOf(error);
  return cause instanceof ApplicationFailure && cause.type === brokenInvariantType;
}

/** What a failed activity said, in our own words: activities never let a partner's words through. */
export function problemOf(error: unknown): string {
  const cause = causeOf(error);
  return cause instanceof Error ? cause.message : 'unknown';
}

/** An activity that has no try left. Everything else (a bug, a cancellation) is not for us to handle. */
export function hasGivenUp(error: unknown): boolean {
  return error instanceof ActivityFailure && !isCancellation(error);
}
