import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { z } from 'zod';

/** A setting that cannot be used; its message says which, why and what to write instead. */
export class ConfigError extends Error {
  override name = 'ConfigError';
}

export interface PersonalDataKey {
  id: string;
  /** 32 bytes, AES-256. */
  key: Buffer;
}

/** Everything that the environment decides, read once. Durations carry their unit in the name. */
export interface Config {
  readonly mode: 'development' | 'production';
  readonly port: number;
  /** Where partners reach the API: carriers are told to send their events here. No slash at the end. */
  readonly publicUrl: string;
  /** Whether PORT was written down: a busy default may be told differently from a busy choice. */
  readonly portChosen: boolean;
  /** Where the development stack keeps its data, absolute. */
  readonly home: string;
  readonly databaseUrl?: string;
  readonly temporalAddress?: string;
  readonly temporalNamespace: string;
  readonly temporalTaskQueue: string;
  /** Where the Temporal Web UI is; links to workflows are left out without it. No slash at the end. */
  readonly temporalUiUrl?: string;
  readonly paymentWindowSeconds: number;
  /** How long an order stays on the waiting list at most. */
  readonly waitingListSeconds: number;
  /** 1; below it the retries of webhooks run faster, which tests and demos want. */
  readonly webhookTimeScale: number;
  /** How long a buyer has to answer an offer; silence is no consent. */
  readonly offerAnswerSeconds: number;
  readonly sandboxPaymentSecret: string;
  readonly sandboxCarrierSecret: string;
  readonly sandboxPaymentUrl?: string;
  readonly sandboxCarrierUrl?: string;
  readonly sandboxCarrierAuto: 'on' | 'off';
  /** The key that makes tenants; the api compares a digest of it. */
  readonly platformKey: string;
  /** The first encrypts, all decrypt. */
  readonly personalDataKeys: readonly PersonalDataKey[];
  readonly demo: boolean;
  /** Where a role serves its metrics and its readiness to the inside; undefined: nowhere. */
  readonly metricsPort?: number;
  /** How long a role that is told to stop may take to finish what it has begun. */
  readonly stopGraceSeconds: number;
  /** What one `api` process lets in at most; 0 is no limit. */
  readonly limits: {
    readonly keyOrdersPerSecond: number;
    readonly tenantOrdersPerSecond: number;
    readonly keyCallsPerSecond: number;
    readonly tenantCallsPerSecond: number;
    readonly ordersInFlight: number;
    readonly sharedBusyPercent: number;
  };
  readonly logLevel: 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'silent';
}

export interface ReadConfigOptions {
  /** Take what the environment leaves out from the stack that runs in this home; `xianda dev` itself does not. */
  joinRunning?: boolean;
}

/** Secrets under their variable's name, as `<home>/secrets.json` keeps them. */
export const secretNames = [
  'SANDBOX_PAYMENT_SECRET',
  'SANDBOX_CARRIER_SECRET',
  'PLATFORM_KEY',
  'PERSONAL_DATA_KEYS',
] as const;
export type SecretName = (typeof secretNames)[number];

// Known to everybody who reads this file: good enough for a test, refused in production.
const developmentSecrets: Record<SecretName, string> = {
  SANDBOX_PAYMENT_SECRET: 'development-only-payment-secret',
  SANDBOX_CARRIER_SECRET: 'development-only-carrier-secret',
  PLATFORM_KEY: 'xianda_platform_development-only',
  PERSONAL_DATA_KEYS: `dev:${Buffer.alloc(32, 'development-only').toString('base64')}`,
};

const port = z.coerce.number().int().min(1).max(65_535);
const onOff = z.enum(['on', 'off']);
const limit = z.coerce.number().int().min(0).max(1_000_000);
const url = z.string().regex(/^https?:\/\/\S+$/, 'is not an http(s) URL');

