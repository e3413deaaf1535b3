// Lets a plain `node` process load TypeScript as it stands: the benches, and what tests kill as a process of its own.
const { transformFileSync } = require('@swc/core');

require.extensions['.ts'] = (module, filename) => {
  const { code } = transformFileSync(filename, {
    // import() stays what it is: some packages are ES modules only
    module: { type: 'commonjs', ignoreDynamic: true },
    jsc: { parser: { syntax: 'typescript' }, target: 'es2023' },
    sourceMaps: 'inline',
    swcrc: false,
  });
  module._compile(code, filename);
};
process.setSourceMapsEnabled(true);
