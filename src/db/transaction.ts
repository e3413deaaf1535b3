import { createHash } from 'node:crypto';
import pg from 'pg';

/** The database roles a process may take; row-level security gives each its view (docs/architecture.md, Access). */
export type DatabaseRole =
  | 'xianda_app'
  | 'xianda_platform'
  | 'xianda_dispatch'
  | 'xianda_sealer'
  | 'xianda_checker';

export type Row = Record<string, unknown>;

/** What may be asked of an open transaction. */
export interface Tx {
  query<R extends object = Row>(
    text: string,
    values?: readonly unknown[],
  ): Promise<{ rows: R[]; rowCount: number }>;
}

/** An open transaction bound to one tenant. */
export interface TenantTx extends Tx {
  readonly tenant: string;
}

/** A pool of connections that all act as one role. */
export interface Database {
  readonly role: DatabaseRole;
  /** Runs `work` in one transaction with the tenant bound; deadlocks and serialisation failures run it again. */
  inTenant<T>(tenant: string, work: (tx: TenantTx) => Promise<T>): Promise<T>;
  /** Reads for a tenant, in several statements that all see what was committed before the first. */
  inSnapshot<T>(tenant: string, work: (tx: TenantTx) => Promise<T>): Promise<T>;
  /** Runs `work` in one transaction with no tenant bound: for roles with all-tenant policies. */
  inTransaction<T>(work: (tx: Tx) => Promise<T>): Promise<T>;
  /** How busy the pool is now. */
  load(): PoolLoad;
  close(): Promise<void>;
}

export interface PoolLoad {
  name: string;
  /** Connections with a transaction under way. */
  busy: number;
  idle: number;
  /** Callers that wait for a connection. */
  waiting: number;
  /** How many connections the pool may open. */
  most: number;
}

/** Thrown inside `work` to undo everything and answer with a value: a refusal found late. */
export class Rollback<T> extends Error {
  constructor(readonly answer: T) {
    super('rolled back on purpose');
  }
}

/** Thrown inside `work` when what it was decided on has changed meanwhile: everything is undone and done again. */
export class RunAgain extends Error {
  /** A conflict, as PostgreSQL would call it. */
  readonly code = '40001';
}

const maximumAttempts = 5;

pg.types.setTypeParser(pg.types.builtins.INT8, parseSafeInteger);
pg.types.setTypeParser(pg.types.builtins.DATE, (text) => text);
pg.types.setTypeParser(1182 as number, (text) => (text === '{}' ? [] : text.slice(1, -1).split(',')));

function parseSafeInteger(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value)) throw new Error('I13 a bigint left the safe integers');
  return value;
}

export interface DatabaseOptions {
  url: string;
  role: DatabaseRole;
  maxConnections?: number;
  /** What metrics call the pool, where a process has several of one role. */
  name?: string;
}

export function createDatabase({
  url,
  role,
  maxConnections = 10,
  name = role.replace('xianda_', ''),
}: DatabaseOptions): Database {
  const pool = new pg.Pool({
    connectionString: url,
    max: maxConnections,
    options: `-c role=${role}`,
    application_name: role,
    // statements that do not wait for each other's answers are sent together (Promise.all) and take one journey
    pipeline: true,
    connectionTimeoutMillis: 10_000,
  });
  // an idle connection that breaks is replaced; without a listener it would end the process
  pool.on('error', () => undefined);
  const boundTo = <T>(
    tenant: string,
    { begin, work }: { begin: string; work: (tx: TenantTx) => Promise<T> },
  ): Promise<T> => {
    const bound = `${begin}; SET LOCAL xianda.tenant = ${pg.escapeLiteral(tenant)}`;
    return retrying(() => runOnce(pool, bound, (tx) => work({ tenant, query: tx.query })));
  };
  return {
    role,
    inTenant: (tenant, work) => boundTo(tenant, { begin: 'BEGIN', work }),
    inSnapshot: (tenant, work) =>
      boundTo(tenant, { begin: 'BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY', work }),
    inTransaction: (work) => retrying(() => runOnce(pool, 'BEGIN', work)),
    load: () => ({
      name,
      busy: pool.totalCount - pool.idleCount,
      idle: pool.idleCount,
      waiting: pool.waitingCount,
      most: maxConnections,
    }),
    close: () => pool.end(),
  };
}

const statementNames = new Map<string, string>();

