import { Agent, type RequestOptions as HttpRequestOptions, request as httpRequest } from 'node:http';
import { readRetryAfter } from '../../clients/retryAfter';

export interface Answer {
  status: number;
  body: unknown;
  /** How often the request had to be sent until somebody answered; 1 is the normal case. */
  attempts: number;
}

export interface RequestOptions {
  /** Sent as the bearer key. */
  key?: string;
  body?: unknown;
  headers?: Record<string, string>;
  patienceMs?: number;
}

export interface ApiClient {
  /**
   * Sends a request and, while nobody answers (connection refused or reset, time-out) or the answer is 429, 502, 503 or
   * 504, sends it again with growing pauses, or after `Retry-After`: every write of the contract is idempotent. Throws when patience is over.
   */
  send(method: string, path: string, options?: RequestOptions): Promise<Answer>;
  /** Requests sent again so far. */
  retries(): number;
  close(): void;
}

const attemptTimeoutMs = 15_000;
const longestPauseMs = 2_000;
const longestAskedMs = 30_000;
const defaultPatienceMs = 90_000;
const retriedStatuses = [429, 502, 503, 504];

/** A small HTTP/1.1 client with kept connections; the built-in fetch costs twice the processor time. */
export function createApiClient(baseUrl: string, maxSockets = 256): ApiClient {
  const agent = new Agent({ keepAlive: true, maxSockets, scheduling: 'lifo' });
  const base = new URL(baseUrl);
  let retries = 0;
  let closed = false;

  async function send(method: string, path: string, options: RequestOptions = {}): Promise<Answer> {
    const { key, body, patienceMs = defaultPatienceMs } = options;
    const payload = body === undefined ? undefined : JSON.stringify(body);
    const headers = {
      ...options.headers,
      ...(key === undefined ? {} : { Authorization: `Bearer ${key}` }),
      ...(payload === undefined
        ? {}
        : { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(payload) }),
    };
    const giveUpAt = Date.now() + patienceMs;
    for (let attempts = 1; ; attempts += 1) {
      const { answer, failure } = await requestOnce(
        { agent, host: base.hostname, port: base.port, method, path, headers },
        payload,
      ).then(
        (answered) => ({ answer: answered, failure: '' }),
        (error: Error) => ({ answer: undefined, failure: error.message }),
      );
      if (answer && !retriedStatuses.includes(answer.status)) {
        return { status: answer.status, body: answer.body, attempts };
      }
      const pauseMs = pauseBefore(attempts, answer?.retryAfterMs);
      if (closed || Date.now() + pauseMs > giveUpAt) {
        const reason = answer ? `status ${answer.status}` : failure;
        throw new Error(`${method} ${baseUrl}${path} got no answer in ${patienceMs / 1000} s (${reason})`);
      }
      retries += 1;
      await new Promise((resume) => setTimeout(resume, pauseMs));
    }
  }

  return {
    send,
    retries: () => retries,
    close() {
      closed = true;
      agent.destroy();
    },
  };
}

/** Growing pauses, or what the answer asks for, if that is longer. */
function pauseBefore(attempts: number, askedMs = 0): number {
  return Math.max(Math.min(longestPauseMs, 100 * 2 ** (attempts - 1)), Math.min(askedMs, longestAskedMs));
}

function requestOnce(options: HttpRequestOptions, payload: string | undefined) {
  return new Promise<{ status: number; body: unknown; retryAfterMs: number }>((resolve, reject) => {
    const request = httpRequest({ ...options, timeout: attemptTimeoutMs }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('aborted', () => reject(new Error('the answer broke off')));
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString('utf8');
        const seconds = readRetryAfter(response.headers['retry-after'] ?? null, Date.now());
        const retryAfterMs = (seconds ?? 0) * 1000;
        resolve({ status: response.statusCode ?? 0, body: parse(text), retryAfterMs });
      });
    });
    request.on('timeout', () => request.destroy(new Error('no answer in time')));
    request.on('error', reject);
    request.end(payload);
  });
}

function parse(text: string): unknown {
  if (text === '') return null;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** Runs `work` for every item, `width` at a time; the first failure rejects once the running ones have ended. */
export async function forEachAtOnce<T>(
  items: readonly T[],
  width: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const queue = [...items];
  const failures: unknown[] = [];
  async function lane(): Promise<void> {
    for (let item = queue.shift(); item !== undefined && failures.length === 0; item = queue.shift()) {
      await work(item).catch((error: unknown) => failures.push(error));
    }
  }
  await Promise.all(Array.from({ length: Math.min(width, items.length) }, lane));
  if (failures.length > 0) throw failures[0];
}

/** The last part of a problem's `type`; `http-<status>` where the body is no problem document. */
export function problemSlug(answer: { status: number; body: unknown }): string {
  const type = (answer.body as { type?: unknown } | null)?.type;
  if (typeof type !== 'string') return `http-${answer.status}`;
  return type.replace(/\/$/, '').split(/[/:#]/).at(-1) || `http-${answer.status}`;
}
