import type { paths } from './api';
import { XiandaProblem } from './client';

/** What can be sold of one SKU, as `GET /v1/sellable` tells it. */
export type SellableItem =
  paths['/v1/sellable']['get']['responses'][200]['content']['application/json']['items'][number];

export interface FollowOptions {
  /** Such as `https://xianda.example`, without `/v1`. */
  baseUrl: string;
  key: string;
  skus: readonly string[];
  /** Ends it. */
  signal?: AbortSignal;
}

const firstPauseMs = 1_000;
/** Two of the comments that come while the numbers are known to be true. */
const silenceMs = 30_000;
const retriedStatuses = [429, 502, 503, 504];

/**
 * What can be sold of each SKU: now, and whenever it changes. A stream that breaks or falls silent is opened anew and
 * begins with the present numbers. Refusals are thrown; it ends by `signal`, or when the caller breaks its loop.
 */
export async function* followSellable(options: FollowOptions): AsyncGenerator<SellableItem, void> {
  const { signal } = options;
  let pauseMs = firstPauseMs;
  while (signal?.aborted !== true) {
    const left = new AbortController();
    try {
      for await (const block of readBlocks(options, left)) {
        pauseMs = Number(fieldOf(block, 'retry') ?? pauseMs);
        const data = fieldOf(block, 'data');
        if (data !== undefined) yield JSON.parse(data) as SellableItem;
      }
    } catch (error) {
      if (error instanceof XiandaProblem) throw error;
    } finally {
      left.abort();
    }
    await pause(pauseMs, signal);
  }
}

/** Blocks of the event stream, without the blank lines between them. */
async function* readBlocks(
  { baseUrl, key, skus, signal }: FollowOptions,
  left: AbortController,
): AsyncGenerator<string> {
  const query = skus.map((sku) => `sku=${encodeURIComponent(sku)}`).join('&');
  const url = `${baseUrl.replace(/\/+$/, '')}/v1/sellable/stream?${query}`;
  const silence = setTimeout(() => left.abort(), silenceMs);
  try {
    const answer = await fetch(url, {
      headers: { Authorization: `Bearer ${key}` },
      signal: signal === undefined ? left.signal : AbortSignal.any([signal, left.signal]),
    });
    if (!answer.ok || answer.body === null) throw await problemOf(answer);
    let rest = '';
    for await (const text of answer.body.pipeThrough(new TextDecoderStream())) {
      silence.refresh();
      const blocks = (rest + text).split('\n\n');
      rest = blocks.pop() ?? '';
      yield* blocks;
    }
  } finally {
    clearTimeout(silence);
  }
}

/** What to throw: a refusal, or for a server that is to be asked again any other error. */
async function problemOf(answer: Response): Promise<Error> {
  if (retriedStatuses.includes(answer.status)) return new Error(`status ${answer.status}`);
  const problem = (await answer.json().catch(() => ({}))) as { type?: string; detail?: string };
  const slug = problem.type?.split(':').at(-1) ?? `http-${answer.status}`;
  return new XiandaProblem(answer.status, slug, problem.detail ?? slug);
}

function fieldOf(block: string, name: string): string | undefined {
  return new RegExp(`^${name}: (.*)$`, 'm').exec(block)?.[1];
}

function pause(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resume) => {
    const end = () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', end);
      resume();
    };
    const timer = setTimeout(end, ms);
    signal?.addEventListener('abort', end);
  });
}
