import type { Express, NextFunction, Request, RequestHandler, Response } from 'express';
import type { z } from 'zod';
import type { ApiDeps } from '../deps';
import { answerErrors } from './errors';
import { expectRole, type Principal } from './auth';
import { keepRawBody, readJson, readQuery } from './body';
import { isCsv, readCsv } from './csv';
import { describeIssues } from './invalid';
import { invalid, Problem } from './problem';
import { problemOfRefusal } from './turnedAway';
import {
  type AnsweredFile,
  nothing,
  outcomeStatus,
  type Page,
  type RawRoute,
  type Reply,
  type Route,
} from './route';

/** 256 kB, as the contract says. */
const bodyLimitBytes = 256 * 1024;
const rawBodyReader = keepRawBody(bodyLimitBytes);

/** Serves every route, and 405 with `Allow` for the other methods of its path. */
export function mountRoutes(app: Express, deps: ApiDeps, routes: readonly (Route | RawRoute)[]): void {
  const byPath = new Map<string, (Route | RawRoute)[]>();
  for (const route of routes) {
    const path = expressPath(route.path);
    byPath.set(path, [...(byPath.get(path) ?? []), route]);
  }
  // express tries one after the other: what a crowd asks for is not looked for behind a hundred others
  const busiestFirst = [...byPath].sort(([, a], [, b]) => Number(takesOrders(b)) - Number(takesOrders(a)));
  for (const [path, sharing] of busiestFirst) {
    const at = app.route(path);
    for (const route of sharing) {
      at[route.method](
        remember(route.path),
        ...('access' in route ? handlersOf(route, deps) : [rawHandler(route, deps)]),
        // here, or express looks for somebody who answers errors behind all other routes
        answerErrors(deps.log),
      );
    }
    const allow = sharing
      .flatMap(({ method }) => (method === 'get' ? ['GET', 'HEAD'] : [method.toUpperCase()]))
      .join(', ');
    at.all(remember(sharing[0]?.path ?? path), () => {
      throw new Problem('method-not-allowed', { detail: `Allowed: ${allow}.` }, { Allow: allow });
    });
  }
}

function takesOrders(routes: readonly (Route | RawRoute)[]): boolean {
  return routes.some((route) => 'limit' in route && route.limit === 'orders');
}

function expressPath(path: string): string {
  return path.replaceAll(/\{(\w+)\}/g, ':$1');
}

/** The pattern, not the path, is what logs and metrics count by. */
function remember(path: string): RequestHandler {
  return (_request, response, next) => {
    response.locals.route = path;
    next();
  };
}

function rawHandler(route: RawRoute, deps: ApiDeps): RequestHandler {
  return (request, response) => route.handle(deps, request, response);
}

/**
 * Who calls. Comes before anything of the body is read, and so does turning a caller away: first whose key it is,
 * then whether its limits let it in, then whether it may do this at all.
 */
async function callerOf(
  { access, limit, method }: Route,
  request: Request,
  { deps, response }: { deps: ApiDeps; response: Response },
): Promise<Principal> {
  if (access === 'public' || access === 'signed') return { role: 'anonymous' };
  const principal = await deps.authenticator.identify(request.headers.authorization);
  if ('tenant' in principal) {
    const kind = limit ?? (method === 'get' ? 'reads' : 'writes');
    const refusal = deps.limits.enter(principal, kind);
    if (refusal) {
      response.locals.turnedAway = true;
      deps.turnAway.note(refusal.reason, principal.tenant);
      throw problemOfRefusal(refusal);
    }
    if (kind === 'orders') response.on('close', () => deps.limits.leave(principal.tenant));
  }
  expectRole(principal, access);
  return principal;
}

function handlersOf(route: Route, deps: ApiDeps): RequestHandler[] {
  const identify = async (request: Request, response: Response, next: NextFunction) => {
    response.locals.principal = await callerOf(route, request, { deps, response });
    next();
  };
  const answer = async (request: Request, response: Response) => {
    const principal = response.locals.principal as Principal;
    const reply = await route.handle({
      deps,
      request,
      principal,
      ...checked(route, request),
      actor: 'keyId' in principal ? `${principal.role}:${principal.keyId}` : principal.role,
      get tenant(): string {
        if (!('tenant' in principal)) throw new Error('this route has no tenant');
        return principal.tenant;
      },
    });
    send(response, reply);
  };
  if (route.body === undefined) return [identify, answer];
  return [identify, route.csv === undefined ? rawBodyReader : keepRawBody(route.csv.limitBytes), answer];
}

function checked(route: Route, request: Request) {
  return {
    params: check(route.params ?? nothing, { ...request.params }),
    query: check(route.query ?? nothing, readQuery(request.url)),
    // a signed body is read by its route, after the signature
    body:
      route.body === undefined || route.access === 'signed'
        ? undefined
        : check(route.body, readBody(route, request)),
  };
}

function readBody({ csv }: Route, request: Request): unknown {
  return csv !== undefined && isCsv(request) ? csv.bodyOf(readCsv(request)) : readJson(request);
}

/** Checks a value against a schema; 400 with every path that is wrong. */
export function check<T>(schema: z.ZodType<T>, value: unknown): T {
  const parsed = schema.safeParse(value, { reportInput: true });
  if (parsed.success) return parsed.data;
  throw invalid(describeIssues(parsed.error.issues).slice(0, 100));
}

function send(response: Response, reply: Reply): void {
  response.status(outcomeStatus[reply.outcome]);
  if (reply.file !== undefined) sendFile(response, reply.file);
  else if (reply.page !== undefined) sendPage(response, reply.page);
  else if (reply.outcome === 'empty') response.end();
  else response.json(reply.body);
}

function sendFile(response: Response, { bytes, type, name }: AnsweredFile): void {
  response.setHeader('Content-Type', type);
  response.setHeader('Content-Disposition', `attachment; filename="${name}"`);
  response.setHeader('X-Content-Type-Options', 'nosniff');
  response.end(bytes);
}

/** A page of a tenant's data: kept by nobody on the way, framed by nobody, and telling nobody where it was read. */
export function sendPage(response: Response, page: Page): void {
  response.setHeader('Content-Security-Policy', `${page.policy}; frame-ancestors 'none'`);
  response.setHeader('Cache-Control', 'no-store');
  response.type('text/html').send(page.html);
}
