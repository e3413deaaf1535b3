import { buildOpenApi } from '../../src/api/openapi';
import { rawRoutes, routes } from '../../src/api/routes';
import { type ApiUnderTest, startApi } from './support/apiUnderTest';

let api: ApiUnderTest;
beforeAll(async () => {
  api = await startApi();
});
afterAll(() => api.close());

const methods = ['get', 'put', 'post', 'delete'] as const;

test('every served route is described, and nothing else', () => {
  const { paths = {} } = buildOpenApi();
  const described = Object.entries(paths).flatMap(([path, item]) =>
    methods.filter((method) => item[method] !== undefined).map((method) => `${method} ${path}`),
  );
  expect(described.sort()).toEqual(
    [...routes, ...rawRoutes].map(({ method, path }) => `${method} ${path}`).sort(),
  );
});

test('every described route is served', async () => {
  for (const { method, path } of [...routes, ...rawRoutes]) {
    const asset = path.replace('{asset}', 'swagger-ui.css').replace('{provider}', 'sandbox');
    const answer = await api.send(method.toUpperCase(), asset.replaceAll(/\{\w+\}/g, 'x'));
    // without key or signature a route answers 401; one that does not exist answers 404 or 405
    expect([200, 401]).toContain(answer.status);
  }
});

/** Follows every $ref, and meets every schema of the document. */
function schemasOf(value: unknown, root: object, seen: unknown[] = []): unknown[] {
  if (typeof value !== 'object' || value === null) return seen;
  if ('$ref' in value && typeof value.$ref === 'string') {
    const parts = value.$ref.split('/').slice(1);
    const target = parts.reduce<unknown>((at, part) => (at as Record<string, unknown>)?.[part], root);
    if (target === undefined) throw new Error(`nothing stands at ${value.$ref}`);
  }
  seen.push(value);
  for (const item of Object.values(value)) schemasOf(item, root, seen);
  return seen;
}

test('the document is OpenAPI 3.1 that hangs together', () => {
  const document = JSON.parse(JSON.stringify(buildOpenApi()));
  expect(document.openapi).toBe('3.1.0');
  const seen = schemasOf(document, document);
  expect(seen.length).toBeGreaterThan(500);
  // 3.0 words that 3.1 does not know
  expect(seen.filter((part) => Object.hasOwn(part as object, 'nullable'))).toEqual([]);
  expect(
    seen.filter((part) => typeof (part as { exclusiveMinimum?: unknown }).exclusiveMinimum === 'boolean'),
  ).toEqual([]);
  const ids = Object.values(document.paths).flatMap((item) =>
    methods.flatMap((method) => (item as Record<string, { operationId: string }>)[method]?.operationId ?? []),
  );
  expect(new Set(ids).size).toBe(ids.length);
});

test('parameters in a path are described as such', () => {
  const { paths = {} } = buildOpenApi();
  for (const [path, item] of Object.entries(paths)) {
    const names = [...path.matchAll(/\{(\w+)\}/g)].map((match) => match[1]);
    for (const method of methods) {
      const parameters = (item[method]?.parameters ?? []) as {
        in: string;
        name: string;
        required?: boolean;
      }[];
      if (item[method] === undefined) continue;
      const inPath = parameters.filter((parameter) => parameter.in === 'path');
      expect(inPath.map((parameter) => parameter.name)).toEqual(names);
      expect(inPath.every((parameter) => parameter.required)).toBe(true);
    }
  }
});

test('/openapi.json and /docs are served whole from here', async () => {
  expect((await api.send('GET', '/openapi.json')).json).toEqual(JSON.parse(JSON.stringify(buildOpenApi())));
  const page = await api.send('GET', '/docs');
  expect(page.headers['content-type']).toContain('text/html');
  const links = [...page.text.matchAll(/(?:src|href)="([^"]+)"/g)].map((match) => match[1] as string);
  expect(links.length).toBe(4);
  for (const link of links) expect((await api.send('GET', link)).status).toBe(200);
  expect(page.text).not.toContain('://');
  expect((await api.send('GET', '/docs/..%2fpackage.json')).status).toBe(404);
});

test('an answer is what the document says', async () => {
  const { components } = JSON.parse(JSON.stringify(buildOpenApi()));
  expect(components.schemas.NewOrder.properties.externalId).toMatchObject({
    type: 'string',
    minLength: 1,
    maxLength: 128,
  });
  expect(components.schemas.NewOrder.properties.lines).toMatchObject({
    type: 'array',
    minItems: 1,
    maxItems: 200,
  });
  expect(components.schemas.NewOrder.additionalProperties).toBe(false);
});
