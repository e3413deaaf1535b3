/** What a running step may say about itself. */
export type Note = (text: string) => void;

export interface Step {
  title: string;
  run?: (note: Note) => Promise<void>;
  /** Run at the same time. */
  together?: Step[];
}

const noteEveryMs = 15_000;

/**
 * Runs steps in order and shows them: a live list at a terminal, plain lines elsewhere. The first failure ends it
 * and is thrown; the caller tells it.
 */
export async function runSteps(steps: Step[]): Promise<void> {
  const { Listr } = await import('listr2');
  // a terminal too narrow (or one that does not know its width) makes a live list unreadable
  const live = process.stdout.isTTY === true && process.stdout.columns >= 40 && process.env.CI === undefined;
  let failed = false;
  // what fails while everything is being stopped for another failure is only noise
  const firstFailureOnly = (error: unknown) => {
    if (failed) return new Promise<void>(() => undefined);
    failed = true;
    throw error;
  };
  const build = (list: Step[], concurrent: boolean): InstanceType<typeof Listr> =>
    new Listr(
      list.map(({ title, run, together }) => ({
        title,
        task: (_context, task) => {
          if (together !== undefined) return build(together, true);
          const startedAt = Date.now();
          const note = live
            ? (text: string) => (task.output = text)
            : sparingly((text) => (task.output = text));
          return run?.(note).then(() => {
            task.title = `${title} (${((Date.now() - startedAt) / 1000).toFixed(1)} s)`;
          }, firstFailureOnly);
        },
      })),
      {
        concurrent,
        exitOnError: true,
        // signals are the supervisor's business
        registerSignalListeners: false,
        renderer: live ? 'default' : 'simple',
        rendererOptions: { collapseSubtasks: false, showErrorMessage: false, collapseErrors: false },
      },
    );
  await build(steps, false).run();
}

/** Into a file or a CI log goes the first note and then one every fifteen seconds. */
function sparingly(note: Note): Note {
  let lastAt = 0;
  return (text) => {
    if (Date.now() - lastAt < noteEveryMs) return;
    lastAt = Date.now();
    note(text);
  };
}
