import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** By whose key a stream was opened: it ends with the key. */
export interface StreamOwner {
  tenant: string;
  keyId: string;
}

/** One open stream. Kept small: there may be thousands. */
export interface Listener {
  owner: StreamOwner;
  socket: Socket;
  /** SKUs whose newest frame it has not got, because it has not read what was sent before. */
  owed?: Set<string>;
  owedSince: number;
}

/** A peer that has read nothing for so long is gone, or as good as gone. */
const stuckMs = 60_000;
/** When a browser comes back after the line broke. */
const retryMs = 1_000;
/** Listeners of a process that stops come back spread over so long, each at another moment. */
const spreadMs = 2_000;
const keepAliveMs = 30_000;

const heartbeat = Buffer.from(':\n\n');
const opening = Buffer.from(`retry: ${retryMs}\n\n`);

/**
 * Begins the answer, the first frames with it, and takes its connection over: from now on a listener is its socket
 * alone. What HTTP and Express keep of an answer would otherwise be kept for each listener, and every frame would
 * pass through it (docs/decisions/0037). Null when the connection is gone.
 */
export function open(response: ServerResponse, owner: StreamOwner, frames: Buffer): Listener | null {
  const { socket } = response;
  if (socket === null || response.destroyed) return null;
  writeHead(response);
  response.write(Buffer.concat([opening, frames]));
  response.detachSocket(socket);
  // whoever counts answers and times them: this one is complete
  response.emit('close');
  socket.setKeepAlive(true, keepAliveMs);
  return { owner, socket, owedSince: 0 };
}

function writeHead(response: ServerResponse): void {
  // ended by closing, not in chunks: one write for all listeners alike
  response.useChunkedEncodingByDefault = false;
  response.shouldKeepAlive = false;
  response.writeHead(200, {
    'Content-Type': 'text/event-stream; charset=utf-8',
    // no-transform: nobody compresses it on the way, our own server neither
    'Cache-Control': 'no-cache, no-transform',
    'X-Accel-Buffering': 'no',
    // the token in the address is all that opens it; a brand's page comes from the brand's own server
    'Access-Control-Allow-Origin': '*',
    'Cross-Origin-Resource-Policy': 'cross-origin',
  });
}

/** Ends a stream so that its listener comes back in a moment, each at another one. */
export function sendAway({ socket }: Listener): void {
  socket.end(laterFrame());
}

/** The same for one that has not begun. */
export function turnAway(response: ServerResponse): void {
  writeHead(response);
  response.end(laterFrame());
}

function laterFrame(): string {
  return `retry: ${retryMs + Math.round(Math.random() * spreadMs)}\n\n`;
}

/** Whether it still has to read what it was sent, or is owed something: then newer frames replace older ones. */
export function isSlow(listener: Listener): boolean {
  return listener.owed !== undefined || !hasRead(listener);
}

/** Nothing of what was written waits in this process: the rest is with the kernel, or at the listener. */
export function hasRead({ socket }: Listener): boolean {
  return socket.writableLength === 0;
}

export function isStuck({ owed, owedSince }: Listener): boolean {
  return owed !== undefined && performance.now() - owedSince > stuckMs;
}

/** Notes SKUs to be sent later. Answers of how many a frame was owed already, and is lost. */
export function owe(listener: Listener, skus: readonly string[]): number {
  listener.owedSince = listener.owed === undefined ? performance.now() : listener.owedSince;
  const owed = (listener.owed ??= new Set());
  const before = owed.size;
  for (const sku of skus) owed.add(sku);
  return skus.length - (owed.size - before);
}

export function settle(listener: Listener): string[] {
  const owed = [...(listener.owed ?? [])];
  delete listener.owed;
  return owed;
}

export function beat(listener: Listener): void {
  if (!isSlow(listener)) listener.socket.write(heartbeat);
}
