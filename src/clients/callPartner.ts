import { type IncomingMessage, request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { z } from 'zod';
import { networkCode } from './networkCode';
import { PartnerFault } from './partnerFault';
import { AddressRefused, type Reach, reachAnywhere } from './reach';
import { readRetryAfter } from './retryAfter';
import { sandboxHeaders } from './signature';

interface PartnerCall<Answer, Code extends string> {
  partner: string;
  operation: string;
  method: 'GET' | 'POST';
  baseUrl: string;
  /** Where `baseUrl` may lead; without, it is the installation's own and may be anywhere. */
  reach?: Reach;
  /** Below the base, beginning with a slash, its parts already encoded. */
  path: string;
  body?: unknown;
  secret: string;
  timeoutMs: number;
  answer: z.ZodType<Answer>;
  /** The refusals this partner is known to give; an error with any other code is a fault. */
  refusals: z.ZodType<Code>;
}

export type PartnerAnswer<Answer, Code extends string> =
  | { kind: 'answered'; value: Answer }
  | { kind: 'refused'; code: Code };

/** More than any answer of ours needs; a partner that streams for ever is cut off. */
const answerBytesLimit = 1_000_000;
const refusingStatuses = new Set([402, 404, 409, 422]);

/**
 * One signed request to a partner, one attempt: repeating is the caller's business (an activity's retry policy).
 * Answers what the schema let through or the partner's refusal; throws PartnerFault for everything else.
 */
export async function callPartner<Answer, Code extends string>(
  call: PartnerCall<Answer, Code>,
): Promise<PartnerAnswer<Answer, Code>> {
  const { status, retryAfter, text } = await exchange(call);
  if (status >= 200 && status < 300) {
    const parsed = call.answer.safeParse(parseJson(text));
    if (parsed.success) return { kind: 'answered', value: parsed.data };
    throw fault(call, `answered ${status} with a body that is not what was agreed`, status);
  }
  if (refusingStatuses.has(status)) {
    const refusal = z.object({ code: call.refusals }).safeParse(parseJson(text));
    if (refusal.success) return { kind: 'refused', code: refusal.data.code };
  }
  throw new PartnerFault({
    partner: call.partner,
    operation: call.operation,
    problem: `answered ${status}`,
    status,
    retryAfterSeconds: readRetryAfter(retryAfter, Date.now()),
  });
}

type AnyCall = PartnerCall<unknown, string>;

/** Kept connections, and not the built-in fetch, which costs twice the processor time: a show books thousands. */
const anywhere = reachAnywhere();

async function exchange(call: AnyCall): Promise<{ status: number; retryAfter: string | null; text: string }> {
  const refusal = (call.reach ?? anywhere).whyNot(call.baseUrl);
  if (refusal !== null) throw fault(call, `not called: ${refusal}`);
  const signal = AbortSignal.timeout(call.timeoutMs);
  try {
    const response = await send(call, signal);
    const status = response.statusCode ?? 0;
    const text = await readLimited(response);
    if (text === undefined) throw fault(call, 'answered too much', status);
    return { status, retryAfter: response.headers['retry-after'] ?? null, text };
  } catch (error) {
    if (error instanceof PartnerFault) throw error;
    if (error instanceof AddressRefused) throw fault(call, error.problem);
    if (signal.aborted) throw fault(call, `no answer within ${call.timeoutMs} ms`);
    throw fault(call, `could not be reached (${networkCode(error)})`);
  }
}

/**
 * A redirect is an answer like any other, and not followed: it would carry a signed body, with a buyer's address, to
 * a place nobody configured.
 */
function send(call: AnyCall, signal: AbortSignal): Promise<IncomingMessage> {
  const rawBody = call.body === undefined ? '' : JSON.stringify(call.body);
  const url = new URL(call.baseUrl.replace(/\/+$/, '') + call.path);
  const secure = url.protocol === 'https:';
  const { agents } = call.reach ?? anywhere;
  const request = secure ? httpsRequest : httpRequest;
  const headers = {
    ...(call.body === undefined ? {} : { 'Content-Type': 'application/json' }),
    'Content-Length': Buffer.byteLength(rawBody),
    ...sandboxHeaders(call.secret, Math.floor(Date.now() / 1000), rawBody),
  };
  return new Promise((resolve, reject) => {
    request(url, { method: call.method, headers, signal, agent: secure ? agents.https : agents.http })
      .once('response', resolve)
      .once('error', reject)
      .end(rawBody);
  });
}

async function readLimited(response: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    size += chunk.byteLength;
    if (size > answerBytesLimit) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** Not JSON reads as undefined, which no schema accepts: the parser's own message would quote the body. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function fault(call: AnyCall, problem: string, status?: number): PartnerFault {
  return new PartnerFault({ partner: call.partner, operation: call.operation, problem, status });
}
