import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { Webhook } from 'standardwebhooks';
import { createWebhookSecret, verifyWebhook, webhookHeaders } from '../../../src/clients/webhook/signature';

// the test vector that the standard's own libraries are tested with
const secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
const webhookId = 'msg_p5jXN8AQM9LWM0D4loKWxJek';
const timestampSeconds = 1_614_265_330;
const rawBody = '{"test": 2432232314}';
const vector = 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=';

const headers = webhookHeaders([secret], { webhookId, timestampSeconds, rawBody });

function verify(given: Record<string, string | string[] | undefined> = headers, changed: object = {}) {
  return verifyWebhook({ secret, headers: given, rawBody, nowSeconds: timestampSeconds, ...changed });
}

test('signs as the standard says', () => {
  expect(headers).toEqual({
    'webhook-id': webhookId,
    'webhook-timestamp': '1614265330',
    'webhook-signature': vector,
  });
});

test('what it signs with two secrets, the standard library verifies with either', () => {
  fc.assert(
    fc.property(fc.json(), fc.uuid(), (body, id) => {
      const secrets = [createWebhookSecret(), createWebhookSecret()];
      const now = Math.floor(Date.now() / 1000);
      const signed = webhookHeaders(secrets, { webhookId: id, timestampSeconds: now, rawBody: body });
      for (const each of secrets) {
        expect(() => new Webhook(each).verify(body, signed)).not.toThrow();
        expect(verifyWebhook({ secret: each, headers: signed, rawBody: body, nowSeconds: now })).toEqual({
          kind: 'valid',
          webhookId: id,
        });
      }
      expect(() => new Webhook(createWebhookSecret()).verify(body, signed)).toThrow();
    }),
    { numRuns: 50 },
  );
});

test('verifies what the standard library signs', () => {
  const at = new Date(timestampSeconds * 1000);
  const signature = new Webhook(secret).sign(webhookId, at, rawBody);
  expect(signature).toBe(vector);
  expect(verify({ ...headers, 'webhook-signature': signature })).toEqual({ kind: 'valid', webhookId });
});

test('one good signature among others is enough, of version 1 only', () => {
  const other = vector.replace('g0h', 'AAA');
  expect(verify({ ...headers, 'webhook-signature': `${other} v2,xyz ${vector}` }).kind).toBe('valid');
  expect(verify({ ...headers, 'webhook-signature': vector.replace('v1,', 'v2,') })).toEqual({
    kind: 'invalid',
    reason: 'mismatch',
  });
});

test.each([
  ['without a header', { ...headers, 'webhook-id': undefined }, {}, 'missing'],
  ['with a header told twice', { ...headers, 'webhook-signature': [vector, vector] }, {}, 'malformed'],
  ['with a timestamp that is no number', { ...headers, 'webhook-timestamp': '1e9' }, {}, 'malformed'],
  ['of another id', { ...headers, 'webhook-id': 'msg_other' }, {}, 'mismatch'],
  ['of another body', headers, { rawBody: '{}' }, 'mismatch'],
  ['of another secret', headers, { secret: createWebhookSecret() }, 'mismatch'],
  ['with an empty signature', { ...headers, 'webhook-signature': '' }, {}, 'mismatch'],
  ['older than five minutes', headers, { nowSeconds: timestampSeconds + 301 }, 'stale'],
  ['from more than five minutes ahead', headers, { nowSeconds: timestampSeconds - 301 }, 'stale'],
])('refuses a message %s', (_, given, changed, reason) => {
  expect(verify(given, changed)).toEqual({ kind: 'invalid', reason });
});

describe('the ten lines of docs/integrating.md', () => {
  const docs = readFileSync(join(__dirname, '..', '..', '..', 'docs', 'integrating.md'), 'utf8');
  const [code] = docs.match(/(?<=```js\n)\/\/ Node, without a library[\s\S]*?(?=```)/) ?? [];
  type Verify = (secret: string, headers: Record<string, string>, body: string) => boolean;
  const verifyAsDocumented = new Function('require', `${code}; return verify;`)(require) as Verify;
  const body = '{"名":"草莓"}';
  const at = Math.floor(Date.now() / 1000);
  const signed = webhookHeaders([createWebhookSecret(), secret], {
    webhookId,
    timestampSeconds: at,
    rawBody: body,
  });

  test('take what we sign, and nothing else', () => {
    expect(verifyAsDocumented(secret, signed, body)).toBe(true);
    expect(verifyAsDocumented(secret, signed, `${body} `)).toBe(false);
    expect(verifyAsDocumented(createWebhookSecret(), signed, body)).toBe(false);
    expect(verifyAsDocumented(secret, { ...signed, 'webhook-timestamp': String(at - 400) }, body)).toBe(
      false,
    );
    expect(verifyAsDocumented(secret, {}, body)).toBe(false);
  });
});
