// `npm start`: sets up whatever is missing, then is the development stack itself, in this very process, so that
// every signal reaches it.
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { root, setUp } from './setUp.mjs';

try {
  await setUp({ say: (line) => console.log(line) });
  process.argv = [process.execPath, join(root, 'dist', 'main.js'), 'dev', ...process.argv.slice(2)];
  createRequire(import.meta.url)(join(root, 'dist', 'main.js'));
} catch (error) {
  console.error(`\n${error.message}`);
  process.exit(1);
}
