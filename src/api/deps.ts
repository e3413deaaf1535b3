import type { Envelope } from '../db/envelope';
import type { PersonalData } from '../db/personalData';
import type { SellableReader } from '../db/sellable.read';
import type { Database } from '../db/transaction';
import type { Intake } from '../intake/intake';
import type { Till } from '../intake/till';
import type { Logger } from '../log';
import type { Authenticator } from './http/auth';
import type { Limits } from './http/limits';
import type { Metrics } from './http/metrics';
import type { SellableClock } from './live/sellableClock';
import type { TurnAwayNotes } from './http/turnedAway';
import type { TemporalSchedules } from './schedule/temporalSchedules';

/** The settings that change what the API answers. */
export interface ApiSettings {
  /** Production listens on every interface and refuses loopback addresses of partners. */
  mode: 'development' | 'production';
  platformKey: string;
  /** Where people and partners reach this API; links are made of it. */
  publicUrl: string;
  sandboxPaymentSecret: string;
  sandboxCarrierSecret: string;
  /** The one carrier that may live on this very machine in production. */
  sandboxCarrierUrl?: string;
  temporalAddress?: string;
  temporalNamespace?: string;
  /** Where the Web UI's pages are; links to workflows are left without it. No slash at the end. */
  temporalUiUrl?: string;
}

/** What the routes work with. */
export interface ApiDeps {
  /** Tenants' data, one tenant at a time. */
  app: Database;
  /** Tenants, keys and what belongs to no tenant. */
  platform: Database;
  /** Tenants' data again, for what reads long: reports must not take the connections of those who sell. */
  reports: Database;
  /** Reads every tenant, for metrics only. */
  checker: Database;
  intake: Intake;
  till: Till;
  schedules: TemporalSchedules;
  sellable: SellableReader;
  sellableClock: SellableClock;
  personalData: PersonalData;
  /** Seals the secrets of webhooks. */
  envelope: Envelope;
  settings: ApiSettings;
  log: Logger;
  metrics: Metrics;
  authenticator: Authenticator;
  limits: Limits;
  turnAway: TurnAwayNotes;
  /** Whether this process has been told to stop. */
  stopping(): boolean;
  /** The document of /openapi.json; handed in, since it is made of all routes and one of them serves it. */
  openApi(): object;
}
