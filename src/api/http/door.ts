import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import type { ApiDeps } from '../deps';
import { unknownKey } from './auth';
import { type Problem, problemBody, problemMediaType, problems } from './problem';
import type { LimitKind } from './rates';
import { problemOfRefusal, type TurningAway } from './turnedAway';

export interface Door {
  onRequest: RequestListener;
  /** For callers that ask before they send a body (`Expect: 100-continue`). */
  onExpectation: RequestListener;
}

type Guards = Pick<ApiDeps, 'authenticator' | 'limits' | 'turnAway'>;

/** Of a call that is turned away, so much of the body is read over to keep the connection. */
const mostBytesReadOver = 256 * 1024;

/**
 * Stands before the application and turns away whom the limits would not let in, from the headers alone: a sixth of
 * what it costs inside, so that a flood leaves the event loop to the others. It lets nobody in: who passes is
 * identified, counted and limited again by the route.
 */
export function createDoor(app: RequestListener, guards: Guards): Door {
  return {
    onRequest(request, response) {
      const answer = turnAway(request, guards);
      if (answer === null) app(request, response);
      else send(response, answer, { close: !isSmall(request) });
    },
    onExpectation(request, response) {
      const answer = turnAway(request, guards);
      if (answer === null) {
        response.writeContinue();
        app(request, response);
        // nobody knows whether the body still comes
      } else send(response, answer, { close: true });
    },
  };
}

function turnAway(
  { method, url = '', headers }: IncomingMessage,
  { authenticator, limits, turnAway: notes }: Guards,
): Answer | null {
  const kind = kindOf(method, url);
  if (kind === null) return null;
  const caller = authenticator.recall(headers.authorization);
  if (caller === 'notYet') return null;
  if (caller === 'nobody') {
    notes.note('unknownKey');
    return nobodysKey;
  }
  if (caller === 'crowded') {
    notes.note('strangers');
    return answerOf({ reason: 'strangers', retryAfterSeconds: 1 });
  }
  const refusal = limits.refusalOf(caller, kind);
  if (refusal === null) return null;
  notes.note(refusal.reason, caller.tenant);
  return answerOf(refusal);
}

/** What floods are made of: orders, and reading with a key. Everything else is limited inside. */
function kindOf(method: string | undefined, url: string): LimitKind | null {
  if (method === 'POST') return url === '/v1/orders' ? 'orders' : null;
  return method === 'GET' && url.startsWith('/v1/') ? 'reads' : null;
}

interface Answer {
  status: number;
  headers: Record<string, string>;
  body: Buffer;
}

const answers = new Map<string, Answer>();

/** Written once for each reason and number of seconds, of which there are few. */
function answerOf(refusal: TurningAway): Answer {
  const name = `${refusal.reason} ${refusal.retryAfterSeconds}`;
  const answer = answers.get(name) ?? written(problemOfRefusal(refusal));
  answers.set(name, answer);
  return answer;
}

function written(problem: Problem): Answer {
  const body = Buffer.from(problemBody(problem));
  const headers = {
    'Content-Type': `${problemMediaType}; charset=utf-8`,
    'Content-Length': String(body.length),
    'X-Content-Type-Options': 'nosniff',
    ...problem.headers,
  };
  return { status: problems[problem.slug].status, headers, body };
}

const nobodysKey = written(unknownKey());
nobodysKey.headers['WWW-Authenticate'] = 'Bearer';

function isSmall({ headers }: IncomingMessage): boolean {
  if (headers['transfer-encoding'] !== undefined) return false;
  return Number(headers['content-length'] ?? 0) <= mostBytesReadOver;
}

/** The body that nobody reads is read over by Node itself once the answer is out, so that the next call finds its start. */
function send(
  response: ServerResponse,
  { status, headers, body }: Answer,
  { close }: { close: boolean },
): void {
  response.writeHead(status, close ? { ...headers, Connection: 'close' } : headers).end(body);
}
