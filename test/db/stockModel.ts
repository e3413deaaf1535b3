import fc from 'fast-check';
import { cancelOrder } from '../../src/db/cancel';
import { expireDueOrders } from '../../src/db/expiry';
import { planFulfilment } from '../../src/db/fulfilment';
import { decideLateMoney } from '../../src/db/lateMoney';
import type { Intake } from '../../src/intake/intake';
import type { TestDatabase } from '../support/database';
import { givenPayment, givenShipmentEvent, givenStock, orderRequest } from '../support/fixtures';

/**
 * The stock core in fifty lines of arithmetic: what may be sold, what is held, committed and on hand, per SKU over
 * all sites. The real one must answer every command as this does.
 */
export interface Model {
  onHand: Map<string, number>;
  safety: Map<string, number>;
  recipes: Map<string, [string, number][]>;
  orders: ModelOrder[];
  /** Where a campaign is modelled: units of its SKU's quota, and what lies in reserve for it. */
  campaign?: { sku: string; quota: number; reserve: number; closed: boolean };
}

/** A presale line of the campaign's SKU; its order's `demand` is empty until its goods have come. */
interface ModelPresale {
  units: number;
  converted: boolean;
  /** Its quota hold still stands unpaid in the books, due or not. */
  held: boolean;
  /** Its units went back to the quota. */
  returned: boolean;
  /** Later dates agreed to, and its place among the payments: the order in which goods are handed out. */
  moved: number;
  paidNo: number;
  offered: boolean;
}

export interface ModelOrder {
  demand: Map<string, number>;
  state: 'awaitingPayment' | 'paid' | 'fulfilling' | 'delivered' | 'expired' | 'cancelled';
  /** Past its end, whether or not a sweeper has been there. */
  due: boolean;
  picking: boolean;
  left: boolean;
  /** Late money waits for its decision. */
  late: boolean;
  presale?: ModelPresale;
}

/** What the runs came to, counted over all of them: a model that is never taken anywhere proves nothing. */
export type Reached = Map<string, number>;

export interface Real {
  reached: Reached;
  database: TestDatabase;
  intake: Intake;
  tenant: string;
  orders: { orderId: string; totalFen: number; shipments: string[] }[];
}

export type Command = fc.AsyncCommand<Model, Real>;

export function note({ reached }: Real, what: string): void {
  reached.set(what, (reached.get(what) ?? 0) + 1);
}

function sumOf(model: Readonly<Model>, sku: string, counts: (order: ModelOrder) => boolean): number {
  return model.orders.filter(counts).reduce((sum, order) => sum + (order.demand.get(sku) ?? 0), 0);
}

export const isHeld = (order: ModelOrder) => order.state === 'awaitingPayment' && !order.due;
const isCommitted = (order: ModelOrder) =>
  (order.state === 'paid' || order.state === 'fulfilling') && !order.left;

function sellable(model: Readonly<Model>, sku: string): number {
  const taken = sumOf(model, sku, (order) => isHeld(order) || isCommitted(order));
  return Math.max(
    0,
    (model.onHand.get(sku) ?? 0) - taken - reserved(model, sku) - (model.safety.get(sku) ?? 0),
  );
}

function reserved({ campaign }: Readonly<Model>, sku: string): number {
  return campaign?.sku === sku ? campaign.reserve : 0;
}

/** Presale units that can still be promised: every unit sold counts, also when its converted order was cancelled. */
export function quotaLeft({ campaign, orders }: Readonly<Model>): number {
  if (!campaign || campaign.closed) return 0;
  const counts = (order: ModelOrder) =>
    order.presale !== undefined &&
    !order.presale.returned &&
    (isHeld(order) || !['awaitingPayment', 'expired'].includes(order.state));
  return (
    campaign.quota - orders.reduce((sum, order) => sum + (counts(order) ? (order.presale?.units ?? 0) : 0), 0)
  );
}

/** Paid lines that have no goods yet. */
export function waits({ state, presale }: ModelOrder): boolean {
  return presale !== undefined && (state === 'paid' || state === 'fulfilling') && !presale.converted;
}

/** The campaign is over and has served everybody. */
export function isServed({ campaign, orders }: Readonly<Model>): boolean {
  return campaign?.closed === true && !orders.some((order) => waits(order) || order.presale?.held === true);
}

