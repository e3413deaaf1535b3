import { setTimeout as sleep } from 'node:timers/promises';
import { hotOrderBody } from '../support/hotSku';
import { type Answer, type Connection, openConnection } from '../support/load/connection';
import { outcomeOf, writeRequests } from '../support/load/request';
import { type Asked, type CrowdMessage, type SalePlan, acceptedAnswer } from './crowd';

/** After these the contract asks the client to send the same order again. */
const askedToWait = [429, 502, 503, 504];
const brokenPauseMs = 100;
const mostAttempts = 100;

let stopped = false;
process.on('message', (message: SalePlan | { kind: 'stop' }) => {
  if (message.kind === 'stop') stopped = true;
  else void sell(message).then((asked) => process.send?.({ kind: 'sold', asked } satisfies CrowdMessage));
});
// the bench is gone
process.on('disconnect', () => process.exit());

/** A closed loop: so many connections are kept, each carries one buyer after the other. */
async function sell({ apiUrl, channelKey, callers, from, upTo }: SalePlan): Promise<Asked[]> {
  const { hostname, port, host } = new URL(apiUrl);
  const write = writeRequests(
    { method: 'POST', path: '/v1/orders', keys: [channelKey], bodies: [hotOrderBody()] },
    host,
  );
  const asked: Asked[] = [];
  let next = from;
  stopped = false;
  const caller = async () => {
    const connection = openConnection({ host: hostname, port: Number(port) });
    while (!stopped && (upTo === null || next < upTo)) {
      const number = next++;
      asked.push({ number, ...(await buy(connection, write(number, 0))) });
    }
    connection.close();
  };
  await Promise.all(Array.from({ length: callers }, caller));
  return asked;
}

async function buy(connection: Connection, request: string): Promise<Omit<Asked, 'number'>> {
  for (let attempts = 1; ; attempts += 1) {
    const sentAt = Date.now();
    const answer = await connection.send(request).catch(() => null);
    const times = { sentAt, answeredAt: Date.now() + 1, attempts };
    const last = attempts === mostAttempts;
    if (answer === null && last) return { ...times, outcome: 'broken' };
    if (answer !== null && (last || !askedToWait.includes(answer.status))) {
      return { ...times, ...readOutcome(answer) };
    }
    await sleep(answer === null ? brokenPauseMs : retryAfterMs(answer));
  }
}

function readOutcome(answer: Answer): Pick<Asked, 'outcome' | 'orderId'> {
  const outcome = outcomeOf(answer);
  // 200: an attempt whose answer was lost had been accepted
  if (outcome !== '201' && outcome !== '200') return { outcome };
  return { outcome: acceptedAnswer, orderId: /"orderId":"([^"]+)"/.exec(answer.text)?.[1] };
}

function retryAfterMs({ text }: Answer): number {
  return Number(/\r\nretry-after: *(\d+)/i.exec(text)?.[1] ?? 1) * 1000;
}
