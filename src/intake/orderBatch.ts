import { type AdmissionSubject, lockAdmissions, readAdmissions } from '../db/admission';
import { readCampaigns, readClock } from '../db/admission.read';
import { createFactsCache, type Facts, type FactsCache } from '../db/facts';
import { findByExternalIds, shopKey, type StoredAnswer } from '../db/order';
import { findUsedPrepayments } from '../db/prepayment';
import { type PersonalData, sealRecipient } from '../db/personalData';
import { type Database, Rollback, type TenantTx } from '../db/transaction';
import { findHolders, type OwnUnpaid, readOwnUnpaid } from '../db/unpaid.read';
import { openLedger } from '../domain/order/admissionLedger';
import { mayBeOwnDoing } from '../domain/order/givingWay';
import type { PlacingRules } from '../domain/order/placing';
import type { BatchKind } from './batcher';
import { canonicalJson } from './canonical';
import { type Candidate, createDecider, holderOf, isPatient, type Placing, placingOf } from './decider';
import { type Draft, draftOrder } from './draft';
import type { AcceptedOrder, IntakeAnswer, IntakeRequest } from './model';
import { isPresale, type PresaleOffer } from './resolve';
import { createScarcity, type Scarcity } from './scarcity';
import { writeOrders } from './write';

export interface OrderBatchNeeds {
  db: Database;
  personalData: PersonalData;
  /** The default hold, when no line's SKU or category says otherwise. */
  paymentWindowSeconds: number;
  /** How long an order stays in line at most; a day when not given. */
  waitingListSeconds?: number;
}

const aDaySeconds = 86_400;

/**
 * Takes in a batch of orders in one transaction: what rarely changes comes from memory, the locks are taken and the
 * stock is read in one journey, each order is decided in arrival order, and one statement per table writes them all.
 */
export function createOrderKind(needs: OrderBatchNeeds): BatchKind<Placing, IntakeAnswer> {
  const memory = { facts: createFactsCache(), scarcity: createScarcity() };
  return {
    name: 'order',
    async run(tenant, placings) {
      const batch = { ...needs, ...memory, alone: false };
      const { answers, again } = await needs.db.inTenant(tenant, (tx) => placeBatch(tx, batch, placings));
      for (const index of again) {
        const one = [placings[index] as Placing];
        const alone = await needs.db.inTenant(tenant, (tx) => placeBatch(tx, { ...batch, alone: true }, one));
        answers[index] = alone.answers[0] as IntakeAnswer;
      }
      return answers;
    },
  };
}

interface Batch extends OrderBatchNeeds {
  facts: FactsCache;
  scarcity: Scarcity;
  /** One order by itself, for which older unpaid ones of the same buyer may give way. */
  alone: boolean;
}

interface Outcome {
  answers: IntakeAnswer[];
  /**
   * Orders, by index, whose buyer holds goods unpaid that may be in their way: seldom, so each is looked at again by
   * itself, in a transaction that locks what those hold.
   */
  again: number[];
}

async function placeBatch(tx: TenantTx, batch: Batch, placings: readonly Placing[]): Promise<Outcome> {
  const answers: IntakeAnswer[] = new Array<IntakeAnswer>(placings.length);
  const requests = placings.map(({ request }) => request);
  const [facts, stored, offer] = await Promise.all([
    batch.facts.read(tx, skusOf(requests)),
    findByExternalIds(tx, requests),
    readOffer(tx, requests),
  ]);
  const context = { tenant: tx.tenant, facts, offer };
  const drafted: Candidate[] = [];
  for (const [index, placing] of placings.entries()) {
    const known = repeatOf(tx.tenant, placing, { stored, personalData: batch.personalData });
    const draft = known ?? draftOrder(placing.request, context);
    if ('kind' in draft) answers[index] = draft;
    else drafted.push({ ...placing, index, draft });
  }
  const candidates = await refuseWithoutLocks(tx, { batch, facts, answers, drafted });
  const { taken, deferred } = await decide(tx, { batch, facts, answers, candidates });
  const again = batch.alone ? [] : [...deferred, ...(await findOwnDoing(tx, answers, drafted))];
  // thrown, so that what expiring past-due holds wrote is the sweeper's to write: a refusal stores nothing
  if (taken.size === 0) throw new Rollback({ answers, again });
  tellConflicts(placings, answers, taken);
  return { answers, again };
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

/** Of the refused those whose buyer holds goods unpaid: for nothing else, perhaps, were they refused. */
async function findOwnDoing(
  tx: TenantTx,
  answers: readonly IntakeAnswer[],
  drafted: readonly Candidate[],
): Promise<number[]> {
  const refused = drafted.filter(({ index }) => mayBeOwnDoing(answers[index] ?? { kind: 'deferred' }));
  const holders = await findHolders(tx, refused.map(holderOf));
  return refused.filter((_, position) => holders.has(position)).map(({ index }) => index);
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
      request.payment === undefined &&
      request.acceptLater !== true &&
      batch.scarcity.mayBeShort(tx.tenant, goodsOf(draft)),
  );
  if (doubtful.length === 0 || batch.alone) return drafted;
  const state = await readAdmissions(tx, { subjects: doubtful.map(subjectOf), facts });
  const ledger = openLedger(state);
  const refused = new Set<Candidate>();
  for (const candidate of doubtful) {
    const foreseen = ledger.foresee(placingOf(candidate), rulesOf(batch));
    if (foreseen.kind === 'soldOut' || foreseen.kind === 'quotaExhausted') {
      answers[candidate.index] = foreseen;
      refused.add(candidate);
    } else {
      batch.scarcity.noteSold(tx.tenant, goodsOf(candidate.draft));
    }
  }
  return drafted.filter((candidate) => !refused.has(candidate));
}

