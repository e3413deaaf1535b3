import {
  type Claim,
  type ClaimedMessage,
  claimMessages,
  dropMootStarts,
  settleMessages,
  type ToldMessage,
} from '../db/dispatch';
import type { Database } from '../db/transaction';
import { planReader } from '../domain/tenant/reader';
import type { Reader } from '../domain/tenant/model';
import type { Logger } from '../log';
import type { StageName } from '../workflows/order/messages';
import { isOverloaded, isTemporalAway } from './loop';
import type { Pace } from './pace';
import type { Patience } from './patience';
import type { Temporal } from './temporal';

export interface OutboxNeeds {
  /** As `xianda_dispatch`. */
  db: Database;
  temporal: Temporal;
  pace: Pace;
  /** Without it unpaid orders are started as fast as the pace allows. */
  patience?: Patience;
  logger: Logger;
  watch?: OutboxWatch;
  /** Once aborted no more is told: what was claimed is given back, for another dispatcher to tell at once. */
  stop?: AbortSignal;
  leaseSeconds?: number;
}

export interface OutboxWatch {
  /** Told after each call whether Temporal took it, and how long that took. */
  onCall(kind: ClaimedMessage['kind'], call: { good: boolean; milliseconds: number }): void;
}

/** Longer than a batch can take: 5 rounds of calls of 5 s each. */
export const leaseSeconds = 30;
const batchesPerSlot = 4;
const awaySeconds = 1;
const longestPostponeSeconds = 30;
const mootAtOnce = 2000;

/**
 * Takes a batch of messages and tells Temporal. Every step may be the last: a message is claimed for a while, told
 * under an id that makes telling twice telling once, and only then marked.
 */
export async function dispatchBatch({ db, ...needs }: OutboxNeeds): Promise<'more' | 'idle'> {
  const { pace, patience } = needs;
  const claim = planClaim(pace.limit, { patience, leaseSeconds: needs.leaseSeconds });
  const { messages, cut } = await claimMessages(db, claim);
  if (claim.most.patient > 0) noteTaken(messages, patience);
  const batch = { ...needs, away: false };
  const moot = messages.filter((message) => whatToDo(message) === 'drop');
  const others = messages.filter((message) => !moot.includes(message));
  const told = await inParallel(others, pace, (message) => tell(message, batch));
  await settleMessages(db, [...moot.map((message) => ({ ...message, againInSeconds: null })), ...told]);
  const ended = moot.some((message) => message.precedence === 'patient');
  if (ended && (await dropMootStarts(db, mootAtOnce)) > 0) return 'more';
  const postponed = told.some(({ againInSeconds }) => againInSeconds !== null);
  return cut && !postponed ? 'more' : 'idle';
}

/** Paid orders have most of the batch, what else there is a share that they cannot take, unpaid ones what is left. */
function planClaim(limit: number, rules: { patience?: Patience; leaseSeconds?: number }): Claim {
  const total = limit * batchesPerSlot;
  const patient = rules.patience?.allowed(total) ?? total;
  return {
    most: { urgent: total - limit, soon: limit, patient },
    total,
    leaseSeconds: rules.leaseSeconds ?? leaseSeconds,
  };
}

function noteTaken(messages: ClaimedMessage[], patience: Patience | undefined): void {
  const waited = messages
    .filter((message) => message.precedence === 'patient')
    .map((message) => message.waitedSeconds);
  patience?.took(waited.length, Math.max(0, ...waited));
}

/** The pace is read before each call: it may fall while the batch is under way. */
async function inParallel(
  messages: ClaimedMessage[],
  pace: Pace,
  work: (message: ClaimedMessage) => Promise<ToldMessage>,
): Promise<ToldMessage[]> {
  const told: ToldMessage[] = [];
  const waiting = [...messages];
  let underWay = 0;
  const lane = async () => {
    while (waiting.length > 0 && underWay < pace.limit) {
      const message = waiting.shift() as ClaimedMessage;
      underWay += 1;
      told.push(await work(message).finally(() => (underWay -= 1)));
    }
  };
  while (waiting.length > 0) await Promise.all(Array.from({ length: pace.limit }, lane));
  return told;
}

