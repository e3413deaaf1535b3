import type { Response } from 'express';

/** Every error the API answers with: the last part of `type` → status and title. The only table of statuses. */
export const problems = {
  'invalid-request': { status: 400, title: 'The request is not valid' },
  unauthorized: { status: 401, title: 'A valid key or signature is needed' },
  forbidden: { status: 403, title: 'This key has no right to do that' },
  'not-found': { status: 404, title: 'There is no such thing' },
  'method-not-allowed': { status: 405, title: 'This path knows other methods' },
  'too-large': { status: 413, title: 'The body is too large' },
  'unsupported-media-type': { status: 415, title: 'Send application/json in UTF-8, not compressed' },
  'idempotency-conflict': { status: 409, title: 'The same key came with another body' },
  'in-use': { status: 409, title: 'It is in use and cannot change that way' },
  'sold-out': { status: 409, title: 'Sold out' },
  'quota-exhausted': { status: 409, title: 'The presale quota is exhausted' },
  'unpaid-limit': { status: 409, title: 'The buyer holds as much as may be held unpaid' },
  'lot-mismatch': { status: 409, title: 'The lot is known with other dates or another origin' },
  'transaction-used': { status: 409, title: 'The transaction already pays another order' },
  'already-resolved': { status: 409, title: 'It was resolved before' },
  'already-answered': { status: 409, title: 'It was answered the other way' },
  'offer-ended': { status: 409, title: 'The offer stands no more' },
  'action-not-allowed': { status: 409, title: 'That action is not open here' },
  'answer-too-late': { status: 409, title: 'The day has begun: the word for it stands' },
  'day-not-over': { status: 422, title: 'The day is not over yet' },
  'not-in-charset': { status: 422, title: 'That charset cannot write it' },
  'unknown-sku': { status: 422, title: 'Unknown SKU' },
  'unknown-reference': { status: 422, title: 'It names something that does not exist' },
  'bundle-in-bundle': { status: 422, title: 'A bundle cannot contain a bundle' },
  'bundle-has-no-stock': { status: 422, title: 'A bundle has no stock of its own' },
  'wrong-zone': { status: 422, title: 'The site does not have that temperature zone' },
  'campaign-mismatch': { status: 422, title: 'The presale campaign sells something else' },
  'purchase-limit': { status: 422, title: 'The purchase limit is reached' },
  'no-route': { status: 422, title: 'Nobody may carry that zone there' },
  'past-cutoff': { status: 422, title: 'The cutoff for that window has passed' },
  'unknown-region': { status: 422, title: 'The buyer’s region cannot be told' },
  'too-many-requests': { status: 429, title: 'Too many requests of this key or tenant' },
  overloaded: { status: 503, title: 'Too much at once: nothing was done, try again later' },
  unavailable: { status: 503, title: 'Try again shortly' },
  'internal-error': { status: 500, title: 'Something is broken on our side' },
} as const satisfies Record<string, { status: number; title: string }>;

export type ProblemSlug = keyof typeof problems;

export interface FieldError {
  /** Where in the body, query or path: `lines.0.quantity`. Empty for the whole of it. */
  path: string;
  expected: string;
  received: string;
}

export interface ProblemExtras {
  detail?: string;
  errors?: FieldError[];
  [field: string]: unknown;
}

/** Thrown anywhere under a route to answer with a problem document. */
export class Problem extends Error {
  constructor(
    readonly slug: ProblemSlug,
    readonly extras: ProblemExtras = {},
    readonly headers: Record<string, string> = {},
  ) {
    // an answer like any other, given by the ten thousand: where it was thrown is nobody's question
    const kept = Error.stackTraceLimit;
    Error.stackTraceLimit = 0;
    super(`${slug}${extras.detail === undefined ? '' : `: ${extras.detail}`}`);
    Error.stackTraceLimit = kept;
  }
}

/** A 422 or 409 about one field: names its path the way a 400 does. */
export function refuseField(slug: ProblemSlug, error: FieldError): never {
  throw new Problem(slug, { detail: `${error.path}: expected ${error.expected}`, errors: [error] });
}

export function invalid(errors: FieldError[]): Problem {
  const first = errors[0];
  const detail = first
    ? `${first.path || 'the request'}: expected ${first.expected}, received ${first.received}`
    : undefined;
  return new Problem('invalid-request', { detail, errors });
}

/** Nothing was done; whoever waits that long and asks again has better prospects. */
export function overloaded(retryAfterSeconds: number): Problem {
  return new Problem(
    'overloaded',
    { detail: `Ask again after ${retryAfterSeconds} s.` },
    { 'Retry-After': String(retryAfterSeconds) },
  );
}

export function problemType(slug: ProblemSlug): string {
  return `urn:xianda:problem:${slug}`;
}

export function sendProblem(response: Response, problem: Problem): void {
  const { status } = problems[problem.slug];
  if (problem.slug === 'unavailable') response.setHeader('Retry-After', '1');
  if (problem.slug === 'unauthorized') response.setHeader('WWW-Authenticate', 'Bearer');
  for (const [name, value] of Object.entries(problem.headers)) response.setHeader(name, value);
  response.status(status).type(problemMediaType).send(problemBody(problem));
}

export const problemMediaType = 'application/problem+json';

export function problemBody({ slug, extras }: Problem): string {
  const { status, title } = problems[slug];
  const { detail, ...rest } = extras;
  return JSON.stringify({ type: problemType(slug), title, status, detail: detail ?? title, ...rest });
}
