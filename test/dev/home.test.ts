import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openHome } from '../../src/dev/home';
import { writePidFile } from '../../src/dev/pidFile';
import { choosePorts, isPortFree } from '../../src/dev/ports';
import { resetHome } from '../../src/dev/reset';
import { settleSecrets } from '../../src/dev/secrets';
import { SetupError, explain } from '../../src/dev/setupError';

let root: string;
let home: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'xianda-home-'));
  home = join(root, 'home');
  jest.spyOn(console, 'log').mockImplementation(() => undefined);
});
afterEach(() => {
  jest.restoreAllMocks();
  rmSync(root, { recursive: true, force: true });
});

const reset = () => resetHome({ mode: 'development', home });

describe('the folder', () => {
  test('is made, marked, and known again', () => {
    const first = openHome(home);
    expect(openHome(home)).toEqual(first);
  });

  test('of somebody else is neither used nor erased', async () => {
    mkdirSync(home);
    writeFileSync(join(home, 'thesis.doc'), 'ten years');
    expect(() => openHome(home)).toThrow(/holds files that are not Xianda's/);
    await expect(reset()).rejects.toThrow(/nothing was erased/);
    expect(existsSync(join(home, 'thesis.doc'))).toBe(true);
  });

  test('of another version says so and what to do', () => {
    mkdirSync(home);
    writeFileSync(join(home, 'xianda-home.json'), JSON.stringify({ product: 'xianda', layout: 0, id: 'x' }));
    expect(() => openHome(home)).toThrow(/another version/);
  });

  test('is erased by reset, which may be repeated', async () => {
    openHome(home);
    await reset();
    expect(existsSync(home)).toBe(false);
    await reset();
  });

  test('is not erased while its supervisor lives', async () => {
    openHome(home);
    writePidFile(join(home, 'run', 'supervisor.pid'), process.pid);
    await expect(reset()).rejects.toThrow(/is running/);
    expect(existsSync(home)).toBe(true);
  });

  test('is not erased in production', async () => {
    openHome(home);
    await expect(resetHome({ mode: 'production', home })).rejects.toThrow(SetupError);
  });
});

describe('secrets', () => {
  beforeEach(() => {
    openHome(home);
  });

  test('are drawn once, kept, and readable by their owner alone', () => {
    const secrets = settleSecrets(home, {});
    expect(settleSecrets(home, {})).toEqual(secrets);
    expect(new Set(Object.values(secrets)).size).toBe(5);
    expect(statSync(join(home, 'secrets.json')).mode & 0o777).toBe(0o600);
  });

  test('given in the environment win and are kept for other terminals', () => {
    settleSecrets(home, {});
    settleSecrets(home, { PLATFORM_KEY: 'given', SANDBOX_PAYMENT_SECRET: '' });
    const kept = JSON.parse(readFileSync(join(home, 'secrets.json'), 'utf8')) as Record<string, string>;
    expect(kept.PLATFORM_KEY).toBe('given');
    expect(kept.SANDBOX_PAYMENT_SECRET).not.toBe('');
    expect(settleSecrets(home, {}).PLATFORM_KEY).toBe('given');
  });

  test("the database's password is never taken from the environment", () => {
    expect(settleSecrets(home, { POSTGRES_PASSWORD: 'x' }).POSTGRES_PASSWORD).not.toBe('x');
  });
});

describe('ports', () => {
  beforeEach(() => {
    openHome(home);
  });

  test('are different, free, and the same at the next start', async () => {
    const ports = await choosePorts(home, ['postgres', 'temporal', 'temporalUi']);
    expect(new Set(Object.values(ports)).size).toBe(3);
    expect(await choosePorts(home, ['postgres', 'temporal', 'temporalUi'])).toEqual(ports);
  });

  test('a taken one is replaced, the others stay', async () => {
    const ports = await choosePorts(home, ['postgres', 'temporal']);
    const server = createServer().listen(ports.postgres, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    try {
      expect(await isPortFree(ports.postgres)).toBe(false);
      const again = await choosePorts(home, ['postgres', 'temporal']);
      expect(again.postgres).not.toBe(ports.postgres);
      expect(again.temporal).toBe(ports.temporal);
    } finally {
      await new Promise((resolve) => server.close(resolve));
    }
  });
});

describe('what the terminal says', () => {
  const system = (code: string, path?: string) => Object.assign(new Error(`${code}: it`), { code, path });

  test.each([
    [new SetupError('Port 1 is taken.', 'Choose another.'), 'Port 1 is taken.\n→ Choose another.'],
    [system('ENOSPC'), 'The disk is full.\n→ Free at least 1 GiB'],
    [system('EACCES', '/x'), 'No right to use /x.'],
    [system('EROFS', '/x'), '/x is read-only.'],
    [new Error('anything'), 'anything'],
    ['text', 'text'],
  ])('%#', (error, words) => {
    expect(explain(error)).toContain(words);
    expect(explain(error)).not.toContain('    at ');
  });

  test('a folder without rights is told in those words', () => {
    if (process.getuid?.() === 0) return;
    mkdirSync(home);
    chmodSync(home, 0o500);
    expect(() => openHome(join(home, 'inner'))).toThrow(/EACCES/);
  });
});
