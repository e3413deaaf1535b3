import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { HttpLoad } from '../../bench/support/load/generator';
import { drawArrivals } from '../../bench/support/load/arrivals';
import { endOfAnswer, openConnection } from '../../bench/support/load/connection';
import { createLatencies } from '../../bench/support/load/latencies';
import { startLoad } from '../../bench/support/load/loadProcess';
import { runLoop } from '../../bench/support/load/loop';
import { outcomeOf, writeRequests } from '../../bench/support/load/request';

describe('latencies', () => {
  const exact = (values: readonly number[], part: number) =>
    [...values].sort((a, b) => a - b)[Math.ceil(values.length * part) - 1] as number;
  const values = Array.from({ length: 10_000 }, (_, index) => 0.05 * 1.001 ** index);

  test('percentiles are those of the sorted values, within a step', () => {
    const latencies = createLatencies();
    for (const value of values) latencies.record(value);
    for (const part of [0.01, 0.5, 0.9, 0.99, 0.999, 1]) {
      const told = latencies.percentile(part) / exact(values, part);
      expect(told).toBeGreaterThanOrEqual(1 - 1e-9);
      expect(told).toBeLessThan(1.012);
    }
    expect(latencies.percentile(1)).toBe(Math.max(...values));
  });

  test('those of two processes add up to those of one', () => {
    const [first, second, whole] = [createLatencies(), createLatencies(), createLatencies()];
    for (const [index, value] of values.entries()) {
      (index % 3 === 0 ? first : second).record(value);
      whole.record(value);
    }
    first.add(second.counts());
    expect(first.counts()).toEqual(whole.counts());
    expect(first.count()).toBe(values.length);
  });

  test('none tell nothing, and next to nothing is told as it is', () => {
    expect(createLatencies().percentile(0.5)).toBeNaN();
    const latencies = createLatencies();
    latencies.record(0);
    expect(latencies.percentile(0.99)).toBe(0);
  });
});

describe('arrivals of an open loop', () => {
  const arrivals = [...drawArrivals({ rate: 1000, seconds: 20, seed: 7 })];

  test('are as many as the rate says, in order, within the time', () => {
    expect(arrivals).toHaveLength(20_000);
    expect(arrivals).toEqual([...arrivals].sort((a, b) => a - b));
    expect(arrivals[0]).toBeGreaterThanOrEqual(0);
    expect(arrivals.at(-1)).toBeLessThan(20_000);
  });

  test('come as independent buyers do: the gaps are as long as they are uneven', () => {
    const gaps = arrivals.slice(1).map((at, index) => at - (arrivals[index] as number));
    const mean = gaps.reduce((sum, gap) => sum + gap, 0) / gaps.length;
    const deviation = Math.sqrt(gaps.reduce((sum, gap) => sum + (gap - mean) ** 2, 0) / gaps.length);
    expect(mean).toBeCloseTo(1, 1);
    expect(deviation).toBeCloseTo(1, 1);
  });

  test('are the same crowd for the same seed', () => {
    expect([...drawArrivals({ rate: 1000, seconds: 20, seed: 7 })]).toEqual(arrivals);
    expect([...drawArrivals({ rate: 1000, seconds: 20, seed: 8 })]).not.toEqual(arrivals);
  });
});

describe('a loop', () => {
  const ends = { measuring: () => undefined, measured: () => undefined };
  const answerAfter = (ms: number) => () =>
    new Promise<string>((resolve) => setTimeout(() => resolve('201'), ms));

  test('closed: every caller waits for its answer, and all that was sent is answered', async () => {
    const underWay = new Map<number, number>();
    let [sent, answered] = [0, 0];
    const report = await runLoop(
      { pace: { kind: 'closed', callers: 3 }, warmUpSeconds: 0.05, seconds: 0.2 },
      async (caller) => {
        expect(underWay.get(caller) ?? 0).toBe(0);
        underWay.set(caller, 1);
        sent += 1;
        const outcome = await answerAfter(5)();
        underWay.set(caller, 0);
        answered += 1;
        return outcome;
      },
      ends,
    );
    expect(answered).toBe(sent);
    expect(report.whole).toEqual({ 201: answered });
    expect(report.measured['201']).toBeLessThan(answered);
  });

  test('open: a server that stalls is told as it was for those who were to be sent meanwhile', async () => {
    const startedAt = performance.now();
    const report = await runLoop(
      { pace: { kind: 'open', callers: 1, ratePerSecond: 100 }, warmUpSeconds: 0, seconds: 0.3 },
      // the first call takes 300 ms and holds up all others, the rest take none
      async () => (performance.now() - startedAt < 300 ? answerAfter(300)() : '201'),
      ends,
    );
    expect(report.whole).toEqual({ 201: 30 });
    const latencies = createLatencies();
    latencies.add(report.latencies);
    expect(latencies.percentile(0.5)).toBeGreaterThan(100);
  });

  test('ends when a caller fails', async () => {
    const failing = () => Promise.reject(new Error('sold by nobody'));
    const plan = { pace: { kind: 'closed', callers: 2 }, warmUpSeconds: 60, seconds: 60 } as const;
    await expect(runLoop(plan, failing, ends)).rejects.toThrow('sold by nobody');
  });
});

