import { type ClientRequest, type IncomingMessage, request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { LookupFunction } from 'node:net';
import { networkCode } from '../networkCode';
import { type AddressRule, whyNotCall } from '../publicAddress';
import { AddressRefused, lookupChecked, type Resolve } from '../reach';
import { readRetryAfter } from '../retryAfter';
import { cloudEventType } from './eventWire';
import { webhookHeaders } from './signature';

/** How one attempt ended. `problem` is in our own words: what the receiver said is not kept. */
export type WebhookOutcome = { durationMs: number } & (
  | { kind: 'delivered'; status: number }
  /** 410: the receiver asks not to be told any more. */
  | { kind: 'gone'; status: number; problem: string }
  | { kind: 'failed'; status?: number; problem: string; retryAfterSeconds?: number }
);

export interface WebhookMessage {
  url: string;
  /** At most two live ones; each signs. */
  secrets: readonly string[];
  webhookId: string;
  rawBody: string;
}

export interface WebhookSender {
  /** One POST, one attempt. Never throws for what the receiver or the network does. */
  send(message: WebhookMessage): Promise<WebhookOutcome>;
}

export interface WebhookSenderNeeds extends AddressRule {
  /** For the whole of one attempt: name, connection, TLS, request and answer. */
  timeoutMs?: number;
  resolve?: Resolve;
}

const defaultTimeoutMs = 15_000;
const bodyBytesLimit = 4 * 1024 * 1024;
/** The answer's body is of no interest; what is longer is cut off. */
const answerBytesLimit = 64 * 1024;

/**
 * Sends to URLs that tenants gave. The address is judged where it counts, in the connection's own name look-up;
 * redirects are answers, not orders.
 */
export function createWebhookSender(needs: WebhookSenderNeeds): WebhookSender {
  const { timeoutMs = defaultTimeoutMs, resolve, loopbackAllowed } = needs;
  const rule = { loopbackAllowed };
  const lookup = lookupChecked(rule, resolve);
  return {
    async send(message) {
      const startedMs = performance.now();
      const since = () => Math.round(performance.now() - startedMs);
      const refusal = whyNotCall(message.url, rule);
      if (refusal !== null) return { kind: 'failed', problem: `not called: ${refusal}`, durationMs: since() };
      if (Buffer.byteLength(message.rawBody) > bodyBytesLimit) {
        return { kind: 'failed', problem: 'not sent: larger than 4 MiB', durationMs: since() };
      }
      const signal = AbortSignal.timeout(timeoutMs);
      try {
        const { statusCode = 0, headers } = await post(message, { lookup, signal });
        return { ...judge(statusCode, headers['retry-after']), durationMs: since() };
      } catch (error) {
        const problem = signal.aborted ? `no answer within ${timeoutMs} ms` : problemOf(error);
        return { kind: 'failed', problem, durationMs: since() };
      }
    },
  };
}

interface Posting {
  lookup: LookupFunction;
  signal: AbortSignal;
}

function post(
  { url, secrets, webhookId, rawBody }: WebhookMessage,
  { lookup, signal }: Posting,
): Promise<IncomingMessage> {
  const request = url.startsWith('https:') ? httpsRequest : httpRequest;
  return new Promise((done, failed) => {
    const sent: ClientRequest = request(url, {
      method: 'POST',
      // a connection of its own for each attempt: none is used that was not checked
      agent: false,
      lookup,
      signal,
      headers: {
        'Content-Type': `${cloudEventType}; charset=utf-8`,
        'Content-Length': Buffer.byteLength(rawBody),
        'User-Agent': 'Xianda-Webhooks/1',
        ...webhookHeaders(secrets, {
          webhookId,
          timestampSeconds: Math.floor(Date.now() / 1000),
          rawBody,
        }),
      },
    });
    let answered: IncomingMessage | undefined;
    // the status is the answer: a body that breaks off or drips changes nothing
    const end = (error: unknown) => (answered === undefined ? failed(error) : done(answered));
    sent.on('error', end);
    sent.on('response', (answer) => {
      answered = answer;
      drain(answer).then(end, end);
    });
    sent.end(rawBody);
  });
}

/** Reads the answer to its end, so that the receiver can finish; a long one is cut off without harm. */
async function drain(answer: IncomingMessage): Promise<void> {
  let size = 0;
  for await (const chunk of answer as AsyncIterable<Uint8Array>) {
    size += chunk.byteLength;
    if (size > answerBytesLimit) break;
  }
  answer.destroy();
}

function judge(status: number, retryAfter: string | undefined) {
  if (status >= 200 && status < 300) return { kind: 'delivered', status } as const;
  if (status === 410) return { kind: 'gone', status, problem: 'answered 410, gone' } as const;
  const redirected = status >= 300 && status < 400;
  return {
    kind: 'failed',
    status,
    problem: redirected ? `answered ${status}, and redirects are not followed` : `answered ${status}`,
    retryAfterSeconds: readRetryAfter(retryAfter ?? null, Date.now()),
  } as const;
}

function problemOf(error: unknown): string {
  if (error instanceof AddressRefused) return error.problem;
  return `could not be reached (${networkCode(error)})`;
}
