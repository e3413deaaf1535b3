import { z } from 'zod';
import type { Page, Slice } from '../../db/page';
import { invalid } from './problem';

const defaultLimit = 50;

const limit = z
  .string()
  .regex(/^([1-9]|[1-9][0-9]|1[0-9][0-9]|200)$/, 'an integer from 1 to 200')
  .transform(Number)
  .meta({ type: 'integer', minimum: 1, maximum: 200, description: `default ${defaultLimit}` });

/** The two fields that every list takes. */
export const pageQuery = {
  limit: limit.optional(),
  cursor: z.string().max(1000).optional(),
};

/**
 * Reads `limit` and `cursor`. A cursor is opaque to clients and untrusted to us: it must decode to what this list
 * once wrote, else 400.
 */
export function pageOf<Position>(
  query: { limit?: number; cursor?: string },
  position: z.ZodType<Position>,
): Page<Position> {
  const limit = query.limit ?? defaultLimit;
  if (query.cursor === undefined) return { limit, after: null };
  const parsed = position.safeParse(decode(query.cursor));
  if (!parsed.success) {
    throw invalid([
      { path: 'cursor', expected: 'a cursor that this list answered with', received: 'another text' },
    ]);
  }
  return { limit, after: parsed.data };
}

function decode(cursor: string): unknown {
  try {
    return JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'));
  } catch {
    return undefined;
  }
}

export function pageAnswer<Item, Position>(slice: Slice<Item, Position>) {
  const nextCursor =
    slice.next === null ? null : Buffer.from(JSON.stringify(slice.next)).toString('base64url');
  return { items: slice.items, nextCursor };
}

export function pageSchema<Item extends z.ZodType>(item: Item) {
  return z.object({ items: z.array(item), nextCursor: z.string().nullable() });
}