const environment = z.object({
  XIANDA_MODE: z.enum(['development', 'production']).optional(),
  NODE_ENV: z.string().optional(),
  PORT: port.optional(),
  PUBLIC_URL: url.optional(),
  XIANDA_HOME: z.string().optional(),
  DATABASE_URL: z
    .string()
    .regex(/^postgres(ql)?:\/\/\S+$/, 'is not a postgres:// URL')
    .optional(),
  TEMPORAL_ADDRESS: z
    .string()
    .regex(/^[^\s:/]+:\d{1,5}$/, 'is not host:port')
    .optional(),
  TEMPORAL_NAMESPACE: z.string().default('default'),
  TEMPORAL_TASK_QUEUE: z.string().default('xianda'),
  TEMPORAL_UI_URL: url.optional(),
  PAYMENT_WINDOW_SECONDS: z.coerce.number().int().min(1).max(86_400).default(1800),
  WAITING_LIST_SECONDS: z.coerce.number().int().min(1).max(2_592_000).default(86_400),
  WEBHOOK_TIME_SCALE: z.coerce.number().positive().max(1).default(1),
  OFFER_ANSWER_SECONDS: z.coerce.number().int().min(1).max(2_592_000).default(172_800),
  SANDBOX_PAYMENT_SECRET: z.string().optional(),
  SANDBOX_CARRIER_SECRET: z.string().optional(),
  SANDBOX_PAYMENT_URL: url.optional(),
  SANDBOX_CARRIER_URL: url.optional(),
  SANDBOX_SUPPLIER_URL: url.optional(),
  SANDBOX_CARRIER_AUTO: onOff.optional(),
  PLATFORM_KEY: z.string().optional(),
  PERSONAL_DATA_KEYS: z.string().optional(),
  DEMO: onOff.default('on'),
  METRICS_PORT: z.union([port, z.literal('off')]).optional(),
  STOP_GRACE_SECONDS: z.coerce.number().int().min(2).max(600).optional(),
  KEY_ORDERS_PER_SECOND: limit.default(5_000),
  TENANT_ORDERS_PER_SECOND: limit.default(10_000),
  KEY_CALLS_PER_SECOND: limit.default(1_000),
  TENANT_CALLS_PER_SECOND: limit.default(2_000),
  ORDERS_IN_FLIGHT: limit.default(2_000),
  SHARED_BUSY_PERCENT: z.coerce.number().int().min(0).max(100).default(20),
  LOG_LEVEL: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']).default('info'),
});
type Environment = z.infer<typeof environment>;

/** Every setting there is, by the name of its variable. */
export const settingNames: readonly string[] = Object.keys(environment.shape);

/** Without these production does not start. */
export const requiredInProduction = [
  'DATABASE_URL',
  'TEMPORAL_ADDRESS',
  'PUBLIC_URL',
  'PLATFORM_KEY',
  'PERSONAL_DATA_KEYS',
] as const;

/**
 * Parses the environment, the only place that reads it. In development missing secrets come from the running
 * stack's home, else from well-known defaults; production refuses every default and names what is missing.
 * Throws ConfigError.
 */
export function readConfig(env: NodeJS.ProcessEnv = process.env, options: ReadConfigOptions = {}): Config {
  const settings = parseEnvironment(env);
  const mode = settings.XIANDA_MODE ?? (settings.NODE_ENV === 'production' ? 'production' : 'development');
  const home = resolve(settings.XIANDA_HOME ?? '.xianda');
  if (mode === 'production') refuseDefaults(settings);
  const running = mode === 'development' && options.joinRunning !== false ? readRunning(home, settings) : {};
  const filled: Environment = { ...running, ...settings };
  const defaults = mode === 'production' ? unguessableSecrets() : developmentSecrets;
  const secrets = { ...defaults, ...definedOnly(pickSecrets(filled)) };
  return Object.freeze({
    mode,
    port: settings.PORT ?? 8080,
    publicUrl: (settings.PUBLIC_URL ?? `http://127.0.0.1:${settings.PORT ?? 8080}`).replace(/\/+$/, ''),
    portChosen: settings.PORT !== undefined,
    home,
    databaseUrl: filled.DATABASE_URL,
    temporalAddress: filled.TEMPORAL_ADDRESS,
    temporalNamespace: settings.TEMPORAL_NAMESPACE,
    temporalTaskQueue: settings.TEMPORAL_TASK_QUEUE,
    temporalUiUrl: filled.TEMPORAL_UI_URL?.replace(/\/+$/, ''),
    paymentWindowSeconds: settings.PAYMENT_WINDOW_SECONDS,
    waitingListSeconds: settings.WAITING_LIST_SECONDS,
    webhookTimeScale: settings.WEBHOOK_TIME_SCALE,
    offerAnswerSeconds: settings.OFFER_ANSWER_SECONDS,
    sandboxPaymentSecret: secrets.SANDBOX_PAYMENT_SECRET,
    sandboxCarrierSecret: secrets.SANDBOX_CARRIER_SECRET,
    sandboxPaymentUrl: filled.SANDBOX_PAYMENT_URL,
    sandboxCarrierUrl: filled.SANDBOX_CARRIER_URL,
    sandboxSupplierUrl: filled.SANDBOX_SUPPLIER_URL,
    sandboxCarrierAuto: settings.SANDBOX_CARRIER_AUTO ?? settings.DEMO,
    platformKey: secrets.PLATFORM_KEY,
    personalDataKeys: parsePersonalDataKeys(secrets.PERSONAL_DATA_KEYS),
    demo: settings.DEMO === 'on',
    ...readOperation(settings, mode),
    limits: readLimits(settings),
    logLevel: settings.LOG_LEVEL,
  });
}

const productionMetricsPort = 9464;
const productionStopGraceSeconds = 25;
/** A second less than the development supervisor's patience. */
const developmentStopGraceSeconds = 9;

function readOperation(
  { METRICS_PORT, STOP_GRACE_SECONDS }: Environment,
  mode: Config['mode'],
): Pick<Config, 'metricsPort' | 'stopGraceSeconds'> {
  const production = mode === 'production';
  const metricsPort = METRICS_PORT ?? (production ? productionMetricsPort : 'off');
  return {
    metricsPort: metricsPort === 'off' ? undefined : metricsPort,
    stopGraceSeconds:
      STOP_GRACE_SECONDS ?? (production ? productionStopGraceSeconds : developmentStopGraceSeconds),
  };
}