/** A cancelled order's goods, when they were a campaign's, go back to it unless it has served everybody. */
function giveBack(model: Model, { presale }: ModelOrder): void {
  if (!presale) return;
  if (presale.converted) {
    if (model.campaign && !isServed(model)) model.campaign.reserve += presale.units;
  } else presale.returned = true;
}

function fits(model: Model, demand: Map<string, number>): boolean {
  return [...demand].every(([sku, units]) => units <= sellable(model, sku));
}

export class Receive implements Command {
  constructor(readonly given: { sku: string; siteId: string; lotId: string; quantity: number }) {}
  check = () => true;
  async run(model: Model, real: Real): Promise<void> {
    await givenStock(real.database, real.tenant, this.given);
    model.onHand.set(this.given.sku, (model.onHand.get(this.given.sku) ?? 0) + this.given.quantity);
  }
  toString = () => `receive ${JSON.stringify(this.given)}`;
}

export class Place implements Command {
  constructor(readonly lines: { sku: string; quantity: number }[]) {}
  check = (_model: Readonly<Model>): boolean => true;
  run(model: Model, real: Real): Promise<void> {
    return place(model, real, this.lines);
  }
  toString = () => `place ${JSON.stringify(this.lines)}`;
}

/** Somebody buys all there is: late money then finds nothing left. */
class BuyRest implements Command {
  check = (model: Readonly<Model>): boolean => restOf(model).length > 0;
  run(model: Model, real: Real): Promise<void> {
    return place(model, real, restOf(model));
  }
  toString = () => 'buy the rest';
}

function restOf(model: Readonly<Model>): { sku: string; quantity: number }[] {
  const rest = [...model.onHand.keys()].map((sku) => ({ sku, quantity: sellable(model, sku) }));
  return rest.filter(({ quantity }) => quantity > 0);
}

async function place(model: Model, real: Real, lines: { sku: string; quantity: number }[]): Promise<void> {
  const demand = new Map<string, number>();
  for (const line of lines) {
    for (const [sku, units] of model.recipes.get(line.sku) ?? []) {
      demand.set(sku, (demand.get(sku) ?? 0) + units * line.quantity);
    }
  }
  const answer = await real.intake.place(real.tenant, orderRequest({ lines }), 'test');
  expect(answer.kind).toBe(fits(model, demand) ? 'accepted' : 'soldOut');
  note(real, answer.kind);
  if (answer.kind !== 'accepted') return;
  const { orderId, totalFen } = answer.answer;
  real.orders.push({ orderId, totalFen, shipments: [] });
  model.orders.push({
    demand,
    state: 'awaitingPayment',
    due: false,
    picking: false,
    left: false,
    late: false,
  });
}

/** A command about one of the orders that it applies to. */
export abstract class OfOrder implements Command {
  constructor(readonly pick: number) {}
  check = (model: Readonly<Model>) => model.orders.some((order) => this.applies(order));
  protected applies(_order: ModelOrder): boolean {
    return true;
  }
  async run(model: Model, real: Real): Promise<void> {
    const able = model.orders.filter((order) => this.applies(order));
    const order = able[this.pick % able.length] as ModelOrder;
    await this.act(model, order, real, real.orders[model.orders.indexOf(order)] as Real['orders'][number]);
  }
  protected abstract act(
    model: Model,
    order: ModelOrder,
    real: Real,
    its: Real['orders'][number],
  ): Promise<void>;
  toString = () => `${this.constructor.name} ${this.pick}`;
}

export class Pay extends OfOrder {
  protected override applies(order: ModelOrder): boolean {
    return order.state === 'awaitingPayment' || order.state === 'expired';
  }
  protected async act(
    model: Model,
    order: ModelOrder,
    real: Real,
    { orderId, totalFen }: Real['orders'][number],
  ): Promise<void> {
    const notice = { orderId, amountFen: totalFen, transactionId: `t-${orderId}` };
    const expected = order.late ? 'repeated' : isHeld(order) ? 'booked' : 'late';
    expect(await givenPayment(real.database, real.tenant, notice)).toBe(expected);
    expect(
      await givenPayment(real.database, real.tenant, { ...notice, notificationId: `again-${orderId}` }),
    ).toBe('repeated');
    note(real, expected);
    if (expected === 'booked') order.state = 'paid';
    if (expected === 'late') Object.assign(order, { state: 'expired', late: true });
    if (order.presale && expected !== 'repeated') {
      const paidNo = Math.max(0, ...model.orders.map((other) => other.presale?.paidNo ?? 0)) + 1;
      Object.assign(order.presale, { paidNo, held: false });
    }
  }
}

