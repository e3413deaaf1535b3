import type { CancelAnswer, CancelRequest } from '../db/cancel';
import type { Booking, PaymentNotice } from '../db/payment';
import type { PoolLoad } from '../db/transaction';
import { Overloaded } from './batcher';
import type { IntakeAnswer, IntakeRequest } from './model';

/** What is asked of a counter in another thread. Arguments and answers are copied: values alone, no class but Date. */
export interface CounterCalls {
  place(tenant: string, request: IntakeRequest, actor: string): Promise<IntakeAnswer>;
  book(notice: PaymentNotice): Promise<Booking>;
  cancel(request: CancelRequest): Promise<CancelAnswer | null>;
  load(tenants: readonly string[]): Promise<CounterLoad>;
  close(): Promise<void>;
}

export interface CounterLoad {
  pools: PoolLoad[];
  /** Requests that wait for a lane, of each tenant that was asked for. */
  waiting: number[];
}

/** Calls are numbered; those of one turn of the event loop travel together, and so do their answers. */
export type Call = readonly [number: number, name: keyof CounterCalls, args: readonly unknown[]];

export type Reply = readonly [number: number, answer: unknown, thrown?: ThrownValues];

/** What crosses of an error; what PostgreSQL says of the row stays behind. */
export interface ThrownValues {
  name: string;
  message: string;
  stack?: string;
  /** Of PostgreSQL or of the socket: decides whether to try again. */
  code?: string;
  constraint?: string;
  retryAfterSeconds?: number;
}

export function valuesOfError(error: unknown): ThrownValues {
  if (!(error instanceof Error)) return { name: 'Error', message: String(error) };
  const { name, message, stack } = error;
  const { code, constraint, retryAfterSeconds } = error as Error & Partial<ThrownValues>;
  return { name, message, stack, code, constraint, retryAfterSeconds };
}

export function errorOfValues({ retryAfterSeconds, ...values }: ThrownValues): Error {
  if (values.name === Overloaded.name) return new Overloaded(retryAfterSeconds ?? 1);
  return Object.assign(new Error(values.message), values);
}