function readLimits(settings: Environment): Config['limits'] {
  return Object.freeze({
    keyOrdersPerSecond: settings.KEY_ORDERS_PER_SECOND,
    tenantOrdersPerSecond: settings.TENANT_ORDERS_PER_SECOND,
    keyCallsPerSecond: settings.KEY_CALLS_PER_SECOND,
    tenantCallsPerSecond: settings.TENANT_CALLS_PER_SECOND,
    ordersInFlight: settings.ORDERS_IN_FLIGHT,
    sharedBusyPercent: settings.SHARED_BUSY_PERCENT,
  });
}

function parseEnvironment(env: NodeJS.ProcessEnv): Environment {
  // an empty variable means "not set": compose files and CI write `NAME=`
  const present = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== ''));
  const parsed = environment.safeParse(present);
  if (parsed.success) return definedOnly(parsed.data) as Environment;
  const lines = parsed.error.issues.map((issue) => {
    const name = String(issue.path[0]);
    return `${name}=${isSecret(name) ? '…' : String(env[name])}: ${issue.message}`;
  });
  throw new ConfigError(`The environment cannot be used:\n  ${lines.join('\n  ')}`);
}

function isSecret(name: string): boolean {
  return (secretNames as readonly string[]).includes(name) || name === 'DATABASE_URL';
}

function definedOnly<T extends object>(value: T): Partial<T> {
  return Object.fromEntries(Object.entries(value).filter(([, part]) => part !== undefined)) as Partial<T>;
}

function pickSecrets(settings: Partial<Environment>): Partial<Record<SecretName, string>> {
  return Object.fromEntries(secretNames.map((name) => [name, settings[name]]));
}

function refuseDefaults(settings: Environment): void {
  const missing = requiredInProduction.filter((name) => settings[name] === undefined);
  const weak = secretNames.filter((name) => {
    const value = settings[name];
    return value !== undefined && (value === developmentSecrets[name] || value.length < 24);
  });
  if (missing.length === 0 && weak.length === 0) return;
  const parts = [
    missing.length > 0 ? `set ${missing.join(', ')}` : '',
    weak.length > 0 ? `replace ${weak.join(', ')} by a random value of at least 24 characters` : '',
  ];
  throw new ConfigError(
    `Production mode starts with no default secret and no embedded server: ${parts.filter(Boolean).join('; ')}.`,
  );
}

/** Production has no sandbox partners: whoever leaves their secrets out gets ones that nobody can sign with. */
function unguessableSecrets(): Record<SecretName, string> {
  const drawn = secretNames.map((name) => [name, randomBytes(32).toString('base64url')]);
  return Object.fromEntries(drawn) as Record<SecretName, string>;
}

/** What the running development stack of this home told: addresses from dev.json, secrets from secrets.json. */
function readRunning(home: string, settings: Environment): Partial<Environment> {
  const secrets = pickSecrets(readJson(join(home, 'secrets.json')) as Partial<Environment>);
  if (settings.DATABASE_URL !== undefined) return definedOnly(secrets);
  const dev = readJson(join(home, 'dev.json')) as {
    databaseUrl?: string;
    temporalAddress?: string;
    temporalUiUrl?: string | null;
    sandbox?: { paymentUrl?: string; carrierUrl?: string; supplierUrl?: string | null };
  };
  return definedOnly({
    ...secrets,
    DATABASE_URL: dev.databaseUrl,
    TEMPORAL_ADDRESS: dev.temporalAddress,
    TEMPORAL_UI_URL: dev.temporalUiUrl ?? undefined,
    SANDBOX_PAYMENT_URL: dev.sandbox?.paymentUrl,
    SANDBOX_CARRIER_URL: dev.sandbox?.carrierUrl,
    SANDBOX_SUPPLIER_URL: dev.sandbox?.supplierUrl ?? undefined,
  });
}

function readJson(file: string): object {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as object;
  } catch {
    return {};
  }
}

/** `id:base64,id:base64`, each of 32 bytes; ids are unique and the first is the one that encrypts. */
export function parsePersonalDataKeys(text: string): PersonalDataKey[] {
  const keys = text.split(',').map((part) => {
    const [id = '', encoded = ''] = part.trim().split(':');
    return { id, key: Buffer.from(encoded, 'base64') };
  });
  const ids = new Set(keys.map(({ id }) => id));
  if (
    ids.size !== keys.length ||
    keys.some(({ id, key }) => !/^[A-Za-z0-9._-]{1,32}$/.test(id) || key.length !== 32)
  ) {
    throw new ConfigError(
      'PERSONAL_DATA_KEYS cannot be used: write id:key,id:key with different ids and 32 random bytes in base64 each ' +
        '(openssl rand -base64 32), the newest first.',
    );
  }
  return keys;
}
