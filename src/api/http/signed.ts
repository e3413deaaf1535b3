import type { Request } from 'express';
import type { z } from 'zod';
import { verifySandbox } from '../../clients/signature';
import { rawBody, readJson } from './body';
import { check } from './mount';
import { Problem } from './problem';

/** A partner's body, read only after its signature over the very bytes that came has proved right; else 401. */
export function readSigned<T>(request: Request, secret: string, schema: z.ZodType<T>): T {
  const verification = verifySandbox({
    secret,
    headers: request.headers,
    rawBody: rawBody(request),
    nowSeconds: Math.floor(Date.now() / 1000),
  });
  if (verification.kind === 'invalid') {
    throw new Problem('unauthorized', { detail: `The signature is ${verification.reason}.` });
  }
  return check(schema, readJson(request));
}
