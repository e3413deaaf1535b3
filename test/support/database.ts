import { Client, Pool } from 'pg';
import { type Database, type DatabaseRole, createDatabase } from '../../src/db/transaction';
import { testServers } from './servers';

export interface TestDatabase {
  /** Superuser: row-level security does not bind it. */
  url: string;
  /** The pool of one role, opened at first use and closed by drop(). */
  as(role: DatabaseRole): Database;
  /** One statement as superuser, to lay out a state or to look at it. */
  query<R extends object = Record<string, unknown>>(text: string, values?: unknown[]): Promise<R[]>;
  drop(): Promise<void>;
}

let count = 0;

/** A database of this file's own, cloned from the migrated template: call in beforeAll, drop() in afterAll. */
export async function createTestDatabase(): Promise<TestDatabase> {
  const { adminUrl, templateDatabase } = testServers();
  count += 1;
  const name = `test_${process.pid}_${Date.now()}_${count}`;
  await asAdmin(adminUrl, `CREATE DATABASE ${name} TEMPLATE ${templateDatabase}`);
  const address = new URL(adminUrl);
  address.pathname = name;
  const superuser = new Pool({ connectionString: address.href, max: 4 });
  superuser.on('error', () => undefined);
  const databases = new Map<DatabaseRole, Database>();
  return {
    url: address.href,
    as(role) {
      const database = databases.get(role) ?? createDatabase({ url: address.href, role });
      databases.set(role, database);
      return database;
    },
    async query<R extends object>(text: string, values?: unknown[]) {
      return (await superuser.query<R & Record<string, unknown>>(text, values)).rows;
    },
    async drop() {
      await Promise.all([superuser.end(), ...[...databases.values()].map((database) => database.close())]);
      await asAdmin(adminUrl, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
    },
  };
}

async function asAdmin(adminUrl: string, statement: string): Promise<void> {
  const client = new Client({ connectionString: adminUrl });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}
