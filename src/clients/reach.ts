import { lookup as systemLookup, type LookupAddress } from 'node:dns';
import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import type { LookupFunction } from 'node:net';
import { type AddressRule, mayConnectTo, whyNotCall } from './publicAddress';

/** All addresses of a name. Injected by tests, whose DNS changes its mind. */
export type Resolve = (hostname: string) => Promise<LookupAddress[]>;

/** A name led to an address that may not be called. */
export class AddressRefused extends Error {
  readonly problem = 'not called: its name leads to an address that is not public';
}

/**
 * The look-up of a connection that judges what it finds: the address that was judged is the one connected to, so a
 * name that answers differently a second time gains nothing. One address that may not be called spoils the name: an
 * honest one has none.
 */
export function lookupChecked(rule: AddressRule, resolve: Resolve = resolveBySystem): LookupFunction {
  return (hostname, options, callback) => {
    resolve(hostname).then(
      (addresses) => {
        const [first] = addresses;
        if (first === undefined || !addresses.every(({ address }) => mayConnectTo(address, rule))) {
          callback(new AddressRefused(), '', 0);
        } else if (options.all === true) callback(null, addresses);
        else callback(null, first.address, first.family);
      },
      (error: Error) => callback(error, '', 0),
    );
  };
}

function resolveBySystem(hostname: string): Promise<LookupAddress[]> {
  return new Promise((done, failed) => {
    systemLookup(hostname, { all: true }, (error, addresses) => (error ? failed(error) : done(addresses)));
  });
}

/** Where calls may go, with the connections kept on the way there: none is shared with a reach of other rules. */
export interface Reach {
  /** What speaks against a URL before anybody is asked; null when nothing does. */
  whyNot(url: string): string | null;
  agents: { http: HttpAgent; https: HttpsAgent };
}

/** For partners that the installation's own settings name. */
export function reachAnywhere(): Reach {
  return {
    whyNot: () => null,
    agents: { http: new HttpAgent({ keepAlive: true }), https: new HttpsAgent({ keepAlive: true }) },
  };
}

/** For partners that tenants name: places on the public internet alone, judged at every connection. */
export function reachPublic(resolve?: Resolve): Reach {
  const rule = { loopbackAllowed: false };
  const options = { keepAlive: true, lookup: lookupChecked(rule, resolve) };
  return {
    whyNot: (url) => whyNotCall(url, rule),
    agents: { http: new HttpAgent(options), https: new HttpsAgent(options) },
  };
}
