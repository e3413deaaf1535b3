import type { Stack } from './stack';

/** What stands on the terminal once everything answers: where to look, and keys to try it with. */
export function welcome(stack: Stack): string {
  const { apiUrl, temporalUiUrl, temporalAddress, sandbox, tenants, platformKey } = stack.describe();
  const rows: [string, string][] = [
    ['API', apiUrl],
    ['API docs', `${apiUrl}/docs`],
    ['Temporal Web UI', temporalUiUrl ?? `(the server at ${temporalAddress} is not ours)`],
    ['Sandbox payment provider', sandbox.paymentUrl],
    ['Sandbox carrier', sandbox.carrierUrl],
    ...(sandbox.supplierUrl === null ? [] : [supplierRow(sandbox.supplierUrl)]),
  ];
  const keys = tenants.flatMap(({ tenant, keys: byRole }) =>
    Object.entries(byRole).map(([role, key]): [string, string] => [`${tenant} · ${role}`, key]),
  );
  return [
    '',
    'Xianda 鲜达 is serving.',
    ...table(rows),
    '',
    'Demo keys (Authorization: Bearer …)',
    ...table([...keys, ['platform', platformKey]]),
    '',
    `Logs: ${stack.home}/logs · addresses and keys: ${stack.home}/dev.json · stop: Ctrl-C · erase: npm run reset`,
    '',
  ].join('\n');
}

function supplierRow(url: string): [string, string] {
  return ['Sandbox supplier', `${url}/v1/received (the forecasts it was sent, and its answers)`];
}

function table(rows: [string, string][]): string[] {
  const width = Math.max(...rows.map(([label]) => label.length));
  return rows.map(([label, value]) => `  ${label.padEnd(width)}  ${value}`);
}
