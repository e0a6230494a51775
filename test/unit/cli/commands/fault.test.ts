import { describe, expect, it } from 'vitest';
import { faults } from '../../../../cli/commands/fault.ts';
import { createFaults } from '../../../../sandbox/core/faults.ts';
import { answerFaults } from '../../../../sandbox/http/faults.ts';
import { sessionFor } from '../session.ts';

const endpoint = 'http://sandbox.example:4566';
const [drop, delay] = ['kms:PutKeyPolicy:drop', 'infinstor:get_version:delay=500:3'] as const;

/** `--list` and `--clear` are options, all else are faults. */
const given = (words: readonly string[]) => ({
  words: words.filter((word) => !word.startsWith('--')),
  options: { list: words.includes('--list'), clear: words.includes('--clear') },
});

/** Runs the command against what the sandbox answers. */
function runOn(held = createFaults([])) {
  const calls: string[] = [];
  const send: typeof fetch = async (url, { method = 'GET', body = '' } = {}) => {
    calls.push(`${method} ${String(url)}`);
    const answer = answerFaults({ method, body: String(body) }, held);
    return new Response(answer.body, { status: answer.status });
  };
  return { calls, run: (...words: string[]) => faults(given(words), sessionFor(endpoint), send) };
}

describe('faults', () => {
  it('adds faults and shows those that are still to happen', async () => {
    const held = createFaults([]);
    const { run, calls } = runOn(held);
    expect(await run(drop, delay)).toEqual({
      document: { status: 'SUCCEEDED', faults: [`${drop}:1`, delay], error: null },
      text: `Faults that are still to happen:\n  ${drop}:1\n  ${delay}\n`,
    });
    held.take('kms', 'PutKeyPolicy');
    expect((await run('--list')).document).toMatchObject({ faults: [delay] });
    expect(await run('--clear')).toMatchObject({ document: { faults: [] }, text: 'All faults are removed.\n' });
    expect((await run('--list')).text).toBe('No faults are left.\n');
    expect(calls).toEqual(['POST', 'GET', 'DELETE', 'GET'].map((method) => `${method} ${endpoint}/sandbox/faults`));
  });

  it('passes on what the sandbox says of a wrong rule', async () => {
    await expect(runOn().run('kms:PutKeyPolcy:drop')).rejects.toMatchObject({
      name: 'InvalidRequest',
      message: expect.stringContaining("Fault 'kms:PutKeyPolcy:drop': unknown operation; known are DescribeKey"),
      remedy: expect.stringContaining('--help'),
    });
  });

  it.each([
    ['a page', '<!DOCTYPE html>'],
    ['another document', '{"message":"Not Found"}'],
  ])('says that %s is not of a sandbox', async (_, body) => {
    const send: typeof fetch = async () => new Response(body, { status: 404 });
    await expect(faults(given(['--list']), sessionFor(endpoint), send)).rejects.toMatchObject({
      name: 'NotASandbox',
      message: `What answers at ${endpoint} takes no faults (status 404)`,
    });
  });

  it('says that nothing answers', async () => {
    const cause = Object.assign(new Error('getaddrinfo ENOTFOUND sandbox.example'), { code: 'ENOTFOUND' });
    const send: typeof fetch = () => Promise.reject(new TypeError('fetch failed', { cause }));
    await expect(faults(given(['--list']), sessionFor(endpoint), send)).rejects.toMatchObject({
      name: 'EndpointUnreachable',
      message: 'Nothing answers at the endpoint: getaddrinfo ENOTFOUND sandbox.example',
    });
  });

  it.each([[[]], [['--list', '--clear']], [['--list', drop]]])('refuses %j', async (words) => {
    await expect(runOn().run(...words)).rejects.toMatchObject({
      name: 'InvalidRequest',
      message: expect.stringContaining('takes faults'),
    });
  });

  it('is for a running sandbox alone', async () => {
    const session = sessionFor({ kind: 'stage', stage: 'prod' });
    await expect(faults(given(['--list']), session)).rejects.toThrow('fault needs --endpoint');
  });
});
