import { hasGivenUp } from '../order/failures';

/** The things that a scheduled run has to do, by name: those to come, and those that could not be done. */
export interface Round {
  waiting: string[];
  failed: string[];
}

/** Few enough to leave connections to orders; one thing that cannot be done holds up one lane only. */
const lanes = 4;

/**
 * Does everything that waits, a few at a time and each by activities of its own. What has no try left does not stop
 * the others and is noted as failed; `show` is called after each, for the run's page.
 */
export async function workThrough(
  round: Round,
  { work, show }: { work(name: string): Promise<void>; show(): void },
): Promise<void> {
  const lane = async () => {
    for (let name = round.waiting.shift(); name !== undefined; name = round.waiting.shift()) {
      try {
        await work(name);
      } catch (error) {
        if (!hasGivenUp(error)) throw error;
        round.failed.push(name);
      }
      show();
    }
  };
  await Promise.all(Array.from({ length: lanes }, lane));
}
