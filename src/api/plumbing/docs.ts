import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { Problem } from '../http/problem';
import type { RawRoute } from '../http/route';

const folder = dirname(require.resolve('swagger-ui-dist/package.json'));

const page = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Xianda 鲜达 · API</title>
<link rel="icon" href="/docs/favicon-32x32.png">
<link rel="stylesheet" href="/docs/swagger-ui.css">
<div id="docs"></div>
<script src="/docs/swagger-ui-bundle.js"></script>
<script src="/docs/start.js"></script>
</html>
`;

/** A script of its own, so that the content security policy need not allow scripts within pages. */
const start = `SwaggerUIBundle({
  url: '/openapi.json', dom_id: '#docs', deepLinking: true, persistAuthorization: false,
  tryItOutEnabled: true, validatorUrl: null, docExpansion: 'list', defaultModelsExpandDepth: 0,
});
`;

interface Asset {
  type: string;
  read(): Buffer | string;
}

function fromPackage(name: string, type: string): [string, Asset] {
  return [name, { type, read: () => readFileSync(join(folder, name)) }];
}

const assets = new Map<string, Asset>([
  ['start.js', { type: 'text/javascript', read: () => start }],
  fromPackage('swagger-ui-bundle.js', 'text/javascript'),
  fromPackage('swagger-ui.css', 'text/css'),
  fromPackage('favicon-32x32.png', 'image/png'),
]);

/** The API's documentation, whole from this server: CDNs are slow or out of reach for many of our users. */
export const docsRoute: RawRoute = {
  method: 'get',
  path: '/docs',
  tag: 'Plumbing',
  summary: 'This documentation, to read and to try',
  contentType: 'text/html',
  handle(_deps, _request, response) {
    response.type('text/html').send(page);
    return Promise.resolve();
  },
};

export const docsAssetRoute: RawRoute = {
  method: 'get',
  path: '/docs/{asset}',
  tag: 'Plumbing',
  summary: 'Scripts and styles of the documentation',
  params: z.object({ asset: z.enum([...assets.keys()]) }),
  contentType: 'text/javascript',
  handle(_deps, request, response) {
    const asset = assets.get(String(request.params.asset));
    if (!asset) throw new Problem('not-found');
    response.setHeader('Cache-Control', 'public, max-age=86400');
    response.type(asset.type).send(asset.read());
    return Promise.resolve();
  },
};

/** Answers with the document; built on first use from every route, this one with them. */
export const openApiRoute: RawRoute = {
  method: 'get',
  path: '/openapi.json',
  tag: 'Plumbing',
  summary: 'This API as OpenAPI 3.1, made from the schemas that check requests',
  contentType: 'application/json',
  answer: z.record(z.string(), z.unknown()),
  handle(deps, _request, response) {
    response.json(deps.openApi());
    return Promise.resolve();
  },
};
