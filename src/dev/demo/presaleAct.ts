import type { components } from '../../sdk/api';
import { expectData, slugOf, type Xianda } from '../../sdk/client';
import { buildNetwork } from '../seed/network';
import { addDays, shanghaiDate } from '../seed/planReceipts';
import { type Stage, sleep, sleepUntil } from './stage';

/** What became of the show's presale campaign, in units unless said otherwise. */
export interface PresaleOutcome {
  campaignId: string;
  /** Buyers whose order was taken. */
  buyers: number;
  sold: number;
  quota: number;
  /** Buyers told that their region's quota is exhausted. */
  refusedBuyers: number;
  /** Projected to the close when half the time was over. */
  projected: PresalePlan;
  /** What is to be bought, once it is closed. */
  plan: PresalePlan;
  arrived: number;
  /** Orders that the first arrival served, and that it left with offers. */
  servedOrders: number;
  offeredOrders: number;
  laterDateOrders: number;
  refundedOrders: number;
  deliveredOrders: number;
  /** What was left on the shelf when everybody was served. */
  toTheShelf: number;
}

/** Demand summed over the regions, with its interval, and the day until which to buy. */
interface PresalePlan {
  units: number;
  low: number;
  high: number;
  purchaseBy: string;
}

type Order = components['schemas']['Order'];
type NewOrder = components['schemas']['NewOrder'];

interface Presale {
  stage: Stage;
  deadlineAtMs: number;
  campaignId: string;
  shop: Xianda;
  ops: Xianda;
}

const sku = 'blueberries';
const siteId = 'jiading-central';
const quotas = { shanghai: 60, suzhou: 30, nanjing: 24, wuxi: 20, changzhou: 6 };
const buyerCount = 60;
const openMs = 36_000;
const surplusUnits = 6;
/** Of what was sold; the rest comes with a second delivery. */
const firstArrivalShare = 0.8;
const lookMs = 1_000;

/**
 * Beside the show a presale campaign sells its quota by region, closes, is aggregated, and gets its goods: too few at
 * first, so that some buyers are asked whether they will wait, then the rest and a little more.
 */
export async function runPresaleAct(stage: Stage, deadlineAtMs: number): Promise<PresaleOutcome> {
  const campaignId = `presale-${stage.show.liveSessionId}`;
  const { shop, ops } = stage;
  const presale = { stage, deadlineAtMs, campaignId, shop, ops };
  const closesAtMs = stage.startsAtMs + openMs;
  await openCampaign(presale, closesAtMs);
  const [{ orders, refused }, projected] = await Promise.all([
    sellQuota(presale),
    sleepUntil(closesAtMs - openMs / 2).then(() => aggregate(presale)),
  ]);
  const sold = orders.reduce((sum, order) => sum + unitsOf(order), 0);
  await sleepUntil(closesAtMs + 1_000);
  const plan = await aggregate(presale);
  const arrived = Math.floor(sold * firstArrivalShare);
  await receive(presale, { delivery: 1, units: arrived });
  const offered = await awaitServedOrOffered(presale, orders);
  const answers = await answerOffers(presale, offered);
  await receive(presale, { delivery: 2, units: answers.laterUnits + surplusUnits });
  const ended = await awaitEnds(presale, orders);
  return {
    campaignId,
    buyers: orders.length,
    sold,
    quota: Object.values(quotas).reduce((sum, units) => sum + units, 0),
    refusedBuyers: refused,
    projected,
    plan,
    arrived: arrived + answers.laterUnits + surplusUnits,
    servedOrders: orders.length - offered.length,
    offeredOrders: offered.length,
    laterDateOrders: answers.laterDate,
    refundedOrders: ended.filter(({ state }) => state === 'cancelled').length,
    deliveredOrders: ended.filter(({ state }) => state === 'delivered').length,
    toTheShelf: surplusUnits,
  };
}

function unitsOf(order: { lines: readonly { quantity: number }[] }): number {
  return order.lines.reduce((sum, line) => sum + line.quantity, 0);
}

async function openCampaign({ ops, campaignId }: Presale, closesAtMs: number): Promise<void> {
  const today = shanghaiDate(Date.now());
  await expectData(
    ops.PUT('/v1/presale-campaigns/{campaignId}', {
      params: { path: { campaignId } },
      body: {
        sku,
        opensAt: new Date().toISOString(),
        closesAt: new Date(closesAtMs).toISOString(),
        deliverFrom: addDays(today, 3),
        deliverBy: addDays(today, 7),
        quotas: Object.entries(quotas).map(([region, units]) => ({ region, units })),
        priceFen: 2_490,
      },
    }),
  );
}

/** Every buyer wants one to three boxes; the smallest region's quota does not suffice for all of its own. */
async function sellQuota(presale: Presale): Promise<{ orders: Order[]; refused: number }> {
  const { communities } = buildNetwork();
  const taken: Order[] = [];
  let refused = 0;
  const buy = async (index: number) => {
    const { communityId, location } = communities[
      (index * 7) % communities.length
    ] as (typeof communities)[number];
    await sleep((openMs * 0.8 * index) / buyerCount);
    const order = await place(presale, {
      channel: 'mini-program',
      externalId: `${presale.campaignId}-${index}`,
      buyer: { ref: `presale-buyer-${index}`, communityId, location },
      deliveryMethod: 'express',
      lines: [{ sku, quantity: 1 + (index % 3), supply: 'presale', campaignId: presale.campaignId }],
      liveSessionId: presale.stage.show.liveSessionId,
    });
    if (order === null) refused += 1;
    else taken.push(await pay(presale, order));
  };
  await Promise.all(Array.from({ length: buyerCount }, (_, index) => buy(index)));
  return { orders: taken, refused };
}

