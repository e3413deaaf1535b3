import { ApplicationFailure } from '@temporalio/common';
import { PartnerFault } from '../clients/partnerFault';
import { isUnavailable } from '../db/transaction';

/** Type of the failure that no retry can mend; workflows know it by this name. */
export type BrokenInvariantType = 'BrokenInvariant';
const brokenInvariantType: BrokenInvariantType = 'BrokenInvariant';

type Activity = (input: never) => Promise<unknown>;

/**
 * Wraps activities so that what they throw is fit for Temporal, where failures are shown in the Web UI and never
 * encrypted: a broken invariant is not retried, everything else is; messages are ours, and drivers' details,
 * which quote rows, stay behind.
 */
export function reportingFaults<Activities extends { [Name in keyof Activities]: Activity }>(
  activities: Activities,
): Activities {
  const wrapped = Object.entries<Activity>(activities).map(([name, activity]) => [
    name,
    async (input: never) => {
      try {
        return await activity(input);
      } catch (error) {
        throw asFailure(error);
      }
    },
  ]);
  return Object.fromEntries(wrapped) as Activities;
}

export function asFailure(error: unknown): ApplicationFailure {
  if (error instanceof ApplicationFailure) return error;
  if (error instanceof PartnerFault) {
    const { retryAfterSeconds } = error;
    return ApplicationFailure.create({
      message: error.message,
      type: 'PartnerFault',
      ...(retryAfterSeconds === undefined ? {} : { nextRetryDelay: Math.min(retryAfterSeconds, 600) * 1000 }),
    });
  }
  if (isUnavailable(error)) {
    return ApplicationFailure.create({ message: 'the database is not there', type: 'DatabaseUnavailable' });
  }
  const message = error instanceof Error ? error.message : 'something that is no error was thrown';
  return ApplicationFailure.create({
    message,
    type: isBrokenInvariant(error) ? brokenInvariantType : 'Fault',
    nonRetryable: isBrokenInvariant(error),
  });
}

/** Ours begin with the invariant's number; class 23 is PostgreSQL refusing a row that would break one. */
function isBrokenInvariant(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const code = 'code' in error ? String(error.code) : '';
  return /^I\d+ /.test(error.message) || /^23\d{3}$/.test(code);
}
