import { mayConnectTo, whyNotCall } from '../../src/clients/publicAddress';

const production = { loopbackAllowed: false };
const development = { loopbackAllowed: true };

test.each([
  '1.1.1.1',
  '8.8.8.8',
  '100.63.255.255',
  '100.128.0.1',
  '172.15.0.1',
  '172.32.0.1',
  '192.167.0.1',
  '223.255.255.255',
  '2606:4700:4700::1111',
  '2400:3200::1',
])('%s is on the public internet', (address) => {
  expect(mayConnectTo(address, production)).toBe(true);
});

const neverPublic = [
  '0.0.0.0',
  '10.1.2.3',
  '100.64.0.1',
  '100.127.255.255',
  '169.254.169.254',
  '172.16.0.1',
  '172.31.255.255',
  '192.0.0.8',
  '192.168.1.1',
  '198.18.0.1',
  '203.0.113.9',
  '224.0.0.1',
  '239.1.1.1',
  '255.255.255.255',
  '::',
  '::ffff:127.0.0.1',
  '::ffff:8.8.8.8',
  '::ffff:a9fe:a9fe',
  '::8.8.8.8',
  '64:ff9b::a9fe:a9fe',
  '64:ff9b:1::1',
  '100::1',
  '2001::1',
  '2001:db8::1',
  '2002:7f00:1::',
  'fc00::1',
  'fd12:3456::1',
  'fe80::1',
  'fe80::1%eth0',
  'fec0::1',
  'ff02::1',
  '4000::1',
  'localhost',
  '',
];

test.each(neverPublic)('%s is nowhere to connect to, not even in development', (address) => {
  expect(mayConnectTo(address, production)).toBe(false);
  expect(mayConnectTo(address, development)).toBe(false);
});

test.each(['127.0.0.1', '127.255.255.254', '::1', '0:0:0:0:0:0:0:1'])('%s is for development', (address) => {
  expect(mayConnectTo(address, production)).toBe(false);
  expect(mayConnectTo(address, development)).toBe(true);
});

test.each([
  'https://hook.example.com/in?a=1',
  'http://hook.example.com:8080',
  'https://hook.example.com:443/',
  'https://hook.example.com./',
  'https://1.1.1.1/hook',
  'https://[2606:4700:4700::1111]/',
  'https://供应商.example.com/',
])('%s may be called', (url) => {
  expect(whyNotCall(url, production)).toBeNull();
});

test.each([
  ['hook.example.com', 'no URL'],
  ['ftp://hook.example.com', 'neither http'],
  ['https://user@hook.example.com', 'credentials'],
  ['https://user:secret@hook.example.com', 'credentials'],
  ['https://hook.example.com:22/', 'port'],
  ['https://hook.example.com:25/', 'port'],
  ['http://localhost/', 'not public'],
  ['http://hook.localhost:8080/', 'not public'],
  ['http://127.0.0.1:9000/', 'not public'],
  ['http://2130706433/', 'not public'],
  ['http://0x7f.1/', 'not public'],
  ['http://[::1]:9000/', 'not public'],
  ['http://[::ffff:127.0.0.1]/', 'not public'],
  ['http://169.254.169.254/latest/meta-data/', 'not public'],
  ['http://10.0.0.1/', 'not public'],
  ['http://postgres:5432/', 'not public'],
])('%s may not be called: %s', (url, because) => {
  expect(whyNotCall(url, production)).toContain(because);
});

test('development calls its own machine, and nothing private beside it', () => {
  for (const url of ['http://127.0.0.1:9000/', 'http://localhost:9000/', 'http://[::1]:9000/']) {
    expect(whyNotCall(url, development)).toBeNull();
  }
  for (const url of ['http://10.0.0.1/', 'http://[::ffff:7f00:1]/', 'http://192.168.1.1/']) {
    expect(whyNotCall(url, development)).toContain('not public');
  }
});
