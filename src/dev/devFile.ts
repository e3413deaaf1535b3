import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Who may use the demo tenant, by role. */
export type TenantKeys = Record<'channel' | 'ops' | 'warehouse' | 'host' | 'leader' | 'supplier', string>;

/** `<home>/dev.json`: where the running stack is and how to enter it. There only while everything answers. */
export interface DevFile {
  apiUrl: string;
  /** null when the Temporal server is somebody else's and TEMPORAL_UI_URL does not tell. */
  temporalUiUrl: string | null;
  temporalAddress: string;
  temporalNamespace: string;
  databaseUrl: string;
  sandbox: { paymentUrl: string; carrierUrl: string; supplierUrl: string | null };
  platformKey: string;
  tenants: { tenant: string; keys: TenantKeys }[];
  pids: {
    supervisor: number;
    api: number[];
    worker: number[];
    dispatch: number[];
    /** null when not started by us. */
    temporal: number | null;
    postgres: number | null;
    sandboxes: number[];
  };
}

/** The processes of a stack that this process supervises, by the names they run under. */
export function listPids(
  pidOf: (name: string) => number | undefined,
  sandboxes: readonly string[],
): DevFile['pids'] {
  const list = (...names: readonly string[]) => names.map(pidOf).filter((pid) => pid !== undefined);
  return {
    supervisor: process.pid,
    api: list('api'),
    worker: list('worker'),
    dispatch: list('dispatch'),
    temporal: pidOf('temporal') ?? null,
    postgres: pidOf('postgres') ?? null,
    sandboxes: list(...sandboxes),
  };
}

const fileIn = (home: string) => join(home, 'dev.json');

/** Holds keys and a password: readable by the owner alone; a reader sees the old or the new file. */
export function writeDevFile(home: string, content: DevFile): void {
  writeFileSync(`${fileIn(home)}.new`, `${JSON.stringify(content, null, 2)}\n`, { mode: 0o600 });
  renameSync(`${fileIn(home)}.new`, fileIn(home));
}

export function removeDevFile(home: string): void {
  rmSync(fileIn(home), { force: true });
}
