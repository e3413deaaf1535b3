import { request as httpRequest } from 'node:http';
import { readConfig } from '../../../src/config';
import { createLogger } from '../../../src/log';
import { type ApiConfig, runApi } from '../../../src/api/server';
import { createTestDatabase, type TestDatabase } from '../../support/database';

export const platformKey = 'test-platform-key-of-enough-length';
export const paymentSecret = 'test-payment-secret';
export const carrierSecret = 'test-carrier-secret';

export interface Answer {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  text: string;
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- tests look into answers of every shape
  json: any;
  /** The last part of a problem's type; empty when the answer is none. */
  slug: string;
  paths: string[];
}

export interface SendOptions {
  key?: string;
  /** An object is sent as JSON, text and bytes as they are. */
  body?: unknown;
  headers?: Record<string, string>;
}

export interface TenantKeys {
  tenant: string;
  ops: string;
  channel: string;
  warehouse: string;
  host: string;
  leader: string;
  supplier: string;
}

export interface ApiUnderTest {
  url: string;
  database: TestDatabase;
  send(method: string, path: string, options?: SendOptions): Promise<Answer>;
  /** A tenant with a key of every role; the leader's is of `leader-1`, the supplier's of `supplier-1`. */
  tenant(name: string): Promise<TenantKeys>;
  newKey(tenant: string, body: object): Promise<{ keyId: string; key: string }>;
  /** Rows of every table, so that a test can see that nothing was written. */
  countRows(): Promise<Record<string, number>>;
  close(): Promise<void>;
}

/** What an installation has that sets nothing; tests make many tenants and want no shares, unless they say so. */
export const usualLimits = { ...readConfig({}, { joinRunning: false }).limits, sharedBusyPercent: 0 };

const silent = createLogger({ role: 'api', level: 'silent' });

/** The API on a free port over a database of its own. */
export async function startApi(overrides: Partial<ApiConfig> = {}, log = silent): Promise<ApiUnderTest> {
  const database = await createTestDatabase();
  const api = await runApi(
    {
      mode: 'development',
      port: 0,
      publicUrl: 'http://api.test',
      databaseUrl: database.url,
      paymentWindowSeconds: 1800,
      personalDataKeys: [{ id: 'test', key: Buffer.alloc(32, 7) }],
      platformKey,
      sandboxPaymentSecret: paymentSecret,
      sandboxCarrierSecret: carrierSecret,
      logLevel: 'warn',
      stopGraceSeconds: 9,
      limits: usualLimits,
      ...overrides,
    },
    { port: 0, log },
  );
  const send = (method: string, path: string, options: SendOptions = {}) =>
    sendTo(api.url, { method, path, ...options });
  const newKey = async (tenant: string, body: object) =>
    expectStatus(await send('POST', `/v1/tenants/${tenant}/keys`, { key: platformKey, body }), 201).json;
  return {
    url: api.url,
    database,
    send,
    newKey,
    async tenant(tenant) {
      expectStatus(
        await send('PUT', `/v1/tenants/${tenant}`, { key: platformKey, body: { name: tenant } }),
        200,
      );
      const key = async (body: object) => (await newKey(tenant, body)).key as string;
      return {
        tenant,
        ops: await key({ role: 'ops' }),
        channel: await key({ role: 'channel' }),
        warehouse: await key({ role: 'warehouse' }),
        host: await key({ role: 'host' }),
        leader: await key({ role: 'leader', leaderId: 'leader-1' }),
        supplier: await key({ role: 'supplier', supplierId: 'supplier-1' }),
      };
    },
    countRows: () => countRows(database),
    async close() {
      await api.close();
      await database.drop();
    },
  };
}

export function expectStatus(answer: Answer, status: number): Answer {
  if (answer.status !== status) throw new Error(`expected ${status}, got ${answer.status}: ${answer.text}`);
  return answer;
}

/** Tables that every request may touch in passing: when a key was last used. */
async function countRows(database: TestDatabase): Promise<Record<string, number>> {
  const tables = await database.query<{ name: string }>(
    `SELECT c.relname AS name FROM pg_class c
      WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' ORDER BY 1`,
  );
  const sums = tables.map(({ name }) => `SELECT '${name}' AS name, count(*)::int AS n FROM "${name}"`);
  const rows = await database.query<{ name: string; n: number }>(sums.join(' UNION ALL '));
  return Object.fromEntries(rows.map(({ name, n }) => [name, n]));
}

interface Sending extends SendOptions {
  method: string;
  path: string;
}

/** Node's own http client: it sends any path and any bytes as they are, where fetch would mend them. */
function sendTo(url: string, { method, path, key, body, headers = {} }: Sending): Promise<Answer> {
  const payload = payloadOf(body);
  return new Promise((resolve, reject) => {
    const request = httpRequest(
      url,
      {
        method,
        path,
        headers: {
          ...(key === undefined ? {} : { Authorization: `Bearer ${key}` }),
          ...(payload === undefined
            ? {}
            : { 'Content-Type': 'application/json', 'Content-Length': payload.length }),
          ...headers,
        },
      },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () => {
          const text = Buffer.concat(chunks).toString('utf8');
          resolve({ status: response.statusCode ?? 0, headers: response.headers, text, ...readAnswer(text) });
        });
      },
    );
    request.on('error', reject);
    request.end(payload);
  });
}

function payloadOf(body: unknown): Buffer | undefined {
  if (body === undefined) return undefined;
  if (Buffer.isBuffer(body)) return body;
  return Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
}

function readAnswer(text: string): Pick<Answer, 'json' | 'slug' | 'paths'> {
  try {
    const json = JSON.parse(text);
    const slug = typeof json?.type === 'string' ? json.type.split(':').at(-1) : '';
    const paths = Array.isArray(json?.errors) ? json.errors.map((error: { path: string }) => error.path) : [];
    return { json, slug, paths };
  } catch {
    return { json: null, slug: '', paths: [] };
  }
}
