import { createHash } from 'node:crypto';
import { type Server, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import express, {
  type ErrorRequestHandler,
  type Express,
  type Request,
  type RequestHandler,
  type Response,
} from 'express';
import type { z } from 'zod';
import { verifySandbox } from '../clients/signature';
import { wireId } from '../clients/wire';
import type { SandboxLogger } from './logger';
import type { Misbehaviour } from './misbehaviour';

/** An error answer: `code` is for programs, `detail` for people. */
export class Rejection extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    readonly detail: string,
    readonly paths?: string[],
  ) {
    super(detail);
  }
}

const defaultSlowMs = 10_000;

/** An express application that keeps request bodies as bytes, since signatures are over bytes. */
export function createSandboxApp({ bodyLimit = '256kb' }: { bodyLimit?: string } = {}): Express {
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.use(express.raw({ type: () => true, limit: bodyLimit, inflate: false }));
  return app;
}

/** The bytes that came. */
export function rawBody(body: unknown): Buffer {
  return Buffer.isBuffer(body) ? body : Buffer.alloc(0);
}

/** Lets only messages signed with the shared secret pass. */
export function requireSignature(secret: string): RequestHandler {
  return (request, _response, next) => {
    const verification = verifySandbox({
      secret,
      headers: request.headers,
      rawBody: rawBody(request.body),
      nowSeconds: Math.floor(Date.now() / 1000),
    });
    if (verification.kind === 'invalid') throw new Rejection(401, 'bad-signature', verification.reason);
    next();
  };
}

/** Makes one route fail the way that was asked for; `answer` below spoils what is due after the work. */
export function misbehave(misbehaviour: Misbehaviour, route: string): RequestHandler {
  return async (_request, response, next) => {
    const slow = misbehaviour.take(route, ['slow']);
    if (slow !== undefined) await sleep(slow.delayMs ?? defaultSlowMs, undefined, { ref: false });
    const rule = misbehaviour.take(route, ['status500', 'status429', 'refuse', 'dropAnswer', 'garbage']);
    switch (rule?.behaviour) {
      case 'status500':
        throw new Rejection(500, 'broken', 'failing as asked');
      case 'status429':
        response.setHeader('Retry-After', String(Math.ceil((rule.delayMs ?? 1000) / 1000)));
        throw new Rejection(429, 'too-many-requests', 'failing as asked');
      case 'refuse':
        throw new Rejection(422, 'refused', 'refusing as asked');
      default:
        response.locals.spoil = rule?.behaviour;
        next();
    }
  };
}

/** Sends the answer, or what was asked to be done to it now that the work is done and on the disk. */
export function answer(response: Response, status: number, body: unknown): void {
  if (response.locals.spoil === 'dropAnswer') {
    response.socket?.destroy();
  } else if (response.locals.spoil === 'garbage') {
    response.status(200).type('html').send('<html><p>张三 13800000000 is on holiday</html>');
  } else {
    response.status(status).json(body);
  }
}

/** Reads a JSON body against its schema, or rejects it with the paths that are wrong. */
export function readBody<Schema extends z.ZodType>(schema: Schema, body: unknown): z.output<Schema> {
  let json: unknown;
  try {
    json = JSON.parse(rawBody(body).toString('utf8'));
  } catch {
    throw new Rejection(400, 'invalid-request', 'the body is not JSON');
  }
  const parsed = schema.safeParse(json);
  if (parsed.success) return parsed.data;
  const paths = parsed.error.issues.map((issue) => issue.path.join('.'));
  throw new Rejection(400, 'invalid-request', 'fields are missing, unknown or of the wrong form', paths);
}

/** An id out of the path. */
export function readId(request: Request, name: string): string {
  const parsed = wireId.safeParse(request.params[name]);
  if (parsed.success) return parsed.data;
  throw new Rejection(400, 'invalid-request', `${name} is not an id`, [name]);
}

/** One page of a list that only ever grows; the cursor is the position of the next item. */
export function readPage<Item>(
  items: readonly Item[],
  query: { limit?: unknown; cursor?: unknown },
): { items: Item[]; nextCursor: string | null } {
  const limit = readWhole(query.limit, 'limit') ?? 200;
  const from = readWhole(query.cursor, 'cursor') ?? 0;
  if (limit < 1 || limit > 200) throw new Rejection(400, 'invalid-request', 'limit is 1 to 200', ['limit']);
  const next = from + limit;
  return { items: items.slice(from, next), nextCursor: next < items.length ? String(next) : null };
}

function readWhole(value: unknown, name: string): number | undefined {
  if (value === undefined) return undefined;
  if (typeof value === 'string' && /^\d{1,9}$/.test(value)) return Number(value);
  throw new Rejection(400, 'invalid-request', `${name} is a whole number`, [name]);
}

/** Adds the end of every sandbox: unknown paths, and errors that never show a stack. */
export function closeRoutes(app: Express, logger: SandboxLogger): void {
  app.use(() => {
    throw new Rejection(404, 'unknown-path', 'no such path');
  });
  const onError: ErrorRequestHandler = (error: unknown, request, response, _next) => {
    const rejection = asRejection(error);
    if (rejection.status >= 500 && !(error instanceof Rejection)) {
      // The error's own text could quote what was sent: its name is enough to look for.
      logger.warn(
        { method: request.method, error: error instanceof Error ? error.name : 'unknown' },
        'failed',
      );
    }
    const { code, detail, paths } = rejection;
    response.status(rejection.status).json(paths === undefined ? { code, detail } : { code, detail, paths });
  };
  app.use(onError);
}

function asRejection(error: unknown): Rejection {
  if (error instanceof Rejection) return error;
  const status: unknown = error instanceof Error ? (error as { status?: unknown }).status : undefined;
  if (status === 413) return new Rejection(413, 'too-large', 'the body is too large');
  if (typeof status === 'number' && status >= 400 && status < 500) {
    return new Rejection(status, 'invalid-request', 'the request cannot be read');
  }
  return new Rejection(503, 'unavailable', 'the sandbox cannot do this now');
}

export interface RunningSandbox {
  url: string;
  close(): Promise<void>;
}

/** Listens, port 0 meaning any free one; a busy port is told in one sentence. */
export async function listen(
  app: Express,
  { host, port, onClose }: { host: string; port: number; onClose(): Promise<void> },
): Promise<RunningSandbox> {
  const server = createServer(app);
  // Longer than any client keeps an idle connection, so that none is closed under a request.
  server.keepAliveTimeout = 65_000;
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      reject(error.code === 'EADDRINUSE' ? new Error(`port ${port} is taken: choose another`) : error);
    });
    server.listen(port, host, resolve);
  });
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${(server.address() as AddressInfo).port}`,
    async close() {
      await stopListening(server);
      await onClose();
    },
  };
}

function stopListening(server: Server): Promise<void> {
  return new Promise((resolve, reject) => {
    server.close((error) => (error === undefined ? resolve() : reject(error)));
    server.closeAllConnections();
  });
}

/** `prefix` and 24 base32 characters of SHA-256: an id computed from what it names. */
export function computeId(prefix: string, ...parts: (string | number)[]): string {
  const digest = createHash('sha256').update(parts.join('\n')).digest();
  const alphabet = 'abcdefghijklmnopqrstuvwxyz234567';
  return prefix + Array.from(digest.subarray(0, 24), (byte) => alphabet[byte & 31]).join('');
}
