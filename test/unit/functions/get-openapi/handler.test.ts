import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { lambda } from '../lambda.ts';

const text = readFileSync(join(import.meta.dirname, '../../../../schemas/openapi.json'), 'utf8');
const get = lambda(() => import('../../../../functions/get-openapi/handler.ts'), {}, []);
const host = 'api1234567.execute-api.eu-west-1.amazonaws.com';

/** The document that is answered to a call, and the address in it. */
async function answered(event: object) {
  const { statusCode, headers, body } = await get(event);
  expect({ statusCode, headers }).toMatchObject({ statusCode: 200, headers: { 'content-type': 'application/json' } });
  const { servers, ...document } = JSON.parse(body);
  return { servers, document };
}

describe('GET /openapi.json', () => {
  it.each([
    [host, '/openapi.json', `https://${host}`],
    ['api.example.com', '/onboarding/openapi.json', 'https://api.example.com/onboarding'],
  ])('answers with the document, and with the address %s%s was read at', async (domainName, rawPath, url) => {
    const { servers, document } = await answered({ version: '2.0', rawPath, requestContext: { domainName } });
    expect(servers).toEqual([expect.objectContaining({ url })]);
    const { servers: _, ...drawn } = JSON.parse(text);
    expect(document).toEqual(drawn);
  });

  it('answers as it is when its function is invoked', async () => {
    expect((await answered({})).servers).toEqual(JSON.parse(text).servers);
  });
});
