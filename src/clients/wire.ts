import { z } from 'zod';

/** What both sandbox partners' messages are made of. Types and schemas only: the sandboxes import these too. */
export const wireId = z.string().regex(/^[A-Za-z0-9._:-]{1,64}$/);
export const wireTenant = z.string().regex(/^[A-Za-z0-9._-]{1,64}$/);
export const wireFen = z.int().min(1);
export const wireInstant = z.iso.datetime({ offset: true });
export const wireUrl = z.url({ protocol: /^https?$/ });

/** One page of a partner's list, asked for by checks. */
export interface Page<Item> {
  items: Item[];
  nextCursor: string | null;
}
