/** The part of pino's interface that the sandboxes use; ids, states and counts only, never a name or a door. */
export interface SandboxLogger {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
}

export const silentLogger: SandboxLogger = { info: () => {}, warn: () => {} };
