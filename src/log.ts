import pino, { type Logger } from 'pino';

export type { Logger };

/** Fields that never reach a log, wherever up to three levels deep they stand: secrets and personal data. */
const redactedFields = [
  'authorization',
  'cookie',
  '["sandbox-signature"]',
  'key',
  'apiKey',
  'platformKey',
  'personalDataKeys',
  'secret',
  'password',
  'token',
  'databaseUrl',
  'name',
  'phone',
  'address',
  'notes',
  'note',
  'recipient',
];

const redactedPaths = redactedFields.flatMap((field) => {
  const step = field.startsWith('[') ? field : `.${field}`;
  return [field, `*${step}`, `*.*${step}`];
});

interface LoggerOptions {
  /** Which process writes: api, worker, dispatch… */
  role: string;
  level?: string;
  destination?: pino.DestinationStream;
}

/**
 * One JSON line an event. Log ids, states and counts; errors go under `err` and are written with message, code
 * and stack only, because a driver's error also quotes the row that it failed on.
 */
export function createLogger({ role, level = 'info', destination }: LoggerOptions): Logger {
  const options: pino.LoggerOptions = {
    level,
    base: { role, pid: process.pid },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
    redact: { paths: redactedPaths, censor: '[redacted]' },
    serializers: { err: describeError, error: describeError },
  };
  return destination === undefined ? pino(options) : pino(options, destination);
}

/** An error as plain fields, its causes with it; a value that is no error as its type alone. */
export function describeError(error: unknown): object {
  if (!(error instanceof Error)) return { type: typeof error };
  return {
    type: error.constructor.name,
    message: error.message,
    ...('code' in error && typeof error.code === 'string' ? { code: error.code } : {}),
    stack: error.stack,
    ...(error.cause instanceof Error ? { cause: describeError(error.cause) } : {}),
  };
}
