import { createHash } from 'node:crypto';
import { describe, expect, it, vi } from 'vitest';
import { template } from '../../../../cli/commands/template.ts';
import { sessionFor } from '../session.ts';

const text = `Parameters:
  Token: { Type: String, NoEcho: "true" }
  Encryption: { Type: String, Default: sse-s3, AllowedValues: [sse-s3, sse-kms] }
  Days: { Type: Number, Default: 30 }
Resources:
  Bucket:
    Type: AWS::S3::Bucket
    Properties: { BucketName: !Sub "\${Token}-bucket" }
`;
const sha256 = createHash('sha256').update(text).digest('hex');
const url = 'https://s3.amazonaws.com/infinstorcft/2.3.72/infinstor-setup-customer.yaml';
const answering = (body: string, status = 200) => vi.fn(async () => new Response(body, { status }));
/** Reads the template as the command does. */
const read = ({ build, url, endpoint }: { build?: string; url?: string; endpoint?: string }, send: typeof fetch) =>
  template({ words: build === undefined ? [] : [build], options: { url } }, sessionFor(endpoint), send);

describe('the template of a build', () => {
  it('is shown with its hash and its parameters', async () => {
    const send = answering(text);
    const { document, text: shown } = await read({}, send);
    expect(send.mock.calls).toEqual([[url]]);
    expect(document).toEqual({
      status: 'SUCCEEDED',
      url,
      bytes: Buffer.byteLength(text),
      sha256,
      parameters: [
        { name: 'Token', type: 'String', default: null, allowedValues: null, noEcho: true },
        { name: 'Encryption', type: 'String', default: 'sse-s3', allowedValues: ['sse-s3', 'sse-kms'], noEcho: false },
        { name: 'Days', type: 'Number', default: '30', allowedValues: null, noEcho: false },
      ],
      nestedStacks: [],
      endpoint: null,
      error: null,
    });
    expect(shown).toContain(`builds: '{"2.3.72": "${sha256}"}'`);
    expect(shown).toContain('Token       String; no default; NoEcho');
    expect(shown).toContain('Encryption  String; default "sse-s3"; allowed: "sse-s3", "sse-kms"');
    expect(shown).not.toContain('nests');
  });

  it.each([
    ['of another build', { build: '2.4.1' }, url.replace('2.3.72', '2.4.1')],
    ['at a URL', { url: 'https://mirror.example/x?signed' }, 'https://mirror.example/x?signed'],
    [
      'in a sandbox',
      { endpoint: 'http://sandbox.example:4566' },
      'http://sandbox.example:4566/infinstorcft/2.3.72/infinstor-setup-customer.yaml',
    ],
  ])('is read %s', async (_, changes, address) => {
    const send = answering(text);
    await read(changes, send);
    expect(send.mock.calls).toEqual([[address]]);
  });

  it('of a sandbox is named so, and nobody is advised to pin it', async () => {
    const endpoint = 'http://sandbox.example:4566';
    const { document, text: shown } = await read({ endpoint }, answering(text));
    expect(document).toMatchObject({ url, sha256, endpoint });
    expect(shown).toContain(`from the sandbox at ${endpoint}`);
    expect(shown).toContain('do not pin it for AWS');
    expect(shown).not.toContain('builds:');
    expect(shown).toContain('Token       String; no default; NoEcho');
  });

  it.each([
    [
      'AWS',
      'unreachable',
      {},
      vi.fn(() => Promise.reject(new Error('refused'))),
      's3.amazonaws.com',
      '--url',
      'sandbox',
    ],
    [
      'a mirror',
      'unreachable',
      { url: 'https://mirror.example/x?signed' },
      vi.fn(() => Promise.reject(new Error('refused'))),
      'mirror.example',
      '--url',
      'sandbox',
    ],
    [
      'a sandbox',
      'unreachable',
      { endpoint: 'http://e' },
      vi.fn(() => Promise.reject(new Error('refused'))),
      'the endpoint',
      'npm run sandbox',
      '--url',
    ],
    ['AWS', 'without the template', {}, answering('', 403), 'status 403', 's3 presign', 'sandbox'],
    [
      'a sandbox',
      'without the template',
      { endpoint: 'http://e' },
      answering('', 403),
      'status 403',
      'AWS_ENDPOINT_URL',
      'presign',
    ],
  ])('in %s, %s, has a remedy that leads there', async (_, __, changes, send, message, remedy, not) => {
    await expect(read(changes, send)).rejects.toMatchObject({
      message: expect.stringContaining(message),
      remedy: expect.stringMatching(new RegExp(`^(?!.*${not}).*${remedy}`)),
    });
  });

  it('is reported to nest stacks', async () => {
    const nesting = `${text}  Inner: { Type: "AWS::CloudFormation::Stack" }\n`;
    const { document, text: shown } = await read({}, answering(nesting));
    expect(document).toMatchObject({ nestedStacks: ['Inner'] });
    expect(shown).toContain('It nests stacks (Inner), whose templates this hash does not cover.');
  });

  it.each([
    ['TemplateNotReadable', 'status 403', {}, answering('', 403)],
    ['TemplateNotReadable', 'not the URL', { url: 'https://x.example/y', endpoint: 'http://e' }, answering(text)],
    ['NotATemplate', url, {}, answering('<html>')],
    ['NotATemplate', 'Resources', {}, answering('Parameters: {}')],
    ['EndpointUnreachable', 'refused', {}, vi.fn(() => Promise.reject(new Error('refused')))],
  ])('%s: %s', async (name, message, changes, send) => {
    await expect(read(changes, send)).rejects.toMatchObject({
      name,
      message: expect.stringContaining(message),
      remedy: expect.stringMatching(/\S/),
    });
  });
});

describe('the options of the command', () => {
  it.each([
    [{ build: '1.0', url: 'https://x' }, 'either a build or --url'],
    [{ url: 'x' }, '--url takes a URL'],
  ])('%j are refused', async (changes, message) => {
    await expect(read(changes, answering(text))).rejects.toThrow(message);
  });
});
