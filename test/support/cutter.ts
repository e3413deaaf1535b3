import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/** A way to the database that can be cut. */
export interface Cutter {
  /** The database's address, by way of the cutter. */
  url: string;
  /**
   * Cuts the connection of the next COMMIT once the server has begun to answer it: it is carried out, and whoever sent
   * it never learns. Answers when that has happened.
   */
  cutNextCommit(): Promise<void>;
  close(): Promise<void>;
}

/** Stands between a pool and the database, and passes everything on until it is told to cut. */
export async function createCutter(databaseUrl: string): Promise<Cutter> {
  const target = new URL(databaseUrl);
  const sockets = new Set<Socket>();
  let onCut: (() => void) | undefined;

  const server = createServer((client) => {
    const upstream = connect(Number(target.port), target.hostname);
    let cutting: (() => void) | undefined;
    const end = () => {
      client.destroy();
      upstream.destroy();
    };
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', end).on('close', end);
    }
    client.on('data', (bytes) => {
      if (onCut && bytes.includes('COMMIT\0')) {
        cutting = onCut;
        onCut = undefined;
      }
      upstream.write(bytes);
    });
    upstream.on('data', (bytes) => {
      if (!cutting) return void client.write(bytes);
      end();
      cutting();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = new URL(databaseUrl);
  url.hostname = '127.0.0.1';
  url.port = String((server.address() as AddressInfo).port);
  return {
    url: url.href,
    cutNextCommit: () => new Promise((resolve) => (onCut = resolve)),
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
