import type { ErrorRequestHandler, RequestHandler } from 'express';
import { isUnavailable } from '../../db/transaction';
import type { Logger } from '../../log';
import { Overloaded } from '../../intake/batcher';
import { invalid, overloaded, Problem, type ProblemSlug, sendProblem } from './problem';

export const noSuchPath: RequestHandler = () => {
  throw new Problem('not-found', { detail: 'No route has this path.' });
};

/** What a broadcast answers by the ten thousand: metrics count it, and a line for each would be a sixth of its cost. */
const routine: ReadonlySet<ProblemSlug> = new Set(['sold-out', 'quota-exhausted'] as const);

/** Turns whatever was thrown into a problem document. Only what is ours to mend is logged as an error. */
export function answerErrors(log: Logger): ErrorRequestHandler {
  return (error: unknown, _request, response, next) => {
    const problem = problemOf(error);
    if (problem.slug === 'internal-error')
      log.error({ err: error, route: response.locals.route }, 'request failed');
    if (problem.slug === 'unavailable') log.warn({ err: error, route: response.locals.route }, 'unavailable');
    if (response.headersSent) {
      next(error);
      return;
    }
    response.locals.routine = routine.has(problem.slug);
    sendProblem(response, problem);
  };
}

function problemOf(error: unknown): Problem {
  if (error instanceof Problem) return error;
  if (error instanceof Overloaded) return overloaded(error.retryAfterSeconds);
  if (isUnavailable(error)) return new Problem('unavailable');
  if (error instanceof URIError) {
    return invalid([{ path: 'path', expected: 'percent-encoded UTF-8', received: 'something else' }]);
  }
  return problemOfReader(error) ?? new Problem('internal-error');
}

/** What express's body reader throws, by its documented `type`. */
function problemOfReader(error: unknown): Problem | null {
  const type = error instanceof Error && 'type' in error ? error.type : null;
  switch (type) {
    case 'entity.too.large':
      return new Problem('too-large');
    case 'encoding.unsupported':
      return new Problem('unsupported-media-type');
    case 'request.aborted':
    case 'request.size.invalid':
      return invalid([
        { path: '', expected: 'as many bytes as Content-Length says', received: 'another number' },
      ]);
    default:
      return null;
  }
}
