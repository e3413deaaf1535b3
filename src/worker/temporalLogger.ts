import { DefaultLogger, type LogEntry, type Logger as TemporalLogger } from '@temporalio/worker';
import type { Logger } from '../log';

/** Lets the engine's own log lines flow through ours, with its redaction. */
export function toTemporalLogger(logger: Logger): TemporalLogger {
  const write = ({ level, message, meta }: LogEntry) => {
    const { error, ...fields } = (meta ?? {}) as Record<string, unknown>;
    logger[levelOf(level)]({ ...fields, ...(error === undefined ? {} : { err: error }) }, message);
  };
  return new DefaultLogger('INFO', write);
}

function levelOf(level: string): 'trace' | 'debug' | 'info' | 'warn' | 'error' {
  switch (level) {
    case 'TRACE':
      return 'trace';
    case 'DEBUG':
      return 'debug';
    case 'WARN':
      return 'warn';
    case 'ERROR':
      return 'error';
    default:
      return 'info';
  }
}
