import { join } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { type Config, type ReadConfigOptions, ConfigError, readConfig } from './config';
import { reportReady } from './dev/readiness';
import { createLogger } from './log';

/** A role that serves until it is told to stop. */
interface Running {
  close(): Promise<void>;
}

/**
 * Runs a serving role: says when it is ready, ends in good order on SIGTERM or SIGINT. Listens for those before it
 * starts: the first process of a container would not even hear them otherwise, while it waits for its servers.
 */
async function serve(role: string, start: (config: Config) => Promise<Running>): Promise<void> {
  const config = readConfig();
  const log = createLogger({ role, level: config.logLevel });
  const started: { running?: Running } = {};
  let stopping = false;
  const stop = (signal: NodeJS.Signals) => {
    if (stopping) return;
    stopping = true;
    log.info({ signal }, 'stopping');
    // whoever hangs is ended before the supervisor loses patience
    setTimeout(() => process.exit(1), config.stopGraceSeconds * 1000).unref();
    (started.running?.close() ?? Promise.resolve()).then(
      () => process.exit(0),
      (err: unknown) => {
        log.error({ err }, 'did not stop in good order');
        process.exit(1);
      },
    );
  };
  process.on('SIGTERM', stop).on('SIGINT', stop);
  started.running = await start(config);
  if (stopping) return;
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

function parseSeconds(text: string): number {
  const seconds = Number(text);
  if (Number.isInteger(seconds) && seconds >= 1) return seconds;
  throw new InvalidArgumentError('seconds are a whole number from 1.');
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
  addSupplierSandbox(sandbox);
}

function addSupplierSandbox(sandbox: Command): void {
  sandbox
    .command('supplier')
    .description('a supplier that is sent forecasts and answers them')
    .option('--port <port>', 'listen here', parsePort, 0)
    .action(({ port }: { port: number }) =>
      serve('sandbox-supplier', async ({ home, logLevel }) => {
        const { runSupplierSandbox } = await import('./sandbox/supplier/server.js');
        const logger = createLogger({ role: 'sandbox-supplier', level: logLevel });
        return runSupplierSandbox({ port, dataFile: join(home, 'sandbox', 'supplier.jsonl'), logger });
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
    .command('realign')
    .description('after a restore: end all running workflows and have them started anew from the database')
    .action(() =>
      runOnce(async (config) => {
        const { ended, told } = await (await import('./dispatch/runRealign.js')).runRealign(config);
        console.log(`Ended ${ended} workflows; ${told} are asked for anew, which dispatch starts.`);
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
    .option('--every <seconds>', 'go on looking, log what is found and show it as metrics', parseSeconds)
    .action(({ json = false, every }: { json?: boolean; every?: number }) =>
      every === undefined
        ? runOnce(async (config) => {
            process.exitCode = await (await import('./doctor/runDoctor.js')).runDoctor(config, { json });
          })
        : serve('doctor', async (config) =>
            (await import('./doctor/keepWatch.js')).keepWatch(config, { everySeconds: every }),
          ),
    );
  program
    .command('health')
    .description('ask the role that runs here, on METRICS_PORT, whether it is ready: exit 0 if so, else 1')
    .action(() =>
      runOnce(async ({ metricsPort }) => {
        if (metricsPort === undefined) throw new ConfigError('METRICS_PORT is not set: nobody can be asked.');
        const { ok, reason } = await (await import('./metrics.js')).askReadiness(metricsPort);
        console.log(reason);
        process.exitCode = ok ? 0 : 1;
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

/** Every command there is; deployments are held against it. */
export function createProgram(): Command {
  const program = new Command('xianda')
    .description('Fulfilment for food sold in private-domain livestreams.')
    .showHelpAfterError();
  addStack(program);
  addServices(program);
  addTasks(program);
  addSandboxes(program);
  return program;
}
