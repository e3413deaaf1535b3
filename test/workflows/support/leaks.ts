import type { Client } from '@temporalio/client';
import { historyToJSON } from '@temporalio/common/lib/proto-utils';
import { temporal } from '@temporalio/proto';

/** Ways in which a text may stand in a payload, a failure or a path, by name. */
export function formsOf(marker: string): [string, string[]][] {
  const bytes = Buffer.from(marker, 'utf8');
  const escaped = Array.from({ length: marker.length }, (_, at) => escapeUnit(marker.charCodeAt(at))).join(
    '',
  );
  return [
    ['plain', [marker]],
    ['base64', shifted(bytes, 'base64')],
    ['base64url', shifted(bytes, 'base64url')],
    ['URL-encoded', [encodeURIComponent(marker), encodeURIComponent(marker).replaceAll('%20', '+')]],
    ['JSON-escaped', [escaped, JSON.stringify(marker).slice(1, -1)]],
    ['hex', [bytes.toString('hex'), bytes.toString('hex').toUpperCase()]],
  ];
}

function escapeUnit(unit: number): string {
  return unit < 128 ? String.fromCharCode(unit) : `\\u${unit.toString(16).padStart(4, '0')}`;
}

/** Base64 of a longer text depends on where the marker begins in it: all three cases, cut to what is the marker's alone. */
function shifted(bytes: Buffer, encoding: 'base64' | 'base64url'): string[] {
  return [0, 1, 2].map((shift) => {
    const text = Buffer.concat([Buffer.alloc(shift), bytes])
      .toString(encoding)
      .replace(/=+$/, '');
    const from = Math.ceil((shift * 8) / 6);
    return text.slice(from, Math.floor(((shift + bytes.length) * 8) / 6));
  });
}

/** Everything that Temporal keeps or answers of a workflow, by where it stands. */
export async function readEverything(client: Client, workflowId: string): Promise<[string, Buffer][]> {
  const handle = client.workflow.getHandle(workflowId);
  const history = await handle.fetchHistory();
  const { raw } = await handle.describe();
  const ask = (name: string) =>
    handle.query(name).then(
      (answer) => JSON.stringify(answer),
      (error: Error) => `${error.message} ${error.stack}`,
    );
  const { DescribeWorkflowExecutionResponse } = temporal.api.workflowservice.v1;
  return [
    ['history', Buffer.from(temporal.api.history.v1.History.encode(history).finish())],
    ['history as JSON', Buffer.from(historyToJSON(history))],
    ['description', Buffer.from(DescribeWorkflowExecutionResponse.encode(raw as never).finish())],
    ['current details', Buffer.from(await ask('__temporal_workflow_metadata'))],
    ['stack', Buffer.from(await ask('__stack_trace'))],
    ['stack with sources', Buffer.from(await ask('__enhanced_stack_trace'))],
  ];
}

/** Where which marker was found, and in which form. */
export function findLeaks(places: [string, Buffer][], markers: Record<string, string>): string[] {
  return places.flatMap(([place, bytes]) =>
    Object.entries(markers).flatMap(([what, marker]) =>
      formsOf(marker)
        .filter(([, texts]) => texts.some((text) => bytes.includes(text)))
        .map(([form]) => `${what}, ${form}, in ${place}`),
    ),
  );
}
