import { type RequestListener, type Server, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { PartnerFault } from '../../src/clients/partnerFault';
import { createSandboxPaymentClient } from '../../src/clients/payment/client';

const buyer = '张三 13800000000 幸福路1号';
const refund = {
  refundId: 'r1',
  transactionId: 't1',
  tenant: 'acme',
  orderId: 'o1',
  amountFen: 100,
  transactionAmountFen: 100,
  reason: 'cancelled',
};
const servers: Server[] = [];

/** A payment client that talks to a partner who does exactly this. */
async function against(listener: RequestListener, timeoutMs = 2000) {
  const server = createServer(listener);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  return createSandboxPaymentClient({ baseUrl, secret: 's', timeoutMs });
}

async function faultOf(listener: RequestListener, timeoutMs?: number): Promise<PartnerFault> {
  const client = await against(listener, timeoutMs);
  const error = await client.requestRefund(refund).then(
    (outcome) => Promise.reject(new Error(`answered ${outcome.kind}`)),
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(PartnerFault);
  const fault = error as PartnerFault;
  // Everything a log or a workflow failure could show.
  const shown = [fault.message, fault.stack, JSON.stringify(fault), String(fault.cause)].join('\n');
  for (const piece of buyer.split(' ')) expect(shown).not.toContain(piece);
  return fault;
}

afterEach(() => {
  for (const server of servers.splice(0)) {
    server.close();
    server.closeAllConnections();
  }
});

test.each([400, 401, 404, 409, 500, 502, 503])(
  'status %d without a known code is a fault with it',
  async (status) => {
    const fault = await faultOf((_, response) => response.writeHead(status).end(`{"code":"${buyer}"}`));
    expect(fault).toMatchObject({ partner: 'payment sandbox', operation: 'requestRefund', status });
    expect(fault.message).toBe(`payment sandbox requestRefund: answered ${status}`);
  },
);

test.each([
  ['7', 7],
  ['soon', undefined],
  [new Date(0).toUTCString(), 0],
])('Retry-After %s is understood as %p', async (header, seconds) => {
  const fault = await faultOf((_, response) => response.writeHead(429, { 'Retry-After': header }).end(buyer));
  expect(fault.status).toBe(429);
  expect(fault.retryAfterSeconds).toBe(seconds);
});

test.each([
  ['not JSON', `<p>${buyer}`],
  ['nothing', ''],
  ['another shape', JSON.stringify({ [buyer]: buyer })],
  ['a wrong type', JSON.stringify({ ...refund, state: 'succeeded', amountFen: buyer })],
  ['a wrong state', JSON.stringify({ ...refund, state: buyer })],
])('success with %s is a fault', async (_name, body) => {
  const fault = await faultOf((_, response) => response.writeHead(200).end(body));
  expect(fault.message).toMatch(/not what was agreed$/);
});

test.each([{ refundId: 'r2' }, { amountFen: 99 }])(
  'an answer for another refund, %j, is a fault',
  async (other) => {
    const body = JSON.stringify({ ...refund, state: 'succeeded', ...other });
    const fault = await faultOf((_, response) => response.writeHead(200).end(body));
    expect(fault.message).toMatch(/another refund$/);
  },
);

test('unknown fields in an answer are allowed', async () => {
  const body = JSON.stringify({ ...refund, state: 'succeeded', more: 1 });
  const client = await against((_, response) => response.end(body));
  expect(await client.requestRefund(refund)).toEqual({ kind: 'succeeded', refundId: 'r1', amountFen: 100 });
});

test('a redirect is not followed', async () => {
  let followed = 0;
  const fault = await faultOf((request, response) => {
    if (request.url === '/elsewhere') followed += 1;
    response.writeHead(307, { Location: '/elsewhere' }).end(buyer);
  });
  expect(fault.message).toMatch(/answered 307$/);
  expect(followed).toBe(0);
});

test('silence ends at the time-out, before the headers and in the middle of a body', async () => {
  const silent = await faultOf(() => {}, 100);
  expect(silent.message).toBe('payment sandbox requestRefund: no answer within 100 ms');
  const stalled = await faultOf((_, response) => void response.writeHead(200).write(`{"${buyer}`), 100);
  expect(stalled.message).toBe('payment sandbox requestRefund: no answer within 100 ms');
});

test('an endless answer is cut off', async () => {
  const fault = await faultOf((_, response) => {
    response.on('error', () => {});
    const flood = () => {
      while (!response.destroyed && response.write(buyer.repeat(1000)));
      response.once('drain', flood);
    };
    flood();
  });
  expect(fault.message).toMatch(/answered too much$/);
});

test('a broken connection and broken HTTP are faults that name only a code', async () => {
  const reset = await faultOf((request) => request.socket.destroy());
  expect(reset.message).toMatch(/could not be reached \([A-Z_]+\)$/);
  const broken = await faultOf((request) => void request.socket.end(`${buyer}\r\n\r\n`));
  expect(broken.message).toMatch(/could not be reached \([A-Z_]+\)$/);
});

test('nobody listening is a fault that says so', async () => {
  const client = createSandboxPaymentClient({ baseUrl: 'http://127.0.0.1:1', secret: 's', timeoutMs: 1000 });
  await expect(client.queryOrder({ tenant: 'acme', orderId: 'o1' })).rejects.toThrow(
    /^payment sandbox queryOrder: could not be reached/,
  );
});

test('reading and closing cannot be refused: a refusal there is a fault', async () => {
  const client = await against((_, response) => response.writeHead(409).end('{"code":"over-refund"}'));
  await expect(client.closeOrder({ tenant: 'acme', orderId: 'o1' })).rejects.toThrow(
    /refused with over-refund/,
  );
  await expect(client.queryRefund({ refundId: 'r1' })).rejects.toThrow(PartnerFault);
});
