/** What we use of the compose specification; the file is parsed by whoever has read it. */
export interface ComposeFile {
  services: Record<string, ComposeService>;
  volumes?: Record<string, unknown>;
}

export interface ComposeService {
  image?: string;
  build?: string;
  entrypoint?: string[];
  command?: string[];
  environment?: Record<string, string | number>;
  depends_on?: Record<string, { condition: DependencyCondition }>;
  healthcheck?: HealthCheck;
  ports?: string[];
  volumes?: string[];
  restart?: string;
  stop_grace_period?: string;
  logging?: object;
  deploy?: { resources?: { limits?: { cpus?: string; memory?: string } } };
}

export type DependencyCondition = 'service_started' | 'service_healthy' | 'service_completed_successfully';

export interface HealthCheck {
  disable?: boolean;
  test?: string[];
  interval?: string;
  timeout?: string;
  retries?: number;
  start_period?: string;
}

export type Variables = Readonly<Record<string, string | undefined>>;

/** `$$`, `${NAME}`, `${NAME:-default}` or `${NAME:?complaint}`; a bare `$NAME` is refused, since it hides in scripts. */
const variable = /\$(?:(\$)|\{([A-Z_][A-Z0-9_]*)(?::([-?])([^}]*))?\}|(.?))/g;

/** Fills a text in as compose does, an empty variable counting as unset; throws where `:?` complains. */
export function interpolate(text: string, variables: Variables): string {
  return text.replace(variable, (whole, dollar, name: string | undefined, mark, rest: string | undefined) => {
    if (dollar !== undefined) return '$';
    if (name === undefined)
      throw new Error(`${whole} in ${JSON.stringify(text)} is no variable that we write`);
    const value = variables[name];
    if (value !== undefined && value !== '') return value;
    if (mark === '?') throw new Error(`${name} is not set: ${rest}`);
    return mark === '-' ? (rest ?? '') : '';
  });
}

/** Names of the variables that a text takes from outside. */
export function namesIn(text: string): string[] {
  return [...text.matchAll(variable)].flatMap(([, , name]) => (name === undefined ? [] : [name]));
}

/** Fills in every text within a value. */
export function interpolateAll<Value>(value: Value, variables: Variables): Value {
  if (typeof value === 'string') return interpolate(value, variables) as Value;
  if (Array.isArray(value)) return value.map((part: unknown) => interpolateAll(part, variables)) as Value;
  if (typeof value !== 'object' || value === null) return value;
  const parts = Object.entries(value).map(([key, part]) => [key, interpolateAll<unknown>(part, variables)]);
  return Object.fromEntries(parts) as Value;
}

/** Every service after those it depends on; throws on a circle and on a name that is no service. */
export function startOrder(services: ComposeFile['services']): string[] {
  const order: string[] = [];
  const visit = (name: string, path: string[]) => {
    if (order.includes(name)) return;
    if (path.includes(name)) throw new Error(`${[...path, name].join(' → ')} is a circle`);
    const service = services[name];
    if (service === undefined) throw new Error(`${path.at(-1)} depends on ${name}, which is no service`);
    for (const needed of Object.keys(service.depends_on ?? {})) visit(needed, [...path, name]);
    order.push(name);
  };
  for (const name of Object.keys(services)) visit(name, []);
  return order;
}

/** `90s`, `1m30s`, `500ms` as seconds. */
export function parseDuration(text: string): number {
  const unitSeconds: Record<string, number> = { ms: 0.001, s: 1, m: 60, h: 3600 };
  if (!/^(\d+(ms|s|m|h))+$/.test(text)) throw new Error(`${text} is no duration`);
  let seconds = 0;
  for (const [, count, unit] of text.matchAll(/(\d+)(ms|s|m|h)/g)) {
    seconds += Number(count) * (unitSeconds[unit as string] as number);
  }
  return seconds;
}
