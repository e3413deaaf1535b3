import { setTimeout as sleep } from 'node:timers/promises';
import { isUnavailable } from '../db/transaction';
import type { Logger } from '../log';

/** One round of a loop. `more` has the next one follow at once. */
export type Round = (stop: AbortSignal) => Promise<'more' | 'idle'>;

export interface LoopOptions {
  name: string;
  /** Between two rounds that found nothing to do. */
  everyMs: number;
  round: Round;
  logger: Logger;
  watch?: LoopWatch;
}

export interface LoopWatch {
  /** Told after each round whether it came to its end. */
  onRound(loop: string, good: boolean): void;
}

export interface Loop {
  /** Ends after the round that is running; answers when it has. */
  close(): Promise<void>;
}

const longestPauseMs = 5000;
const failuresBeforeError = 5;

/**
 * Runs rounds until closed. A round that fails is logged and followed after a while that doubles up to 5 s; rounds
 * are such that failing at any point, or not at all happening, loses nothing.
 */
export function startLoop({ name, everyMs, round, logger, watch }: LoopOptions): Loop {
  const stop = new AbortController();
  const pause = (milliseconds: number) =>
    sleep(milliseconds, undefined, { signal: stop.signal }).catch(() => undefined);
  const ended = (async () => {
    let failures = 0;
    while (!stop.signal.aborted) {
      try {
        const found = await round(stop.signal);
        watch?.onRound(name, true);
        if (failures > 0) logger.info({ loop: name, failures }, 'the loop works again');
        failures = 0;
        if (found === 'idle') await pause(everyMs);
      } catch (err) {
        failures += 1;
        watch?.onRound(name, false);
        report(logger, { name, err, failures });
        await pause(Math.min(everyMs * 2 ** Math.min(failures, 10), longestPauseMs));
      }
    }
  })();
  return {
    async close() {
      stop.abort();
      await ended;
    },
  };
}

/** An outage is one line when it begins and one a minute; a fault of ours is an error each time. */
function report(
  logger: Logger,
  { name, err, failures }: { name: string; err: unknown; failures: number },
): void {
  const away = isUnavailable(err) || isTemporalAway(err);
  if (!away) logger.error({ loop: name, err, failures }, 'a round of the loop failed');
  else if (failures === 1 || failures % 12 === failuresBeforeError) {
    logger.warn({ loop: name, err, failures }, 'the loop waits for a server that is away');
  }
}

const grpcUnavailable = 14;
const grpcDeadlineExceeded = 4;
const grpcCancelled = 1;

/** Temporal did not answer, or not in time. */
export function isTemporalAway(error: unknown): boolean {
  return [grpcUnavailable, grpcDeadlineExceeded, grpcCancelled].includes(grpcCodeOf(error));
}

const grpcResourceExhausted = 8;

/** Temporal asks us to slow down. */
export function isOverloaded(error: unknown): boolean {
  return grpcCodeOf(error) === grpcResourceExhausted;
}

/** The gRPC status, on the error or on its cause: the client wraps some. -1 when there is none. */
function grpcCodeOf(error: unknown): number {
  for (let at: unknown = error, depth = 0; at instanceof Error && depth < 4; at = at.cause, depth += 1) {
    if ('code' in at && typeof at.code === 'number') return at.code;
  }
  return -1;
}