/**
 * A name has the server keep the parsed and planned statement on its connection. Texts are constants of the code, so
 * their number is bounded.
 */
function statementName(text: string): string {
  let name = statementNames.get(text);
  if (name === undefined) {
    name = createHash('sha256').update(text).digest('hex').slice(0, 32);
    statementNames.set(text, name);
  }
  return name;
}

const plansLastMs = 1000;
const plannedAtMs = new WeakMap<pg.PoolClient, number>();

/**
 * A connection keeps its plans, those of foreign keys too, from when the tables were small: a check of a key then reads
 * a whole tenant through the wrong index (10,000 orders swept: 18 s instead of 3). So those that are a second old are
 * made anew, which takes some 5 ms. Before the transaction: within it nothing may come before its isolation level.
 */
function dropOldPlans(client: pg.PoolClient): void {
  const now = performance.now();
  if (now - (plannedAtMs.get(client) ?? Number.NEGATIVE_INFINITY) < plansLastMs) return;
  plannedAtMs.set(client, now);
  // a connection that cannot do this cannot begin either, and that is waited for
  client.query('DISCARD PLANS').catch(() => undefined);
}

async function runOnce<T>(pool: pg.Pool, begin: string, work: (tx: Tx) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  let broken = false;
  // a connection that breaks between two queries says so by an event, which would end the process if nobody heard it
  const onBroken = () => {
    broken = true;
  };
  client.on('error', onBroken);
  const release = () => {
    client.off('error', onBroken);
    client.release(broken);
  };
  // of statements that were sent together the first that fails is the reason; the others only say that they were not run
  let failure: unknown;
  // of statements that were sent together one may fail while another's sender goes on: not on somebody else's connection
  let over = false;
  try {
    dropOldPlans(client);
    const begun = client.query(begin);
    // told by the first statement's failure too, which is the one that is waited for
    begun.catch(() => undefined);
    const answer = await work({
      query: async <R extends object>(text: string, values?: readonly unknown[]) => {
        if (over) throw new Error('the transaction is over');
        try {
          const result = await client.query({ name: statementName(text), text, values: values as unknown[] });
          return { rows: result.rows as R[], rowCount: result.rowCount ?? 0 };
        } catch (error) {
          failure ??= error;
          throw error;
        }
      },
    });
    over = true;
    // what follows a BEGIN that failed was no transaction
    await begun;
    await client.query('COMMIT');
    release();
    return answer;
  } catch (error) {
    over = true;
    // a connection that cannot even roll back is thrown away, not given to the next caller
    const undone = client
      .query('ROLLBACK')
      .catch(() => {
        broken = true;
      })
      .then(release);
    // nothing of it is kept, whatever becomes of the undoing: whoever is refused need not wait for that
    if (error instanceof Rollback) return error.answer as T;
    await undone;
    throw codeOf(error) === transactionAborted ? failure : error;
  }
}

async function retrying<T>(run: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await run();
    } catch (error) {
      if (attempt >= maximumAttempts || !isConflict(error)) throw error;
    }
  }
}

function codeOf(error: unknown): string {
  return typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : '';
}

const transactionAborted = '25P02';
const uniqueViolation = '23505';
/** Keys for which two requests may race: the one that loses runs again, and finds what the winner wrote. */
const racedFor = ['orders_pkey', 'orders_tenant_channel_external_id_key', 'payment_pkey'];

/** Deadlock, serialisation failure or a lost race: nothing was written and the same work may run again. */
export function isConflict(error: unknown): boolean {
  const code = codeOf(error);
  return (
    ['40P01', '40001'].includes(code) || (code === uniqueViolation && racedFor.includes(constraintOf(error)))
  );
}

function constraintOf(error: unknown): string {
  return error instanceof Error && 'constraint' in error ? String(error.constraint) : '';
}

/**
 * The database is away or over its limits: try later (503). Connection errors of the socket, and the classes
 * 08 connection, 53 resources, 57P server going down, and a conflict that outlived its retries.
 */
export function isUnavailable(error: unknown): boolean {
  const code = codeOf(error);
  return (
    /^(08|53|57P)/.test(code) ||
    isConflict(error) ||
    ['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'ENOENT'].includes(code) ||
    (error instanceof Error &&
      /Connection terminated|is not queryable|timeout exceeded when trying to connect/.test(error.message))
  );
}
