import { createHash } from 'node:crypto';
import { availableParallelism, cpus } from 'node:os';
import { Connection } from '@temporalio/client';
import { Client } from 'pg';

/** What a figure was measured on; without it a figure says nothing. Null: the bench uses none. */
export interface Environment {
  cpu: string;
  cores: number;
  node: string;
  postgres: string | null;
  temporal: string | null;
  /** SHA-256 of the migrated schema as the database has it: tables, constraints, indexes, policies, triggers. */
  schemaHash: string | null;
  durability: Record<string, string> | null;
}

/** The machine alone, for benches that start no server. */
export function describeMachine(): Environment {
  return {
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    node: process.version,
    postgres: null,
    temporal: null,
    schemaHash: null,
    durability: null,
  };
}

/** The machine and the servers as they are set now, asked of themselves. */
export async function describeServers(servers: {
  databaseUrl: string;
  temporalAddress?: string;
  temporalStorage?: string;
}): Promise<Environment> {
  const { temporalAddress, temporalStorage } = servers;
  const client = new Client({ connectionString: servers.databaseUrl });
  await client.connect();
  try {
    const version = await client.query<{ server_version: string }>('SHOW server_version');
    return {
      ...describeMachine(),
      postgres: version.rows[0]?.server_version ?? null,
      temporal: temporalAddress === undefined ? null : await readTemporalVersion(temporalAddress),
      schemaHash: await hashSchema(client),
      durability: {
        ...(await readDurability(client)),
        ...(temporalStorage === undefined ? {} : { temporal: temporalStorage }),
      },
    };
  } finally {
    await client.end();
  }
}

const durabilitySettings = [
  'fsync',
  'synchronous_commit',
  'full_page_writes',
  'wal_level',
  'wal_sync_method',
  'commit_delay',
  'max_wal_size',
  'shared_buffers',
];

async function readDurability(client: Client): Promise<Record<string, string>> {
  const { rows } = await client.query<{ name: string; setting: string }>(
    `SELECT name, current_setting(name) AS setting FROM pg_settings WHERE name = ANY($1) ORDER BY name`,
    [durabilitySettings],
  );
  return Object.fromEntries(rows.map(({ name, setting }) => [name, setting]));
}

/** Everything that could have been switched off to look fast, one line each, in a fixed order. */
const schemaLines = `
  SELECT format('table %s rls=%s forced=%s %s %s', c.relname, c.relrowsecurity, c.relforcerowsecurity,
                c.relpersistence, c.reloptions) AS line
    FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
  UNION ALL
  SELECT format('column %s.%s %s %s %s', a.attrelid::regclass, a.attname, format_type(a.atttypid, a.atttypmod),
                a.attnotnull, pg_get_expr(d.adbin, d.adrelid))
    FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
    LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
   WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND a.attnum > 0 AND NOT a.attisdropped
  UNION ALL
  SELECT format('constraint %s %s %s', conrelid::regclass, conname, pg_get_constraintdef(oid))
    FROM pg_constraint WHERE connamespace = 'public'::regnamespace AND contype <> 'n'
  UNION ALL
  SELECT 'index ' || indexdef FROM pg_indexes WHERE schemaname = 'public'
  UNION ALL
  SELECT format('policy %s %s %s %s %s %s %s', tablename, policyname, permissive, roles, cmd, qual, with_check)
    FROM pg_policies WHERE schemaname = 'public'
  UNION ALL
  SELECT format('trigger %s %s', tgenabled, pg_get_triggerdef(oid)) FROM pg_trigger WHERE NOT tgisinternal
  UNION ALL
  SELECT format('view %s %s', viewname, definition) FROM pg_views WHERE schemaname = 'public'
  UNION ALL
  SELECT 'function ' || pg_get_functiondef(oid) FROM pg_proc
   WHERE pronamespace = 'public'::regnamespace AND prokind IN ('f', 'p')`;

async function hashSchema(client: Client): Promise<string> {
  const { rows } = await client.query<{ line: string }>(
    `SELECT line FROM (${schemaLines}) s ORDER BY line COLLATE "C"`,
  );
  const hash = createHash('sha256');
  for (const { line } of rows) hash.update(line).update('\n');
  return hash.digest('hex');
}

async function readTemporalVersion(address: string): Promise<string> {
  const connection = await Connection.connect({ address });
  try {
    const { serverVersion } = await connection.workflowService.getSystemInfo({});
    return serverVersion ?? 'unknown';
  } finally {
    await connection.close();
  }
}

export function formatEnvironment(environment: Environment): string[] {
  const { cpu, cores, node, postgres, temporal, schemaHash, durability } = environment;
  const settings = Object.entries(durability ?? {}).map(([name, setting]) => `${name}=${setting}`);
  return [
    `machine     ${cores} × ${cpu}`,
    `versions    node ${node} · PostgreSQL ${postgres ?? 'none'} · Temporal ${temporal ?? 'none'}`,
    `schema      ${schemaHash ?? 'none'}`,
    `durability  ${settings.length === 0 ? 'none' : settings.join(' ')}`,
  ];
}
