import { sandboxHeaders, signSandbox, verifySandbox } from '../../src/clients/signature';

const secret = 'whisper';
const rawBody = '{"notificationId":"n1","amountFen":4200,"name":"张三"}';
const at = 1_700_000_000;

function verify(
  headers: Record<string, string | string[] | undefined>,
  { body = rawBody, nowSeconds = at, key = secret } = {},
) {
  return verifySandbox({ secret: key, headers, rawBody: body, nowSeconds });
}

function lowerCased(headers: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}

const good = lowerCased(sandboxHeaders(secret, at, rawBody));

test('signs as the contract says: hex HMAC-SHA256 over timestamp, newline, raw body', () => {
  // printf '1700000000\n{"a":1}' | openssl dgst -sha256 -hmac whisper
  expect(signSandbox('whisper', 1_700_000_000, '{"a":1}')).toBe(
    '9a61c8051dbf9cff0605fcd49b958703ea4e0438e21a6c3c10672b57c40f6c58',
  );
  expect(signSandbox('whisper', 1_700_000_000, Buffer.from('{"a":1}'))).toBe(
    '9a61c8051dbf9cff0605fcd49b958703ea4e0438e21a6c3c10672b57c40f6c58',
  );
});

test('signs a message without a body over the empty string', () => {
  // printf '1700000000\n' | openssl dgst -sha256 -hmac whisper
  expect(signSandbox('whisper', 1_700_000_000, '')).toBe(
    'fbb0e50a584b61bcbb14ec0e4b5444778a057f49ac6f15804f9a03ac1973e9e6',
  );
});

test('accepts its own signature, in capitals too, up to five minutes off in both directions', () => {
  expect(verify(good)).toEqual({ kind: 'valid', timestampSeconds: at });
  expect(verify({ ...good, 'sandbox-signature': good['sandbox-signature']?.toUpperCase() }).kind).toBe(
    'valid',
  );
  expect(verify(good, { nowSeconds: at + 300 }).kind).toBe('valid');
  expect(verify(good, { nowSeconds: at - 300 }).kind).toBe('valid');
});

test.each([301, -301, 31 * 60])('refuses a timestamp %d seconds off', (offset) => {
  expect(verify(good, { nowSeconds: at + offset })).toEqual({ kind: 'invalid', reason: 'stale' });
});

test('refuses another body, another secret and another timestamp', () => {
  const mismatch = { kind: 'invalid', reason: 'mismatch' };
  expect(verify(good, { body: `${rawBody} ` })).toEqual(mismatch);
  expect(verify(good, { key: 'shout' })).toEqual(mismatch);
  expect(verify({ ...good, 'sandbox-timestamp': String(at + 1) })).toEqual(mismatch);
  // The text is signed: the same number written otherwise is another message.
  expect(verify({ ...good, 'sandbox-timestamp': `0${at}` })).toEqual(mismatch);
});

test.each([
  [{ ...good, 'sandbox-timestamp': undefined }, 'missing'],
  [{ ...good, 'sandbox-signature': undefined }, 'missing'],
  [{}, 'missing'],
  [{ ...good, 'sandbox-timestamp': '17e8' }, 'malformed'],
  [{ ...good, 'sandbox-timestamp': '-1' }, 'malformed'],
  [{ ...good, 'sandbox-timestamp': '' }, 'malformed'],
  [{ ...good, 'sandbox-signature': 'zz' }, 'malformed'],
  [{ ...good, 'sandbox-signature': `${good['sandbox-signature']}00` }, 'malformed'],
  [{ ...good, 'sandbox-signature': [String(good['sandbox-signature'])] }, 'malformed'],
])('refuses headers %j', (headers, reason) => {
  expect(verify(headers)).toEqual({ kind: 'invalid', reason });
});