export class DecideLate extends OfOrder {
  protected override applies(order: ModelOrder): boolean {
    return order.late && order.state === 'expired';
  }
  protected async act(
    model: Model,
    order: ModelOrder,
    real: Real,
    { orderId }: Real['orders'][number],
  ): Promise<void> {
    const money = { tenant: real.tenant, provider: 'sandbox', transactionId: `t-${orderId}` };
    const decision = await decideLateMoney(real.database.as('xianda_app'), money);
    const reheld =
      fits(model, order.demand) && (order.presale?.units ?? 0) <= (order.presale ? quotaLeft(model) : 0);
    expect(decision.outcome).toBe(reheld ? 'reheld' : 'refunding');
    note(real, decision.outcome);
    expect(await decideLateMoney(real.database.as('xianda_app'), money)).toEqual({
      outcome: 'alreadyDecided',
    });
    Object.assign(order, reheld ? { state: 'paid', due: false, late: false } : { state: 'cancelled' });
    // in the model a refunded order is as good as cancelled: nothing more happens to it, and its quota came back when
    // its hold ended
    if (!reheld && order.presale) order.presale.returned = true;
  }
}

export class BecomeDue extends OfOrder {
  protected override applies(order: ModelOrder): boolean {
    return isHeld(order);
  }
  protected async act(
    _model: Model,
    order: ModelOrder,
    { database }: Real,
    { orderId }: Real['orders'][number],
  ): Promise<void> {
    await database.query(
      `UPDATE orders SET expires_at = clock_timestamp() - interval '1 ms' WHERE order_id = $1`,
      [orderId],
    );
    await database.query(
      `UPDATE hold SET expires_at = clock_timestamp() - interval '1 ms' WHERE order_id = $1 AND state = 'held'`,
      [orderId],
    );
    await database.query(
      `UPDATE quota_hold SET expires_at = clock_timestamp() - interval '1 ms' WHERE order_id = $1 AND state = 'held'`,
      [orderId],
    );
    order.due = true;
  }
}

export class Cancel extends OfOrder {
  protected async act(
    model: Model,
    order: ModelOrder,
    real: Real,
    { orderId }: Real['orders'][number],
  ): Promise<void> {
    const answer = await cancelOrder(real.database.as('xianda_app'), {
      tenant: real.tenant,
      orderId,
      reason: 'test',
      actor: 'test',
    });
    // a refunded late order is `expired` in truth
    note(real, `cancel ${answer?.outcome}`);
    if (order.late) return expect(answer).toEqual({ outcome: 'tooLate' });
    if (order.state === 'expired' || order.state === 'delivered' || order.left)
      return expect(answer).toEqual({ outcome: 'tooLate' });
    if (order.picking && order.state === 'fulfilling') return expect(answer).toEqual({ outcome: 'asking' });
    expect(answer).toEqual({ outcome: 'done' });
    // told again: nothing comes back twice
    if (order.state === 'cancelled') return;
    const wasPaid = order.state !== 'awaitingPayment';
    order.state = 'cancelled';
    if (order.presale) order.presale.held = false;
    if (wasPaid || order.presale) giveBack(model, order);
  }
}

class CancelWhilePicked extends Cancel {
  protected override applies(order: ModelOrder): boolean {
    return order.state === 'fulfilling' && order.picking;
  }
}

class CancelTooLate extends Cancel {
  protected override applies(order: ModelOrder): boolean {
    return order.left || order.state === 'expired';
  }
}

export class Plan extends OfOrder {
  protected override applies(order: ModelOrder): boolean {
    return order.state === 'paid' || order.state === 'fulfilling';
  }
  protected async act(
    _model: Model,
    order: ModelOrder,
    real: Real,
    its: Real['orders'][number],
  ): Promise<void> {
    const plan = await planFulfilment(real.database.as('xianda_app'), {
      tenant: real.tenant,
      orderId: its.orderId,
    });
    if (waits(order)) return expect(plan.kind).toBe('waitingForGoods');
    if (plan.kind !== 'planned') throw new Error(`not planned: ${JSON.stringify(plan)}`);
    its.shipments = plan.shipments.map((shipment) => shipment.shipmentId);
    order.state = 'fulfilling';
  }
}

