import fc from 'fast-check';
import { answerOffer } from '../../src/db/offerEnd';
import { givenStock, orderRequest } from '../support/fixtures';
import { closeCampaign, givenHandOut } from '../support/presaleFixtures';
import {
  BecomeDue,
  Cancel,
  type Command,
  DecideLate,
  Deliver,
  isServed,
  type Model,
  type ModelOrder,
  note,
  OfOrder,
  Pay,
  Pick,
  Place,
  Plan,
  quotaLeft,
  type Real,
  Receive,
  Sweep,
  waits,
} from './stockModel';

/** The stock model with a campaign in it: what arrives for it, who gets it, and what becomes of the rest. */

class PlacePresale implements Command {
  constructor(readonly units: number) {}
  check = (): boolean => true;
  async run(model: Model, real: Real): Promise<void> {
    const lines = [{ sku: model.campaign?.sku ?? '', quantity: this.units, campaignId: 'early' }];
    const answer = await real.intake.place(real.tenant, orderRequest({ lines }), 'test');
    expect(answer.kind).toBe(this.units <= quotaLeft(model) ? 'accepted' : 'quotaExhausted');
    note(real, answer.kind);
    if (answer.kind !== 'accepted') return;
    // intake ends the campaign's due holds to sell their units again
    for (const { presale, due } of model.orders) if (presale && due) presale.held = false;
    const { orderId, totalFen } = answer.answer;
    real.orders.push({ orderId, totalFen, shipments: [] });
    model.orders.push({
      demand: new Map(),
      state: 'awaitingPayment',
      due: false,
      picking: false,
      left: false,
      late: false,
      presale: {
        units: this.units,
        converted: false,
        held: true,
        returned: false,
        moved: 0,
        paidNo: 0,
        offered: false,
      },
    });
  }
  toString = () => `place presale ${this.units}`;
}

class Arrive implements Command {
  constructor(readonly quantity: number) {}
  check = () => true;
  async run(model: Model, real: Real): Promise<void> {
    const { campaign, onHand } = model;
    if (!campaign) return;
    await givenStock(real.database, real.tenant, {
      sku: campaign.sku,
      quantity: this.quantity,
      campaignId: 'early',
    });
    onHand.set(campaign.sku, (onHand.get(campaign.sku) ?? 0) + this.quantity);
    campaign.reserve += this.quantity;
  }
  toString = () => `arrive ${this.quantity}`;
}

class HandOut implements Command {
  constructor(readonly limit: number) {}
  check = () => true;
  async run(model: Model, real: Real): Promise<void> {
    const { campaign } = model;
    if (!campaign) return;
    const done = { converted: 0, offered: 0, unreserved: 0 };
    for (const order of queueOf(model)) {
      const { presale } = order;
      if (presale.units <= campaign.reserve) {
        campaign.reserve -= presale.units;
        Object.assign(presale, { converted: true, offered: false });
        order.demand = new Map([[campaign.sku, presale.units]]);
        done.converted += 1;
      } else if (!presale.offered) {
        presale.offered = true;
        done.offered += 1;
      }
    }
    if (isServed(model)) {
      done.unreserved = campaign.reserve;
      campaign.reserve = 0;
    }
    expect(await givenHandOut(real.database, real.tenant, { limit: this.limit })).toMatchObject({
      ...done,
      reserved: campaign.reserve,
      waiting: queueOf(model).length,
    });
    for (const [what, count] of Object.entries(done)) if (count > 0) note(real, what);
  }
  toString = () => `hand out by ${this.limit}`;
}

type WaitingOrder = ModelOrder & { presale: NonNullable<ModelOrder['presale']> };

/** Whoever waits, in the order of being served. */
function queueOf({ orders }: Model): WaitingOrder[] {
  return orders
    .filter((order): order is WaitingOrder => waits(order))
    .sort((a, b) => a.presale.moved - b.presale.moved || a.presale.paidNo - b.presale.paidNo);
}

/** Once in a while: a campaign that is over sells no more. */
class Close implements Command {
  constructor(readonly dice: number) {}
  check = (model: Readonly<Model>): boolean => this.dice === 0 && model.campaign?.closed === false;
  async run({ campaign }: Model, real: Real): Promise<void> {
    await closeCampaign(real.database, real.tenant);
    if (campaign) campaign.closed = true;
  }
  toString = () => 'close the campaign';
}

/** The buyer takes the later date, or the money. */
class Accept extends OfOrder {
  constructor(
    pick: number,
    readonly kind: 'laterDate' | 'refund',
  ) {
    super(pick);
  }
  protected override applies(order: ModelOrder): boolean {
    return waits(order) && order.presale?.offered === true;
  }
  protected async act(
    _model: Model,
    order: ModelOrder,
    real: Real,
    { orderId }: Real['orders'][number],
  ): Promise<void> {
    const [offer] = await real.database.query<{ offer_id: string }>(
      `SELECT offer_id FROM offer WHERE order_id = $1 AND kind = $2 AND state = 'open'`,
      [orderId, this.kind],
    );
    const answer = {
      tenant: real.tenant,
      orderId,
      offerId: offer?.offer_id ?? '',
      accept: true,
      actor: 'test',
    };
    expect(await answerOffer(real.database.as('xianda_app'), answer)).toEqual({ kind: 'answered' });
    note(real, this.kind);
    if (!order.presale) return;
    order.presale.offered = false;
    if (this.kind === 'laterDate') order.presale.moved += 1;
    else {
      order.presale.returned = true;
      order.state = 'cancelled';
    }
  }
}

const pick = fc.nat(30);
const units = fc.integer({ min: 1, max: 4 });
const placePresale = units.map((each) => new PlacePresale(each));
const pay = pick.map((index) => new Pay(index));
const arrive = units.map((each) => new Arrive(each));
const handOut = fc.constantFrom(1, 2, 500).map((limit) => new HandOut(limit));

export const presaleCommands = fc.commands(
  [
    ...[
      placePresale,
      placePresale,
      placePresale,
      placePresale,
      pay,
      pay,
      pay,
      pay,
      arrive,
      arrive,
      handOut,
      handOut,
      handOut,
    ],
    units.map((quantity) => new Receive({ sku: 'b', siteId: 'central', lotId: 'shelf', quantity })),
    units.map((quantity) => new Place([{ sku: 'b', quantity }])),
    pick.map((index) => new Accept(index, 'laterDate')),
    pick.map((index) => new Accept(index, 'refund')),
    pick.map((index) => new BecomeDue(index)),
    pick.map((index) => new DecideLate(index)),
    pick.map((index) => new Cancel(index)),
    pick.map((index) => new Plan(index)),
    pick.map((index) => new Pick(index)),
    pick.map((index) => new Deliver(index)),
    fc.nat(3).map((dice) => new Close(dice)),
    fc.constant(new Sweep()),
  ],
  { maxCommands: 60, size: 'max' },
);

/** What the runs must have come to between them. */
export const presaleOutcomes = [
  ...[
    'accepted',
    'quotaExhausted',
    'soldOut',
    'booked',
    'late',
    'reheld',
    'refunding',
    'expired',
    'delivered',
  ],
  ...['converted', 'offered', 'unreserved', 'laterDate', 'refund', 'cancel done'],
];

export const lastHandOut = new HandOut(500);
