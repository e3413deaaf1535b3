import type { z } from 'zod';
import type { FieldError } from './problem';

type Issue = z.core.$ZodIssue;

/** A schema's complaints in the contract's words. Text is described, never repeated: it may be a name or a phone. */
export function describeIssues(issues: Issue[], prefix: PropertyKey[] = []): FieldError[] {
  return issues.flatMap((issue) => {
    const path = [...prefix, ...issue.path];
    if (issue.code === 'unrecognized_keys') {
      return issue.keys.map((key) => ({
        path: join([...path, key]),
        expected: 'no such field',
        received: 'a field',
      }));
    }
    if (issue.code === 'invalid_key' || issue.code === 'invalid_element')
      return describeIssues(issue.issues, path);
    return [{ path: join(path), expected: expectedBy(issue), received: describeValue(issue.input) }];
  });
}

/** Paths are for reading: a field's name is cut so that a poisonous key cannot fill the answer. */
function join(path: PropertyKey[]): string {
  return path
    .map((part) =>
      String(part)
        .slice(0, 100)
        .replace(/\p{Surrogate}/gu, '\uFFFD')
        .replaceAll('\0', '\\0'),
    )
    .join('.');
}

function expectedBy(issue: Exclude<Issue, { code: 'unrecognized_keys' }>): string {
  switch (issue.code) {
    case 'invalid_type':
      return issue.expected === 'int' ? 'integer' : issue.expected;
    case 'too_big':
      return `at most ${issue.maximum}${unitOf(issue.origin)}`;
    case 'too_small':
      return `at least ${issue.minimum}${unitOf(issue.origin)}`;
    case 'invalid_value':
      return `one of ${issue.values.map((value) => String(value)).join(', ')}`;
    case 'invalid_format':
      return issue.message.startsWith('Invalid') ? `text of the form ${issue.format}` : issue.message;
    default:
      return issue.message;
  }
}

function unitOf(origin: string): string {
  if (origin === 'string') return ' characters';
  return origin === 'array' || origin === 'set' ? ' items' : '';
}

export function describeValue(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (value === null) return 'null';
  if (Object.is(value, -0)) return '-0';
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  if (typeof value === 'string') return `text of ${value.length} characters`;
  if (Array.isArray(value)) return `an array of ${value.length}`;
  return value instanceof Date ? value.toISOString() : `an ${typeof value}`;
}

const deepest = 32;

/**
 * What no schema need repeat: NUL and lone surrogates, which PostgreSQL cannot store, are refused in every text and
 * field name, and so is nesting that no body of ours has.
 */
export function findPoison(value: unknown, path: PropertyKey[] = []): FieldError | null {
  if (typeof value === 'string') return poisonOfText(value, path);
  if (typeof value !== 'object' || value === null) return null;
  if (path.length > deepest)
    return { path: join(path), expected: `at most ${deepest} levels`, received: 'more' };
  for (const [key, item] of Object.entries(value)) {
    const step = [...path, key];
    const poison = poisonOfText(key, step) ?? findPoison(item, step);
    if (poison) return poison;
  }
  return null;
}

function poisonOfText(text: string, path: PropertyKey[]): FieldError | null {
  const received = text.includes('\0')
    ? 'a NUL character'
    : /\p{Surrogate}/u.test(text)
      ? 'a lone surrogate'
      : null;
  return received === null ? null : { path: join(path), expected: 'well-formed text without NUL', received };
}