interface Batch extends Omit<OutboxNeeds, 'db'> {
  /** Once a call was not answered the rest of the batch is not tried: the lease would run out under it. */
  away: boolean;
}

async function tell(message: ClaimedMessage, batch: Batch): Promise<ToldMessage> {
  const { temporal, pace } = batch;
  const todo = whatToDo(message);
  const settled = (againInSeconds: number | null) => ({ ...message, againInSeconds });
  if (todo === 'wait') return settled(sweptSoonSeconds);
  if (batch.stop?.aborted) return settled(0);
  if (batch.away) return settled(awaySeconds);
  const begunAt = performance.now();
  const note = (good: boolean) =>
    batch.watch?.onCall(message.kind, { good, milliseconds: performance.now() - begunAt });
  try {
    await tellTemporal(message, temporal);
    pace.answered(performance.now() - begunAt);
    note(true);
    return settled(null);
  } catch (err) {
    note(false);
    return settled(fail(message, batch, err));
  }
}

/** Answers after how many seconds to try again. */
function fail(message: ClaimedMessage, batch: Batch, err: unknown): number {
  const { pace, logger } = batch;
  const { tenant, kind, subject, attempts } = message;
  if (isTemporalAway(err)) {
    if (!batch.away) logger.warn({ err }, 'Temporal does not answer; orders wait in the outbox');
    batch.away = true;
    pace.refused();
    return awaySeconds;
  }
  if (isOverloaded(err)) pace.refused();
  logger.warn({ tenant, kind, subject, attempts, err }, 'Temporal was not told');
  return Math.min(2 ** Math.min(attempts, 10) * 0.25, longestPostponeSeconds);
}

const sweptSoonSeconds = 1;

/**
 * Never starts an order that has ended; one past its hold waits until the sweeper, or its payment, has decided. An
 * order that ends after this was read is started all the same: its workflow reads the row first, and closes. What would
 * be told to a workflow that is still to be started, it reads.
 */
function whatToDo({ kind, order, payload }: ClaimedMessage): 'tell' | 'wait' | 'drop' {
  if (kind === 'signalOrder') return order?.unstarted === true ? 'drop' : 'tell';
  if (kind !== 'startOrder') return 'tell';
  if (order === null || order.run > runOf(payload)) return 'drop';
  switch (order.state) {
    case 'delivered':
    case 'expired':
    case 'cancelled':
      return 'drop';
    case 'waiting':
    case 'awaitingPayment':
    case 'paid':
    case 'fulfilling':
      return order.pastDue ? 'wait' : 'tell';
  }
}

async function tellTemporal(message: ClaimedMessage, temporal: Temporal): Promise<void> {
  const { tenant, kind, subject, payload, order } = message;
  const reader = readerOf(message);
  const again = payload.again === true;
  switch (kind) {
    case 'startOrder':
      if (order !== null)
        await temporal.startOrder({ tenant, orderId: subject, ...order }, { again, reader });
      return;
    case 'signalOrder': {
      const run = { tenant, orderId: subject, run: runOf(payload) };
      return temporal.signalOrder(run, payload.stage as StageName);
    }
    case 'startMoney': {
      const money = { tenant, provider: String(payload.provider), transactionId: subject, reader };
      return temporal.startMoney(money, { again });
    }
    case 'startRefund':
      return temporal.startRefund({ tenant, refundId: subject, reader }, { again });
    case 'startConversion':
      return temporal.startArrival({ tenant, campaignId: subject, reader });
    case 'signalRefund':
      return temporal.signalRefund({ tenant, refundId: subject });
    case 'wakeWebhook':
      return temporal.wakeWebhook({ tenant, endpointId: subject, reader });
  }
}

/** Whom its workflow speaks to, from its first word on. */
function readerOf({ language, timeZone, now }: ClaimedMessage): Reader {
  return planReader({ language, timeZone, now: now.getTime() });
}

function runOf(payload: Record<string, unknown>): number {
  return typeof payload.run === 'number' ? payload.run : 1;
}
