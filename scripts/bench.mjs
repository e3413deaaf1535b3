// `npm run bench -- NAME`: sets up and builds what is missing, then runs the bench from its TypeScript.
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { root, setUp } from './setUp.mjs';

const require = createRequire(import.meta.url);
try {
  // stdout belongs to the bench: its last line is read by programs
  await setUp({ say: (line) => process.stderr.write(`${line}\n`) });
  require(join(root, 'scripts', 'registerTypeScript.cjs'));
  process.exitCode = await require(join(root, 'bench', 'run.ts')).runBench(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`\n${error.stack ?? error}\n`);
  process.exitCode = 2;
}
process.exit();
