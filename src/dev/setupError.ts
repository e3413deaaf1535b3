/** Something the person at the terminal can mend: what is wrong and what to do, shown without a stack. */
export class SetupError extends Error {
  override name = 'SetupError';

  constructor(
    what: string,
    readonly advice: string,
    options?: ErrorOptions,
  ) {
    super(what, options);
  }
}

/** The words for the terminal. Errors of the operating system that people can mend are told in their terms. */
export function explain(error: unknown): string {
  if (error instanceof SetupError) return `${error.message}\n→ ${error.advice}`;
  if (!(error instanceof Error)) return String(error);
  const { code, path } = error as NodeJS.ErrnoException;
  switch (code) {
    case 'ENOSPC':
      return 'The disk is full.\n→ Free at least 1 GiB, or point XIANDA_HOME at another disk, and start again.';
    case 'EACCES':
    case 'EPERM':
      return `No right to use ${path ?? 'a file'}.\n→ Point XIANDA_HOME at a folder that you may write to.`;
    case 'EROFS':
      return `${path ?? 'The folder'} is read-only.\n→ Point XIANDA_HOME at a folder that you may write to.`;
    default:
      return error.message;
  }
}
