import createFetchClient, { type Client } from 'openapi-fetch';
import type { paths } from './api';

/** Every route of the API with its parameters, body and answers, as `/openapi.json` describes them. */
export type Xianda = Client<paths>;

export interface XiandaOptions {
  /** Such as `https://xianda.example`, without `/v1`. */
  baseUrl: string;
  /** A bearer key; routes that need none may be called without. */
  key?: string;
  /** How long a request is sent again while nobody answers, or the answer is 429, 502, 503 or 504. */
  patienceMs?: number;
  /** Hears of every request that is sent again. */
  onRetry?: () => void;
}

const attemptTimeoutMs = 15_000;
const firstPauseMs = 100;
const longestPauseMs = 2_000;
const longestAskedMs = 30_000;
const defaultPatienceMs = 90_000;
const retriedStatuses = [429, 502, 503, 504];

/**
 * A client of the API whose types are generated from the very schemas that check requests. Every write of the API is
 * idempotent, so a request that got no answer is simply sent again, with growing pauses or after `Retry-After`, until
 * patience is over; then the call throws. Refusals are not thrown: they are the `error` beside `data`.
 */
export function createXianda({
  baseUrl,
  key,
  patienceMs = defaultPatienceMs,
  onRetry,
}: XiandaOptions): Xianda {
  return createFetchClient<paths>({
    baseUrl: baseUrl.replace(/\/+$/, ''),
    headers: key === undefined ? {} : { Authorization: `Bearer ${key}` },
    fetch: (request) => fetchPatiently(request, { patienceMs, onRetry }),
  });
}

async function fetchPatiently(
  request: Request,
  { patienceMs, onRetry }: { patienceMs: number; onRetry?: () => void },
): Promise<Response> {
  const giveUpAt = Date.now() + patienceMs;
  for (let attempt = 0; ; attempt += 1) {
    const { answer, failure } = await tryOnce(request);
    if (answer && !retriedStatuses.includes(answer.status)) return answer;
    request.signal.throwIfAborted();
    const pauseMs = pauseBefore(attempt, answer?.headers.get('retry-after'));
    if (Date.now() + pauseMs > giveUpAt) {
      const cause = answer ? `status ${answer.status}` : failure;
      throw new Error(`${request.method} ${request.url} got no answer in ${patienceMs / 1000} s`, { cause });
    }
    await answer?.body?.cancel();
    await new Promise((resume) => setTimeout(resume, pauseMs));
    onRetry?.();
  }
}

/** A request's body can be read once only, so that each attempt sends a copy. */
async function tryOnce(request: Request): Promise<{ answer?: Response; failure?: unknown }> {
  const signal = AbortSignal.any([request.signal, AbortSignal.timeout(attemptTimeoutMs)]);
  return fetch(request.clone(), { signal }).then(
    (answer) => ({ answer }),
    (failure: unknown) => ({ failure }),
  );
}

function pauseBefore(attempt: number, retryAfter: string | null | undefined): number {
  const pauseMs = Math.min(longestPauseMs, firstPauseMs * 2 ** attempt);
  const askedMs = Number(retryAfter ?? 0) * 1000;
  return askedMs > pauseMs ? Math.min(askedMs, longestAskedMs) : pauseMs;
}

/** A refusal (problem+json) that the caller did not expect. */
export class XiandaProblem extends Error {
  override name = 'XiandaProblem';

  constructor(
    readonly status: number,
    /** The stable end of the problem's `type`: `sold-out`, `not-found` …; `http-<status>` where the body is no problem. */
    readonly slug: string,
    message: string,
  ) {
    super(message);
  }
}

/** The slug of a refusal, to branch on. */
export function slugOf({ error, response }: { error?: unknown; response: Response }): string {
  const type = (error as { type?: unknown } | undefined)?.type;
  return (typeof type === 'string' && type.split(/[/:#]/).at(-1)) || `http-${response.status}`;
}

/** The data of an answer that must have come; a refusal is thrown as `XiandaProblem`. */
export async function expectData<Data>(
  call: Promise<{ data?: Data; error?: unknown; response: Response }>,
): Promise<Data> {
  const answer = await call;
  if (answer.response.ok) return answer.data as Data;
  const { status, url } = answer.response;
  const { detail, errors } = (answer.error ?? {}) as { detail?: string; errors?: unknown };
  const paths = errors === undefined ? '' : ` ${JSON.stringify(errors).slice(0, 400)}`;
  throw new XiandaProblem(
    status,
    slugOf(answer),
    `${url} was refused with ${status}: ${detail ?? ''}${paths}`,
  );
}
