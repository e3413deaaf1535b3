import { type Catalogue, hotPurchaseLimit, hotSkus, plentifulFlashSkus } from '../seed/catalogue';
import type { Network } from '../seed/network';
import type { SeedCommunity, SeedPickupPoint, SeedSku } from '../seed/seedModel';
import { type Arrival, momentTimes, planArrivals } from './arrivalCurve';
import type { Basket } from './baskets';
import { type SeededRandom, createSeededRandom } from './random';
import type { Behaviour, Comeback, OrderBody, OrderLine, PlannedOrder, Show } from './showModel';

export interface ShowSettings {
  liveSessionId: string;
  seed: number;
  orderCount: number;
  durationMs: number;
  /** ISO time for orders that come already paid. */
  now: string;
}

/** Shares of the audience; together with those who simply pay they make one. A tenth does not pay in time. */
const behaviourShares: Array<[Behaviour, number]> = [
  ['neverPays', 0.07],
  ['paysLate', 0.03],
  ['comesPaid', 0.06],
  ['cancelsUnpaid', 0.025],
  ['cancelsPaid', 0.03],
];
const hotShareOfBurst = 0.55;
const giftBoxShare = 0.04;
const repeatShare = 0.05;
const toldTwiceShare = 0.05;
const pickupShare = 0.4;
/** Buyers who name a point that cannot take their goods; the shop should have known, and is told so. */
const wrongPointShare = 0.02;
const greedyBuyers = 8;
/** How many buyers of each of the first moments pay too late, when those in line have their units. */
const earlyMoments = 3;
const lateHotBuyers = 3;
/** A hold of a hot SKU is a minute: of the first moments two in a row may go unpaid before the show is counted. */
const momentsForTwoHolds = 2;
/** After the selling. Whoever is served last of all still pays, and is delivered to, before the show is counted. */
const lineClosesAfterMs = 85_000;
const freeFreightFromFen = 9_900;
const freightFen = 600;
const hotPriceTenths = 8;

interface Stage {
  settings: ShowSettings;
  network: Network;
  bySku: Map<string, SeedSku>;
  giftBoxes: SeedSku[];
  random: SeededRandom;
}

/**
 * The whole show, drawn from its seed before it begins: who comes when, with which real basket, and what they do
 * afterwards. Hot SKUs are taken out of the baskets and sold at their own moments only. Pure.
 */
export function planShow(
  settings: ShowSettings,
  { catalogue, network, baskets }: { catalogue: Catalogue; network: Network; baskets: Basket[] },
): Show {
  const random = createSeededRandom(settings.seed);
  const bySku = new Map([...catalogue.skus, ...catalogue.bundles].map((sku) => [sku.sku, sku]));
  const stage: Stage = { settings, network, bySku, giftBoxes: catalogue.bundles, random };
  const arrivals = planArrivals({ count: settings.orderCount, durationMs: settings.durationMs }, random);
  const behaviours = dealBehaviours(arrivals.length, random);
  const usable = random.shuffle(baskets.map(withoutHotLines).filter((basket) => basket.lines.length > 0));
  const orders = arrivals.map((arrival, index) =>
    planOrder(stage, {
      arrival,
      index,
      behaviour: behaviours[index] as Behaviour,
      basket: usable[index % usable.length] as Basket,
    }),
  );
  letHotMoneyComeLate(orders, random);
  makeSomeGreedy(orders, random);
  sendSlowOnesHome(orders);
  return {
    liveSessionId: settings.liveSessionId,
    durationMs: settings.durationMs,
    moments: momentTimes(settings.durationMs).map((atMs, index) => ({ atMs, sku: hotSkuOf(index) })),
    orders,
    demand: sumDemand(orders, bySku),
  };
}

function hotSkuOf(moment: number): string {
  return hotSkus[moment % hotSkus.length] as string;
}

function withoutHotLines(basket: Basket): Basket {
  return { ...basket, lines: basket.lines.filter((line) => !hotSkus.includes(line.sku)) };
}

/** Exact numbers of each behaviour, dealt in a random order. */
function dealBehaviours(count: number, random: SeededRandom): Behaviour[] {
  const dealt = behaviourShares.flatMap(([behaviour, share]) =>
    Array<Behaviour>(Math.round(count * share)).fill(behaviour),
  );
  const rest = Array<Behaviour>(Math.max(0, count - dealt.length)).fill('pays');
  return random.shuffle([...dealt, ...rest].slice(0, count));
}

interface Buyer {
  arrival: Arrival;
  index: number;
  behaviour: Behaviour;
  basket: Basket;
}

