import { type AdmissionSubject, lockAdmissions, readAdmissions } from '../db/admission';
import { readCampaigns, readClock } from '../db/admission.read';
import { createFactsCache, type Facts, type FactsCache } from '../db/facts';
import { findByExternalIds, shopKey, type StoredAnswer } from '../db/order';
import { findUsedPrepayments, prepaymentKey } from '../db/prepayment';
import { type PersonalData, sealRecipient } from '../db/personalData';
import { type Database, Rollback, type TenantTx } from '../db/transaction';
import { addDays, endOfDay, localDateOf } from '../domain/network/calendar';
import type { Admitted } from '../domain/order/admission';
import {
  type AdmissionLedger,
  type LedgerRequest,
  type LedgerState,
  openLedger,
} from '../domain/order/admissionLedger';
import type { BatchKind } from './batcher';
import { canonicalJson } from './canonical';
import { type Draft, draftOrder } from './draft';
import type { AcceptedOrder, IntakeAnswer, IntakeRequest } from './model';
import { isPresale, type PresaleOffer } from './resolve';
import { createScarcity, type Scarcity } from './scarcity';
import { type Taken, writeOrders } from './write';

export interface OrderBatchNeeds {
  db: Database;
  personalData: PersonalData;
  /** The default hold, when no line's SKU or category says otherwise. */
  paymentWindowSeconds: number;
}

/** One order that is handed in. */
export interface Placing {
  request: IntakeRequest;
  actor: string;
}

/**
 * Takes in a batch of orders in one transaction: what rarely changes comes from memory, the locks are taken and the
 * stock is read in one journey, each order is decided in arrival order, and one statement per table writes them all.
 */
export function createOrderKind(needs: OrderBatchNeeds): BatchKind<Placing, IntakeAnswer> {
  const memory = { facts: createFactsCache(), scarcity: createScarcity() };
  return {
    name: 'order',
    run: (tenant, placings) =>
      needs.db.inTenant(tenant, (tx) => placeBatch(tx, { ...needs, ...memory }, placings)),
  };
}

interface Batch extends OrderBatchNeeds {
  facts: FactsCache;
  scarcity: Scarcity;
}

/** An order that may be taken in, if the stock allows. */
interface Candidate extends Placing {
  index: number;
  draft: Draft;
}

async function placeBatch(tx: TenantTx, batch: Batch, placings: readonly Placing[]): Promise<IntakeAnswer[]> {
  const answers: IntakeAnswer[] = new Array<IntakeAnswer>(placings.length);
  const requests = placings.map(({ request }) => request);
  const [facts, stored, offer] = await Promise.all([
    batch.facts.read(tx, skusOf(requests)),
    findByExternalIds(tx, requests),
    readOffer(tx, requests),
  ]);
  const context = { tenant: tx.tenant, facts, offer, paymentWindowSeconds: batch.paymentWindowSeconds };
  const drafted: Candidate[] = [];
  for (const [index, placing] of placings.entries()) {
    const known = repeatOf(tx.tenant, placing, { stored, personalData: batch.personalData });
    const draft = known ?? draftOrder(placing.request, context);
    if ('kind' in draft) answers[index] = draft;
    else drafted.push({ ...placing, index, draft });
  }
  const candidates = await refuseWithoutLocks(tx, { batch, facts, answers, drafted });
  const taken = await decide(tx, { batch, facts, answers, candidates });
  // thrown, so that what expiring past-due holds wrote is the sweeper's to write: a refusal stores nothing
  if (taken.size === 0) throw new Rollback(answers);
  tellConflicts(placings, answers, taken);
  return answers;
}

/** Another body under an id that was taken in earlier in this batch is a conflict, whatever else is wrong with it. */
function tellConflicts(
  placings: readonly Placing[],
  answers: IntakeAnswer[],
  taken: Map<string, number>,
): void {
  for (const [index, { request }] of placings.entries()) {
    const kind = answers[index]?.kind;
    if (kind === 'accepted' || kind === 'repeated' || kind === 'conflict') continue;
    const first = taken.get(shopKey(request));
    if (first !== undefined && first < index) answers[index] = { kind: 'conflict' };
  }
}

