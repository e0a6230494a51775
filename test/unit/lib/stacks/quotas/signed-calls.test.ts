import { createServer } from 'node:http';
import { STSClient } from '@aws-sdk/client-sts';
import { describe, expect, it, onTestFinished, vi } from 'vitest';

// What is waited for between two tries is not what is tested.
vi.mock('node:timers/promises', () => ({ setTimeout: async () => undefined }));
const { countBuckets, readServiceQuota } = await import('../../../../../lib/stacks/quotas/signed-calls.ts');
const { globalQuotaRegion } = await import('../../../../../lib/stacks/quotas/signed-call.ts');
const { explain } = await import('../../../../../lib/aws/explain.ts');

const credentials = { accessKeyId: 'AKIAME', secretAccessKey: 'secret' };
const signing = new STSClient({ region: 'eu-west-1', credentials }).config;
const tables = { region: 'eu-west-1', serviceCode: 'dynamodb', quotaCode: 'L-F98FE922' };

interface Answer {
  status: number;
  body: string;
}

/** A server in place of AWS, which gives these answers, the last one again and again. */
async function answering(...answers: Answer[]): Promise<string[]> {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    const target = request.headers['x-amz-target'];
    asked.push(`${request.method} ${request.url}${target === undefined ? '' : ` ${target}`}`);
    const answer = answers.length > 1 ? answers.shift() : answers[0];
    response.writeHead(answer?.status ?? 500).end(answer?.body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  vi.stubEnv(
    'AWS_ENDPOINT_URL',
    `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`,
  );
  onTestFinished(() => {
    vi.unstubAllEnvs();
    server.close();
  });
  return asked;
}
const page = (count: number, token?: string): Answer => ({
  status: 200,
  body: `<ListAllMyBucketsResult><Buckets>${'<Bucket><Name>b</Name></Bucket>'.repeat(count)}</Buckets>${
    token === undefined ? '' : `<ContinuationToken>${token}</ContinuationToken>`
  }</ListAllMyBucketsResult>`,
});
const refused = (type: string): Answer => ({ status: 400, body: JSON.stringify({ __type: type, message: 'no' }) });
const quota = (Value?: number): Answer => ({ status: 200, body: JSON.stringify({ Quota: { Value } }) });

describe('the count of buckets', () => {
  it('is that of all pages', async () => {
    const asked = await answering(page(1_000, 'a+b/c='), page(3));
    expect(await countBuckets(signing, 'eu-west-1', () => {})).toBe(1_003);
    expect(asked).toEqual(['GET /?max-buckets=1000', 'GET /?max-buckets=1000&continuation-token=a%2Bb%2Fc%3D']);
  });

  it('ends when there is no time for another page', async () => {
    await answering(page(1_000, 'more'));
    let pages = 0;
    const mayGoOn = () => {
      pages += 1;
      if (pages > 2) throw new Error('no time');
    };
    await expect(countBuckets(signing, 'eu-west-1', mayGoOn)).rejects.toThrow('no time');
  });

  it("that is refused names the call, with AWS's words", async () => {
    await answering({ status: 403, body: '<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>' });
    const error = await countBuckets(signing, 'eu-west-1', () => {}).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ name: 'AccessDenied' });
    expect(error instanceof Error && explain(error)).toContain('s3:ListAllMyBuckets: Access Denied');
  });
});

describe('a quota', () => {
  it('is what was applied', async () => {
    const asked = await answering(quota(5_000));
    expect(await readServiceQuota(signing, tables)).toBe(5_000);
    expect(asked).toEqual(['POST / ServiceQuotasV20190624.GetServiceQuota']);
  });

  it('without an applied value is the default', async () => {
    const asked = await answering(refused('com.amazonaws#NoSuchResourceException'), quota(2_500));
    expect(await readServiceQuota(signing, tables)).toBe(2_500);
    expect(asked).toEqual([
      'POST / ServiceQuotasV20190624.GetServiceQuota',
      'POST / ServiceQuotasV20190624.GetAWSDefaultServiceQuota',
    ]);
  });

  it.each([
    ['that is denied', refused('AccessDeniedException'), 'AccessDeniedException'],
    ['without a value', quota(), 'QuotaNotAvailable'],
    ['of a service that is down', { status: 503, body: 'down' }, 'Status503'],
  ])('%s is not known', async (_, answer, name) => {
    await answering(answer);
    await expect(readServiceQuota(signing, tables)).rejects.toMatchObject({ name });
  });

  it.each([
    ['eu-west-1', 'us-east-1'],
    ['us-gov-east-1', 'us-gov-west-1'],
    ['cn-northwest-1', 'cn-north-1'],
  ])('of a whole account in %s is asked for in %s', (region, asked) => {
    expect(globalQuotaRegion(region)).toBe(asked);
  });
});
