import { z } from 'zod';

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
export type Path = (string | number)[];

interface Schema {
  $ref?: string;
  $defs?: Record<string, Schema>;
  const?: unknown;
  type?: string | string[];
  properties?: Record<string, Schema>;
  required?: string[];
  items?: Schema;
  additionalProperties?: boolean | Schema;
  anyOf?: Schema[];
  enum?: unknown[];
  pattern?: string;
  format?: string;
  minLength?: number;
  maxLength?: number;
  minimum?: number;
  maximum?: number;
  minItems?: number;
  maxItems?: number;
}

export interface WrongBody {
  /** `lines.0.quantity is -1` */
  name: string;
  /** The path that the answer must name. */
  path: string;
  text: string;
}

/** Text that JSON.stringify would not write: put in by marker. */
const marker = (raw: string) => `@raw(${raw})`;
const absent = Symbol('absent');

/** Every field of a body wrong in turn, in every way that its schema rules out. `tolerant`: unknown fields pass. */
export function wrongBodies(zodSchema: z.ZodType, valid: Json, { tolerant = false } = {}): WrongBody[] {
  const schema = z.toJSONSchema(zodSchema, { io: 'input', unrepresentable: 'any' }) as Schema;
  const wrong: WrongBody[] = [];
  const add = (path: Path, what: string, value: Json | typeof absent, at: Path = path) => {
    wrong.push({
      name: `${path.join('.') || 'the body'} ${what}`,
      path: at.join('.'),
      text: textOf(replaced(valid, path, value)),
    });
  };
  visit(schema, valid, []);
  return wrong;

  function visit(part: Schema, value: Json | undefined, path: Path): void {
    const here = part.$ref === undefined ? part : definitionOf(part.$ref);
    if (value === undefined)
      throw new Error(`the valid body lacks ${path.join('.')}: give every field there is`);
    if (here.anyOf) return add(path, 'is null', null);
    switch (here.type) {
      case 'object':
        return visitObject(here, value as Record<string, Json>, path);
      case 'array':
        return visitArray(here, value as Json[], path);
      case 'string':
        return visitText(here, path);
      case 'integer':
        return visitInteger(here, path);
      case 'number':
        for (const [what, other] of [
          ['is text', '1'],
          ['is null', null],
          ['is 1e400', marker('1e400')],
          ['is true', true],
        ] as const)
          add(path, what, other);
        if (here.maximum !== undefined) add(path, 'is too large', here.maximum + 1);
        if (here.minimum !== undefined) add(path, 'is too small', here.minimum - 1);
        return;
      case 'boolean':
        for (const other of ['true', 1, null]) add(path, `is ${JSON.stringify(other)}`, other);
        return;
      default:
        throw new Error(`no wrong values are known for ${path.join('.')}: ${JSON.stringify(here)}`);
    }
  }

  /** A schema with a name stands apart from where it is used. */
  function definitionOf(ref: string): Schema {
    const found = schema.$defs?.[ref.split('/').at(-1) ?? ''];
    if (!found) throw new Error(`nothing stands at ${ref}`);
    return found;
  }

  function visitObject(here: Schema, value: Record<string, Json>, path: Path): void {
    for (const other of ['text', 1, null, true, []]) add(path, `is ${JSON.stringify(other)}`, other);
    if (!tolerant) {
      add([...path, 'unknownField'], 'is no field', 1);
      add([...path, '__proto__'], 'is no field', { admin: true });
    }
    add([...path, 'with\0nul'], 'has NUL in its name', 1, [...path, 'with\\0nul']);
    for (const [key, part] of Object.entries(here.properties ?? {})) {
      if (here.required?.includes(key)) add([...path, key], 'is missing', absent);
      visit(part, value[key], [...path, key]);
    }
  }

  function visitArray(here: Schema, value: Json[], path: Path): void {
    for (const other of ['text', {}, null, 1]) add(path, `is ${JSON.stringify(other)}`, other);
    if ((here.minItems ?? 0) > 0) add(path, 'is empty', []);
    const first = value[0];
    if (first === undefined) throw new Error(`the valid body needs an item in ${path.join('.')}`);
    if (here.maxItems === undefined) throw new Error(`${path.join('.')} has no largest length`);
    add(
      path,
      'is too long',
      Array.from({ length: here.maxItems + 1 }, () => (typeof first === 'object' ? 1 : first)),
    );
    visit(here.items ?? {}, first, [...path, 0]);
  }

  function visitText(here: Schema, path: Path): void {
    for (const other of [1, true, null, {}, ['text']]) add(path, `is ${JSON.stringify(other)}`, other);
    const shaped = here.pattern ?? here.format ?? here.enum ?? here.const;
    if (shaped || (here.minLength ?? 0) > 0) add(path, 'is empty', '');
    if (shaped) add(path, 'has another form', '鲜 $');
    if (!shaped && here.maxLength === undefined) throw new Error(`${path.join('.')} has no largest length`);
    add(path, 'is too long', 'a'.repeat((here.maxLength ?? 5000) + 1));
    add(path, 'has a NUL', 'a\0b');
    add(path, 'has a lone surrogate', 'a\ud800b');
  }

  function visitInteger(here: Schema, path: Path): void {
    for (const other of ['1', null, true, [], 1.5]) add(path, `is ${JSON.stringify(other)}`, other);
    for (const raw of ['9007199254740992', '1e400', '-0', '-9007199254740993'])
      add(path, `is ${raw}`, marker(raw));
    if ((here.minimum ?? 0) >= 0) add(path, 'is -1', -1);
    if ((here.minimum ?? 0) >= 1) add(path, 'is 0', 0);
  }
}

function replaced(value: Json, path: Path, part: Json | typeof absent): Json | typeof absent {
  const [key, ...rest] = path;
  if (key === undefined) return part;
  const copy = (Array.isArray(value) ? [...value] : { ...(value as object) }) as Record<string, Json>;
  const next = replaced(copy[key] ?? null, rest, part);
  if (next === absent) delete copy[key];
  // defined, so that `__proto__` becomes a field of its own
  else
    Object.defineProperty(copy, key, { value: next, enumerable: true, configurable: true, writable: true });
  return copy;
}

function textOf(value: Json | typeof absent): string {
  return JSON.stringify(value === absent ? undefined : value).replaceAll(/"@raw\(([^)]*)\)"/g, '$1');
}
