import { isConfigured, whyNotCall } from '../../clients/publicAddress';
import { invalid } from '../http/problem';

interface PartnerUrl {
  path: string;
  url: string;
  mode: 'development' | 'production';
  /** What whoever runs this installation has written into its settings: no tenant's invention. */
  configured?: string;
}

/**
 * Refuses in production what can be seen to be no place on the public internet; names are judged again, by address,
 * at every connection. A partner that the settings name may be anywhere.
 */
export function expectPartnerUrl({ path, url, mode, configured }: PartnerUrl): void {
  if (mode === 'development' || isConfigured(url, configured)) return;
  const why = whyNotCall(url, { loopbackAllowed: false });
  if (why !== null) throw invalid([{ path, expected: 'an address that may be called', received: why }]);
}
