import type { Request, Response } from 'express';
import { z } from 'zod';
import { sellableQuery } from '../catalogue/schema';
import type { ApiDeps } from '../deps';
import { expectRole, tenantRoles } from '../http/auth';
import { readQuery } from '../http/body';
import { check } from '../http/mount';
import { overloaded, Problem } from '../http/problem';
import { created, defineRoute, type RawRoute, type Route } from '../http/route';
import { readToken, writeToken } from '../http/signedToken';
import type { StreamOwner } from './sellableClock';
import { streamTokenAnswer, streamTokenBody } from './schema';
import { streamToken } from './streamTokens';

const tag = 'Stock';
/** It only has to outlive the way from the page's server to the page, and a line that breaks soon after. */
const tokenMinutes = 10;
/** Listeners leave slowly: another process is the better bet. */
const fullRetryAfterSeconds = 5;

export const streamTokenRoute: Route = defineRoute({
  method: 'post',
  path: '/v1/stream-tokens',
  tag,
  summary: `A token that opens the sellable stream for ${tokenMinutes} minutes, for browsers: they send no key there`,
  access: tenantRoles,
  body: streamTokenBody,
  answers: { created: streamTokenAnswer },
  handle({ deps, principal, tenant }) {
    if (!('keyId' in principal)) throw new Error('a tenant’s key has an id');
    const expiresAt = Date.now() + tokenMinutes * 60_000;
    const token = writeToken(deps.personalData, streamToken, { tenant, keyId: principal.keyId, expiresAt });
    return Promise.resolve(created({ token, expiresAt: new Date(expiresAt).toISOString() }));
  },
});

const streamQuery = sellableQuery.extend({
  token: z.string().max(2000).optional().meta({ description: 'Instead of a key in the header.' }),
});

export const sellableStreamRoute: RawRoute = {
  method: 'get',
  path: '/v1/sellable/stream',
  tag,
  summary:
    'Server-sent events `sellable`: the item of GET /v1/sellable, at once and whenever it changes; event id `<sku>:<version>`',
  query: streamQuery,
  contentType: 'text/event-stream',
  refusals: ['invalid-request', 'unauthorized', 'forbidden', 'overloaded', 'unavailable'],
  async handle(deps, request, response) {
    const query = readQuery(request.url);
    const principal = await identify(deps, request, query.token);
    const { sku: skus } = check(streamQuery, query);
    response.locals.principal = principal;
    const owner = { tenant: principal.tenant, keyId: principal.keyId };
    if (request.method === 'HEAD') {
      response.type('text/event-stream').end();
      return;
    }
    await openStream(deps, { owner, skus }, response);
    // by these Express ties a request to its answer: a connection keeps its request for as long as it is open
    delete request.res;
    delete request.next;
  },
};

async function openStream(
  { sellableClock }: ApiDeps,
  wish: { owner: StreamOwner; skus: string[] },
  response: Response,
): Promise<void> {
  const joined = await sellableClock.join(wish, response);
  switch (joined) {
    case 'opened':
      return;
    case 'refused':
      throw keyEnded();
    case 'full':
      throw overloaded(fullRetryAfterSeconds);
    case 'unavailable':
      throw new Problem('unavailable', { detail: 'What can be sold cannot be read now.' });
  }
}

async function identify(
  { authenticator, personalData }: ApiDeps,
  request: Request,
  token: string | string[] | undefined,
): Promise<StreamOwner> {
  if (token === undefined) {
    const principal = await authenticator.identify(request.headers.authorization);
    expectRole(principal, tenantRoles);
    if (!('keyId' in principal)) throw new Error('only keys of a tenant pass here');
    return principal;
  }
  const claims = typeof token === 'string' ? readToken(personalData, streamToken, token) : null;
  if (claims === null || claims.expiresAt <= Date.now()) {
    throw new Problem('unauthorized', { detail: 'The token is not known or has expired: ask for another.' });
  }
  return claims;
}

function keyEnded(): Problem {
  return new Problem('unauthorized', { detail: 'The key was revoked.' });
}
