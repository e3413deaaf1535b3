import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ConfigError, readConfig } from '../../src/config';

const strong = (letter: string) => letter.repeat(43);
const key = (fill: number) => Buffer.alloc(32, fill).toString('base64');
const production = {
  XIANDA_MODE: 'production',
  DATABASE_URL: 'postgres://app@db/xianda',
  TEMPORAL_ADDRESS: 'temporal:7233',
  PUBLIC_URL: 'https://api.example.com/',
  PLATFORM_KEY: strong('p'),
  PERSONAL_DATA_KEYS: `a:${key(1)}`,
};

let home: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'xianda-config-'));
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

function expectRefusal(env: NodeJS.ProcessEnv, message: RegExp): void {
  expect(() => readConfig(env)).toThrow(ConfigError);
  expect(() => readConfig(env)).toThrow(message);
}

test('development has a default for everything', () => {
  const config = readConfig({ XIANDA_HOME: home });
  expect(config).toMatchObject({
    mode: 'development',
    port: 8080,
    portChosen: false,
    home,
    temporalNamespace: 'default',
    temporalTaskQueue: 'xianda',
    paymentWindowSeconds: 1800,
    demo: true,
    sandboxCarrierAuto: 'on',
    logLevel: 'info',
  });
  expect(config.databaseUrl).toBeUndefined();
  expect(Object.isFrozen(config)).toBe(true);
});

test('without the demo the carrier reports only when it is told to, unless it is switched on', () => {
  expect(readConfig({ XIANDA_HOME: home, DEMO: 'off' }).sandboxCarrierAuto).toBe('off');
  expect(readConfig({ XIANDA_HOME: home, DEMO: 'off', SANDBOX_CARRIER_AUTO: 'on' }).sandboxCarrierAuto).toBe(
    'on',
  );
});

test.each([
  ['PORT', 'eighty'],
  ['PORT', '0'],
  ['PORT', '65536'],
  ['DATABASE_URL', 'mysql://x'],
  ['TEMPORAL_ADDRESS', 'http://x:1'],
  ['PAYMENT_WINDOW_SECONDS', '0'],
  ['DEMO', 'maybe'],
  ['LOG_LEVEL', 'loud'],
])('%s=%s is refused by name', (name, value) => {
  expectRefusal({ XIANDA_HOME: home, [name]: value }, new RegExp(`${name}=`));
});

test('a refused secret is not shown', () => {
  expectRefusal({ XIANDA_HOME: home, DATABASE_URL: 'mysql://user:hunter2@x' }, /^((?!hunter2)[\s\S])*$/);
});

test('an empty variable counts as not set', () => {
  expect(readConfig({ XIANDA_HOME: home, PORT: '', DATABASE_URL: '' }).port).toBe(8080);
});

test('production with everything named is accepted', () => {
  expect(readConfig(production).mode).toBe('production');
});

test.each(['DATABASE_URL', 'TEMPORAL_ADDRESS', 'PUBLIC_URL', 'PLATFORM_KEY', 'PERSONAL_DATA_KEYS'])(
  'production without %s is refused',
  (name) => expectRefusal({ ...production, [name]: undefined }, new RegExp(`set ${name}`)),
);

test('production refuses every default and every short secret', () => {
  const { sandboxPaymentSecret, sandboxCarrierSecret, platformKey, personalDataKeys } = readConfig({
    XIANDA_HOME: home,
  });
  const [{ id, key: bytes }] = personalDataKeys as [{ id: string; key: Buffer }];
  const defaults = {
    SANDBOX_PAYMENT_SECRET: sandboxPaymentSecret,
    SANDBOX_CARRIER_SECRET: sandboxCarrierSecret,
    PLATFORM_KEY: platformKey,
    PERSONAL_DATA_KEYS: `${id}:${bytes.toString('base64')}`,
  };
  for (const [name, value] of Object.entries(defaults)) {
    expectRefusal({ ...production, [name]: value }, new RegExp(`replace ${name}`));
  }
  expectRefusal({ ...production, PLATFORM_KEY: 'short' }, /replace PLATFORM_KEY/);
});

test('in production nobody can sign for sandbox partners whose secret was left out', () => {
  expect(readConfig(production).sandboxPaymentSecret).not.toBe(readConfig(production).sandboxPaymentSecret);
});

test.each(['x', 'a:short', `a:${key(1)},a:${key(2)}`, `:${key(1)}`])(
  'PERSONAL_DATA_KEYS=%s is refused',
  (text) => {
    expectRefusal({ XIANDA_HOME: home, PERSONAL_DATA_KEYS: text }, /PERSONAL_DATA_KEYS cannot be used/);
  },
);

test('the first personal data key is the current one', () => {
  const { personalDataKeys } = readConfig({
    XIANDA_HOME: home,
    PERSONAL_DATA_KEYS: `new:${key(2)},old:${key(1)}`,
  });
  expect(personalDataKeys.map(({ id }) => id)).toEqual(['new', 'old']);
});

describe('a command started by hand', () => {
  beforeEach(() => {
    const dev = {
      databaseUrl: 'postgres://of-the-stack/x',
      temporalAddress: '127.0.0.1:7',
      temporalUiUrl: 'http://127.0.0.1:8/',
      sandbox: { paymentUrl: 'http://p' },
    };
    writeFileSync(join(home, 'dev.json'), JSON.stringify(dev));
    writeFileSync(join(home, 'secrets.json'), JSON.stringify({ PLATFORM_KEY: 'of the stack' }));
  });

  test('joins the stack that runs in its home', () => {
    expect(readConfig({ XIANDA_HOME: home })).toMatchObject({
      databaseUrl: 'postgres://of-the-stack/x',
      temporalAddress: '127.0.0.1:7',
      temporalUiUrl: 'http://127.0.0.1:8',
      sandboxPaymentUrl: 'http://p',
      platformKey: 'of the stack',
    });
  });

  test('keeps what the environment says', () => {
    expect(readConfig({ XIANDA_HOME: home, PLATFORM_KEY: 'mine' }).platformKey).toBe('mine');
    const other = readConfig({ XIANDA_HOME: home, DATABASE_URL: 'postgres://other/x' });
    expect(other).toMatchObject({ databaseUrl: 'postgres://other/x', temporalAddress: undefined });
  });

  test('does not join when it is the stack itself', () => {
    expect(readConfig({ XIANDA_HOME: home }, { joinRunning: false }).databaseUrl).toBeUndefined();
  });
});
