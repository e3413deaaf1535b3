import { OpenApiGeneratorV31, OpenAPIRegistry, type RouteConfig } from '@asteasolutions/zod-to-openapi';
import { z } from 'zod';
import { type Example, examplesOf } from './examples';
import { problemMediaType, type ProblemSlug, problems } from './http/problem';
import { type Outcome, outcomeStatus, type RawRoute, type Route } from './http/route';
import { rawRoutes, routes } from './routes';

type OpenApiDocument = ReturnType<OpenApiGeneratorV31['generateDocument']>;
type Responses = RouteConfig['responses'];

const problem = z
  .object({
    type: z.string().meta({ description: 'Ends in a stable slug: urn:xianda:problem:<slug>.' }),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    errors: z.array(z.object({ path: z.string(), expected: z.string(), received: z.string() })).optional(),
  })
  .meta({ id: 'Problem' });

let document: OpenApiDocument | undefined;

/** The OpenAPI 3.1 document of every served route, made from the very schemas that check requests. Built once. */
export function buildOpenApi(): OpenApiDocument {
  document ??= build();
  return document;
}

function build(): OpenApiDocument {
  const registry = new OpenAPIRegistry();
  registry.registerComponent('securitySchemes', 'key', { type: 'http', scheme: 'bearer' });
  registry.registerComponent('securitySchemes', 'signature', {
    type: 'apiKey',
    in: 'header',
    name: 'Sandbox-Signature',
    description:
      'Hex HMAC-SHA256(secret, timestamp + "\\n" + raw body), beside Sandbox-Timestamp: <unix seconds>; five minutes of tolerance.',
  });
  for (const route of routes) registry.registerPath(describeRoute(route));
  for (const route of rawRoutes) registry.registerPath(describeRawRoute(route));
  const described = new OpenApiGeneratorV31(registry.definitions).generateDocument({
    openapi: '3.1.0',
    info: {
      title: 'Xianda 鲜达',
      version: '1',
      description:
        'Fulfilment for food sold in private-domain livestreams. Every promise made on air is kept.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/' }],
  });
  for (const route of [...routes, ...rawRoutes]) showParameters(described, route);
  return described;
}

function describeRoute(route: Route): RouteConfig {
  const shown = examplesOf(route);
  const bodies = namedValues(shown, ({ body }) => body);
  const body = route.body && {
    content: {
      'application/json': { schema: route.body, ...bodies },
      ...(route.csv && { 'text/csv': { schema: z.string() } }),
    },
    required: true,
  };
  return {
    ...named(route),
    ...securityOf(route),
    request: {
      ...(route.params && { params: route.params as z.ZodObject }),
      ...(route.query && { query: route.query as z.ZodObject }),
      ...(body && { body }),
    },
    responses: { ...answersOf(route, shown), ...refusalsOf(route) },
  };
}

/** Examples under their names, as OpenAPI wants them; nothing where no example has such a value. */
function namedValues(shown: Example[], valueOf: (example: Example) => object | undefined) {
  const valued = shown.filter((example) => valueOf(example) !== undefined);
  if (valued.length === 0) return {};
  const entries = valued.map((example, index) => [
    `example${index + 1}`,
    { summary: example.summary, value: valueOf(example) },
  ]);
  return { examples: Object.fromEntries(entries) as Record<string, { summary: string; value: object }> };
}

/** The first example's path and query parameters; the generator takes them from no schema of ours. */
function showParameters(described: OpenApiDocument, route: Route | RawRoute): void {
  const [first] = examplesOf(route);
  const operation = described.paths?.[route.path]?.[route.method];
  const values: Record<string, string> = { ...first?.params, ...first?.query };
  for (const parameter of operation?.parameters ?? []) {
    if ('name' in parameter && values[parameter.name] !== undefined)
      parameter.example = values[parameter.name];
  }
}

function describeRawRoute(route: RawRoute): RouteConfig {
  const content = { [route.contentType]: { schema: route.answer ?? z.string() } };
  return {
    ...named(route),
    security: [],
    request: { ...(route.params && { params: route.params }), ...(route.query && { query: route.query }) },
    responses: {
      200: { description: 'Answered', content },
      ...(route.unavailable && { 503: { description: 'Unavailable', content } }),
      ...(route.guarded && { 401: { description: 'unauthorized', content } }),
      ...(route.guarded && { 404: { description: 'not-found', content } }),
      ...problemsOf(route.refusals ?? []),
    },
  };
}

function named({ method, path, tag, summary }: Route | RawRoute) {
  const words = path
    .replaceAll(/[^A-Za-z0-9]+/g, ' ')
    .trim()
    .split(' ');
  const operationId = [method, ...words].map((word, n) =>
    n === 0 ? word : word[0]?.toUpperCase() + word.slice(1),
  );
  return { method, path, tags: [tag], summary, operationId: operationId.join('') };
}

function securityOf({ access }: Route): Pick<RouteConfig, 'security' | 'description'> {
  if (access === 'public') return { security: [] };
  if (access === 'signed') return { security: [{ signature: [] }], description: 'Signed; no bearer key.' };
  return { security: [{ key: [] }], description: `Keys of: ${access.join(', ')}.` };
}

const outcomeText: Record<Outcome, string> = { ok: 'Done', created: 'Made', empty: 'Taken; nothing to say' };

function answersOf(route: Route, shown: Example[]): Responses {
  const entries = Object.entries(route.answers).map(([outcome, schema]) => {
    const name = outcome as Outcome;
    const answered = namedValues(
      shown.filter((example) => example.outcome === name),
      ({ answer }) => answer,
    );
    const type = route.answerType ?? 'application/json';
    const pages = route.page === true && name === 'ok' ? { 'text/html': { schema: z.string() } } : {};
    const content = name === 'empty' ? {} : { content: { [type]: { schema, ...answered }, ...pages } };
    return [outcomeStatus[name], { description: outcomeText[name], ...content }];
  });
  return Object.fromEntries(entries);
}

/** 503 of `unavailable`, `overloaded` and 429 all carry it. */
const retryAfter = {
  'Retry-After': {
    description: 'Seconds after which the same request has better prospects. Nothing was done.',
    schema: { type: 'integer' as const, minimum: 1 },
    required: true,
  },
};

/** Every status the route may refuse with, and which slugs stand behind it. */
function refusalsOf(route: Route): Responses {
  const slugs = new Set<ProblemSlug>(route.refusals);
  if (route.params || route.query || route.body) slugs.add('invalid-request');
  if (route.body) for (const slug of ['too-large', 'unsupported-media-type'] as const) slugs.add(slug);
  if (route.access !== 'public') for (const slug of ['unauthorized', 'unavailable'] as const) slugs.add(slug);
  if (Array.isArray(route.access)) {
    for (const slug of ['forbidden', 'too-many-requests', 'overloaded'] as const) slugs.add(slug);
  }
  return problemsOf(slugs);
}

function problemsOf(slugs: Iterable<ProblemSlug>): Responses {
  const byStatus = new Map<number, ProblemSlug[]>();
  for (const slug of slugs) {
    const { status } = problems[slug];
    byStatus.set(status, [...(byStatus.get(status) ?? []), slug]);
  }
  const entries = [...byStatus].map(([status, names]) => [
    status,
    {
      description: names.sort().join(' · '),
      ...(status === 429 || status === 503 ? { headers: retryAfter } : {}),
      content: { [problemMediaType]: { schema: problem } },
    },
  ]);
  return Object.fromEntries(entries);
}
