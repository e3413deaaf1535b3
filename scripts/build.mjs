import { build } from './setUp.mjs';

await build().catch((error) => {
  console.error(error.message);
  process.exit(1);
});
