import { BlockList, isIP, isIPv6 } from 'node:net';

/**
 * What is not a place on the public internet: this machine, private and shared networks, link-local with the clouds'
 * metadata service (169.254.169.254), documentation and benchmark ranges, multicast and what is reserved. After the
 * special-purpose registries of IANA (RFC 6890 and its successors).
 */
const notPublic: readonly [string, number][] = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
];

/** Within 2000::/3 all that is not a global address, and what carries an IPv4 address inside (Teredo, 6to4). */
const notPublicIpv6: readonly [string, number][] = [
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['3fff::', 20],
];

const refused = new BlockList();
for (const [network, prefix] of notPublic) refused.addSubnet(network, prefix, 'ipv4');
for (const [network, prefix] of notPublicIpv6) refused.addSubnet(network, prefix, 'ipv6');

/** Global unicast. All else (loopback, v4-mapped, NAT64, unique local, link-local, multicast) is refused. */
const globalUnicast = new BlockList();
globalUnicast.addSubnet('2000::', 3, 'ipv6');

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8, 'ipv4');
loopback.addAddress('::1', 'ipv6');

export interface AddressRule {
  /** Development alone: partners live beside us there. */
  loopbackAllowed: boolean;
}

/** Whether a connection may be made to this IP address, written in any form. What is no address may not be called. */
export function mayConnectTo(address: string, { loopbackAllowed }: AddressRule): boolean {
  const bare = address.split('%', 1)[0] as string;
  if (isIP(bare) === 0) return false;
  if (isLoopback(bare)) return loopbackAllowed;
  if (isIPv6(bare)) return globalUnicast.check(bare, 'ipv6') && !refused.check(bare, 'ipv6');
  return !refused.check(bare, 'ipv4');
}

/** A v4-mapped address is refused as such, loopback or not: nobody writes one who means well. */
function isLoopback(address: string): boolean {
  if (!isIPv6(address)) return loopback.check(address, 'ipv4');
  return new URL(`http://[${address}]`).hostname === '[::1]';
}

/** Whether a URL is the very one that the installation's own settings name: no tenant's invention. */
export function isConfigured(url: string, configured: string | undefined): boolean {
  return configured !== undefined && new URL(url).href === new URL(configured).href;
}

const publicPorts = new Set([80, 443]);
const firstUnprivilegedPort = 1024;

/**
 * What speaks against calling this URL, given by a tenant; null when nothing does. Says all that can be said without
 * asking the DNS: names are judged again by the address they resolve to when the connection is made.
 */
export function whyNotCall(url: string, rule: AddressRule): string | null {
  if (!URL.canParse(url)) return 'it is no URL';
  const { protocol, username, password, hostname, port } = new URL(url);
  if (protocol !== 'https:' && protocol !== 'http:') return 'it is neither http nor https';
  if (username !== '' || password !== '') return 'it carries credentials';
  // ports of mail, login and file servers: a request could be read as their commands
  if (port !== '' && Number(port) < firstUnprivilegedPort && !publicPorts.has(Number(port))) {
    return 'its port is neither 80, 443 nor above 1023';
  }
  const host = hostname.replace(/^\[|\]$/g, '').replace(/\.$/, '');
  if (isIP(host) !== 0) return mayConnectTo(host, rule) ? null : 'its address is not public';
  if (host === 'localhost' || host.endsWith('.localhost')) {
    return rule.loopbackAllowed ? null : 'its address is not public';
  }
  return host.includes('.') ? null : 'its name is not public';
}
