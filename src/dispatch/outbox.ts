import { type ClaimedMessage, claimMessages, completeMessages, postponeMessages } from '../db/dispatch';
import type { Database } from '../db/transaction';
import { planReader } from '../domain/tenant/reader';
import type { Reader } from '../domain/tenant/model';
import type { Logger } from '../log';
import type { StageName } from '../workflows/order/messages';
import { isOverloaded, isTemporalAway } from './loop';
import type { Pace } from './pace';
import type { Temporal } from './temporal';

export interface OutboxNeeds {
  /** As `xianda_dispatch`. */
  db: Database;
  temporal: Temporal;
  pace: Pace;
  logger: Logger;
  /** Once aborted no more is told: what was claimed is given back, for another dispatcher to tell at once. */
  stop?: AbortSignal;
}

/** Longer than a batch can take: 4 rounds of calls of 5 s each. */
export const leaseSeconds = 30;
const batchesPerSlot = 4;
const awaySeconds = 1;
const longestPostponeSeconds = 30;

type Told = { message: ClaimedMessage; result: 'done' | number };

/**
 * Takes a batch of messages and tells Temporal. Every step may be the last: a message is claimed for a while, told
 * under an id that makes telling twice telling once, and only then marked.
 */
export async function dispatchBatch({ db, ...needs }: OutboxNeeds): Promise<'more' | 'idle'> {
  const { pace } = needs;
  const limit = pace.limit * batchesPerSlot;
  const messages = await claimMessages(db, { limit, leaseSeconds });
  if (messages.length === 0) return 'idle';
  const batch = { ...needs, away: false };
  const told = await inParallel(messages, pace, (message) => tell(message, batch));
  const postponed = told.flatMap(({ message, result }) =>
    result === 'done' ? [] : [{ tenant: message.tenant, outboxId: message.outboxId, seconds: result }],
  );
  await completeMessages(
    db,
    told.filter(({ result }) => result === 'done').map(({ message }) => message),
  );
  await postponeMessages(db, postponed);
  return messages.length === limit && postponed.length === 0 ? 'more' : 'idle';
}

/** The pace is read before each call: it may fall while the batch is under way. */
async function inParallel(
  messages: ClaimedMessage[],
  pace: Pace,
  work: (message: ClaimedMessage) => Promise<Told>,
): Promise<Told[]> {
  const told: Told[] = [];
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

async function tell(message: ClaimedMessage, batch: Batch): Promise<Told> {
  const { temporal, pace, logger } = batch;
  if (batch.stop?.aborted) return { message, result: 0 };
  if (batch.away) return { message, result: awaySeconds };
  try {
    const result = await tellTemporal(message, temporal);
    pace.quicken();
    return { message, result };
  } catch (err) {
    const { tenant, kind, subject, attempts } = message;
    if (isTemporalAway(err)) {
      if (!batch.away) logger.warn({ err }, 'Temporal does not answer; orders wait in the outbox');
      batch.away = true;
      pace.slacken();
      return { message, result: awaySeconds };
    }
    if (isOverloaded(err)) pace.slacken();
    logger.warn({ tenant, kind, subject, attempts, err }, 'Temporal was not told');
    return { message, result: Math.min(2 ** Math.min(attempts, 10) * 0.25, longestPostponeSeconds) };
  }
}

/** Answers `done`, or the seconds after which to look at it again. */
async function tellTemporal(message: ClaimedMessage, temporal: Temporal): Promise<'done' | number> {
  const { tenant, kind, subject, payload } = message;
  switch (kind) {
    case 'startOrder':
      return startOrder(message, temporal);
    case 'signalOrder':
      await temporal.signalOrder(
        { tenant, orderId: subject, run: runOf(payload) },
        payload.stage as StageName,
      );
      return 'done';
    case 'startMoney':
      await temporal.startMoney(
        {
          tenant,
          provider: String(payload.provider),
          transactionId: subject,
          reader: readerOf(message),
        },
        { again: payload.again === true },
      );
      return 'done';
    case 'startRefund':
      await temporal.startRefund(
        { tenant, refundId: subject, reader: readerOf(message) },
        { again: payload.again === true },
      );
      return 'done';
    case 'startConversion':
      await temporal.startArrival({ tenant, campaignId: subject, reader: readerOf(message) });
      return 'done';
    case 'signalRefund':
      await temporal.signalRefund({ tenant, refundId: subject });
      return 'done';
    case 'wakeWebhook':
      await temporal.wakeWebhook({ tenant, endpointId: subject, reader: readerOf(message) });
      return 'done';
  }
}

const sweptSoonSeconds = 1;

/** Never starts an order that has ended; one past its hold is left until the sweeper, or its payment, has decided. */
async function startOrder(message: ClaimedMessage, temporal: Temporal): Promise<'done' | number> {
  const { tenant, subject, payload, order } = message;
  if (order === null || order.run > runOf(payload)) return 'done';
  switch (order.state) {
    case 'delivered':
    case 'expired':
    case 'cancelled':
      return 'done';
    case 'waiting':
    case 'awaitingPayment':
    case 'paid':
    case 'fulfilling':
      if (order.pastDue) return sweptSoonSeconds;
      await temporal.startOrder(
        { tenant, orderId: subject, ...order },
        { again: payload.again === true, reader: readerOf(message) },
      );
      return 'done';
  }
}

/** Whom its workflow speaks to, from its first word on. */
function readerOf({ language, timeZone, now }: ClaimedMessage): Reader {
  return planReader({ language, timeZone, now: now.getTime() });
}

function runOf(payload: Record<string, unknown>): number {
  return typeof payload.run === 'number' ? payload.run : 1;
}