async function place(
  { shop }: Presale,
  body: NewOrder,
): Promise<{ orderId: string; totalFen: number } | null> {
  const answer = await shop.POST('/v1/orders', { body });
  if (answer.data) return answer.data;
  const slug = slugOf(answer);
  if (slug === 'quota-exhausted') return null;
  throw new Error(`a presale order was refused: ${slug}`);
}

async function pay(
  presale: Presale,
  { orderId, totalFen }: { orderId: string; totalFen: number },
): Promise<Order> {
  const { tenant, payments, apiUrl } = presale.stage;
  await payments.send('POST', '/v1/charges', {
    body: {
      tenant,
      orderId,
      amountFen: totalFen,
      transactionId: `pay-${orderId}`,
      notifyUrl: `${apiUrl}/v1/payments/sandbox/notifications`,
    },
  });
  return look(presale, orderId, ({ paidFen }) => paidFen === totalFen);
}

/** Reads the order again and again until it is as wanted. */
async function look(
  { shop, deadlineAtMs }: Presale,
  orderId: string,
  isAsWanted: (order: Order) => boolean,
): Promise<Order> {
  for (;;) {
    const order = await expectData(shop.GET('/v1/orders/{orderId}', { params: { path: { orderId } } }));
    if (isAsWanted(order)) return order;
    if (Date.now() > deadlineAtMs)
      throw new Error(`the presale order ${orderId} was still ${order.state} at the end`);
    await sleep(lookMs);
  }
}

/** Triggers the hourly aggregation out of turn and reads what it says is to be bought. */
async function aggregate({ ops, stage, deadlineAtMs, campaignId }: Presale): Promise<PresalePlan> {
  const scheduleId = `${stage.tenant}:presale-aggregation`;
  const triggeredAt = Date.now();
  await expectData(
    ops.POST('/v1/schedules/{scheduleId}/trigger', { params: { path: { scheduleId } }, body: {} }),
  );
  for (;;) {
    const { plan, aggregatedAt } = await expectData(
      ops.GET('/v1/presale-campaigns/{campaignId}', { params: { path: { campaignId } } }),
    );
    // schedules count in whole seconds
    if (aggregatedAt !== null && Date.parse(aggregatedAt) >= triggeredAt - 1_000) {
      const sumOf = (part: 'units' | 'low' | 'high') => plan.reduce((sum, row) => sum + row[part], 0);
      const dates = plan.map(({ purchaseBy }) => purchaseBy).sort();
      return { units: sumOf('units'), low: sumOf('low'), high: sumOf('high'), purchaseBy: dates[0] ?? '' };
    }
    if (Date.now() > deadlineAtMs) throw new Error(`the campaign ${campaignId} was not aggregated in time`);
    await sleep(lookMs);
  }
}

/** A delivery for the campaign: reserved as it comes in, never for sale on the shelf. */
async function receive(
  { ops, campaignId }: Presale,
  { delivery, units }: { delivery: number; units: number },
): Promise<void> {
  const today = shanghaiDate(Date.now());
  const lotId = `${campaignId}-${delivery}`;
  const lot = { sku, lotId, quantity: units, producedOn: today, expiresOn: addDays(today, 21), campaignId };
  await expectData(ops.POST('/v1/stock/receipts', { body: { reference: lotId, siteId, lots: [lot] } }));
}

const hasOffers = ({ offers = [] }: Order) => offers.length > 0;
const isUnderWay = ({ state }: Order) => state === 'fulfilling' || state === 'delivered';

/** Answers those whom the first delivery passed over. */
async function awaitServedOrOffered(presale: Presale, orders: Order[]): Promise<Order[]> {
  const seen = await Promise.all(
    orders.map(({ orderId }) => look(presale, orderId, (order) => isUnderWay(order) || hasOffers(order))),
  );
  return seen.filter((order) => !isUnderWay(order));
}

/** Every second buyer waits for the later day, the others want their money back. */
async function answerOffers(
  { shop }: Presale,
  offered: Order[],
): Promise<{ laterDate: number; laterUnits: number }> {
  const waiting = offered.filter((_, index) => index % 2 === 0);
  await Promise.all(
    offered.map(async (order) => {
      const kind = waiting.includes(order) ? 'laterDate' : 'refund';
      const offer = order.offers?.find((candidate) => candidate.kind === kind);
      if (!offer) throw new Error(`no ${kind} is offered for ${order.orderId}`);
      const path = { orderId: order.orderId, offerId: offer.offerId };
      await expectData(
        shop.POST('/v1/orders/{orderId}/offers/{offerId}/answer', {
          params: { path },
          body: { accept: true },
        }),
      );
    }),
  );
  return { laterDate: waiting.length, laterUnits: waiting.reduce((sum, order) => sum + unitsOf(order), 0) };
}

/** Delivered, or cancelled with its money back. */
function awaitEnds(presale: Presale, orders: Order[]): Promise<Order[]> {
  const isEnded = ({ state, paidFen, refundedFen }: Order) =>
    state === 'delivered' || (state === 'cancelled' && refundedFen === paidFen);
  return Promise.all(orders.map(({ orderId }) => look(presale, orderId, isEnded)));
}
