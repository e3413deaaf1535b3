import { isIP } from 'node:net';
import { invalid } from '../http/problem';

interface PartnerUrl {
  path: string;
  url: string | undefined;
  mode: 'development' | 'production';
  /** What whoever runs this installation has written into its settings: no tenant's invention. */
  configured?: string;
}

/**
 * Refuses addresses of this very machine in production: a partner's URL must not reach our own insides. A partner
 * that the settings name may be here.
 */
export function expectPartnerUrl({ path, url, mode, configured }: PartnerUrl): void {
  if (url === undefined || mode === 'development' || !isLoopback(new URL(url).hostname)) return;
  if (configured !== undefined && new URL(url).href === new URL(configured).href) return;
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
