import { sandboxHeaders } from '../../src/clients/signature';
import type { OrderView } from '../../src/dev/demo/orderView';
import { type Answer, problemSlug } from '../../src/dev/seed/apiClient';
import { type Brand, pickupPointId } from './brand';

/** What a buyer does once the order is acknowledged. */
export const behaviours = [
  'pays',
  'paysTwoZones',
  'neverPays',
  'pays',
  'comesPaid',
  'paysLate',
  'cancelsUnpaid',
  'pickup',
  'cancelsPaid',
  'repeats',
] as const;
type Behaviour = (typeof behaviours)[number];

export interface Sale {
  behaviour: Behaviour;
  externalId: string;
  /** How often the first request was sent until the API answered it. */
  attempts: number;
  status: number;
  refusal?: string;
  orderId?: string;
  totalFen: number;
  chargedFen: number;
  /** The same request again was answered word for word like the first. */
  repeat?: 'same' | 'different';
  view?: OrderView;
}

interface Accepted {
  orderId: string;
  totalFen: number;
  expiresAt: string | null;
}

/** One buyer: `answered` when the shop has said yes or no, `done` when the last step of their own is taken. */
export interface Buyer {
  answered: Promise<Sale>;
  done: Promise<Sale>;
}

export function sendBuyer(brand: Brand, number: number): Buyer {
  const placed = place(brand, number);
  const answered = placed.then(({ sale }) => sale);
  const done = placed.then(async ({ sale, expiresAtMs, again }) => {
    if (sale.orderId === undefined) return sale;
    if (sale.behaviour === 'repeats') sale.repeat = await again();
    await act(brand, sale, expiresAtMs);
    return sale;
  });
  // both are judged later; a rejection that nobody awaits yet would end the process
  answered.catch(() => undefined);
  done.catch(() => undefined);
  return { answered, done };
}

async function place(brand: Brand, number: number) {
  const behaviour = behaviours[number % behaviours.length] as Behaviour;
  const externalId = `order-${number}`;
  const body = orderOf(externalId, behaviour, number);
  const send = () => brand.api.send('POST', '/v1/orders', { key: brand.keys.channel, body });
  const first = await send();
  const { status, attempts } = first;
  const sale: Sale = { behaviour, externalId, attempts, status, totalFen: 0, chargedFen: 0 };
  const again = async (): Promise<Sale['repeat']> => (sameBody(first, await send()) ? 'same' : 'different');
  if (status > 201) return { sale: { ...sale, refusal: problemSlug(first) }, expiresAtMs: 0, again };
  const { orderId, totalFen, expiresAt } = first.body as Accepted;
  return { sale: { ...sale, orderId, totalFen }, expiresAtMs: Date.parse(expiresAt ?? ''), again };
}

function orderOf(externalId: string, behaviour: Behaviour, number: number) {
  const cold = number % 4 < 2 ? 'milk' : 'dumplings';
  const two = behaviour === 'paysTwoZones' || behaviour === 'pickup';
  const skusWanted = [number % 3 === 0 ? 'hot' : 'rice', ...(two ? [cold] : [])];
  const lines = skusWanted.map((sku) => ({ sku, quantity: 1, unitPriceFen: 1_000 }));
  const paid = {
    transactionId: `channel-${externalId}`,
    amountFen: 1_000 * lines.length,
    paidAt: new Date().toISOString(),
    heldBy: 'tenant',
  };
  return {
    channel: 'wechat',
    externalId,
    buyer: {
      ref: `buyer-${number}`,
      name: '王小明',
      phone: '13800000000',
      ...(behaviour === 'pickup'
        ? { pickupPointId }
        : {
            communityId: 'garden',
            location: { lat: 31.23, lng: 121.55 },
            address: { province: '上海市', city: '上海市', district: '浦东新区', detail: '碧云路1号' },
          }),
    },
    lines,
    ...(behaviour === 'comesPaid' ? { payment: paid } : {}),
  };
}

function sameBody(first: Answer, second: Answer): boolean {
  return second.status === 200 && JSON.stringify(first.body) === JSON.stringify(second.body);
}

