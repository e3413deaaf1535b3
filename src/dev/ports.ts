import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';

export type PortName =
  | 'postgres'
  | 'temporal'
  | 'temporalUi'
  | 'paymentSandbox'
  | 'carrierSandbox'
  | 'supplierSandbox';

/** Whether nobody listens on this loopback port. */
export function isPortFree(port: number, host = '127.0.0.1'): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ port, host, exclusive: true }, () => server.close(() => resolve(true)));
  });
}

/** A loopback port that was free a moment ago. */
export function drawPort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      const port = typeof address === 'object' && address !== null ? address.port : 0;
      server.close(() => resolve(port));
    });
  });
}

/**
 * Gives each server of a home a port of its own and the same one again at the next start, as long as it is free,
 * so that bookmarks and connection strings stay true.
 */
export async function choosePorts<Name extends string>(
  home: string,
  names: readonly Name[],
  draw: () => Promise<number> = drawPort,
): Promise<Record<Name, number>> {
  const file = join(home, 'ports.json');
  const remembered = readPorts(file) as Partial<Record<Name, number>>;
  const chosen: Partial<Record<Name, number>> = {};
  for (const name of names) {
    const taken = Object.values(chosen);
    let port = remembered[name];
    while (port === undefined || taken.includes(port) || !(await isPortFree(port))) port = await draw();
    chosen[name] = port;
  }
  const ports = { ...remembered, ...chosen } as Record<Name, number>;
  writeFileSync(file, `${JSON.stringify(ports, null, 2)}\n`);
  return ports;
}

function readPorts(file: string): Partial<Record<string, number>> {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Partial<Record<string, number>>;
  } catch {
    return {};
  }
}