export class Pick extends OfOrder {
  protected override applies(order: ModelOrder): boolean {
    return order.state === 'fulfilling';
  }
  protected async act(
    _model: Model,
    order: ModelOrder,
    real: Real,
    its: Real['orders'][number],
  ): Promise<void> {
    for (const shipmentId of its.shipments)
      await givenShipmentEvent(real.database, real.tenant, { shipmentId, kind: 'picking' });
    order.picking = true;
  }
}

export class Deliver extends OfOrder {
  protected override applies(order: ModelOrder): boolean {
    return order.state === 'fulfilling';
  }
  protected async act(
    model: Model,
    order: ModelOrder,
    real: Real,
    its: Real['orders'][number],
  ): Promise<void> {
    // the hand-over is told before the pick-up, as carriers do
    for (const kind of ['delivered', 'pickedUp', 'inTransit'] as const) {
      for (const shipmentId of its.shipments)
        await givenShipmentEvent(real.database, real.tenant, { shipmentId, kind });
    }
    for (const [sku, units] of order.demand) model.onHand.set(sku, (model.onHand.get(sku) ?? 0) - units);
    note(real, 'delivered');
    Object.assign(order, { state: 'delivered', left: true });
  }
}

export class Sweep implements Command {
  check = () => true;
  async run(model: Model, real: Real): Promise<void> {
    const due = model.orders.filter((order) => order.state === 'awaitingPayment' && order.due);
    expect(await expireDueOrders(real.database.as('xianda_app'), real.tenant, 1000)).toBe(due.length);
    for (const order of due) {
      note(real, 'expired');
      order.state = 'expired';
      if (order.presale) order.presale.held = false;
    }
    await expectBalances(model, real);
  }
  toString = () => 'sweep';
}

/** What the books say, per SKU; exact for `held` only when no due hold waits for the sweeper. */
export async function expectBalances(model: Model, { database, tenant }: Real): Promise<void> {
  const rows = await database.query<{ sku: string; on_hand: number; held: number; committed: number }>(
    `SELECT sku, sum(on_hand)::bigint AS on_hand, sum(held)::bigint AS held, sum(committed)::bigint AS committed
       FROM stock_balance WHERE tenant = $1 GROUP BY sku`,
    [tenant],
  );
  for (const [sku, onHand] of model.onHand) {
    const row = rows.find((candidate) => candidate.sku === sku) ?? { on_hand: 0, held: 0, committed: 0 };
    expect({ sku, onHand: row.on_hand, held: row.held, committed: row.committed }).toEqual({
      sku,
      onHand,
      held: sumOf(model, sku, isHeld) + reserved(model, sku),
      committed: sumOf(model, sku, isCommitted),
    });
  }
}

const buy = fc
  .array(fc.record({ sku: fc.constantFrom('a', 'b', 'box'), quantity: fc.integer({ min: 1, max: 2 }) }), {
    minLength: 1,
    maxLength: 3,
  })
  .map((lines) => new Place(lines));
const receive = fc
  .record({
    sku: fc.constantFrom('a', 'b'),
    siteId: fc.constantFrom('central', 'forward'),
    lotId: fc.constantFrom('l1', 'l2'),
    quantity: fc.integer({ min: 1, max: 6 }),
  })
  .map((given) => new Receive(given));
const pick = fc.nat(30);
const pay = pick.map((index) => new Pay(index));
const decideLate = pick.map((index) => new DecideLate(index));
const plan = pick.map((index) => new Plan(index));

/** A command named twice or more comes as much more often: enough is sold, paid and sent for ends to be reached. */
export const someCommands = fc.commands(
  [
    receive,
    receive,
    buy,
    buy,
    buy,
    buy,
    fc.constant(new BuyRest()),
    pay,
    pay,
    pay,
    decideLate,
    decideLate,
    plan,
    plan,
    pick.map((index) => new BecomeDue(index)),
    pick.map((index) => new Cancel(index)),
    pick.map((index) => new CancelWhilePicked(index)),
    pick.map((index) => new CancelTooLate(index)),
    pick.map((index) => new Pick(index)),
    pick.map((index) => new Pick(index)),
    pick.map((index) => new Deliver(index)),
    fc.constant(new Sweep()),
  ],
  { maxCommands: 80, size: 'max' },
);

export const lastSweep = new Sweep();
