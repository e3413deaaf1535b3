import type { Xianda } from '../../sdk/client';
import type { ApiClient } from '../seed/apiClient';
import type { TenantKeys } from '../seed/runSeed';
import type { Ledger } from './ledger';
import type { Show } from './showModel';

/** Everything the actors of a running show need. */
export interface Stage {
  /** The shop's own way in, and that of the brand's operations. */
  shop: Xianda;
  ops: Xianda;
  /** The same API with any key and body, for what is told by others. */
  api: ApiClient;
  apiUrl: string;
  payments: ApiClient;
  paymentSecret: string;
  tenant: string;
  keys: TenantKeys;
  leaderKeys: Record<string, string>;
  show: Show;
  ledger: Ledger;
  /** Epoch milliseconds at which the show begins. */
  startsAtMs: number;
  /** Requests that had to be sent again so far. */
  resent(): number;
  /** Starts something that the show must wait for; a failure is noted, never thrown. */
  act(what: string, work: () => Promise<void>): void;
  /** Resolves when nothing that was started is under way any more. */
  allActed(): Promise<void>;
}

/** Keeps the actors that are under way. */
export function createCast(ledger: Ledger): Pick<Stage, 'act' | 'allActed'> {
  const underWay = new Set<Promise<void>>();
  return {
    act(what, work) {
      const acting: Promise<void> = work()
        .catch((error: unknown) =>
          ledger.noteFault(`${what}: ${error instanceof Error ? error.message : String(error)}`),
        )
        .finally(() => underWay.delete(acting));
      underWay.add(acting);
    },
    async allActed() {
      while (underWay.size > 0) await Promise.all([...underWay]);
    },
  };
}

export function sleep(milliseconds: number): Promise<void> {
  return new Promise((resume) => setTimeout(resume, Math.max(0, milliseconds)));
}

/** A sleep that keeps no process alive: for races that something else should win. */
export function sleepIdly(milliseconds: number): Promise<void> {
  return new Promise((resume) => setTimeout(resume, Math.max(0, milliseconds)).unref());
}

export function sleepUntil(atMs: number): Promise<void> {
  return sleep(atMs - Date.now());
}
