import { writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { makeTemporaryFolder } from '../../../build/temporary-folder.ts';
import { operator } from '../../../sandbox/core/account.ts';
import { runCommand } from '../command-line.ts';
import { ended, requestFor, useSandbox } from '../sandbox.ts';

const sandbox = useSandbox();

/** Sends a request by `api` on the stage, with the operator's credentials and nothing else in the environment. */
const api = (...words: string[]) =>
  runCommand(['api', ...words, '--stage', 'sandbox'], {
    AWS_ENDPOINT_URL: sandbox().endpoint,
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: operator.accessKeyId,
    AWS_SECRET_ACCESS_KEY: operator.secretAccessKey,
  });

function fileOf(request: object): string {
  const file = join(makeTemporaryFolder(join(tmpdir(), 'request-')).path, 'request.json');
  writeFileSync(file, JSON.stringify(request));
  return file;
}

it('api onboards once for one key, and shows what the API answers', async () => {
  const file = fileOf(requestFor('by-api'));
  const given = ['POST', '/subscribers', '--body', file, '--idempotency-key', 'build-42'];
  const first = await api(...given);
  expect(first).toMatchObject({
    status: 0,
    document: { httpStatus: 202, location: expect.stringContaining('/subscribers/by-api'), body: expect.any(Object) },
  });
  const again = await api(...given);
  expect(again.document).toEqual(first.document);
  const { body } = Object(first.document);
  expect(await ended(sandbox(), Object(body).executionArn)).toMatchObject({ status: 'SUCCEEDED' });
  expect(sandbox().states.executions()).toHaveLength(1);
  const got = await api('GET', '/subscribers/by-api');
  expect(got).toMatchObject({ status: 0, document: { httpStatus: 200, body: { status: 'ACTIVE' } } });
  expect(got.text).toContain('"status": "ACTIVE"');
});

it('api ends a wrong request with status 2, and any other refusal with 1', async () => {
  const wrong = await api('POST', '/subscribers', '--body', fileOf({ subscriber: {} }));
  expect(wrong).toMatchObject({ status: 2, text: expect.stringMatching(/^HTTP 400\n/) });
  expect(await api('GET', '/subscribers/nobody')).toMatchObject({ status: 1, document: { httpStatus: 404 } });
  await expect(api('GET', '/subscribers', '--body', 'x')).rejects.toThrow('GET takes no --body');
  await expect(api('POST', '/subscribers', '--body', 'no-such-file')).rejects.toThrow('no-such-file cannot be read');
  await expect(api('POST', '/subscribers', '--body', 'no-such-file')).rejects.toMatchObject({
    remedy: 'Nothing was sent. --body takes a file with the body in JSON, or - for standard input: correct the path.',
  });
  await expect(api('POST', '/subscribers', '--body', '{"password": "hunter2"}')).rejects.toThrow(
    /^--body takes a file with the body, or - for standard input, not the body itself$/,
  );
});
