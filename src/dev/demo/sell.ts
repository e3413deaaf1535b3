import { type Answer, problemSlug } from '../seed/apiClient';
import type { LedgerEntry } from './ledger';
import { earlyMoments } from './planShow';
import { cancelOrder, payOrder, payTheirOrder } from './money';
import type { OrderBody, PlannedOrder } from './showModel';
import { type Stage, sleepUntil } from './stage';

/** Holds of the flash goods end a minute after intake; then the units nobody paid for are back. */
const encoreAfterMs = 62_500;
const encoreLengthMs = 6_000;

interface Acknowledgement {
  orderId: string;
  state: string;
  expiresAt: string | null;
  totalFen: number;
  promise: { deliverBy: string } | null;
}

/** Every buyer presses the button at their own time, whatever the others do. */
export function sellEverything(stage: Stage): void {
  stage.ledger.entries.forEach((entry) => {
    stage.act('buyer', async () => {
      await sleepUntil(stage.startsAtMs + entry.plan.atMs);
      await buy(stage, entry);
    });
  });
}

async function buy(stage: Stage, entry: LedgerEntry): Promise<void> {
  const { body, repeatAfterMs } = entry.plan;
  const pressedAtMs = stage.startsAtMs + entry.plan.atMs;
  const first = place(stage, body).then((answer) => {
    entry.answeredAfterMs = Date.now() - pressedAtMs;
    return answer;
  });
  const twin = repeatAfterMs === 0 ? place(stage, body) : undefined;
  const answers = [await first, ...(twin ? [await twin] : [])];
  const taken = answers.find(isTaken);
  if (twin) judgeRepeat(stage, entry, answers[0] as Answer, answers[1] as Answer);
  if (taken) acknowledge(stage, entry, taken);
  else await comeBack(stage, entry, answers[0] as Answer);
  if (taken && repeatAfterMs) {
    await sleepUntil(pressedAtMs + repeatAfterMs);
    judgeRepeat(stage, entry, taken, await place(stage, body));
  }
}

function place(stage: Stage, body: OrderBody): Promise<Answer> {
  return stage.api.send('POST', '/v1/orders', { key: stage.keys.channel, body });
}

function isTaken(answer: Answer): boolean {
  return answer.status === 201 || answer.status === 200;
}

/** A repeat of an accepted order gets the first answer word for word. */
function judgeRepeat({ ledger }: Stage, entry: LedgerEntry, first: Answer, second: Answer): void {
  if (!isTaken(first) || !isTaken(second)) return;
  entry.repeat = JSON.stringify(first.body) === JSON.stringify(second.body) ? 'same' : 'different';
  if (entry.repeat === 'different')
    ledger.noteFault(`repeat of ${entry.plan.body.externalId} was answered differently`);
}

/** From here on the order exists and may never be lost; the buyer goes on to pay, or not. */
function acknowledge(stage: Stage, entry: LedgerEntry, answer: Answer): void {
  const { orderId, state, expiresAt, totalFen, promise } = answer.body as Acknowledgement;
  entry.orderId = orderId;
  entry.acknowledgedState = state;
  entry.totalFen = totalFen;
  if (expiresAt) entry.expiresAtMs = Date.parse(expiresAt);
  if (promise) entry.deliverBy = promise.deliverBy;
  switch (entry.plan.behaviour) {
    case 'comesPaid':
      entry.chargedFen = totalFen;
      return;
    case 'neverPays':
      return;
    case 'cancelsUnpaid':
      stage.act('cancel', () => cancelOrder(stage, entry));
      return;
    case 'pays':
    case 'cancelsPaid':
      stage.act('payment', () => payOrder(stage, entry));
      return;
    case 'paysLate':
      stage.act('late payment', () => payTheirOrder(stage, entry));
      return;
  }
}

/** What a buyer does about a refusal: leaves the sold-out goods out, waits for the encore, or gives up. */
async function comeBack(stage: Stage, entry: LedgerEntry, answer: Answer): Promise<void> {
  const slug = problemSlug(answer);
  entry.refusals.push(slug);
  if (answer.status === 400 || answer.status >= 500 || answer.status === 401) {
    stage.ledger.noteFault(
      `order refused with ${answer.status} ${JSON.stringify(answer.body).slice(0, 300)}`,
    );
  }
  const { behaviour, comeback, moment, body } = entry.plan;
  if (slug !== 'sold-out' || behaviour === 'comesPaid') return;
  if (comeback === 'withoutIt') return placeAgain(stage, entry, dropShortLines(entry.plan, answer));
  if (comeback === 'encore' && moment !== undefined && moment < earlyMoments) {
    const spreadMs = (encoreLengthMs * (entry.plan.atMs % 97)) / 97;
    const momentMs = stage.show.moments[moment]?.atMs ?? 0;
    await sleepUntil(stage.startsAtMs + momentMs + encoreAfterMs + spreadMs);
    return placeAgain(stage, entry, body);
  }
}

function dropShortLines({ body, substitute }: PlannedOrder, answer: Answer): OrderBody {
  const { shortfall = [] } = answer.body as { shortfall?: Array<{ sku: string }> };
  const short = new Set(shortfall.map(({ sku }) => sku));
  const lines = body.lines.filter((line) => !short.has(line.sku));
  const takesSubstitute = substitute && !lines.some((line) => line.sku === substitute.sku);
  return { ...body, lines: takesSubstitute ? [...lines, substitute] : lines };
}

/** A refusal stored nothing, so the same external id may be tried again with another body. */
async function placeAgain(stage: Stage, entry: LedgerEntry, body: OrderBody): Promise<void> {
  if (body.lines.length === 0) return;
  const answer = await place(stage, body);
  if (!isTaken(answer)) {
    entry.refusals.push(problemSlug(answer));
    return;
  }
  const left = new Set(body.lines.map((line) => line.sku));
  const missing = entry.plan.body.lines.filter((line) => !left.has(line.sku)).map((line) => line.sku);
  if (missing.length > 0) entry.boughtWithout = missing;
  acknowledge(stage, entry, answer);
}
