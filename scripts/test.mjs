// `npm test`: the same set-up as `npm start`, then jest. Arguments go to jest: `npm test -- --selectProjects unit`,
// `npm test -- intake`. A JSON summary is written when XIANDA_TEST_SUMMARY names a file (CI reads it).
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { root, setUp } from './setUp.mjs';

try {
  await setUp({ say: (line) => console.log(line) });
} catch (error) {
  console.error(`\n${error.message}`);
  process.exit(1);
}

const summary = process.env.XIANDA_TEST_SUMMARY;
const args = [
  join(root, 'node_modules', 'jest', 'bin', 'jest.js'),
  ...(summary ? ['--json', `--outputFile=${summary}`] : []),
  ...process.argv.slice(2),
];
// with --json jest prints its report to stdout as well: the file is enough
const stdio = ['inherit', summary ? 'ignore' : 'inherit', 'inherit'];
const jest = spawn(process.execPath, args, { cwd: root, stdio });
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => jest.kill(signal));
jest.once('close', (code, signal) => process.exit(code ?? (signal === null ? 1 : 130)));
