import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type CarrierClientNeeds, createSandboxCarrierClient } from '../../src/clients/carriers/client';
import { PartnerFault } from '../../src/clients/partnerFault';
import type { Resolve } from '../../src/clients/reach';

const partner = 'carrier sandbox cancel';
const loopback: Resolve = async () => [{ address: '127.0.0.1', family: 4 }];
let server: Server;
let port: number;
let heard: (string | undefined)[];
let connections: number;
let answer: RequestListener;

beforeAll(async () => {
  server = createServer((request, response) => {
    heard.push(request.url);
    request.resume().on('end', () => answer(request, response));
  }).on('connection', () => (connections += 1));
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  port = (server.address() as AddressInfo).port;
});
beforeEach(() => {
  server.closeAllConnections();
  heard = [];
  connections = 0;
  answer = (_, response) => response.end('{"outcome":"done"}');
});
afterAll(async () => {
  server.closeAllConnections();
  await new Promise((done) => server.close(done));
});

/** A worker's client in production; `trusts` says what its settings name. */
const clientWith = (needs: Partial<CarrierClientNeeds> = {}) =>
  createSandboxCarrierClient({ secret: 's', timeoutMs: 2000, trusts: () => false, ...needs });
const cancelAt = (baseUrl: string, client = clientWith()) =>
  client.cancel({ baseUrl, request: { tenant: 'acme', bookingId: 'b' } });

async function problemOf(calling: Promise<unknown>): Promise<string> {
  const error: unknown = await calling.then(
    () => 'answered',
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(PartnerFault);
  return (error as PartnerFault).message;
}

test.each(['http://127.0.0.1', 'http://10.0.0.1', 'http://[::1]', 'http://localhost', 'http://2130706433'])(
  'a carrier of a tenant at %s is not called',
  async (place) => {
    expect(await problemOf(cancelAt(`${place}:${port}`))).toBe(
      `${partner}: not called: its address is not public`,
    );
    expect(connections).toBe(0);
  },
);

test('a public name that leads to a private address is not called', async () => {
  for (const address of ['127.0.0.1', '10.0.0.1', '169.254.169.254', '::1', '::ffff:127.0.0.1']) {
    const resolve: Resolve = async () => [{ address, family: address.includes(':') ? 6 : 4 }];
    expect(await problemOf(cancelAt(`http://carrier.example.com:${port}`, clientWith({ resolve })))).toBe(
      `${partner}: not called: its name leads to an address that is not public`,
    );
  }
  expect(connections).toBe(0);
});

test('a name that answers differently a second time gains nothing', async () => {
  let looks = 0;
  const resolve: Resolve = async () => {
    looks += 1;
    // first a public address that nobody answers at, then our own machine
    return [{ address: looks === 1 ? '192.0.1.1' : '127.0.0.1', family: 4 }];
  };
  const client = clientWith({ resolve, timeoutMs: 300 });
  const baseUrl = `http://rebind.example.com:${port}`;
  expect(await problemOf(cancelAt(baseUrl, client))).toMatch(/no answer within|could not be reached/);
  expect(looks).toBe(1);
  expect(await problemOf(cancelAt(baseUrl, client))).toMatch(/leads to an address that is not public$/);
  expect(connections).toBe(0);
});

test('the carrier that the settings name may be here, over one kept connection; others may not', async () => {
  const own = `http://127.0.0.1:${port}`;
  const client = clientWith({ trusts: (url) => url === own, resolve: loopback });
  for (let nth = 0; nth < 3; nth += 1) expect(await cancelAt(own, client)).toEqual({ kind: 'done' });
  expect(connections).toBe(1);
  expect(await problemOf(cancelAt(`${own}/else`, client))).toMatch(/not public$/);
  expect(await problemOf(cancelAt(`http://carrier.example.com:${port}`, client))).toMatch(/not public$/);
  expect(heard).toHaveLength(3);
});

test('a redirect leads nowhere', async () => {
  answer = (_, response) => response.writeHead(307, { Location: `http://127.0.0.1:${port}/inside` }).end();
  const client = clientWith({ trusts: () => true });
  expect(await problemOf(cancelAt(`http://127.0.0.1:${port}`, client))).toBe(`${partner}: answered 307`);
  expect(heard).toEqual(['/v1/bookings/b/cancel']);
});
