import { join } from 'node:path';

/** Where the SQL files lie: they are not compiled, so they are found from the project's root. */
export const migrationsFolder = join(__dirname, '..', '..', 'src', 'db', 'migrations');

/**
 * Brings a database to the newest schema. Forward only; safe to run from several processes at once (an
 * advisory lock lets one through). Throws with the failing file's name.
 */
export async function migrate(databaseUrl: string): Promise<string[]> {
  // an ES module: TypeScript's CommonJS output reaches it by import() only
  const { runner } = await import('node-pg-migrate');
  const done = await runner({
    databaseUrl,
    dir: migrationsFolder,
    direction: 'up',
    migrationsTable: 'schema_migration',
    checkOrder: true,
    log: () => undefined,
  });
  return done.map((migration) => migration.name);
}
