import { z } from 'zod';
import { networkCode } from './networkCode';
import { PartnerFault } from './partnerFault';
import { readRetryAfter } from './retryAfter';
import { sandboxHeaders } from './signature';

interface PartnerCall<Answer, Code extends string> {
  partner: string;
  operation: string;
  method: 'GET' | 'POST';
  baseUrl: string;
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

async function exchange(call: AnyCall): Promise<{ status: number; retryAfter: string | null; text: string }> {
  const rawBody = call.body === undefined ? '' : JSON.stringify(call.body);
  const signal = AbortSignal.timeout(call.timeoutMs);
  try {
    const response = await fetch(call.baseUrl.replace(/\/+$/, '') + call.path, {
      method: call.method,
      headers: {
        ...(call.body === undefined ? {} : { 'Content-Type': 'application/json' }),
        ...sandboxHeaders(call.secret, Math.floor(Date.now() / 1000), rawBody),
      },
      body: call.body === undefined ? undefined : rawBody,
      // A redirect would carry a signed body, with a buyer's address, to a place nobody configured.
      redirect: 'error',
      signal,
    });
    const text = await readLimited(response);
    if (text === undefined) throw fault(call, 'answered too much', response.status);
    return { status: response.status, retryAfter: response.headers.get('retry-after'), text };
  } catch (error) {
    if (error instanceof PartnerFault) throw error;
    if (signal.aborted) throw fault(call, `no answer within ${call.timeoutMs} ms`);
    throw fault(call, `could not be reached (${networkCode(error)})`);
  }
}

async function readLimited(response: Response): Promise<string | undefined> {
  if (response.body === null) return '';
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
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
