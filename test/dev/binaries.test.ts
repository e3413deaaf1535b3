import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findOnPath, run, tryRun } from '../../src/dev/command';
import { restoreLibraryLinks } from '../../src/dev/postgres/binaries';
import { cacheFolder, settleTemporal, temporalVersion } from '../../src/dev/temporal/binary';
import { temporalSpec } from '../../src/dev/temporal/server';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'xianda-binaries-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function writeProgram(path: string, script: string): string {
  mkdirSync(join(path, '..'), { recursive: true });
  writeFileSync(path, `#!/bin/sh\n${script}\n`);
  chmodSync(path, 0o755);
  return path;
}

test('links that npm could not ship are made again, dangling ones replaced', () => {
  const native = join(folder, 'native');
  mkdirSync(join(native, 'lib'), { recursive: true });
  writeFileSync(join(native, 'lib', 'libpq.so.5.18'), 'library');
  symlinkSync('gone', join(native, 'lib', 'libpq.so.5'));
  const links = ['libpq.so', 'libpq.so.5'].map((name) => ({
    source: 'native/lib/libpq.so.5.18',
    target: `native/lib/${name}`,
  }));
  writeFileSync(join(native, 'pg-symlinks.json'), JSON.stringify(links));
  restoreLibraryLinks(native);
  restoreLibraryLinks(native);
  for (const name of ['libpq.so', 'libpq.so.5']) {
    expect(readlinkSync(join(native, 'lib', name))).toBe('libpq.so.5.18');
    expect(existsSync(join(native, 'lib', name))).toBe(true);
  }
});

test('PATH is searched in order, folders and plain files are no programs', () => {
  const [first, second] = [join(folder, 'a'), join(folder, 'b')];
  mkdirSync(join(first, 'tool'), { recursive: true });
  const tool = writeProgram(join(second, 'tool'), 'true');
  expect(findOnPath('tool', `${first}:${second}`)).toBe(tool);
  expect(findOnPath('tool', first)).toBeUndefined();
});

test('a failing program tells its last words, a full disk among them by its code', async () => {
  const broken = writeProgram(join(folder, 'broken'), 'echo first; echo last words >&2; exit 3');
  await expect(run(broken, [])).rejects.toThrow(/ended with 3: .*last words/);
  const full = writeProgram(join(folder, 'full'), 'echo "write: no space left on device" >&2; exit 1');
  await expect(run(full, [])).rejects.toMatchObject({ code: 'ENOSPC' });
  expect(await tryRun(join(folder, 'missing'), [])).toBeUndefined();
});

describe('the Temporal server', () => {
  const cached = () =>
    join(folder, 'cache', `temporal-${temporalVersion}-${process.platform}-${process.arch}`, 'temporal');

  test('is taken from PATH before the cache, unless what lies there does not run', async () => {
    const env = { XIANDA_CACHE: join(folder, 'cache'), PATH: join(folder, 'bin') };
    writeProgram(cached(), 'echo "temporal version 1"');
    const onPath = writeProgram(join(folder, 'bin', 'temporal'), 'echo "temporal version 2"');
    expect(await settleTemporal(() => undefined, env)).toEqual({ path: onPath, source: 'PATH' });
    writeProgram(onPath, 'exit 1');
    expect(await settleTemporal(() => undefined, env)).toEqual({ path: cached(), source: 'cache' });
  });

  test('is cached where the environment says', () => {
    expect(cacheFolder({ XIANDA_CACHE: '/c' })).toBe('/c');
    expect(cacheFolder({ XDG_CACHE_HOME: '/x' })).toBe('/x/xianda');
    expect(cacheFolder({})).toMatch(/\.cache\/xianda$/);
  });

  test('listens on loopback only and keeps its data in a file', () => {
    const { args } = temporalSpec({ binary: 't', port: 1, uiPort: 2, databaseFile: '/h/temporal.db' });
    const text = args.join(' ');
    expect(text).toContain('--ip 127.0.0.1 --port 1');
    expect(text).toContain('--db-filename /h/temporal.db');
    expect(text).toContain('journal_mode=WAL');
    expect(text).toContain('frontend.namespaceCount=');
  });
});
