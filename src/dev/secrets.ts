import { randomBytes } from 'node:crypto';
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type SecretName, secretNames } from '../config';

/** What `<home>/secrets.json` keeps (mode 0600): the partners' secrets, the platform's key, the database's password. */
export type Secrets = Record<SecretName | 'POSTGRES_PASSWORD', string>;

const draw: Record<keyof Secrets, () => string> = {
  SANDBOX_PAYMENT_SECRET: () => randomBytes(32).toString('base64url'),
  SANDBOX_CARRIER_SECRET: () => randomBytes(32).toString('base64url'),
  PLATFORM_KEY: () => `xianda_platform_${randomBytes(32).toString('base64url')}`,
  PERSONAL_DATA_KEYS: () => `k1:${randomBytes(32).toString('base64')}`,
  POSTGRES_PASSWORD: () => randomBytes(24).toString('base64url'),
};

/**
 * The secrets of a home. One given in the environment wins and is kept, so that a command started by hand in
 * another terminal knows it too; one that is nowhere yet is drawn.
 */
export function settleSecrets(home: string, env: NodeJS.ProcessEnv): Secrets {
  const file = join(home, 'secrets.json');
  const kept = readSecrets(file);
  const names = Object.keys(draw) as (keyof Secrets)[];
  const secrets = Object.fromEntries(
    names.map((name) => [name, chosen(name, env) ?? kept[name] ?? draw[name]()]),
  ) as Secrets;
  if (names.some((name) => secrets[name] !== kept[name])) {
    writeFileSync(`${file}.new`, `${JSON.stringify(secrets, null, 2)}\n`, { mode: 0o600 });
    renameSync(`${file}.new`, file);
  }
  return secrets;
}

function chosen(name: keyof Secrets, env: NodeJS.ProcessEnv): string | undefined {
  return (secretNames as readonly string[]).includes(name) && env[name] !== '' ? env[name] : undefined;
}

function readSecrets(file: string): Partial<Secrets> {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Partial<Secrets>;
  } catch {
    return {};
  }
}
