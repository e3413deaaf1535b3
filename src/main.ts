import { join } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { type Config, type ReadConfigOptions, ConfigError, readConfig } from './config';
import { reportReady } from './dev/readiness';
import { explain } from './dev/setupError';
import { createLogger } from './log';

/** A role that serves until it is told to stop. */
interface Running {
  close(): Promise<void>;
}

const closeWithinMs = 9_000;

/** Runs a serving role: says when it is ready, ends in good order on SIGTERM or SIGINT. */
async function serve(role: string, start: (config: Config) => Promise<Running>): Promise<void> {
  const config = readConfig();
  const running = await start(config);
  const log = createLogger({ role, level: config.logLevel });
  let stopping = false;
  const stop = (signal: NodeJS.Signals) => {
    if (stopping) return;
    stopping = true;
    log.info({ signal }, 'stopping');
    // whoever hangs is ended before the supervisor loses patience
    setTimeout(() => process.exit(1), closeWithinMs).unref();
    running.close().then(
      () => process.exit(0),
      (err: unknown) => {
        log.error({ err }, 'did not stop in good order');
        process.exit(1);
      },
    );
  };
  process.on('SIGTERM', stop).on('SIGINT', stop);
  log.info({ mode: config.mode }, 'ready');
  reportReady();
}

/** Runs a command that comes to an end. */
async function runOnce(
  work: (config: Config) => Promise<unknown>,
  options?: ReadConfigOptions,
): Promise<void> {
  await work(readConfig(process.env, options));
  process.exit(process.exitCode ?? 0);
}

function requireDatabase(config: Config): string {
  if (config.databaseUrl !== undefined) return config.databaseUrl;
  throw new ConfigError(
    'There is no database: set DATABASE_URL, or start the development stack with `npm start`.',
  );
}

function parsePort(text: string): number {
  const port = Number(text);
  if (Number.isInteger(port) && port >= 0 && port <= 65_535) return port;
  throw new InvalidArgumentError('a port is a number from 1 to 65535 (0 takes any free one).');
}

function addServices(program: Command): void {
  program
    .command('api')
    .description('serve the HTTP API')
    .option('--port <port>', 'listen here instead of on PORT', parsePort)
    .action(({ port }: { port?: number }) =>
      serve('api', async (config) => (await import('./api/server.js')).runApi(config, { port })),
    );
  program
    .command('worker')
    .description('run workflows and activities')
    .action(() => serve('worker', async (config) => (await import('./worker/run.js')).runWorker(config)));
  program
    .command('dispatch')
    .description('run the loops: outbox to workflows, hold sweeper, sealer, reconciler')
    .action(() =>
      serve('dispatch', async (config) => (await import('./dispatch/run.js')).runDispatch(config)),
    );
}

function addSandboxes(program: Command): void {
  const sandbox = program.command('sandbox').description('run a partner that development and tests talk to');
  sandbox
    .command('payment')
    .description('a payment provider')
    .option('--port <port>', 'listen here', parsePort, 0)
    .action(({ port }: { port: number }) =>
      serve('sandbox-payment', async ({ home, sandboxPaymentSecret, logLevel }) => {
        const { runPaymentSandbox } = await import('./sandbox/payment/server.js');
        const logger = createLogger({ role: 'sandbox-payment', level: logLevel });
        const dataFile = join(home, 'sandbox', 'payment.jsonl');
        return runPaymentSandbox({ port, secret: sandboxPaymentSecret, dataFile, logger });
      }),
    );
  sandbox
    .command('carrier')
    .description('a carrier')
    .option('--port <port>', 'listen here', parsePort, 0)
    .action(({ port }: { port: number }) =>
      serve('sandbox-carrier', async ({ home, sandboxCarrierSecret, sandboxCarrierAuto, logLevel }) => {
        const { runCarrierSandbox } = await import('./sandbox/carrier/server.js');
        const logger = createLogger({ role: 'sandbox-carrier', level: logLevel });
        const dataFile = join(home, 'sandbox', 'carrier.jsonl');
        const auto = sandboxCarrierAuto === 'on';
        return runCarrierSandbox({ port, secret: sandboxCarrierSecret, dataFile, auto, logger });
      }),
    );
}

function addTasks(program: Command): void {
  program
    .command('migrate')
    .description('bring the database to the newest schema, and the Temporal namespace to what workflows need')
    .action(() =>
      runOnce(async (config) => {
        const { migrate } = await import('./db/migrate.js');
        const names = await migrate(requireDatabase(config));
        console.log(names.length === 0 ? 'The schema is the newest.' : `Applied ${names.join(', ')}.`);
        if (config.temporalAddress === undefined) return;
        const { settleNamespace } = await import('./dev/temporal/namespace.js');
        await settleNamespace(config.temporalAddress, config.temporalNamespace);
        console.log(`The namespace ${config.temporalNamespace} is ready.`);
      }),
    );
  program
    .command('seed')
    .description('put the demo brand into the running stack')
    .action(() => runOnce(async (config) => (await import('./dev/seed/runSeed.js')).runSeed(config)));
  program
    .command('demo')
    .description('run the demo broadcast against the running stack')
    .action(() =>
      runOnce(async (config) => {
        process.exitCode = await (await import('./dev/demo/runDemo.js')).runDemo(config);
      }),
    );
  program
    .command('doctor')
    .description('check every invariant in both stores: exit 0 coherent, 1 findings, 2 could not look')
    .option('--json', 'print the findings as JSON')
    .action(({ json = false }: { json?: boolean }) =>
      runOnce(async (config) => {
        process.exitCode = await (await import('./doctor/runDoctor.js')).runDoctor(config, { json });
      }),
    );
}

function addStack(program: Command): void {
  program
    .command('dev')
    .description('start the whole development stack and the demo broadcast (DEMO=off leaves it out)')
    .action(async () => {
      const { runDev } = await import('./dev/run.js');
      process.exit(await runDev(readConfig(process.env, { joinRunning: false })));
    });
  program
    .command('reset')
    .description("erase the development stack's data in XIANDA_HOME")
    .action(async () => {
      const { resetHome } = await import('./dev/reset.js');
      await runOnce((config) => resetHome(config), { joinRunning: false });
    });
}

async function main(argv: string[]): Promise<void> {
  const program = new Command('xianda')
    .description('Fulfilment for food sold in private-domain livestreams.')
    .showHelpAfterError();
  addStack(program);
  addServices(program);
  addTasks(program);
  addSandboxes(program);
  await program.parseAsync(argv);
}

main(process.argv).catch((error: unknown) => {
  console.error(`\n${explain(error)}`);
  if (process.env.LOG_LEVEL === 'debug') console.error(error);
  // 2 is the doctor's word for "could not look"; every other command has failed with 1
  process.exit(process.argv[2] === 'doctor' ? 2 : 1);
});
