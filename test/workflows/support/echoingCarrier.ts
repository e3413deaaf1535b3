import { type IncomingMessage, type ServerResponse, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** How a carrier repeats to our face what it was told of the buyer. */
const echoes = {
  inAnError: (said, response) => answer(response, 500, { code: said, detail: said }),
  inNoJson: (said, response) => response.writeHead(200).end(`booked for ${said}`),
  inARefusal: (said, response) => answer(response, 409, { code: 'refused', detail: said, paths: [said] }),
  inAnUnknownRefusal: (said, response) => answer(response, 422, { code: said }),
  inAHeader: (said, response) =>
    response.writeHead(429, { 'Retry-After': encodeURIComponent(said), 'X-Said': encodeURI(said) }).end(),
  inARedirect: (said, response) =>
    response.writeHead(302, { Location: `/v1/bookings?for=${encodeURIComponent(said)}` }).end(),
  inABrokenAnswer: (said, response) => {
    response.writeHead(200, { 'Content-Length': '100000' }).write(said);
    response.socket?.destroy();
  },
} satisfies Record<string, (said: string, response: ServerResponse) => void>;

export type Echo = keyof typeof echoes;
export const everyEcho = Object.keys(echoes) as Echo[];

export interface EchoingCarrier {
  url: string;
  /** How the first answers to new bookings are, in turn; afterwards it behaves. */
  echo(...ways: Echo[]): void;
  /** What it was told, so that a test knows that there was something to repeat. */
  told(): string;
  close(): Promise<void>;
}

/** A carrier that signs nothing and checks nothing; cancels go wrong once each, too. */
export async function openEchoingCarrier(): Promise<EchoingCarrier> {
  const ways: Echo[] = [];
  const seen = new Set<string>();
  let told = '';
  const server = createServer((request, response) => {
    void read(request).then((body) => {
      told += body;
      const { bookingId, parcels = [] } = JSON.parse(body) as {
        bookingId?: string;
        parcels?: { parcelId: string }[];
      };
      const path = request.url ?? '';
      const way = seen.has(path + bookingId) ? undefined : nextWay(path);
      seen.add(path + bookingId);
      if (way !== undefined) return echoes[way](told, response);
      if (path.endsWith('/cancel')) return answer(response, 200, { outcome: 'done' });
      const waybills = parcels.map(({ parcelId }) => ({ parcelId, waybillNo: `w-${parcelId}` }));
      return answer(response, 201, { bookingId, waybills, note: told });
    });
  });
  const nextWay = (path: string) => (path.endsWith('/cancel') ? 'inAnError' : ways.shift());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    echo: (...more) => void ways.push(...more),
    told: () => told,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function answer(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(body));
}

async function read(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}
