import type { AdmissionSubject } from '../db/admission';
import type { Holder, LedgerPlacing } from '../domain/order/admissionLedger';
import type { Draft } from './draft';
import type { IntakeRequest } from './model';
import type { Taken } from './write';

/** One order that is handed in. */
export interface Placing {
  request: IntakeRequest;
  actor: string;
}

/** An order that may be taken in, if the stock allows. */
export interface Candidate extends Placing {
  index: number;
  draft: Draft;
}

/** A buyer, by the channel and its own name for them: another channel's may be somebody else. */
export function holderOf({ request }: Pick<Candidate, 'request'>): Holder {
  return { channel: request.channel, buyerRef: request.buyer.ref };
}

/** What the ledger is asked. */
export function placingOf(candidate: Candidate): LedgerPlacing {
  const { request, draft } = candidate;
  return {
    lines: draft.lines,
    destination: draft.destination,
    purchase: { buyerRef: request.buyer.ref, liveSessionId: request.liveSessionId ?? null },
    holder: holderOf(candidate),
    paid: draft.paid,
    mayWait: request.acceptLater === true && request.payment === undefined,
  };
}

/** With what is ready before any lock: encrypting is the dearest step of an order, and nobody needs to wait for it. */
export type Prepared = { candidate: Candidate } & Pick<Taken, 'bodyDigest' | 'recipient'>;

/** What the order asks for, as it is sold and as it lies on the shelf. */
export function* goodsOf({ lines }: Pick<Draft, 'lines'>): Generator<string> {
  for (const line of lines) {
    yield line.sku;
    for (const part of line.components) yield part.sku;
  }
}

/** What is locked and read for it. */
export function subjectOf(candidate: Candidate): AdmissionSubject {
  const { lines, destination, purchase, holder, paid } = placingOf(candidate);
  return { lines, destination, purchase, holder: paid ? undefined : holder };
}
