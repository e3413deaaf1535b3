/** What a generator sends, again and again. */
export interface RequestPlan {
  method: 'GET' | 'POST';
  path: string;
  /** The bearer keys, in turn by caller: as many tenants or channels as there are keys. */
  keys: string[];
  /** Bodies in turn; each `{number}` becomes the request's own number, nine digits wide. None for GET. */
  bodies: string[];
}

export const numberMark = '{number}';
const digits = 9;

/** How a request's number is written into its body. */
export function writeNumber(number: number): string {
  return String(number).padStart(digits, '0');
}

/** Whole requests as text, their constant parts made once: only the number is filled in for each. */
export function writeRequests(plan: RequestPlan, host: string): (number: number, caller: number) => string {
  const ready = plan.keys.map((key) =>
    (plan.bodies.length === 0 ? [''] : plan.bodies).map((body) => splitRequest(plan, { host, key, body })),
  );
  return (number, caller) => {
    const bodies = ready[caller % ready.length] as string[][];
    const parts = bodies[number % bodies.length] as string[];
    return parts.length === 1 ? (parts[0] as string) : parts.join(writeNumber(number));
  };
}

function splitRequest(
  { method, path }: RequestPlan,
  { host, key, body }: { host: string; key: string; body: string },
): string[] {
  const parts = body.split(numberMark);
  const length = Buffer.byteLength(parts.join('0'.repeat(digits)));
  const head = [
    `${method} ${path} HTTP/1.1`,
    `Host: ${host}`,
    `Authorization: Bearer ${key}`,
    ...(body === '' ? [] : ['Content-Type: application/json', `Content-Length: ${length}`]),
  ];
  return [`${head.join('\r\n')}\r\n\r\n${parts[0]}`, ...parts.slice(1)];
}

/** An answer in a word: its status, and for a problem its slug: `201`, `409 sold-out`. */
export function outcomeOf({ status, text }: { status: number; text: string }): string {
  if (status < 400) return String(status);
  const slug = /"type":"[^"]*:([\w-]+)"/.exec(text)?.[1];
  return slug === undefined ? String(status) : `${status} ${slug}`;
}
