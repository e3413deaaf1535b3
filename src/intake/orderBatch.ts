import { lockAdmissions, readAdmissions, wantedBy } from '../db/admission';
import { readCampaigns, readClock } from '../db/admission.read';
import { createFactsCache, type Facts, type FactsCache } from '../db/facts';
import { findByExternalIds, shopKey, type StoredAnswer } from '../db/order';
import { findUsedPrepayments } from '../db/prepayment';
import { type PersonalData, sealRecipient } from '../db/personalData';
import { type Database, Rollback, type TenantTx } from '../db/transaction';
import { findHolders, type OwnUnpaid, readOwnUnpaid } from '../db/unpaid.read';
import { type LedgerState, openLedger } from '../domain/order/admissionLedger';
import { mayBeOwnDoing, mostOwnOrders } from '../domain/order/givingWay';
import type { PlacingRules } from '../domain/order/placing';
import { sumTakes } from '../domain/order/stockForecast';
import { decideAhead } from './ahead';
import type { BatchKind } from './batcher';
import { canonicalJson } from './canonical';
import {
  type Candidate,
  goodsOf,
  holderOf,
  type Placing,
  placingOf,
  type Prepared,
  subjectOf,
} from './candidate';
import { createDecider, type TakenAt } from './decider';
import { type Draft, draftOrder } from './draft';
import { createForesight, type Foresight } from './foresight';
import type { AcceptedOrder, IntakeAnswer, IntakeRequest } from './model';
import { isPresale, type PresaleOffer } from './resolve';
import { createScarcity, type Scarcity } from './scarcity';
import { type DecidedAt, takesOf, writeOrders } from './write';

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
  const batch = {
    ...needs,
    facts: createFactsCache(),
    scarcity: createScarcity(),
    foresight: createForesight(),
  };
  const runOnce = async (tenant: string, placings: readonly Placing[], alone: boolean) => {
    let tries = 0;
    try {
      return await needs.db.inTenant(tenant, (tx) => {
        tries += 1;
        // what had to be undone is decided under the locks
        return placeBatch(tx, { ...batch, alone, mayPlanAhead: !alone && tries === 1 }, placings);
      });
    } catch (error) {
      batch.foresight.forget(tenant);
      throw error;
    }
  };
  return {
    name: 'order',
    async run(tenant, placings) {
      const answers: IntakeAnswer[] = [];
      while (answers.length < placings.length) {
        const rest = placings.slice(answers.length);
        const some = await runOnce(tenant, rest, false);
        answers.push(...some);
        if (some.length === rest.length) break;
        answers.push(...(await runOnce(tenant, rest.slice(some.length, some.length + 1), true)));
      }
      return answers;
    },
  };
}

interface Batch extends OrderBatchNeeds {
  facts: FactsCache;
  scarcity: Scarcity;
  foresight: Foresight;
  /** It may be decided before it has its locks. */
  mayPlanAhead: boolean;
  /** One order by itself, for which older unpaid ones of the same buyer may give way. */
  alone: boolean;
}

/**
 * Answers the orders in front, up to the first whose buyer holds goods unpaid that may be in its way (seldom any): that
 * one must be decided alone, in a transaction that locks what those hold, and those behind it after it.
 */
async function placeBatch(tx: TenantTx, batch: Batch, placings: readonly Placing[]): Promise<IntakeAnswer[]> {
  const answers: IntakeAnswer[] = new Array<IntakeAnswer>(placings.length);
  const requests = placings.map(({ request }) => request);
  const asked = readClock(tx);
  const [facts, stored, offer, clock] = await Promise.all([
    batch.facts.read(tx, skusOf(requests)),
    findByExternalIds(tx, requests),
    readOffer(tx, requests, asked),
    asked,
  ]);
  const context = { tenant: tx.tenant, facts, offer };
  const drafted: Candidate[] = [];
  for (const [index, placing] of placings.entries()) {
    const known = repeatOf(tx.tenant, placing, { stored, personalData: batch.personalData });
    const draft = known ?? draftOrder(placing.request, context);
    if ('kind' in draft) answers[index] = draft;
    else drafted.push({ ...placing, index, draft });
  }
  const candidates = await refuseWithoutLocks(tx, { batch, facts, clock, answers, drafted });
  const { taken, until } = await decide(tx, { batch, facts, clock, answers, drafted, candidates });
  const decided = answers.slice(0, until);
  // thrown, so that what expiring past-due holds wrote is the sweeper's to write: a refusal stores nothing
  if (taken.size === 0) throw new Rollback(decided);
  tellConflicts(placings, decided, taken);
  return decided;
}

