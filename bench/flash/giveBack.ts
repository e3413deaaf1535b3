import { setTimeout as sleep } from 'node:timers/promises';
import type { HotShop } from '../support/hotSku';
import { type Asked, type Crowd, acceptedAnswer } from './crowd';
import type { Sale } from './sale';

export interface SecondPhase {
  asked: Asked[];
  /** When each buyer was told that the order is cancelled, in milliseconds, by order id. */
  cancelled: Map<string, number>;
  soldAgain: number;
}

interface Needs {
  shop: HotShop;
  crowd: Crowd;
  sale: Sale;
  givenBack: number;
  callers: number;
}

const cancelsAtOnce = 4;
/** Between two cancels of one lane: units come back one by one, each into a crowd that is being refused. */
const pauseMs = 20;
/** Long enough that whoever asks after the last cancel has been answered. */
const afterwardsMs = 1000;

/** Buyers who got one give it back, while others go on asking and buy what came back. */
export async function giveBack({ shop, crowd, sale, givenBack, callers }: Needs): Promise<SecondPhase> {
  const cancelled = new Map<string, number>();
  if (givenBack === 0) return { asked: [], cancelled, soldAgain: 0 };
  const asking = crowd.ask({ callers: Math.ceil(callers / 4), from: sale.asked.length, upTo: null });
  const orderIds = sale.accepted.slice(0, givenBack).map(({ orderId }) => orderId as string);
  const lane = async () => {
    for (let orderId = orderIds.pop(); orderId !== undefined; orderId = orderIds.pop()) {
      await cancel(shop, orderId);
      cancelled.set(orderId, Date.now() + 1);
      await sleep(pauseMs);
    }
  };
  await Promise.all(Array.from({ length: cancelsAtOnce }, lane));
  await sleep(afterwardsMs);
  crowd.stop();
  const asked = await asking;
  return { asked, cancelled, soldAgain: asked.filter(({ outcome }) => outcome === acceptedAnswer).length };
}

async function cancel({ api, channelKey }: HotShop, orderId: string): Promise<void> {
  const options = { key: channelKey, body: { reason: 'changed my mind' } };
  const { status, body } = await api.send('POST', `/v1/orders/${orderId}/cancel`, options);
  const { outcome } = body as { outcome?: string };
  if (status !== 200 || outcome !== 'done') throw new Error(`a cancel was answered ${status} ${outcome}`);
}
