/** How one process of the stack is started, asked and ended. */
export interface ProcessSpec {
  /** Names the pid file and the log. */
  name: string;
  command: string;
  args: readonly string[];
  env?: NodeJS.ProcessEnv;
  uid?: number;
  gid?: number;
  /** Above 0 it gives way to the others when the processor is full (POSIX nice). */
  niceness?: number;
  /** What asks it to end in good order. */
  stopSignal: NodeJS.Signals;
  /** How long it may take to end before it is killed; 10 s unless told otherwise. */
  graceMs?: number;
  /** Ours say that they serve by IPC; others are asked until they answer. */
  isReady: 'reports' | (() => Promise<boolean>);
}
