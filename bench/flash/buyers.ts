import { Agent, request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { hotOrder } from '../support/hotSku';
import type { Asked, CrowdMessage, SalePlan } from './crowd';

/** After these the contract asks the client to send the same order again. */
const askedToWait = [429, 502, 503, 504];
const brokenPauseMs = 100;
const mostAttempts = 100;

let stopped = false;
process.on('message', (message: SalePlan | { kind: 'stop' }) => {
  if (message.kind === 'stop') stopped = true;
  else void sell(message).then((asked) => process.send?.({ kind: 'sold', asked } satisfies CrowdMessage));
});

/** A closed loop: so many connections are kept, each carries one buyer after the other. */
async function sell(plan: SalePlan): Promise<Asked[]> {
  const agent = new Agent({ keepAlive: true, maxSockets: plan.callers, scheduling: 'lifo' });
  const asked: Asked[] = [];
  let next = plan.from;
  stopped = false;
  const caller = async () => {
    while (!stopped && (plan.upTo === null || next < plan.upTo)) asked.push(await buy(plan, agent, next++));
  };
  await Promise.all(Array.from({ length: plan.callers }, caller));
  agent.destroy();
  return asked;
}

async function buy(plan: SalePlan, agent: Agent, number: number): Promise<Asked> {
  const body = JSON.stringify(hotOrder(number));
  for (let attempts = 1; ; attempts += 1) {
    const sentAt = Date.now();
    const answer = await post(plan, agent, body).catch(() => null);
    const answeredAt = Date.now() + 1;
    if (answer !== null && (!askedToWait.includes(answer.status) || attempts === mostAttempts)) {
      return { number, sentAt, answeredAt, attempts, ...readOutcome(answer) };
    }
    if (answer === null && attempts === mostAttempts) {
      return { number, sentAt, answeredAt, attempts, outcome: 'status 0' };
    }
    await sleep(answer === null ? brokenPauseMs : answer.retryAfterMs);
  }
}

interface Answer {
  status: number;
  text: string;
  retryAfterMs: number;
}

function readOutcome({ status, text }: Answer): Pick<Asked, 'outcome' | 'orderId'> {
  const body = JSON.parse(text) as { orderId?: string; type?: string };
  // 200: an attempt whose answer was lost had been accepted
  if (status === 201 || status === 200) return { outcome: 'accepted', orderId: body.orderId };
  if (status === 409 && body.type?.endsWith(':sold-out') === true) return { outcome: 'soldOut' };
  return { outcome: `status ${status}` };
}

function post({ apiUrl, channelKey }: SalePlan, agent: Agent, body: string): Promise<Answer> {
  const headers = {
    Authorization: `Bearer ${channelKey}`,
    'Content-Type': 'application/json',
    'Content-Length': Buffer.byteLength(body),
  };
  return new Promise((resolve, reject) => {
    const sent = request(`${apiUrl}/v1/orders`, { method: 'POST', agent, headers }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          text: Buffer.concat(chunks).toString('utf8'),
          retryAfterMs: Number(response.headers['retry-after'] ?? 1) * 1000,
        }),
      );
    });
    sent.on('error', reject);
    sent.end(body);
  });
}
