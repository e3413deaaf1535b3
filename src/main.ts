import { createProgram } from './cli';
import { explain } from './dev/setupError';

createProgram()
  .parseAsync(process.argv)
  .catch((error: unknown) => {
    console.error(`\n${explain(error)}`);
    if (process.env.LOG_LEVEL === 'debug') console.error(error);
    // 2 is the doctor's word for "could not look"; every other command has failed with 1
    process.exit(process.argv[2] === 'doctor' ? 2 : 1);
  });
