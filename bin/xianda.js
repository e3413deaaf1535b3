#!/usr/bin/env node
'use strict';
// The command line. It sets up what is missing (dependencies, build) and then is the program itself; of its own
// it prints on stderr only, since `doctor --json` is parsed.
const { join } = require('node:path');
const { pathToFileURL } = require('node:url');

const root = join(__dirname, '..');
import(pathToFileURL(join(root, 'scripts', 'setUp.mjs')).href)
  .then(async ({ setUp }) => {
    await setUp({ say: (line) => process.stderr.write(`${line}\n`) });
    require(join(root, 'dist', 'main.js'));
  })
  .catch((error) => {
    process.stderr.write(`\n${error.message}\n`);
    process.exit(process.argv[2] === 'doctor' ? 2 : 1);
  });
