import { whyNotCall } from '../../clients/publicAddress';
import { invalid } from '../http/problem';

interface WebhookUrl {
  path: string;
  url: string;
  mode: 'development' | 'production';
}

/** Refuses what can be seen to be no place to call; names are judged again, by address, at every connection. */
export function expectWebhookUrl({ path, url, mode }: WebhookUrl): void {
  const why = whyNotCall(url, { loopbackAllowed: mode === 'development' });
  if (why !== null) throw invalid([{ path, expected: 'an address that may be called', received: why }]);
}
