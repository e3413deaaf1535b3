import type { RequestHandler, Response } from 'express';
import type { Logger } from '../../log';
import type { Principal } from './auth';

/**
 * One line a request, ids only: no query, no body, no header. Successes and routine refusals at debug, other refusals
 * at info, faults at warn.
 */
export function logRequests(log: Logger): RequestHandler {
  return (request, response, next) => {
    const startedAt = performance.now();
    response.on('close', () => {
      // a flood would fill the disk: what is turned away is told by the second, not one by one
      if (response.locals.turnedAway === true) return;
      const level = levelOf(response);
      if (!log.isLevelEnabled(level)) return;
      const principal = response.locals.principal as Principal | undefined;
      const fields = {
        method: request.method,
        route: response.locals.route as string | undefined,
        status: response.statusCode,
        ms: Math.round((performance.now() - startedAt) * 10) / 10,
        role: principal?.role,
        ...(principal && 'keyId' in principal ? { tenant: principal.tenant, keyId: principal.keyId } : {}),
        ...(response.destroyed && !response.writableFinished ? { aborted: true } : {}),
      };
      log[level](fields, 'request');
    });
    next();
  };
}

function levelOf({ statusCode, locals }: Response): 'debug' | 'info' | 'warn' {
  if (statusCode >= 500) return 'warn';
  return statusCode >= 400 && locals.routine !== true ? 'info' : 'debug';
}
