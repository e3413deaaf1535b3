// Completes package-lock.json with the packages of other platforms. npm leaves out whatever optional package the
// registry in use does not serve (a mirror that lags behind), and then `npm ci` refuses the lock everywhere.
// With --check it only looks. Run it after every change of dependencies.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './setUp.mjs';

const file = join(root, 'package-lock.json');
const lock = JSON.parse(readFileSync(file, 'utf8'));
const missing = findMissing();

if (missing.length === 0) {
  console.log('package-lock.json is complete.');
} else if (process.argv.includes('--check')) {
  console.error(`package-lock.json leaves out ${missing.map(({ name }) => name).join(', ')}.`);
  console.error('→ Run `node scripts/lock.mjs` and commit package-lock.json.');
  process.exit(1);
} else {
  for (const entry of missing) add(entry);
  lock.packages = Object.fromEntries(Object.entries(lock.packages).sort(([a], [b]) => (a < b ? -1 : 1)));
  writeFileSync(file, `${JSON.stringify(lock, null, 2)}\n`);
  console.log(`Added ${missing.length} packages of other platforms.`);
}

/** Optional packages that somebody in the lock asks for and that the lock has at no place where Node would look. */
function findMissing() {
  const found = new Map();
  for (const [path, { optionalDependencies = {}, dev }] of Object.entries(lock.packages)) {
    for (const [name, range] of Object.entries(optionalDependencies)) {
      if (!isThere(path, name)) found.set(name, { name, version: range.replace(/^[~^]/, ''), dev });
    }
  }
  return [...found.values()];
}

function isThere(path, name) {
  for (let at = path; ; at = at.slice(0, Math.max(0, at.lastIndexOf('node_modules/') - 1))) {
    if (lock.packages[at === '' ? `node_modules/${name}` : `${at}/node_modules/${name}`] !== undefined)
      return true;
    if (at === '') return false;
  }
}

/** Without an integrity, which nobody here can compute: npm on that platform trusts its registry for it. */
function add({ name, version, dev }) {
  const { os, cpu, libc } = readPlatform(name);
  lock.packages[`node_modules/${name}`] = { version, cpu, dev: dev || undefined, libc, optional: true, os };
}

/** Such packages are called after their platform: `…-linux-arm64-musl`, `…-win32-x64-msvc`. */
function readPlatform(name) {
  const systems = 'darwin|win32|linux|android|freebsd|openharmony';
  const [, os, cpu, abi = ''] = new RegExp(`-(${systems})-([a-z0-9]+)(?:-([a-z]+))?$`).exec(name) ?? [];
  if (os === undefined) throw new Error(`${name} belongs to no platform: install it instead`);
  const libc = os !== 'linux' || abi === '' ? undefined : abi.startsWith('musl') ? ['musl'] : ['glibc'];
  return { os: [os], cpu: [cpu], libc };
}