function planOrder(stage: Stage, buyer: Buyer): PlannedOrder {
  const { random } = stage;
  const { arrival, behaviour } = buyer;
  const body = describeOrder(stage, buyer, chooseLines(stage, buyer));
  const planned: PlannedOrder = {
    atMs: arrival.atMs,
    behaviour,
    comeback: chooseComeback(random),
    body,
    // Unpaid units go to those in line first, so some late money finds its goods gone.
    payAfterMs:
      behaviour === 'paysLate'
        ? random.between(4_000, 20_000)
        : Math.round(600 + random.next() ** 2 * 15_000),
    cancelAfterMs: random.between(1_500, 6_000),
    patienceMs: Math.min(
      random.between(40_000, 130_000),
      stage.settings.durationMs + lineClosesAfterMs - arrival.atMs,
    ),
    toldTwice: random.next() < toldTwiceShare,
  };
  if (arrival.moment !== undefined) planned.moment = arrival.moment;
  if (isSlow(behaviour)) planned.substitute = chooseFlashLine(stage);
  if (random.next() < repeatShare) planned.repeatAfterMs = random.pick([0, 300, 2_000]);
  return planned;
}

function chooseComeback(random: SeededRandom): Comeback {
  const draw = random.next();
  if (draw < 0.4) return 'withoutIt';
  return draw < 0.75 ? 'waits' : 'givesUp';
}

function chooseLines(
  { random, bySku, giftBoxes }: Stage,
  { arrival, behaviour, basket }: Buyer,
): OrderLine[] {
  const lines = new Map(basket.lines.map((line) => [line.sku, line.quantity]));
  if (arrival.moment !== undefined && random.next() < hotShareOfBurst) {
    lines.set(hotSkuOf(arrival.moment), random.pick([1, 1, 1, 2, 2, 3]));
  }
  if (random.next() < giftBoxShare) lines.set(random.pick(giftBoxes).sku, 1);
  // Whoever does not pay in time has goods on a short hold in the cart, so that the end comes within the show.
  const hasShortHold = [...lines.keys()].some((sku) => bySku.get(sku)?.category === 'flash-sale');
  if (isSlow(behaviour) && !hasShortHold) lines.set(random.pick(plentifulFlashSkus), 1);
  return [...lines].map(([sku, quantity]) => ({ sku, quantity, unitPriceFen: askPrice(bySku.get(sku)) }));
}

/** Does not pay in time. */
function isSlow(behaviour: Behaviour): boolean {
  return behaviour === 'neverPays' || behaviour === 'paysLate';
}

function chooseFlashLine({ random, bySku }: Stage): OrderLine {
  const sku = random.pick(plentifulFlashSkus);
  return { sku, quantity: 1, unitPriceFen: askPrice(bySku.get(sku)) };
}

/** Hot goods cost four fifths in the show. */
function askPrice(sku: SeedSku | undefined): number {
  if (!sku) throw new Error('a basket names an unknown SKU');
  return hotSkus.includes(sku.sku) ? Math.round((sku.priceFen * hotPriceTenths) / 10) : sku.priceFen;
}

function describeOrder(stage: Stage, buyer: Buyer, lines: OrderLine[]): OrderBody {
  const { settings, network, random } = stage;
  const { index, behaviour, basket } = buyer;
  const community = chooseCommunity(network.communities, random);
  const point = choosePoint(stage, community, lines);
  const goodsFen = lines.reduce((sum, line) => sum + line.unitPriceFen * line.quantity, 0);
  const freight = point || goodsFen >= freeFreightFromFen ? 0 : freightFen;
  const place = network.addressOf(community.communityId);
  const externalId = `${settings.liveSessionId}-${String(index + 1).padStart(4, '0')}`;
  const comesPaid = behaviour === 'comesPaid';
  return {
    channel: comesPaid ? 'kuaituantuan' : random.pick(['mini-program', 'mini-program', 'wechat-shop']),
    externalId,
    buyer: {
      ref: `household-${basket.household}`,
      communityId: community.communityId,
      ...(point ? { pickupPointId: point.pickupPointId } : {}),
      name: `演示买家${String(basket.household).padStart(4, '0')}`,
      phone: `1990000${String(basket.household).padStart(4, '0')}`,
      address: {
        province: place.province,
        city: place.city,
        district: place.district,
        detail: `${place.street} ${random.between(1, 38)} 号 ${random.between(1, 18)}0${random.between(1, 4)} 室`,
      },
      location: {
        lat: Math.round((community.location.lat + (random.next() - 0.5) * 0.01) * 10_000) / 10_000,
        lng: Math.round((community.location.lng + (random.next() - 0.5) * 0.01) * 10_000) / 10_000,
      },
    },
    deliveryMethod: point ? 'pickup' : 'express',
    lines,
    freightFen: freight,
    ...(comesPaid
      ? {
          payment: {
            transactionId: `ktt-${externalId}`,
            amountFen: goodsFen + freight,
            paidAt: settings.now,
            heldBy: 'channel' as const,
          },
        }
      : {}),
    liveSessionId: settings.liveSessionId,
  };
}

