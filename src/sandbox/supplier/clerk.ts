import type { SandboxLogger } from '../logger';
import type { Answered, PendingAnswer } from './book';
import type { Account, AnswerLine } from './wire';

/** Who answers forecasts over the brand's API, in its own time. */
export interface Clerk {
  take(pending: PendingAnswer): void;
  close(): void;
}

export interface ClerkOptions {
  accountOf(accountId: string): Account | undefined;
  /** Writes down what an attempt came to. */
  onAnswered(answered: Answered): void;
  logger: SandboxLogger;
}

/** Attempts wait 0.25 s, 0.5 s, 1 s … up to 30 s; 20 of them last about seven minutes. */
const firstWaitMs = 250;
const longestWaitMs = 30_000;
const attempts = 20;
const attemptTimeoutMs = 10_000;
/** Fewer than fill the API's body limit. */
const linesAtOnce = 1000;

/** Answers until the API has taken or refused it; what was not settled when the process was killed is taken up again. */
export function createClerk({ accountOf, onAnswered, logger }: ClerkOptions): Clerk {
  const timers = new Set<NodeJS.Timeout>();
  const stop = new AbortController();

  function later(waitMs: number, work: () => Promise<void>): void {
    if (stop.signal.aborted) return;
    const timer = setTimeout(() => {
      timers.delete(timer);
      void work();
    }, waitMs);
    timers.add(timer);
  }

  async function answer(pending: PendingAnswer, attempt: number): Promise<void> {
    const { accountId, forecastId, policy, lines } = pending;
    const account = accountOf(accountId);
    const status = account ? await sayAll(account, { forecastId, lines, stop: stop.signal }) : null;
    if (stop.signal.aborted) return;
    const settled = isSettled(status) || attempt >= attempts;
    const again = settled && policy === 'twice';
    const said = { accountId, forecastId, policy, at: Date.now(), status, lines: lines.length };
    onAnswered({ ...said, ended: settled && !again });
    if (again) return later(firstWaitMs, () => answer({ ...pending, policy: 'confirm' }, attempts));
    if (!settled)
      later(Math.min(longestWaitMs, firstWaitMs * 2 ** (attempt - 1)), () => answer(pending, attempt + 1));
    else if (!isTaken(status)) logger.warn({ accountId, forecastId, status }, 'a forecast stays unanswered');
  }

  return {
    take: (pending) => later(Math.max(0, pending.dueAt - Date.now()), () => answer(pending, 1)),
    close() {
      stop.abort();
      for (const timer of timers) clearTimeout(timer);
    },
  };
}

function isTaken(status: number | null): boolean {
  return status !== null && status >= 200 && status < 300;
}

/** Taken, or refused in a way that asking again does not mend. */
function isSettled(status: number | null): boolean {
  return isTaken(status) || (status !== null && status >= 400 && status < 500 && status !== 429);
}

/** All lines in as many bodies as they need; the first status that is no success ends it. */
async function sayAll(
  { apiUrl, key }: Account,
  { forecastId, lines, stop }: { forecastId: string; lines: AnswerLine[]; stop: AbortSignal },
): Promise<number | null> {
  let status: number | null = null;
  for (let start = 0; start < lines.length; start += linesAtOnce) {
    status = await say(`${apiUrl}/v1/supplier-forecasts/${forecastId}/answer`, {
      key,
      body: { lines: lines.slice(start, start + linesAtOnce) },
      stop,
    });
    if (!isTaken(status)) return status;
  }
  return status ?? 200;
}

async function say(
  url: string,
  { key, body, stop }: { key: string; body: object; stop: AbortSignal },
): Promise<number | null> {
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${key}` },
      body: JSON.stringify(body),
      redirect: 'error',
      signal: AbortSignal.any([stop, AbortSignal.timeout(attemptTimeoutMs)]),
    });
    await response.arrayBuffer();
    return response.status;
  } catch {
    return null;
  }
}
