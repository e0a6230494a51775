import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Validator } from '@seriousme/openapi-schema-validator';
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { apiFiles } from '../../../../scripts/draw/openapi.ts';
import { openApi } from '../../../../scripts/openapi/openapi.ts';
import { documentSchema } from './judges.ts';

const schemas = join(import.meta.dirname, '../../../../schemas');
const text = JSON.stringify(openApi());
const document = v.parse(documentSchema, JSON.parse(text));
const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({
    name: `${method.toUpperCase()} ${path}`,
    path,
    ...operation,
  })),
);
const files = [...(await apiFiles())];
const partsSchema = v.record(v.string(), v.record(v.string(), v.unknown()));

describe('the document of the HTTP API', () => {
  it.each(files)('is drawn in schemas/%s', (name, drawn) => {
    expect(readFileSync(join(schemas, name), 'utf8'), 'npm run draw-openapi').toBe(drawn);
  });

  it('is one of OpenAPI 3.1', async () => {
    const validator = new Validator();
    expect(await validator.validate(JSON.parse(text))).toEqual({ valid: true });
    expect(validator.version).toBe('3.1');
  });

  it('refers to what it has, and has nothing that nobody refers to', () => {
    const references = [...new Set([...text.matchAll(/"\$ref":"#\/components\/([^"]+)"/g)].map(([, name]) => name))];
    const { securitySchemes: _, ...components } = document.components;
    const parts = Object.entries(v.parse(partsSchema, components)).flatMap(([kind, named]) =>
      Object.keys(named).map((name) => `${kind}/${name}`),
    );
    expect(references.toSorted()).toEqual(parts.toSorted());
  });

  it('names each operation once', () => {
    const ids = operations.map(({ operationId }) => operationId);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it.each(operations)('says all of $name', ({ name, path, parameters, ...operation }) => {
    const own = parameters.flatMap((parameter) => ('$ref' in parameter ? [] : [parameter]));
    const ofPath = own.filter((parameter) => parameter.in === 'path').map((parameter) => parameter.name);
    expect(ofPath).toEqual([...path.matchAll(/\{(\w+)\}/g)].map(([, parameter]) => parameter));
    expect(operation).toMatchObject({
      summary: expect.stringMatching(/^[A-Z].*[^.]$/),
      description: expect.stringContaining(name.replace(/ /, '').replace(/\{\w+\}/, '*')),
      tags: [expect.any(String)],
      responses: { 400: {}, 403: {}, 429: {}, 500: {}, 503: {} },
    });
    expect(new Set(own.map((parameter) => `${parameter.in} ${parameter.name}`)).size).toBe(own.length);
    // A key for every operation that changes something, and for no other one.
    const starts = JSON.stringify(operation).includes('"202"');
    expect(parameters.some((parameter) => '$ref' in parameter && parameter.$ref.endsWith('Idempotency-Key'))).toBe(
      starts,
    );
  });
});
