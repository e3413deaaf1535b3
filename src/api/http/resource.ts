import { z } from 'zod';
import { findNamed, listNamed, type NamedSource } from '../../db/named.read';
import type { PutOutcome } from '../../db/putOutcome';
import { Rollback, type TenantTx } from '../../db/transaction';
import type { ApiSettings } from '../deps';
import type { TenantRole } from './auth';
import { pageAnswer, pageOf, pageQuery, pageSchema } from './page';
import { Problem, type ProblemSlug, refuseField } from './problem';
import { defineRoute, ok, type Route } from './route';
import { idText } from './schema';

interface ResourceDefinition<Body extends z.ZodType, Stored> {
  tag: string;
  /** `/v1/skus` */
  path: string;
  /** Name of the id in paths and answers: `sku`, `siteId`. */
  id: string;
  noun: string;
  body: Body;
  answer: z.ZodType;
  source: NamedSource;
  /** Who may read besides ops. */
  readers?: readonly TenantRole[];
  refusals: readonly ProblemSlug[];
  put(tx: TenantTx, id: string, body: z.output<Body>, settings: ApiSettings): Promise<PutOutcome>;
  /** From the stored row's JSON to the contract's words. */
  show(stored: Stored): unknown;
}

/** PUT, GET and list of one kind of named thing: the body replaces, and answers are the body with its id. */
export function resourceRoutes<Body extends z.ZodType, Stored>(
  definition: ResourceDefinition<Body, Stored>,
): Route[] {
  const { tag, path, id, noun, body, answer, source, readers, show } = definition;
  const params = z.strictObject({ [id]: idText });
  const idOf = (call: { params: unknown }) => (call.params as Record<string, string>)[id] as string;
  const one = `${path}/{${id}}`;
  const read: readonly TenantRole[] = ['ops', ...(readers ?? [])];
  return [
    defineRoute({
      method: 'put',
      path: one,
      tag,
      summary: `Make or replace a ${noun}`,
      access: ['ops'],
      params,
      body,
      answers: { ok: answer },
      refusals: definition.refusals,
      async handle(call) {
        const name = idOf(call);
        const outcome = await call.deps.app.inTenant<PutOutcome | { kind: 'shown'; body: Stored | null }>(
          call.tenant,
          async (tx) => {
            const put = await definition.put(tx, name, call.body as z.output<Body>, call.deps.settings);
            if (put.kind !== 'stored') throw new Rollback<PutOutcome>(put);
            return { kind: 'shown', body: await findNamed<Stored>(tx, source, name) };
          },
        );
        if (outcome.kind !== 'shown') return refusePut(outcome);
        return ok(show(outcome.body as Stored));
      },
    }),
    defineRoute({
      method: 'get',
      path: one,
      tag,
      summary: `Read a ${noun}`,
      access: read,
      params,
      answers: { ok: answer },
      refusals: ['not-found'],
      async handle(call) {
        const found = await call.deps.app.inTenant(call.tenant, (tx) =>
          findNamed<Stored>(tx, source, idOf(call)),
        );
        if (!found) throw new Problem('not-found', { detail: `There is no ${noun} ${idOf(call)}.` });
        return ok(show(found));
      },
    }),
    defineRoute({
      method: 'get',
      path,
      tag,
      summary: `List every ${noun}, by id`,
      access: read,
      query: z.strictObject(pageQuery),
      answers: { ok: pageSchema(answer) },
      async handle(call) {
        const page = pageOf(call.query, idText);
        const slice = await call.deps.app.inTenant(call.tenant, (tx) => listNamed<Stored>(tx, source, page));
        return ok(pageAnswer({ items: slice.items.map(show), next: slice.next }));
      },
    }),
  ];
}

function refusePut(outcome: PutOutcome): never {
  switch (outcome.kind) {
    case 'inUse':
      throw new Problem('in-use', { detail: `Not now: ${outcome.because}.` });
    case 'unknownReference':
      return refuseField('unknown-reference', {
        path: outcome.path,
        expected: 'something that exists',
        received: outcome.id,
      });
    case 'bundleInBundle':
      return refuseField('bundle-in-bundle', {
        path: outcome.path,
        expected: 'a plain SKU',
        received: outcome.id,
      });
    case 'stored':
      throw new Error('a stored thing is no refusal');
  }
}
