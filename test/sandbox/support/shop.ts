import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { verifySandbox } from '../../../src/clients/signature';

export interface Received {
  verified: boolean;
  rawBody: string;
  body: Record<string, unknown>;
}

export interface Shop {
  url: string;
  received: Received[];
  /** Status for the nth callback, counted from 0; 204 unless told. */
  answerWith(status: (nth: number) => number): void;
  close(): Promise<void>;
}

/** The other end of a sandbox's callbacks: writes down what comes and says whether the signature holds. */
export async function openShop(secret: string): Promise<Shop> {
  const received: Received[] = [];
  let status: (nth: number) => number = () => 204;
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const rawBody = Buffer.concat(chunks).toString('utf8');
      const nowSeconds = Math.floor(Date.now() / 1000);
      const { kind } = verifySandbox({ secret, headers: request.headers, rawBody, nowSeconds });
      received.push({ verified: kind === 'valid', rawBody, body: parse(rawBody) });
      response.writeHead(status(received.length - 1)).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    received,
    answerWith(next) {
      status = next;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function parse(text: string): Record<string, unknown> {
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    return {};
  }
}

/** Waits until the condition holds; fails with its last answer otherwise. */
export async function eventually(
  condition: () => boolean | Promise<boolean>,
  withinMs = 5000,
): Promise<void> {
  const until = Date.now() + withinMs;
  while (!(await condition())) {
    if (Date.now() > until) throw new Error(`did not happen within ${withinMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** An unsigned request, as buyers and tests make them. */
export async function call(
  method: string,
  url: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<{ status: number; headers: Headers; body: Record<string, unknown> }> {
  const response = await fetch(url, {
    method,
    headers: { 'Content-Type': 'application/json', ...headers },
    body: body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body),
  });
  return { status: response.status, headers: response.headers, body: parse(await response.text()) };
}
