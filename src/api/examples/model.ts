import type { Role } from '../http/auth';
import type { Outcome } from '../http/route';

/** One request as the documentation shows it. A test sends them all, in the order of `index.ts`, to one empty server. */
export interface Example {
  /** As it is declared: `POST /v1/orders`. */
  route: string;
  /** Tells it from the other examples of its route. */
  summary: string;
  /** Whose key; `signed`: with a partner's signature instead. */
  as: Role | 'signed';
  params?: Record<string, string>;
  query?: Record<string, string>;
  body?: object;
  outcome: Outcome;
  /** A part of the answer: the same fields with the same values, but for instants, dates and what is drawn at random. */
  answer?: object;
}
