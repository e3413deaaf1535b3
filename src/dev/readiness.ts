/** What a role tells the supervisor that started it; started by hand, a role has nobody to tell. */
const readyReport = { kind: 'xianda.ready' } as const;

/** Says over IPC that this process now serves. */
export function reportReady(): void {
  if (process.send === undefined) return;
  // an idle channel must not keep the process alive, nor may a dead supervisor bring it down
  process.send(readyReport, () => undefined);
  process.channel?.unref();
}

export function isReadyReport(message: unknown): boolean {
  return (
    typeof message === 'object' && message !== null && 'kind' in message && message.kind === readyReport.kind
  );
}
