import { type IncomingMessage, request as httpRequest } from 'node:http';

/** One `sellable` event as it came. */
export interface Heard {
  id: string;
  sku: string;
  version: number;
  item: { sku: string; sellable: number; presaleRemaining: number; nearestExpiry: string | null };
  /** performance.now() of its arrival. */
  at: number;
}

export interface Listening {
  response: IncomingMessage;
  heard: Heard[];
  /** Everything that came, as it came. */
  text(): string;
  /** Waits for the first event, heard or to come, that the condition takes. */
  until(condition: (heard: Heard) => boolean): Promise<Heard>;
  /** When the server has ended the stream. */
  ended: Promise<void>;
  close(): void;
}

interface ListenOptions {
  key?: string;
  token?: string;
  headers?: Record<string, string>;
}

const patienceMs = 20_000;

/** Opens a sellable stream as a program does and keeps what it tells. */
export async function listen(url: string, skus: string[], options: ListenOptions = {}): Promise<Listening> {
  const query = skus.map((sku) => `sku=${sku}`).join('&');
  const token = options.token === undefined ? '' : `&token=${options.token}`;
  const headers = {
    ...(options.key === undefined ? {} : { Authorization: `Bearer ${options.key}` }),
    ...options.headers,
  };
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const request = httpRequest(
      `${url}/v1/sellable/stream?${query}${token}`,
      { agent: false, headers },
      resolve,
    );
    request.on('error', reject).end();
  });
  return hear(response);
}

function hear(response: IncomingMessage): Listening {
  const heard: Heard[] = [];
  const waiting = new Set<() => void>();
  let all = '';
  let rest = '';
  response.setEncoding('utf8');
  response.on('data', (text: string) => {
    all += text;
    const blocks = (rest + text).split('\n\n');
    rest = blocks.pop() ?? '';
    heard.push(...blocks.flatMap(readEvent));
    for (const look of waiting) look();
  });
  const ended = new Promise<void>((resolve) => response.once('close', resolve));
  return {
    response,
    heard,
    text: () => all,
    ended,
    close: () => response.destroy(),
    until: (condition) =>
      new Promise((resolve, reject) => {
        const look = () => {
          const found = heard.find(condition);
          if (found === undefined) return;
          clearTimeout(timer);
          waiting.delete(look);
          resolve(found);
        };
        const timer = setTimeout(() => {
          waiting.delete(look);
          reject(new Error(`was not told: ${condition.toString()}; last: ${JSON.stringify(heard.at(-1))}`));
        }, patienceMs);
        waiting.add(look);
        look();
      }),
  };
}

function readEvent(block: string): Heard[] {
  const fields = new Map(block.split('\n').map((line) => line.split(/: (.*)/s) as [string, string]));
  const id = fields.get('id');
  if (fields.get('event') !== 'sellable' || id === undefined) return [];
  const [, sku = '', version = ''] = /^(.*):(\d+)$/.exec(id) ?? [];
  const item = JSON.parse(fields.get('data') ?? 'null') as Heard['item'];
  return [{ id, sku, version: Number(version), item, at: performance.now() }];
}
