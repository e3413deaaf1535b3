import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import { findTenant, insertKey, listKeys, putTenant, revokeKey } from '../../db/tenant';
import { sha256 } from '../http/auth';
import { pageAnswer, pageOf, pageQuery, pageSchema } from '../http/page';
import { Problem } from '../http/problem';
import { created, defineRoute, ok, type Route } from '../http/route';
import { idText } from '../http/schema';
import {
  keyAnswer,
  keyBody,
  keyParams,
  newKeyAnswer,
  revokedAnswer,
  tenantAnswer,
  tenantBody,
  tenantParams,
} from './schema';

const tag = 'Tenants';
// what is left out is a brand in China
const defaultTimeZone = 'Asia/Shanghai';
const defaultLanguage = 'zh';
const prefixLength = 12;

function noTenant(tenant: string): Problem {
  return new Problem('not-found', { detail: `There is no tenant ${tenant}.` });
}

export const tenantRoutes: Route[] = [
  defineRoute({
    method: 'put',
    path: '/v1/tenants/{tenant}',
    tag,
    summary: 'Make or replace a tenant',
    access: ['platform'],
    params: tenantParams,
    body: tenantBody,
    answers: { ok: tenantAnswer },
    async handle({ deps, params, body }) {
      const { name, timeZone = defaultTimeZone, language = defaultLanguage } = body;
      const tenant = { tenant: params.tenant, name, timeZone, language };
      await putTenant(deps.platform, tenant);
      return ok(tenant);
    },
  }),
  defineRoute({
    method: 'get',
    path: '/v1/tenants/{tenant}',
    tag,
    summary: 'Read a tenant',
    access: ['platform'],
    params: tenantParams,
    answers: { ok: tenantAnswer },
    refusals: ['not-found'],
    async handle({ deps, params }) {
      const tenant = await findTenant(deps.platform, params.tenant);
      if (!tenant) throw noTenant(params.tenant);
      return ok(tenant);
    },
  }),
  defineRoute({
    method: 'post',
    path: '/v1/tenants/{tenant}/keys',
    tag,
    summary: 'Make a key; it is shown in this answer and never again',
    access: ['platform'],
    params: tenantParams,
    body: keyBody,
    answers: { created: newKeyAnswer },
    refusals: ['not-found'],
    async handle({ deps, params, body }) {
      const keyId = randomBytes(12).toString('hex');
      const key = `xd_${randomBytes(32).toString('base64url')}`;
      const stored = await insertKey(deps.platform, {
        tenant: params.tenant,
        keyId,
        role: body.role,
        channel: body.channel ?? null,
        supplierId: body.supplierId ?? null,
        leaderId: body.leaderId ?? null,
        hash: sha256(key),
        prefix: key.slice(0, prefixLength),
      });
      if (!stored) throw noTenant(params.tenant);
      return created({ keyId, key });
    },
  }),
  defineRoute({
    method: 'get',
    path: '/v1/tenants/{tenant}/keys',
    tag,
    summary: 'List a tenant’s keys: prefix, role and last use',
    access: ['platform'],
    params: tenantParams,
    query: z.strictObject(pageQuery),
    answers: { ok: pageSchema(keyAnswer) },
    refusals: ['not-found'],
    async handle({ deps, params, query }) {
      if (!(await findTenant(deps.platform, params.tenant))) throw noTenant(params.tenant);
      return ok(pageAnswer(await listKeys(deps.platform, params.tenant, pageOf(query, idText))));
    },
  }),
  defineRoute({
    method: 'delete',
    path: '/v1/tenants/{tenant}/keys/{keyId}',
    tag,
    summary: 'Revoke a key, everywhere within a second',
    access: ['platform'],
    params: keyParams,
    answers: { ok: revokedAnswer },
    refusals: ['not-found'],
    async handle({ deps, params }) {
      const revokedAt = await revokeKey(deps.platform, params);
      if (!revokedAt) throw new Problem('not-found', { detail: 'The tenant has no such key.' });
      deps.authenticator.forget(params.keyId);
      return ok({ keyId: params.keyId, revokedAt });
    },
  }),
];