/** Another body under an id that was taken in earlier in this batch is a conflict, whatever else is wrong with it. */
function tellConflicts(
  placings: readonly Placing[],
  answers: IntakeAnswer[],
  taken: Map<string, number>,
): void {
  for (const [index, { request }] of placings.slice(0, answers.length).entries()) {
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
async function readOffer(
  tx: TenantTx,
  requests: readonly IntakeRequest[],
  clock: ReturnType<typeof readClock>,
): Promise<PresaleOffer> {
  const skus = requests.flatMap(({ lines }) => lines.filter(isPresale).map((line) => line.sku));
  if (skus.length === 0) return { campaigns: [], at: 0 };
  const { now: at } = await clock;
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
  clock: DecidedAt;
  answers: IntakeAnswer[];
  /** All that could be orders. */
  drafted: Candidate[];
}

/**
 * Sold out is cheap: where a SKU was short a moment ago, the stock is looked at without locks, and whoever could not
 * be served even alone is told so. True by what stands in the database between question and answer, never by memory.
 */
async function refuseWithoutLocks(
  tx: TenantTx,
  { batch, facts, clock, answers, drafted }: Refusing,
): Promise<Candidate[]> {
  if (batch.alone) return drafted;
  const doubtful = drafted.filter(
    ({ request, draft }) =>
      request.payment === undefined &&
      request.acceptLater !== true &&
      batch.scarcity.mayBeShort(tx.tenant, goodsOf(draft)),
  );
  if (doubtful.length === 0) return drafted;
  const state = await readAdmissions(tx, { subjects: doubtful.map(subjectOf), facts, clock });
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

interface Deciding extends Refusing {
  /** Those that could be orders and are not answered yet. */
  candidates: Candidate[];
}

interface Decided {
  /** By `shopKey`, which requests were taken in. */
  taken: Map<string, number>;
  /** The first order that is not decided. */
  until: number;
}

/** Decides in arrival order, and writes what is taken in. */
async function decide(tx: TenantTx, deciding: Deciding): Promise<Decided> {
  const { batch, facts, clock, answers, candidates, drafted } = deciding;
  if (candidates.length === 0) return { taken: new Map(), until: await findCut(tx, deciding, []) };
  const prepared = candidates.map((candidate) => ({ candidate, ...sealed(tx.tenant, batch, candidate) }));
  // where the stock refused somebody, it is too short to foresee anything
  const mayPlanAhead = batch.mayPlanAhead && candidates.length === drafted.length;
  const ahead =
    mayPlanAhead &&
    (await decideAhead(tx, { facts, clock, prepared, foresight: batch.foresight, rules: rulesOf(batch) }));
  if (!ahead) return decideUnderLocks(tx, deciding, prepared);
  for (const [index, answer] of ahead.answers) answers[index] = answer;
  return decidedOf(tx.tenant, deciding, { taken: ahead.taken, until: answers.length });
}

/** Decides under the locks, and writes what is taken in. */
async function decideUnderLocks(tx: TenantTx, deciding: Deciding, prepared: Prepared[]): Promise<Decided> {
  const { batch, facts, answers, candidates } = deciding;
  const { state, used, own } = await lockBatch(tx, { batch, facts, candidates });
  const decideUntil = (until: number): TakenAt[] => {
    const decider = createDecider({ state, used, own, ledger: openLedger(state), rules: rulesOf(batch) });
    for (const each of prepared) {
      if (each.candidate.index < until) answers[each.candidate.index] = decider.decide(each);
    }
    return decider.taken;
  };
  let taken = decideUntil(answers.length);
  const until = await findCut(tx, deciding, taken);
  if (until < answers.length) taken = decideUntil(until);
  noteSeen(tx.tenant, deciding, { state, taken });
  if (taken.length > 0) await writeOrders(tx, taken, state);
  return decidedOf(tx.tenant, deciding, { taken, until });
}

/** Those who plan ahead may count on it, unless there is more to it than units that were taken. */
function noteSeen(
  tenant: string,
  { batch: { foresight }, facts, candidates }: Deciding,
  { state, taken }: { state: LedgerState; taken: TakenAt[] },
): void {
  if (taken.some(({ wait, givesWay }) => wait !== null || givesWay.length > 0)) {
    foresight.forget(tenant);
    return;
  }
  const wanted = wantedBy(candidates.map(subjectOf), facts);
  foresight.noteSeen(tenant, { wanted, stock: state, takes: sumTakes(taken.map(takesOf)) });
}

function decidedOf(
  tenant: string,
  { batch, candidates, answers }: Deciding,
  { taken, until }: { taken: TakenAt[]; until: number },
): Decided {
  for (const { index, draft } of candidates) {
    if (index < until) noteScarcity(batch.scarcity, tenant, draft, answers[index] as IntakeAnswer);
  }
  return { taken: new Map(taken.map(({ request, index }) => [shopKey(request), index])), until };
}

/** Locks what the orders ask for; of one that is decided alone also what its buyer holds unpaid, and reads that. */
async function lockBatch(
  tx: TenantTx,
  { batch, facts, candidates }: Pick<Deciding, 'batch' | 'facts' | 'candidates'>,
) {
  const subjects = candidates.map(subjectOf);
  const before = batch.alone ? await readOwn(tx, candidates) : [];
  const [state, used] = await Promise.all([
    lockAdmissions(tx, { subjects, facts, alsoLock: before.flatMap((order) => order.skus) }),
    findUsedPrepayments(
      tx,
      candidates.flatMap(({ request }) => request.payment ?? []),
    ),
  ]);
  // again under the locks; one that was placed only now may hold more than is locked, and stays
  const known = new Set(before.map(({ orderId }) => orderId));
  const own = before.length === 0 ? [] : await readOwn(tx, candidates);
  return { state, used, own: own.filter(({ orderId }) => known.has(orderId)) };
}

/**
 * The first order that its buyer's own unpaid goods may keep from being served: refused, put in line, or taken in
 * without goods, while the buyer holds something, be it from this very batch. Past the end when there is none.
 */
async function findCut(
  tx: TenantTx,
  { batch, answers, drafted }: Deciding,
  taken: readonly TakenAt[],
): Promise<number> {
  if (batch.alone) return answers.length;
  const unserved = new Set(
    taken.flatMap(({ wait, refusal, index }) => (wait !== null || refusal !== null ? [index] : [])),
  );
  const suspects = drafted.filter(
    ({ index }) => unserved.has(index) || mayBeOwnDoing(answers[index] as IntakeAnswer),
  );
  if (suspects.length === 0) return answers.length;
  const holders = await findHolders(tx, suspects.map(holderOf));
  const cut = suspects.find((suspect, position) => {
    const earlier = taken.filter((each) => holdsBefore(each, suspect)).length;
    return earlier <= mostOwnOrders && (earlier > 0 || holders.has(position));
  });
  return cut?.index ?? answers.length;
}

function holdsBefore({ expiresAt, request, index }: TakenAt, later: Candidate): boolean {
  return (
    expiresAt !== null &&
    index < later.index &&
    request.channel === later.request.channel &&
    request.buyer.ref === later.request.buyer.ref
  );
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
