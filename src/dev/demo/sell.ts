import type { components } from '../../sdk/api';
import { slugOf } from '../../sdk/client';
import type { LedgerEntry } from './ledger';
import { cancelOrder, payOrder, payTheirOrder } from './money';
import type { OrderBody, PlannedOrder } from './showModel';
import { type Stage, sleepUntil } from './stage';

type AcceptedOrder = components['schemas']['AcceptedOrder'];

/** `taken` where the order was accepted, now or before. */
interface Answer {
  taken?: AcceptedOrder;
  slug: string;
  status: number;
  /** SKUs that the refusal names as short. */
  short: string[];
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
  const taken = answers.find((answer) => answer.taken)?.taken;
  if (twin) judgeRepeat(stage, entry, answers[0] as Answer, answers[1] as Answer);
  if (taken) acknowledge(stage, entry, taken);
  else await comeBack(stage, entry, answers[0] as Answer);
  if (taken && repeatAfterMs) {
    await sleepUntil(pressedAtMs + repeatAfterMs);
    judgeRepeat(stage, entry, { taken }, await place(stage, body));
  }
}

async function place({ shop }: Stage, body: OrderBody): Promise<Answer> {
  const answer = await shop.POST('/v1/orders', { body });
  const { shortfall = [] } = (answer.error ?? {}) as { shortfall?: Array<{ sku: string }> };
  return {
    ...(answer.data && { taken: answer.data }),
    slug: slugOf(answer),
    status: answer.response.status,
    short: shortfall.map(({ sku }) => sku),
  };
}

/** A repeat of an accepted order gets the first answer word for word. */
function judgeRepeat(
  { ledger }: Stage,
  entry: LedgerEntry,
  { taken: first }: Pick<Answer, 'taken'>,
  { taken: second }: Pick<Answer, 'taken'>,
): void {
  if (!first || !second) return;
  entry.repeat = JSON.stringify(first) === JSON.stringify(second) ? 'same' : 'different';
  if (entry.repeat === 'different')
    ledger.noteFault(`repeat of ${entry.plan.body.externalId} was answered differently`);
}

/** From here on the order exists and may never be lost; whoever need not wait goes on to pay, or not. */
function acknowledge(stage: Stage, entry: LedgerEntry, order: AcceptedOrder): void {
  const { orderId, state, expiresAt, totalFen, promise } = order;
  entry.orderId = orderId;
  entry.acknowledgedState = state;
  entry.totalFen = totalFen;
  entry.deliverBy = promise.deliverBy;
  if (state === 'waiting') entry.leavesAtMs = Date.now() + entry.plan.patienceMs;
  else goOn(stage, entry, expiresAt);
}

/** What a buyer does whose goods are held until `expiresAt`. */
export function goOn(stage: Stage, entry: LedgerEntry, expiresAt: string | null | undefined): void {
  if (expiresAt) entry.expiresAtMs = Date.parse(expiresAt);
  switch (entry.plan.behaviour) {
    case 'comesPaid':
      entry.chargedFen = entry.totalFen;
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

/** What a buyer does about a refusal: leaves the sold-out goods out, stands in line for them, or gives up. */
async function comeBack(stage: Stage, entry: LedgerEntry, answer: Answer): Promise<void> {
  const { slug, status } = answer;
  entry.refusals.push(slug);
  if (status === 400 || status >= 500 || status === 401)
    stage.ledger.noteFault(`order refused with ${status} ${slug}`);
  const { behaviour, comeback, body } = entry.plan;
  if (slug !== 'sold-out' || behaviour === 'comesPaid') return;
  if (comeback === 'withoutIt') return placeAgain(stage, entry, dropShortLines(entry.plan, answer.short));
  if (comeback === 'waits') return placeAgain(stage, entry, { ...body, acceptLater: true });
}

function dropShortLines({ body, substitute }: PlannedOrder, short: string[]): OrderBody {
  const lines = body.lines.filter((line) => !short.includes(line.sku));
  const takesSubstitute = substitute && !lines.some((line) => line.sku === substitute.sku);
  return { ...body, lines: takesSubstitute ? [...lines, substitute] : lines };
}

/** A refusal stored nothing, so the same external id may be tried again with another body. */
async function placeAgain(stage: Stage, entry: LedgerEntry, body: OrderBody): Promise<void> {
  if (body.lines.length === 0) return;
  const { taken, slug } = await place(stage, body);
  if (!taken) {
    entry.refusals.push(slug);
    return;
  }
  const left = new Set(body.lines.map((line) => line.sku));
  const missing = entry.plan.body.lines.filter((line) => !left.has(line.sku)).map((line) => line.sku);
  if (missing.length > 0) entry.boughtWithout = missing;
  acknowledge(stage, entry, taken);
}
