import { type Server, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createApiClient, forEachAtOnce, problemSlug } from '../../src/dev/seed/apiClient';

/** A server that treats its n-th request as the n-th of `treatments` says; the last one lasts. */
async function serve(
  treatments: Array<'reset' | number>,
): Promise<{ server: Server; url: string; seen: string[] }> {
  const seen: string[] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      seen.push(body);
      const treatment = treatments[Math.min(seen.length, treatments.length) - 1];
      if (treatment === 'reset') return request.socket.destroy();
      const asked = treatment === 429 ? { 'Retry-After': '1' } : {};
      response.writeHead(treatment as number, { 'content-type': 'application/json', ...asked });
      response.end(JSON.stringify({ said: body }));
    });
  });
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
  return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, seen };
}

describe('the client', () => {
  test('sends the same bytes again while nobody answers, and says how often', async () => {
    const { server, url, seen } = await serve(['reset', 503, 201]);
    const client = createApiClient(url);
    const answer = await client.send('POST', '/v1/orders', { key: 'k', body: { a: 1 } });
    expect([answer.status, answer.attempts, client.retries()]).toEqual([201, 3, 2]);
    expect(new Set(seen)).toEqual(new Set(['{"a":1}']));
    client.close();
    server.closeAllConnections();
    server.close();
  });

  test('asks again only after the seconds that it was told to wait', async () => {
    const { server, url } = await serve([429, 201]);
    const client = createApiClient(url);
    const startedAt = performance.now();
    expect((await client.send('POST', '/v1/orders', { body: {} })).status).toBe(201);
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(990);
    client.close();
    server.closeAllConnections();
    server.close();
  });

  test('takes a refusal for an answer', async () => {
    const { server, url, seen } = await serve([409]);
    const client = createApiClient(url);
    expect((await client.send('POST', '/x', { body: {} })).status).toBe(409);
    expect(seen.length).toBe(1);
    client.close();
    server.closeAllConnections();
    server.close();
  });

  test('gives up in the end and says what happened', async () => {
    const client = createApiClient('http://127.0.0.1:9');
    await expect(client.send('GET', '/x', { patienceMs: 250 })).rejects.toThrow(/no answer in 0.25 s/);
    client.close();
  });
});

test('work is done at most so many at once, and the first failure comes out', async () => {
  let now = 0;
  let most = 0;
  const work = async (item: number) => {
    most = Math.max(most, ++now);
    await new Promise((resume) => setTimeout(resume, 2));
    now -= 1;
    if (item === 7) throw new Error('seven');
  };
  await forEachAtOnce([1, 2, 3, 4, 5, 6], 3, work);
  expect(most).toBe(3);
  await expect(forEachAtOnce([7, 8, 9], 1, work)).rejects.toThrow('seven');
});

test('a problem is known by the last part of its type', () => {
  expect(problemSlug({ status: 409, body: { type: 'https://xianda.dev/problems/sold-out' } })).toBe(
    'sold-out',
  );
  expect(problemSlug({ status: 409, body: { type: 'urn:xianda:sold-out' } })).toBe('sold-out');
  expect(problemSlug({ status: 502, body: '<html>' })).toBe('http-502');
});
