import express, { type Request, type RequestHandler } from 'express';
import { findPoison } from './invalid';
import { invalid, Problem } from './problem';

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** Keeps a body as the bytes that came, because callbacks are signed over bytes. Larger than `limitBytes` is 413. */
export function keepRawBody(limitBytes: number): RequestHandler {
  return express.raw({ type: () => true, limit: limitBytes, inflate: false });
}

export function rawBody(request: Request): Buffer {
  return Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
}

/**
 * The JSON that came, with a byte order mark taken off. Refuses other types and charsets (415), other bytes than
 * UTF-8, and text that PostgreSQL cannot store (400). Of repeated fields the last one counts.
 */
export function readJson(request: Request): unknown {
  expectJson(request.headers['content-type']);
  const value = parse(decode(rawBody(request)));
  const poison = findPoison(value);
  if (poison) throw invalid([poison]);
  return value;
}

function expectJson(contentType: string | undefined): void {
  const [type = '', ...parameters] = (contentType ?? '').split(';').map((part) => part.trim().toLowerCase());
  const charset = parameters
    .find((part) => part.startsWith('charset='))
    ?.slice(8)
    .replaceAll('"', '');
  const known = type === 'application/json' || /^application\/[\w.-]+\+json$/.test(type);
  if (!known || (charset !== undefined && charset !== 'utf-8' && charset !== 'utf8')) {
    throw new Problem('unsupported-media-type');
  }
}

function decode(bytes: Buffer): string {
  try {
    return utf8.decode(bytes);
  } catch {
    throw invalid([{ path: '', expected: 'UTF-8', received: 'other bytes' }]);
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw invalid([
      { path: '', expected: 'JSON', received: text.trim() === '' ? 'nothing' : 'something else' },
    ]);
  }
}

/**
 * The query as name → text, or → list of texts when a name is repeated. Express's own parser lets bad
 * percent-encoding through as replacement characters; here it is 400.
 */
export function readQuery(url: string): Record<string, string | string[]> {
  const start = url.indexOf('?');
  const query: Record<string, string | string[]> = {};
  if (start < 0) return query;
  for (const pair of url.slice(start + 1).split('&')) {
    if (pair === '') continue;
    const [name, value] = splitPair(pair);
    const before = Object.hasOwn(query, name) ? query[name] : undefined;
    const next = before === undefined ? value : [...(Array.isArray(before) ? before : [before]), value];
    // defined, not assigned: `?__proto__=` must become a field that the schema refuses
    Object.defineProperty(query, name, { value: next, enumerable: true, configurable: true, writable: true });
  }
  const poison = findPoison(query);
  if (poison) throw invalid([poison]);
  return query;
}

function splitPair(pair: string): [string, string] {
  const equals = pair.indexOf('=');
  const [name, value] = equals < 0 ? [pair, ''] : [pair.slice(0, equals), pair.slice(equals + 1)];
  try {
    return [decodeURIComponent(name.replaceAll('+', ' ')), decodeURIComponent(value.replaceAll('+', ' '))];
  } catch {
    throw invalid([{ path: 'query', expected: 'percent-encoded UTF-8', received: 'something else' }]);
  }
}
