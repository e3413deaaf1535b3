import { lockAdmissions, wantedBy } from '../db/admission';
import type { Facts } from '../db/facts';
import { findUsedPrepayments } from '../db/prepayment';
import { RunAgain, type TenantTx } from '../db/transaction';
import { type LedgerState, openLedger } from '../domain/order/admissionLedger';
import type { PlacingRules } from '../domain/order/placing';
import { decidesAlike, sameMoment, sumTakes } from '../domain/order/stockForecast';
import { type Prepared, subjectOf } from './candidate';
import { createDecider, type TakenAt } from './decider';
import type { Foresight } from './foresight';
import type { IntakeAnswer } from './model';
import { type DecidedAt, takesOf, writeHoldings, writeRecords } from './write';

export interface AheadNeeds {
  facts: Facts;
  foresight: Foresight;
  rules: PlacingRules;
  /** The database's clock as it was when the batch began. */
  clock: DecidedAt;
  prepared: readonly Prepared[];
}

/** Orders decided on a state, all of them served. */
interface Plan {
  state: LedgerState;
  answers: Map<number, IntakeAnswer>;
  taken: TakenAt[];
}

/**
 * Decides a batch before it has its locks, on what it will find there if all that is under way commits, and writes what
 * tells of its orders meanwhile; under the locks only what they take is left to write. What is found there decides: if
 * it is another stock, the orders are decided again on it, and if any of them were told otherwise, all is undone and
 * done again the usual way. Null: not to be planned ahead; nothing was written.
 */
export async function decideAhead(tx: TenantTx, needs: AheadNeeds): Promise<Plan | null> {
  const { facts, foresight, clock, prepared } = needs;
  const subjects = prepared.map(({ candidate }) => subjectOf(candidate));
  const wanted = wantedBy(subjects, facts);
  if (!prepared.every((each) => isForTheShelf(each, facts))) return null;
  const stock = foresight.foresee(tx.tenant, wanted);
  if (!stock) return null;
  const used = await findUsedPrepayments(
    tx,
    prepared.flatMap(({ candidate }) => candidate.request.payment ?? []),
  );
  const plan = planOn({ ...stateless(facts), ...clock, ...stock }, { ...needs, used });
  if (!plan) return null;
  const takes = sumTakes(plan.taken.map(takesOf));
  foresight.setOut(tx.tenant, takes);
  let locked: LedgerState;
  try {
    // the records are sent first: another batch may hold the locks meanwhile
    [, locked] = await Promise.all([
      writeRecords(tx, plan.taken, clock),
      lockAdmissions(tx, { subjects, facts }),
    ]);
  } catch (error) {
    // as when another process has the same order in its hands: both leave off meeting like that for a while
    foresight.noteOutcome(tx.tenant, 'wrong');
    throw error;
  } finally {
    foresight.arrive(tx.tenant, takes);
  }
  const confirmed = confirm(plan, locked, { ...needs, used });
  foresight.noteOutcome(tx.tenant, confirmed ? 'right' : 'wrong');
  if (!confirmed) throw new RunAgain('not the stock that was planned on');
  foresight.noteSeen(tx.tenant, {
    wanted,
    stock: locked,
    takes: confirmed === plan ? takes : sumTakes(confirmed.taken.map(takesOf)),
  });
  await writeHoldings(tx, confirmed.taken);
  return confirmed;
}

/** Limits are counted from orders that this process may not know of, and campaigns open and close at any moment. */
function isForTheShelf({ candidate }: Prepared, { skus }: Facts): boolean {
  return candidate.draft.lines.every(({ sku, campaignId }) => {
    const rules = skus.get(sku);
    return campaignId === null && rules?.purchaseLimitUnits === null && rules.unpaidLimit === undefined;
  });
}

function stateless({ skus, sites, carriers, points }: Facts) {
  return {
    skus,
    sites,
    carriers,
    pickupPoints: points,
    campaigns: new Map(),
    bought: new Map(),
    unpaid: new Map(),
  };
}

type Planning = Pick<AheadNeeds, 'prepared' | 'rules'> & { used: ReadonlySet<string> };

/** Null as soon as somebody is not served: then it matters under which locks that is said. */
function planOn(state: LedgerState, { prepared, rules, used }: Planning): Plan | null {
  const decider = createDecider({ state, ledger: openLedger(state), used, own: [], rules });
  const answers: Plan['answers'] = new Map();
  for (const each of prepared) {
    const answer = decider.decide(each);
    if (!isSettled(answer)) return null;
    answers.set(each.candidate.index, answer);
  }
  const { taken } = decider;
  const allServed = taken.every(({ wait, refusal }) => wait === null && refusal === null);
  return allServed && taken.length > 0 ? { state, answers, taken } : null;
}

/** Served, or told what no stock can change. */
function isSettled({ kind }: IntakeAnswer): boolean {
  return kind === 'accepted' || kind === 'repeated' || kind === 'conflict' || kind === 'transactionUsed';
}

/** The plan that holds on what stands under the locks; null when what was written ahead is not of it. */
function confirm(plan: Plan, locked: LedgerState, planning: Planning): Plan | null {
  const { now, timeZone } = plan.state;
  if (locked.timeZone !== timeZone || !sameMoment(now, locked.now, holdsOf(plan))) return null;
  if (decidesAlike(plan.state, locked)) return plan;
  const again = planOn({ ...locked, now }, planning);
  return again && tellsTheSame(plan, again) ? again : null;
}

function holdsOf({ state, taken }: Plan): Set<number> {
  return new Set(taken.flatMap(({ expiresAt }) => (expiresAt ? [expiresAt.getTime() - state.now] : [])));
}

/** All that is written ahead follows from what the shop is told; which lots the units come from it does not say. */
function tellsTheSame(a: Plan, b: Plan): boolean {
  return (
    a.taken.length === b.taken.length &&
    a.taken.every(({ answer }, at) => JSON.stringify(answer) === JSON.stringify(b.taken[at]?.answer))
  );
}