function* goodsOf({ lines }: Pick<Draft, 'lines'>): Generator<string> {
  for (const line of lines) {
    yield line.sku;
    for (const part of line.components) yield part.sku;
  }
}

function subjectOf(candidate: Candidate): AdmissionSubject {
  const { lines, destination, purchase, holder, paid } = placingOf(candidate);
  return { lines, destination, purchase, holder: paid ? undefined : holder };
}

interface Deciding {
  batch: Batch;
  facts: Facts;
  answers: IntakeAnswer[];
  candidates: Candidate[];
}

/**
 * Decides under the locks, in arrival order, and writes what is taken in; answers by `shopKey` which requests that were,
 * and which were left undecided because their buyer's own unpaid orders come first.
 */
async function decide(
  tx: TenantTx,
  { batch, facts, answers, candidates }: Deciding,
): Promise<{ taken: Map<string, number>; deferred: number[] }> {
  if (candidates.length === 0) return { taken: new Map(), deferred: [] };
  // before the locks: encrypting is the dearest step of an order, and nobody needs to wait for it
  const prepared = candidates.map((candidate) => ({ candidate, ...sealed(tx.tenant, batch, candidate) }));
  const subjects = candidates.map(subjectOf);
  const prepayments = candidates.flatMap(({ request }) => request.payment ?? []);
  const holders = batch.alone ? new Set<Candidate>() : await findPatientHolders(tx, candidates);
  const before = batch.alone ? await readOwn(tx, candidates) : [];
  const [state, used] = await Promise.all([
    lockAdmissions(tx, { subjects, facts, alsoLock: before.flatMap((order) => order.skus) }),
    findUsedPrepayments(tx, prepayments),
  ]);
  // again under the locks; one that was placed only now may hold more than is locked, and stays
  const known = new Set(before.map(({ orderId }) => orderId));
  const own = before.length === 0 ? [] : await readOwn(tx, candidates);
  const decider = createDecider({
    state,
    ledger: openLedger(state),
    used,
    rules: rulesOf(batch),
    own: own.filter(({ orderId }) => known.has(orderId)),
    holders,
  });
  for (const each of prepared) {
    const answer = decider.decide(each);
    if (answer === 'deferred') continue;
    answers[each.candidate.index] = answer;
    noteScarcity(batch.scarcity, tx.tenant, each.candidate.draft, answer);
  }
  if (decider.taken.length > 0) await writeOrders(tx, decider.taken, state);
  const taken = new Map(decider.taken.map(({ request, index }) => [shopKey(request), index]));
  return { taken, deferred: decider.deferred };
}

/** Of those who would wait, or come with their money, and whose own unpaid orders must be looked at before that. */
async function findPatientHolders(tx: TenantTx, candidates: Candidate[]): Promise<Set<Candidate>> {
  const patient = candidates.filter(isPatient);
  const holders = await findHolders(tx, patient.map(holderOf));
  return new Set(patient.filter((_, position) => holders.has(position)));
}

/** What the buyer of the one order holds unpaid of the same goods. */
async function readOwn(tx: TenantTx, [candidate]: Candidate[]): Promise<OwnUnpaid[]> {
  if (!candidate) return [];
  return readOwnUnpaid(tx, { holder: holderOf(candidate), skus: [...goodsOf(candidate.draft)] });
}

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

function rulesOf({ paymentWindowSeconds, waitingListSeconds = aDaySeconds }: Batch): PlacingRules {
  return { paymentWindowSeconds, waitingSeconds: waitingListSeconds };
}
