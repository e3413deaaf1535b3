import { isIP } from 'node:net';
import { invalid } from '../http/problem';

interface PartnerUrl {
  path: string;
  url: string | undefined;
  mode: 'development' | 'production';
}

/** Refuses addresses of this very machine in production: a partner's URL must not reach our own insides. */
export function expectPartnerUrl({ path, url, mode }: PartnerUrl): void {
  if (url === undefined || mode === 'development' || !isLoopback(new URL(url).hostname)) return;
  throw invalid([{ path, expected: 'an address that is not loopback', received: 'a loopback address' }]);
}

function isLoopback(hostname: string): boolean {
  const host = hostname
    .replace(/^\[|\]$/g, '')
    .replace(/\.$/, '')
    .toLowerCase();
  if (isIP(host) === 4) return /^(127|0)\./.test(host);
  if (isIP(host) === 6) return host === '::1' || host === '::' || /^::ffff:(7f|0?:)/.test(host);
  return host === 'localhost' || host.endsWith('.localhost');
}
