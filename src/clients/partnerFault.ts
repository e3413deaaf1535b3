interface PartnerFaultFields {
  partner: string;
  operation: string;
  /** What went wrong, in our own words: never a piece of the partner's answer. */
  problem: string;
  status?: number;
  retryAfterSeconds?: number;
}

/**
 * A partner could not be reached, was too slow, or answered what nobody can use. Whether it did the work is
 * unknown, so the call is repeated with the same idempotency key. The message reaches logs and the Temporal
 * Web UI: it names the partner, the operation and the status, and never quotes the partner, whose answer may
 * repeat a buyer's address. For the same reason no cause is attached: parser errors carry the bytes they read.
 */
export class PartnerFault extends Error {
  override readonly name = 'PartnerFault';
  readonly partner: string;
  readonly operation: string;
  readonly status?: number;
  /** Seconds the partner asked us to wait (429, 503). */
  readonly retryAfterSeconds?: number;

  constructor({ partner, operation, problem, status, retryAfterSeconds }: PartnerFaultFields) {
    super(`${partner} ${operation}: ${problem}`);
    this.partner = partner;
    this.operation = operation;
    this.status = status;
    this.retryAfterSeconds = retryAfterSeconds;
  }
}
