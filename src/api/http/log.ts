import type { RequestHandler } from 'express';
import type { Logger } from '../../log';
import type { Principal } from './auth';

/** One line a request, ids only: no query, no body, no header. Successes at debug, refusals at info, faults at error. */
export function logRequests(log: Logger): RequestHandler {
  return (request, response, next) => {
    const startedAt = performance.now();
    response.once('close', () => {
      // a flood would fill the disk: what is turned away is told by the second, not one by one
      if (response.locals.turnedAway === true) return;
      const principal = response.locals.principal as Principal | undefined;
      const fields = {
        method: request.method,
        route: response.locals.route as string | undefined,
        status: response.statusCode,
        ms: Math.round((performance.now() - startedAt) * 10) / 10,
        role: principal?.role,
        ...(principal && 'keyId' in principal ? { tenant: principal.tenant, keyId: principal.keyId } : {}),
        ...(response.writableFinished ? {} : { aborted: true }),
      };
      const level = response.statusCode >= 500 ? 'warn' : response.statusCode >= 400 ? 'info' : 'debug';
      log[level](fields, 'request');
    });
    next();
  };
}
