import type { Request, Response } from 'express';
import { z } from 'zod';
import type { ApiDeps } from '../deps';
import type { Principal, Role } from './auth';
import type { LimitKind } from './rates';
import type { ProblemSlug } from './problem';

/** Who may call: anybody, a partner whose signature the route itself verifies, or keys of these roles. */
export type Access = 'public' | 'signed' | readonly Role[];

export type Outcome = 'ok' | 'created' | 'empty';
export const outcomeStatus: Record<Outcome, number> = { ok: 200, created: 201, empty: 204 };

export interface Reply {
  outcome: Outcome;
  body?: unknown;
  /** Sent as it is, to be saved, instead of a JSON body. */
  file?: AnsweredFile;
  /** Or a whole HTML page. */
  page?: Page;
}

export interface AnsweredFile {
  bytes: Buffer;
  /** With its charset. */
  type: string;
  name: string;
}

export interface Page {
  html: string;
  /** Its Content-Security-Policy. */
  policy: string;
}

export function ok(body: unknown): Reply {
  return { outcome: 'ok', body };
}

export function created(body: unknown): Reply {
  return { outcome: 'created', body };
}

export function file(answered: AnsweredFile): Reply {
  return { outcome: 'ok', file: answered };
}

export function pageOfHtml(page: Page): Reply {
  return { outcome: 'ok', page };
}

export const empty: Reply = { outcome: 'empty' };

/** What a handler is given: everything checked against the route's schemas. */
export interface Call<Params, Query, Body> {
  deps: ApiDeps;
  params: Params;
  query: Query;
  body: Body;
  principal: Principal;
  /** The caller's tenant; throws for the platform key, which has none. */
  tenant: string;
  /** Who did it, for journal and timeline: role and key id. */
  actor: string;
  request: Request;
}

export interface RouteDefinition<P extends z.ZodType, Q extends z.ZodType, B extends z.ZodType> {
  method: 'get' | 'put' | 'post' | 'delete';
  /** With `{name}` for parameters, as OpenAPI writes them. */
  path: string;
  tag: string;
  summary: string;
  access: Access;
  /** What a call with a key counts as; reads and writes count as such without it. */
  limit?: LimitKind;
  params?: P;
  query?: Q;
  body?: B;
  /** The body may also come as a sheet (text/csv), and then be large: how it becomes what `body` checks. */
  csv?: { limitBytes: number; bodyOf(records: string[][]): unknown };
  /** Media type of the answers, if it is not JSON. */
  answerType?: string;
  answers: Partial<Record<Outcome, z.ZodType>>;
  /** May also answer with an HTML page. */
  page?: true;
  refusals?: readonly ProblemSlug[];
  handle(call: Call<z.output<P>, z.output<Q>, z.output<B>>): Promise<Reply>;
}

export type Route = RouteDefinition<z.ZodType, z.ZodType, z.ZodType>;

/** Writes a route down once; the server mounts it, /openapi.json describes it, the tests walk it. */
export function defineRoute<
  P extends z.ZodType = z.ZodObject,
  Q extends z.ZodType = z.ZodObject,
  B extends z.ZodType = z.ZodUndefined,
>(definition: RouteDefinition<P, Q, B>): Route {
  return definition as unknown as Route;
}

/** Routes that answer something else than JSON, or stream: they get the response itself. */
export interface RawRoute {
  method: 'get';
  path: string;
  tag: string;
  summary: string;
  params?: z.ZodObject;
  query?: z.ZodObject;
  contentType: string;
  answer?: z.ZodType;
  /** May also answer 503, with the same shape. */
  unavailable?: boolean;
  /** May also answer 401 and 404, with the same shape. */
  guarded?: boolean;
  /** What it refuses with, as problem documents. */
  refusals?: readonly ProblemSlug[];
  handle(deps: ApiDeps, request: Request, response: Response): Promise<void>;
}

/** The answer of 204. */
export const noBody = z.undefined();

export const nothing = z.strictObject({});