function skusOf(requests: readonly IntakeRequest[]): Set<string> {
  const skus = new Set<string>();
  for (const { lines } of requests) for (const { sku } of lines) skus.add(sku);
  return skus;
}

/** The campaigns that presale lines may mean; most batches have none. */
async function readOffer(tx: TenantTx, requests: readonly IntakeRequest[]): Promise<PresaleOffer> {
  const skus = requests.flatMap(({ lines }) => lines.filter(isPresale).map((line) => line.sku));
  if (skus.length === 0) return { campaigns: [], at: 0 };
  const { now: at } = await readClock(tx);
  return { campaigns: await readCampaigns(tx, { ids: [], skus: [...new Set(skus)] }, at), at };
}

function repeatOf(
  tenant: string,
  { request }: Placing,
  { stored, personalData }: { stored: Map<string, StoredAnswer>; personalData: PersonalData },
): IntakeAnswer | null {
  if (stored.size === 0) return null;
  const first = stored.get(shopKey(request));
  if (!first) return null;
  if (!first.bodyDigest.equals(digestOf(personalData, tenant, request))) return { kind: 'conflict' };
  return { kind: 'repeated', answer: first.answer as AcceptedOrder };
}

function digestOf(personalData: PersonalData, tenant: string, request: IntakeRequest): Buffer {
  return personalData.digest(`order ${tenant}`, canonicalJson(request));
}

interface Refusing {
  batch: Batch;
  facts: Facts;
  answers: IntakeAnswer[];
  drafted: Candidate[];
}

/**
 * Sold out is cheap: where a SKU was short a moment ago, the stock is looked at without locks, and whoever could not
 * be served even alone is told so. True by what stands in the database between question and answer, never by memory.
 */
async function refuseWithoutLocks(
  tx: TenantTx,
  { batch, facts, answers, drafted }: Refusing,
): Promise<Candidate[]> {
  const doubtful = drafted.filter(
    ({ request, draft }) =>
      request.payment === undefined && batch.scarcity.mayBeShort(tx.tenant, goodsOf(draft)),
  );
  if (doubtful.length === 0) return drafted;
  const state = await readAdmissions(tx, { subjects: doubtful.map(subjectOf), facts });
  const ledger = openLedger(state);
  const refused = new Set<Candidate>();
  for (const candidate of doubtful) {
    const foreseen = ledger.foresee(requestOf(candidate, state));
    if (foreseen.kind === 'soldOut' || foreseen.kind === 'quotaExhausted') {
      answers[candidate.index] = foreseen;
      refused.add(candidate);
    } else {
      batch.scarcity.noteSold(tx.tenant, goodsOf(candidate.draft));
    }
  }
  return drafted.filter((candidate) => !refused.has(candidate));
}

function* goodsOf({ lines }: Draft): Generator<string> {
  for (const line of lines) {
    yield line.sku;
    for (const part of line.components) yield part.sku;
  }
}

function subjectOf({ request, draft }: Candidate): AdmissionSubject {
  return {
    lines: draft.lines,
    destination: draft.destination,
    purchase: { buyerRef: request.buyer.ref, liveSessionId: request.liveSessionId ?? null },
  };
}

function requestOf(candidate: Candidate, { now }: LedgerState): LedgerRequest {
  const { draft } = candidate;
  return { ...subjectOf(candidate), payableUntil: draft.paid ? now : now + draft.holdMs };
}

interface Deciding {
  batch: Batch;
  facts: Facts;
  answers: IntakeAnswer[];
  candidates: Candidate[];
}

/** Decides under the locks, in arrival order, and writes what is taken in; answers by `shopKey` which requests that were. */
async function decide(
  tx: TenantTx,
  { batch, facts, answers, candidates }: Deciding,
): Promise<Map<string, number>> {
  if (candidates.length === 0) return new Map();
  // before the locks: encrypting is the dearest step of an order, and nobody needs to wait for it
  const prepared = candidates.map((candidate) => ({ candidate, ...sealed(tx.tenant, batch, candidate) }));
  const subjects = candidates.map(subjectOf);
  const prepayments = candidates.flatMap(({ request }) => request.payment ?? []);
  const [state, used] = await Promise.all([
    lockAdmissions(tx, { subjects, facts }),
    findUsedPrepayments(tx, prepayments),
  ]);
  const decider = createDecider({ state, ledger: openLedger(state), used });
  for (const each of prepared) {
    const answer = decider.decide(each);
    answers[each.candidate.index] = answer;
    noteScarcity(batch.scarcity, tx.tenant, each.candidate.draft, answer);
  }
  if (decider.taken.length > 0) await writeOrders(tx, decider.taken, state);
  return new Map(decider.taken.map(({ request, index }) => [shopKey(request), index]));
}

