import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { STSClient } from '@aws-sdk/client-sts';
import { describe, expect, it, onTestFinished, vi } from 'vitest';

// What is waited for between two tries is not what is tested.
const waits = vi.hoisted((): number[] => []);
vi.mock('node:timers/promises', () => ({ setTimeout: async (milliseconds: number) => void waits.push(milliseconds) }));

const { createS3 } = await import('../../../../lib/aws/signed/s3.ts');
const { explain } = await import('../../../../lib/aws/explain.ts');

const url = 'https://s3.amazonaws.com/bucket/2.3.72/template.yaml';
const credentials = { accessKeyId: 'AKIAME', secretAccessKey: 'secret', sessionToken: 'session' };
const s3 = createS3(new STSClient({ region: 'eu-west-1', credentials }).config);

interface Answer {
  status: number;
  headers?: Record<string, string>;
  body?: string | Buffer;
}
const error = (status: number, code: string, headers = {}): Answer => ({
  status,
  headers,
  body: `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${code}</Code><Message>no</Message></Error>`,
});

/** A server in place of S3, which gives these answers, the last one again and again; 'break' breaks the connection. */
async function answering(...answers: (Answer | 'break')[]) {
  const requests: { request: IncomingMessage; body: Buffer }[] = [];
  const server = createServer(async (request, response) => {
    requests.push({ request, body: await buffer(request) });
    const answer = answers.length > 1 ? answers.shift() : answers[0];
    if (answer === 'break' || answer === undefined) response.destroy();
    else response.writeHead(answer.status, answer.headers).end(answer.body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  vi.stubEnv('AWS_ENDPOINT_URL_S3', `http://127.0.0.1:${port}`);
  onTestFinished(() => {
    vi.unstubAllEnvs();
    server.close();
  });
  return { requests, asked: () => requests.map(({ request }) => `${request.method} ${request.url}`) };
}

const regionsOf = (requests: readonly { request: IncomingMessage }[]) =>
  requests.map(({ request }) => /\/([a-z0-9-]+)\/s3\/aws4_request/.exec(request.headers.authorization ?? '')?.[1]);

describe('reading an object', () => {
  it('returns its bytes, and signs for the Region of its URL', async () => {
    const body = Buffer.from([0xef, 0xbb, 0xbf, 0xff, 0x0d, 0x0a]);
    const { requests, asked } = await answering({ status: 200, body });
    expect(await s3.get(url, 6)).toEqual(body);
    expect(asked()).toEqual(['GET /bucket/2.3.72/template.yaml']);
    expect(regionsOf(requests)).toEqual(['us-east-1']);
    expect(requests[0]?.request.headers).toMatchObject({
      'x-amz-content-sha256': createHash('sha256').update('').digest('hex'),
      'x-amz-security-token': 'session',
      'amz-sdk-request': 'attempt=1; max=3',
    });
  });

  it.each([
    ['https://bucket.s3.eu-west-1.amazonaws.com/a/b.yaml', 'eu-west-1', '/bucket/a/b.yaml'],
    ['https://s3-eu-west-1.amazonaws.com/bucket/a.yaml', 'eu-west-1', '/bucket/a.yaml'],
    ['https://my.bucket.s3.cn-north-1.amazonaws.com.cn/a.yaml', 'cn-north-1', '/my.bucket/a.yaml'],
    ['https://bucket.s3.amazonaws.com/a.yaml', 'us-east-1', '/bucket/a.yaml'],
  ])('finds %s in %s', async (given, region, path) => {
    const { requests, asked } = await answering({ status: 200, body: '' });
    await s3.get(given, 0);
    expect(asked()).toEqual([`GET ${path}`]);
    expect(regionsOf(requests)).toEqual([region]);
  });

  it.each([
    'https://templates.example/bucket/a.yaml',
    'https://s3.amazonaws.com/bucket',
    'https://s3.amazonaws.com.example/bucket/a.yaml',
  ])('refuses %s, which is no object', async (given) => {
    const { requests } = await answering({ status: 200 });
    await expect(s3.get(given, 1)).rejects.toMatchObject({ name: 'ObjectNotReadable', code: 'InvalidURI' });
    expect(requests).toEqual([]);
  });

  it.each([
    ['AccessDenied', 403],
    ['NoSuchKey', 404],
    ['NoSuchBucket', 404],
    ['PermanentRedirect', 301],
    ['AuthorizationHeaderMalformed', 400],
  ])('finds nothing when S3 answers %s', async (code, status) => {
    const { requests } = await answering(error(status, code));
    const message = expect.stringContaining(`s3:GetObject on ${url}: S3 answered ${status} ${code}: no`);
    await expect(s3.get(url, 1)).rejects.toMatchObject({ name: 'ObjectNotReadable', code, message });
    expect(requests).toHaveLength(1);
  });

  it('stops reading what is longer than its reader takes', async () => {
    await answering({ status: 200, body: 'xx' });
    await expect(s3.get(url, 1)).rejects.toMatchObject({ name: 'TooLongAnswer' });
  });

  it.each([
    ['301 without a Location', error(301, 'PermanentRedirect', { 'x-amz-bucket-region': 'ap-southeast-2' })],
    ['400 for the Region', error(400, 'AuthorizationHeaderMalformed', { 'x-amz-bucket-region': 'ap-southeast-2' })],
  ])('asks in the Region that S3 names with %s', async (_, elsewhere) => {
    const { requests } = await answering(elsewhere, { status: 200, body: 'there' });
    expect((await s3.get(url, 10)).toString()).toBe('there');
    expect(regionsOf(requests)).toEqual(['us-east-1', 'ap-southeast-2']);
  });

  it.each([
    ['a failure of S3', error(503, 'SlowDown')],
    ['a broken connection', 'break' as const],
  ])('tries again after %s', async (_, failure) => {
    waits.length = 0;
    const { requests } = await answering(failure, failure, { status: 200, body: 'at last' });
    expect((await s3.get(url, 10)).toString()).toBe('at last');
    expect(requests.map(({ request }) => request.headers['amz-sdk-request'])).toEqual(
      [1, 2, 3].map((attempt) => `attempt=${attempt}; max=3`),
    );
    // As the time budgets reckon with.
    expect(waits.every((pause, index) => pause <= 1_000 * 2 ** index)).toBe(true);
  });

  it.each([
    ['SlowDown', error(503, 'SlowDown'), 3],
    ['ServerError', { status: 502, body: '<html>' }, 3],
    ['NetworkingError', 'break' as const, 3],
    ['SignatureDoesNotMatch', error(403, 'SignatureDoesNotMatch'), 1],
    ['Status418', { status: 418 }, 1],
  ])('gives up with the error %s', async (name, failure, times) => {
    const { requests } = await answering(failure);
    const thrown = await s3.get(url, 1).catch((reason: unknown) => reason);
    expect(thrown).toMatchObject({ name });
    expect(requests).toHaveLength(times);
    const said = thrown instanceof Error ? explain(thrown) : '';
    expect(said.startsWith(`s3:GetObject on ${url}: `)).toBe(true);
    const tried = / \(tried 3 times, with \d\.\d s of pauses, by the function\)$/;
    if (times > 1) expect(said).toMatch(tried);
    else expect(said).not.toMatch(/tried/);
  });
});

describe('writing an object', () => {
  it('sends its bytes, with their hash', async () => {
    const body = Buffer.from([0xff, 0x00]);
    const { requests, asked } = await answering({ status: 200 });
    await s3.put(url, body);
    expect(asked()).toEqual(['PUT /bucket/2.3.72/template.yaml']);
    expect(requests[0]?.body).toEqual(body);
    expect(requests[0]?.request.headers['x-amz-content-sha256']).toBe(createHash('sha256').update(body).digest('hex'));
  });

  it('fails when S3 does not take it', async () => {
    await answering(error(403, 'AccessDenied'));
    await expect(s3.put(url, Buffer.from('x'))).rejects.toMatchObject({ name: 'AccessDenied' });
  });
});

describe('a denial', () => {
  const refusedAs = async (call: () => Promise<unknown>, message: string) => {
    const body = `<Error><Code>AccessDenied</Code><Message>${message}</Message></Error>`;
    await answering({ status: 403, body });
    const thrown = await call().catch((reason: unknown) => reason);
    if (!(thrown instanceof Error)) throw new Error('S3 did not refuse it');
    // What cannot be read becomes a part of another error's message, which nothing explains any more.
    return thrown.name === 'ObjectNotReadable' ? thrown.message : explain(thrown);
  };

  it('names action, object and whose role it is', async () => {
    vi.stubEnv('AWS_LAMBDA_FUNCTION_NAME', 'copies');
    const end = `on ${url}: S3 answered 403 AccessDenied: Access Denied, to the role of function copies`;
    expect(await refusedAs(() => s3.put(url, Buffer.from('x')), 'Access Denied')).toBe(`s3:PutObject ${end}`);
    expect(await refusedAs(() => s3.get(url, 1), 'Access Denied')).toBe(`s3:GetObject ${end}`);
  });

  it('in which S3 names them itself is readable, and not repeated', async () => {
    const named = (quote: string) =>
      `User: arn:aws:sts::111111111111:assumed-role/r/f is not authorized to perform: s3:PutObject on resource: ${quote}arn:aws:s3:::bucket/a${quote} because no identity-based policy allows the s3:PutObject action`;
    expect(await refusedAs(() => s3.put(url, Buffer.from('x')), named('&quot;'))).toBe(
      `S3 answered 403 AccessDenied: ${named('"')}`,
    );
  });
});