async function act(brand: Brand, sale: Sale, expiresAtMs: number): Promise<void> {
  switch (sale.behaviour) {
    case 'pays':
    case 'paysTwoZones':
    case 'pickup':
    case 'repeats':
      return charge(brand, sale);
    case 'comesPaid':
      sale.chargedFen = sale.totalFen;
      return;
    case 'neverPays':
      return;
    case 'paysLate':
      await new Promise((resume) => setTimeout(resume, expiresAtMs + 200 - Date.now()));
      return tellPaid(brand, sale);
    case 'cancelsUnpaid':
      return cancel(brand, sale);
    case 'cancelsPaid':
      await charge(brand, sale);
      return cancel(brand, sale);
  }
}

/** Charged at the provider, whose own postman brings the news, again and again while nobody takes it. */
async function charge({ tenant, payments, notifyUrl }: Brand, sale: Sale): Promise<void> {
  const { orderId, totalFen } = sale;
  const transactionId = `pay-${sale.externalId}`;
  const body = { tenant, orderId, amountFen: totalFen, transactionId, notifyUrl };
  const answer = await payments.send('POST', '/v1/charges', { body });
  // the shop closed it there meanwhile: this buyer came too late to be charged
  if (answer.status === 409) return;
  if (answer.status > 201) throw new Error(`a charge was answered ${answer.status}`);
  sale.chargedFen = totalFen;
}

/** Money that was taken elsewhere, told twice by a client with the provider's secret. */
async function tellPaid({ tenant, api, paymentSecret }: Brand, sale: Sale): Promise<void> {
  const { orderId, externalId, totalFen } = sale;
  const body = {
    notificationId: `late-${externalId}`,
    transactionId: `pay-${externalId}`,
    tenant,
    orderId,
    amountFen: totalFen,
    paidAt: new Date().toISOString(),
    outcome: 'paid',
  };
  for (let told = 0; told < 2; told += 1) {
    const headers = sandboxHeaders(paymentSecret, Math.floor(Date.now() / 1000), JSON.stringify(body));
    const answer = await api.send('POST', '/v1/payments/sandbox/notifications', { body, headers });
    if (answer.status !== 204) throw new Error(`late money was answered ${answer.status}`);
  }
  sale.chargedFen = totalFen;
}

async function cancel({ api, keys }: Brand, { orderId }: Sale): Promise<void> {
  const body = { reason: '不想要了' };
  const answer = await api.send('POST', `/v1/orders/${orderId}/cancel`, { key: keys.channel, body });
  if (answer.status !== 200) throw new Error(`a cancel was answered ${answer.status}`);
}

/** Looks once at every sale that is open; true when nothing will happen by itself to any of them. */
export async function allSettled(brand: Brand, sales: Sale[]): Promise<boolean> {
  const open = sales.filter((sale) => sale.orderId !== undefined && !isSettled(sale));
  for (let at = 0; at < open.length; at += 16) {
    await Promise.all(open.slice(at, at + 16).map((sale) => lookAt(brand, sale)));
  }
  return open.every(isSettled);
}

/** Reads the order; throws when an acknowledged one is not there. */
export async function lookAt({ api, keys }: Brand, sale: Sale): Promise<OrderView> {
  const answer = await api.send('GET', `/v1/orders/${sale.orderId}`, { key: keys.channel });
  if (answer.status !== 200) throw new Error(`order ${sale.orderId} is lost: ${answer.status}`);
  sale.view = answer.body as OrderView;
  return sale.view;
}

/** Delivered, parked, or ended with every fen that came given back. */
export function isSettled({ view, chargedFen }: Sale): boolean {
  if (!view) return false;
  if (view.attention) return true;
  if (view.paidFen < chargedFen) return false;
  const ended = view.state === 'expired' || view.state === 'cancelled';
  return view.state === 'delivered' || (ended && view.refundedFen === view.paidFen);
}

const people = ['picking', 'packed', 'pickedUp', 'atPickupPoint', 'delivered'] as const;

/** The warehouse and the leader carry every leader run that is booked, as people do: one report after the other. */
export async function carryRuns({ api, keys }: Brand): Promise<void> {
  const key = keys.warehouse;
  const answer = await api.send('GET', '/v1/shipments?state=booked&leaderId=wang&limit=200', { key });
  const { items } = answer.body as { items: { shipmentId: string }[] };
  for (const { shipmentId } of items) {
    for (const kind of people) {
      const body = { eventId: `${shipmentId}.${kind}`, kind, at: new Date().toISOString() };
      await api.send('POST', `/v1/shipments/${shipmentId}/events`, { key, body });
    }
  }
}