/** Big communities send more buyers. */
function chooseCommunity(communities: SeedCommunity[], random: SeededRandom): SeedCommunity {
  const total = communities.reduce((sum, community) => sum + community.households, 0);
  let draw = random.next() * total;
  return (
    communities.find((community) => (draw -= community.households) < 0) ?? (communities[0] as SeedCommunity)
  );
}

/** A point of the buyer's community that may keep these goods; undefined: to the door. */
function choosePoint(
  { network, bySku, random }: Stage,
  community: SeedCommunity,
  lines: OrderLine[],
): SeedPickupPoint | undefined {
  if (random.next() >= pickupShare) return undefined;
  const points = network.pickupPoints.filter((point) => point.communities.includes(community.communityId));
  const needsCold = lines.some((line) =>
    partsOf(bySku.get(line.sku)).some(({ sku }) => isCold(bySku.get(sku))),
  );
  const able = points.filter((point) => !needsCold || point.capacity.chilledLitres > 0);
  const wrong = points.find((point) => !able.includes(point));
  return wrong && random.next() < wrongPointShare * points.length ? wrong : able[0];
}

function isCold(sku: SeedSku | undefined): boolean {
  return sku?.zone === 'chilled' || sku?.zone === 'frozen';
}

function partsOf(sku: SeedSku | undefined): Array<{ sku: string; quantity: number }> {
  return sku ? (sku.components ?? [{ sku: sku.sku, quantity: 1 }]) : [];
}

/**
 * The first hot buyers of the early moments pay late, when their units are with those who stood in line: their money must
 * come back. They change places with late payers of other goods, so that the shares stay exact.
 */
function letHotMoneyComeLate(orders: PlannedOrder[], random: SeededRandom): void {
  const isHot = ({ body }: PlannedOrder) => body.lines.some((line) => hotSkus.includes(line.sku));
  const others = orders.filter((order) => order.behaviour === 'paysLate' && !isHot(order));
  for (let moment = 0; moment < earlyMoments; moment += 1) {
    const first = orders.filter(
      (order) => order.moment === moment && order.behaviour === 'pays' && isHot(order),
    );
    for (const early of first.slice(0, lateHotBuyers)) {
      const other = others.pop();
      if (!other) return;
      Object.assign(other, { behaviour: 'pays', payAfterMs: early.payAfterMs });
      Object.assign(early, {
        behaviour: 'paysLate',
        payAfterMs: random.between(14_000, 20_000),
        substitute: other.substitute,
      });
      delete other.substitute;
    }
  }
}

/** Nobody waits whose money would come later than the count: the channel's own, late money, a second unpaid minute. */
function sendSlowOnesHome(orders: PlannedOrder[]): void {
  const paysInTime = ({ behaviour, moment = 0 }: PlannedOrder) =>
    behaviour === 'neverPays'
      ? moment < momentsForTwoHolds
      : behaviour !== 'comesPaid' && behaviour !== 'paysLate';
  for (const order of orders) {
    if (order.comeback === 'waits' && !paysInTime(order)) order.comeback = 'givesUp';
  }
}

/** A few buyers ask for more of a hot SKU than anybody may have. */
function makeSomeGreedy(orders: PlannedOrder[], random: SeededRandom): void {
  const able = orders.filter(
    ({ behaviour, body }) => behaviour === 'pays' && body.lines.some((line) => hotSkus.includes(line.sku)),
  );
  for (const { body } of random.shuffle(able).slice(0, greedyBuyers)) {
    for (const line of body.lines) if (hotSkus.includes(line.sku)) line.quantity = hotPurchaseLimit + 2;
  }
}

/** Units of plain SKUs behind the lines, gift boxes exploded. */
export function explodeLines(
  lines: Array<{ sku: string; quantity: number }>,
  bySku: Map<string, SeedSku>,
): Array<{ sku: string; quantity: number }> {
  return lines.flatMap((line) =>
    partsOf(bySku.get(line.sku)).map((part) => ({ sku: part.sku, quantity: part.quantity * line.quantity })),
  );
}

function sumDemand(orders: PlannedOrder[], bySku: Map<string, SeedSku>): Map<string, number> {
  const demand = new Map<string, number>();
  for (const { sku, quantity } of orders.flatMap((order) => explodeLines(order.body.lines, bySku))) {
    demand.set(sku, (demand.get(sku) ?? 0) + quantity);
  }
  return demand;
}