describe('requests and answers', () => {
  const plan = {
    method: 'POST' as const,
    path: '/v1/orders',
    keys: ['first', 'second'],
    bodies: ['{"id":"鲜-{number}","again":"{number}"}'],
  };

  test('a request says how long its body is, whatever its number', () => {
    const write = writeRequests(plan, 'shop:80');
    for (const number of [0, 7, 123_456]) {
      const [head = '', body = ''] = write(number, 1).split('\r\n\r\n');
      expect(Number(/Content-Length: (\d+)/.exec(head)?.[1])).toBe(Buffer.byteLength(body));
      expect(head).toContain('Authorization: Bearer second');
      const padded = String(number).padStart(9, '0');
      expect(JSON.parse(body)).toEqual({ id: `鲜-${padded}`, again: padded });
    }
  });

  test('the end of an answer is found by its length, its last chunk, or its head', () => {
    const sized = 'HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\n{}';
    expect(endOfAnswer(sized)).toBe(sized.length);
    expect(endOfAnswer(sized.slice(0, -1))).toBe(sized.length);
    expect(endOfAnswer('HTTP/1.1 201 Cre')).toBeUndefined();
    const chunked = 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n';
    expect(endOfAnswer(chunked)).toBe(chunked.length);
    expect(endOfAnswer(chunked.slice(0, -3))).toBeUndefined();
    const empty = 'HTTP/1.1 204 No Content\r\n\r\n';
    expect(endOfAnswer(empty)).toBe(empty.length);
  });

  test('an answer in a word', () => {
    expect(outcomeOf({ status: 201, text: '' })).toBe('201');
    expect(outcomeOf({ status: 502, text: '<html>' })).toBe('502');
    expect(outcomeOf({ status: 409, text: '{"type":"urn:xianda:problem:sold-out"}' })).toBe('409 sold-out');
  });

  test('a connection carries request after request, and a broken one is replaced', async () => {
    let served = 0;
    const server = createServer((request, response) => {
      request.resume().on('end', () => {
        served += 1;
        if (served === 2) request.socket.destroy();
        else response.end(`answer ${served}`);
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const connection = openConnection({ host: '127.0.0.1', port });
    const request = writeRequests(plan, `127.0.0.1:${port}`)(1, 0);
    expect((await connection.send(request)).text).toContain('answer 1');
    await expect(connection.send(request)).rejects.toThrow();
    expect((await connection.send(request)).text).toContain('answer 3');
    connection.close();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
});

describe('the generator’s process', () => {
  const folder = mkdtempSync(join(tmpdir(), 'xianda-load-'));
  const numbers = new Set<string>();
  const server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (chunk: string) => {
      body += chunk;
    });
    request.on('end', () => {
      numbers.add(body);
      const full = numbers.size % 10 === 0;
      response.statusCode = full ? 409 : 201;
      response.end(full ? '{"type":"urn:xianda:problem:sold-out"}' : '{}');
    });
  });
  const load = startLoad<HttpLoad>({ logFile: join(folder, 'load.log') });

  beforeAll(() => new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve)));
  afterAll(() => {
    load.close();
    server.closeAllConnections();
    server.close();
    rmSync(folder, { recursive: true });
  });

  test('tells what the server saw: every request once, each answer by its word, and what it cost', async () => {
    const { port } = server.address() as AddressInfo;
    const result = await load.run(
      {
        plan: { pace: { kind: 'closed', callers: 4 }, warmUpSeconds: 0.1, seconds: 0.3 },
        load: {
          urls: [`http://127.0.0.1:${port}`],
          firstNumber: 100,
          method: 'POST',
          path: '/v1/orders',
          keys: ['key'],
          bodies: ['{number}'],
        },
      },
      new Map([['server', process.pid]]),
    );
    const { 201: accepted = 0, '409 sold-out': refused = 0, ...others } = result.whole;
    expect(others).toEqual({});
    expect(accepted + refused).toBe(numbers.size);
    expect(refused).toBe(Math.floor(numbers.size / 10));
    expect(Math.min(...[...numbers].map(Number))).toBe(100);
    expect(Object.keys(result.cpuMs)).toEqual(['server', 'callers']);
    expect(result.p50Ms).toBeGreaterThan(0);
    expect(result.p99Ms).toBeGreaterThanOrEqual(result.p50Ms);
  });

  test('tells why it could not run', async () => {
    const plan = { pace: { kind: 'closed', callers: 1 }, warmUpSeconds: 0, seconds: 0.1 } as const;
    const nowhere = { urls: ['nowhere'], firstNumber: 0, method: 'GET', path: '/', keys: [''], bodies: [] };
    await expect(load.run({ plan, load: nowhere as HttpLoad }, new Map())).rejects.toThrow('Invalid URL');
  });
});