type Prepared = { candidate: Candidate } & Pick<Taken, 'bodyDigest' | 'recipient'>;

function sealed(tenant: string, { personalData }: Batch, { request, draft }: Candidate) {
  const { buyer, notes } = request;
  const recipient = { name: buyer.name, phone: buyer.phone, address: buyer.address, notes };
  return {
    bodyDigest: digestOf(personalData, tenant, request),
    recipient: sealRecipient(personalData, { tenant, orderId: draft.orderId }, recipient),
  };
}

function noteScarcity(scarcity: Scarcity, tenant: string, draft: Draft, answer: IntakeAnswer): void {
  if (answer.kind === 'soldOut' || answer.kind === 'quotaExhausted')
    scarcity.noteShort(tenant, answer.shortfall);
  else if (answer.kind === 'accepted') scarcity.noteSold(tenant, goodsOf(draft));
}

interface Decider {
  decide(prepared: Prepared): IntakeAnswer;
  readonly taken: (Taken & { index: number })[];
}

/** Decides orders one after the other; a repeat within the batch gets the first one's answer. */
function createDecider({
  state,
  ledger,
  used,
}: {
  state: LedgerState;
  ledger: AdmissionLedger;
  used: Set<string>;
}): Decider {
  const taken = new Map<string, Taken & { index: number }>();
  return {
    get taken() {
      return [...taken.values()];
    },
    decide({ candidate, bodyDigest, recipient }) {
      const { request, actor, draft, index } = candidate;
      const first = taken.get(draft.orderId);
      if (first) {
        return first.bodyDigest.equals(bodyDigest)
          ? { kind: 'repeated', answer: first.answer }
          : { kind: 'conflict' };
      }
      const { payment } = request;
      if (payment && used.has(prepaymentKey(payment)))
        return { kind: 'transactionUsed', transactionId: payment.transactionId };
      const ask = requestOf(candidate, state);
      const admission = ledger.decide(ask);
      if (admission.kind !== 'admitted' && !payment) return admission;
      if (payment) used.add(prepaymentKey(payment));
      if (admission.kind !== 'admitted') ledger.note(ask);
      const admitted = admission.kind === 'admitted' ? admission : nothingHeld(state);
      const expiresAt = draft.paid ? null : new Date(ask.payableUntil);
      const answer = acceptedOrder(draft, admitted, expiresAt);
      const refusal = admission.kind === 'admitted' ? null : admission;
      taken.set(draft.orderId, {
        index,
        request,
        actor,
        bodyDigest,
        recipient,
        draft,
        admitted,
        refusal,
        expiresAt,
        answer,
      });
      return { kind: 'accepted', answer };
    },
  };
}

/** An order that came with its money and cannot be kept: nothing is held, and ops see it. */
function nothingHeld({ now, timeZone }: LedgerState): Admitted {
  // two days are what ops have to find a substitute or a later date before the buyer must be refunded
  const by = endOfDay(addDays(localDateOf(now, timeZone), 2), timeZone);
  return {
    kind: 'admitted',
    holds: [],
    quotaHolds: [],
    capacity: [],
    promise: { shipBy: by, deliverBy: by },
  };
}

function acceptedOrder(draft: Draft, admitted: Admitted, expiresAt: Date | null): AcceptedOrder {
  return {
    orderId: draft.orderId,
    state: draft.paid ? 'paid' : 'awaitingPayment',
    expiresAt: expiresAt?.toISOString() ?? null,
    totalFen: draft.totalFen,
    lines: draft.lines.map(({ lineId, sku, quantity, supply, unitPriceFen }) => ({
      lineId,
      sku,
      quantity,
      supply,
      unitPriceFen,
    })),
    promise: {
      shipBy: new Date(admitted.promise.shipBy).toISOString(),
      deliverBy: new Date(admitted.promise.deliverBy).toISOString(),
    },
  };
}
