import { hash } from 'node:crypto';
import * as cloudformation from '@aws-sdk/client-cloudformation';
import * as logs from '@aws-sdk/client-cloudwatch-logs';
import * as dynamodb from '@aws-sdk/client-dynamodb';
import * as events from '@aws-sdk/client-eventbridge';
import * as iam from '@aws-sdk/client-iam';
import * as kms from '@aws-sdk/client-kms';
import * as lambda from '@aws-sdk/client-lambda';
import * as secretsmanager from '@aws-sdk/client-secrets-manager';
import * as states from '@aws-sdk/client-sfn';
import * as sqs from '@aws-sdk/client-sqs';
import * as sts from '@aws-sdk/client-sts';
import * as v from 'valibot';
import type { Sandbox } from '../../../sandbox/boot.ts';
import { account } from '../../../sandbox/core/account.ts';
import { operatorAt } from '../../../sandbox/operator.ts';
import { signRequest } from '../../../tools/permissions/sign-request.ts';
import type { Expected, RecordedTest, Step } from './fact.ts';
import { rawCalls } from './raw-calls.ts';

/** The SDK's packages, and what each calls its client, by the services' names in signatures. */
const packages: Readonly<Record<string, readonly [sdk: object, client: string]>> = {
  cloudformation: [cloudformation, 'CloudFormationClient'],
  dynamodb: [dynamodb, 'DynamoDBClient'],
  events: [events, 'EventBridgeClient'],
  iam: [iam, 'IAMClient'],
  kms: [kms, 'KMSClient'],
  lambda: [lambda, 'LambdaClient'],
  logs: [logs, 'CloudWatchLogsClient'],
  secretsmanager: [secretsmanager, 'SecretsManagerClient'],
  sqs: [sqs, 'SQSClient'],
  states: [states, 'SFNClient'],
  sts: [sts, 'STSClient'],
};

const classSchema = v.custom<new (input: unknown) => object>((value) => typeof value === 'function', 'not a class');
const clientSchema = v.object({
  send: v.custom<(command: object) => Promise<unknown>>((value) => typeof value === 'function', 'not a method'),
});
const outputSchema = v.looseObject({ $metadata: v.object({ httpStatusCode: v.number() }) });
const failureSchema = v.looseObject({
  name: v.string(),
  message: v.string(),
  /** Of SQS and the Query protocol, the code on the wire; the SDK's own name is another. */
  Code: v.optional(v.string()),
  $metadata: v.object({ httpStatusCode: v.number() }),
});

/** Whether a fact holds: `outcome` when status or code differ, `text` when just the words or members do. */
export interface Result {
  key: string;
  differs: 'no' | 'outcome' | 'text';
  /** Where, for a person. */
  at: string;
}

/** Plays the calls of a recorded test one after the other. @throws Error when a call fails that others need */
export async function play(sandbox: Sandbox, service: string, { steps, prepare }: RecordedTest): Promise<Result[]> {
  const kept = new Map(Object.entries((await prepare?.(sandbox)) ?? {}));
  const results: Result[] = [];
  for (const step of steps) {
    if (step.afterAll) await sandbox.clock.quiet();
    const actual = await send(sandbox, service, { ...step, input: filledIn(step.input, kept) });
    for (const [name, member] of Object.entries(step.keep ?? {})) kept.set(name, memberOf(actual, member));
    if (step.key === undefined) {
      if (!('answer' in actual)) throw new Error(`${step.operation}: ${JSON.stringify(actual)}`);
      continue;
    }
    if (step.expected === undefined) throw new Error(`${step.key} has nothing to compare with`);
    results.push(compare(step.key, filledIn(step.expected, kept), actual));
  }
  return results;
}

type Actual = Exclude<Expected, never>;

async function send(sandbox: Sandbox, service: string, step: Step): Promise<Actual> {
  if (service === 's3') return sendS3(sandbox, step);
  const raw = rawCalls[service];
  if (raw !== undefined) return raw(sandbox, step);
  const [sdk, clientName] = packages[service] ?? [];
  if (sdk === undefined || clientName === undefined) throw new Error(`There is no SDK for ${service}`);
  const Client = v.parse(classSchema, Reflect.get(sdk, clientName));
  const Command = v.parse(classSchema, Reflect.get(sdk, `${step.operation}Command`));
  const home = { accountId: account.accountId, region: step.region ?? account.region };
  const client = new Client({ ...operatorAt(sandbox.endpoint, home), maxAttempts: 1 });
  try {
    const output: unknown = await v.parse(clientSchema, client).send.call(client, new Command(step.input));
    const { $metadata, ...answer } = v.parse(outputSchema, output);
    return { status: $metadata.httpStatusCode, answer: plain(step.pick === undefined ? answer : step.pick(answer)) };
  } catch (error) {
    const failure = v.safeParse(failureSchema, error);
    if (!failure.success) throw error;
    const { name, Code = name, message, $metadata } = failure.output;
    return { status: $metadata.httpStatusCode, code: Code, message };
  }
}

const s3Input = v.object({
  Bucket: v.string(),
  Key: v.optional(v.string(), ''),
  Body: v.optional(v.string()),
  Prefix: v.optional(v.string()),
  Delete: v.optional(v.object({ Objects: v.array(v.object({ Key: v.string() })) })),
});
const listInput = v.strictObject({
  MaxBuckets: v.optional(v.number()),
  ContinuationToken: v.optional(v.string()),
  Prefix: v.optional(v.string()),
  BucketRegion: v.optional(v.string()),
});
const element = (text: string, name: string) => new RegExp(`<${name}>([^<]*)</${name}>`).exec(text)?.[1];

/** The method and the query of an operation of S3. */
const s3Requests: Readonly<Record<string, readonly [method: string, query: string]>> = {
  GetObject: ['GET', ''],
  PutObject: ['PUT', ''],
  HeadObject: ['HEAD', ''],
  HeadBucket: ['HEAD', ''],
  ListObjectsV2: ['GET', '?list-type=2'],
  DeleteObjects: ['POST', '?delete='],
  ListBuckets: ['GET', ''],
};

/** The project has no client of S3; the answer has the form of the SDK's. */
async function sendS3({ endpoint, clock }: Sandbox, { operation, input }: Step): Promise<Actual> {
  const [method = '', query = ''] = s3Requests[operation] ?? [];
  const { path, body, headers = {} } = sentFor(operation, input, query);
  const request = {
    method,
    url: endpoint + path,
    headers: { 'x-amz-content-sha256': hash('sha256', body ?? ''), ...headers },
    ...(body !== undefined && { body }),
  };
  const response = await fetch(request.url, {
    ...request,
    headers: await signRequest(request, { service: 's3', now: clock.now() }),
  });
  const text = await response.text();
  const header = (name: string) => response.headers.get(name) ?? undefined;
  // A HEAD has no document of the error.
  if (!response.ok && method === 'HEAD') return { status: response.status, code: '404', message: 'Not Found' };
  if (!response.ok) {
    return { status: response.status, code: element(text, 'Code') ?? '', message: element(text, 'Message') ?? '' };
  }
  const answer = () => {
    switch (operation) {
      case 'HeadBucket':
        return {
          BucketArn: header('x-amz-bucket-arn'),
          BucketRegion: header('x-amz-bucket-region'),
          AccessPointAlias: header('x-amz-access-point-alias') === 'true',
        };
      case 'HeadObject':
        return {
          AcceptRanges: header('accept-ranges'),
          ContentLength: Number(header('content-length')),
          ContentType: header('content-type'),
          ETag: header('etag'),
          LastModified: header('last-modified'),
          ServerSideEncryption: header('x-amz-server-side-encryption'),
        };
      case 'ListBuckets':
        return listOf(text);
      case 'ListObjectsV2':
      case 'DeleteObjects':
        return members(text);
      default:
        return { ETag: header('etag'), ...(operation === 'GetObject' && { Body: text }) };
    }
  };
  return { status: response.status, answer: plain(answer()) };
}

/** What lists of S3 stand in its documents, whether of one element or of many. */
const s3Lists = ['Contents', 'Deleted'];

/** The members of a document of S3, all as texts, as the raw recordings have them. */
function members(xml: string): Record<string, unknown> {
  const found: Record<string, unknown> = {};
  const inside = xml.replace(/^<\?xml[^>]*\?>\s*/, '').replace(/^<\w+[^>]*>|<\/\w+>$/g, '');
  for (const [, name = '', content = ''] of inside.matchAll(/<(\w+)>(.*?)<\/\1>/gs)) {
    const value = content.includes('<') ? members(`<X>${content}</X>`) : content.replaceAll('&quot;', '"');
    const before = found[name];
    found[name] = s3Lists.includes(name) ? [...(Array.isArray(before) ? before : []), value] : value;
  }
  return found;
}

interface Sent {
  path: string;
  body?: string;
  headers?: Record<string, string>;
}

const sentFor = (operation: string, input: object, query: string): Sent =>
  operation === 'ListBuckets' ? { path: listPath(input) } : aboutBucket(input, query);

/** A request about a bucket or an object, which deletes objects if it names some. */
function aboutBucket(input: object, query: string): Sent {
  const { Bucket, Key, Body, Prefix, Delete } = v.parse(s3Input, input);
  const prefix = Prefix === undefined ? '' : `&prefix=${encodeURIComponent(Prefix)}`;
  const path = `/${[Bucket, ...(Key === '' ? [] : Key.split('/'))].map(encodeURIComponent).join('/')}${query}${prefix}`;
  if (Delete === undefined) return { path, ...(Body !== undefined && { body: Body }) };
  const body = `<Delete>${Delete.Objects.map((object) => `<Object><Key>${object.Key}</Key></Object>`).join('')}</Delete>`;
  return { path, body, headers: { 'content-md5': hash('md5', body, 'base64') } };
}

function listPath(input: object): string {
  const { MaxBuckets, ContinuationToken, Prefix, BucketRegion } = v.parse(listInput, input);
  const given = [
    ['max-buckets', MaxBuckets],
    ['continuation-token', ContinuationToken],
    ['prefix', Prefix],
    ['bucket-region', BucketRegion],
  ].flatMap(([name, value]) => (value === undefined ? [] : [[`${name}`, `${value}`] satisfies [string, string]]));
  return `/?${new URLSearchParams(given)}`;
}

/** A page of buckets in the form of the SDK's answer. */
function listOf(text: string): object {
  const buckets = [...text.matchAll(/<Bucket>(.*?)<\/Bucket>/gs)].map(([, bucket = '']) => ({
    Name: element(bucket, 'Name'),
    BucketRegion: element(bucket, 'BucketRegion'),
    BucketArn: element(bucket, 'BucketArn'),
  }));
  return {
    Buckets: buckets,
    Owner: { ID: element(text, 'ID') },
    Prefix: element(text, 'Prefix'),
    ContinuationToken: element(text, 'ContinuationToken'),
  };
}

/** What can be compared: without what is undefined, dates and bytes as texts. */
function plain(value: unknown): unknown {
  if (value instanceof Date) return '(date)';
  if (value instanceof Uint8Array) return new TextDecoder().decode(value);
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  const members = Object.entries(value).filter(([, member]) => member !== undefined);
  return Object.fromEntries(members.map(([name, member]) => [name, plain(member)]));
}

function memberOf(actual: Actual, path: string): string {
  let value: unknown = 'answer' in actual ? actual.answer : undefined;
  for (const name of path.split('.'))
    value = typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
  if (typeof value !== 'string') throw new Error(`There is no ${path} to keep in ${JSON.stringify(actual)}`);
  return value;
}

/** A value with each `$name` in its texts replaced by what was kept. */
function filledIn<Value>(value: Value, kept: ReadonlyMap<string, string>): Value;
function filledIn(value: unknown, kept: ReadonlyMap<string, string>): unknown {
  if (typeof value === 'string') return value.replace(/\$(\w+)/g, (whole, name: string) => kept.get(name) ?? whole);
  if (Array.isArray(value)) return value.map((each: unknown) => filledIn(each, kept));
  if (typeof value !== 'object' || value === null || value instanceof Date) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => [String(filledIn(name, kept)), filledIn(member, kept)]),
  );
}

function compare(key: string, expected: Expected, actual: Actual): Result {
  const outcome = (answer: Expected) => [answer.status, 'code' in answer ? answer.code : 'answered'].join(' ');
  if (outcome(expected) !== outcome(actual)) {
    return { key, differs: 'outcome', at: `${outcome(actual)}, not ${outcome(expected)}: ${JSON.stringify(actual)}` };
  }
  const content = (answer: Expected) => ('answer' in answer ? answer.answer : answer.message);
  const at = difference(content(expected), content(actual));
  return { key, differs: at === undefined ? 'no' : 'text', at: at ?? '' };
}

/** Where two values differ; undefined when they do not. */
function difference(expected: unknown, actual: unknown, path = ''): string | undefined {
  if (typeof expected === 'string' && isLike(expected, actual)) return undefined;
  if (typeof expected !== 'object' || expected === null || typeof actual !== 'object' || actual === null) {
    return expected === actual ? undefined : `${path}: ${JSON.stringify(actual)}, not ${JSON.stringify(expected)}`;
  }
  const members = new Set([...Object.keys(expected), ...Object.keys(actual)]);
  const found = [...members].flatMap(
    (name) => difference(Reflect.get(expected, name), Reflect.get(actual, name), `${path}.${name}`) ?? [],
  );
  return found[0];
}

function isLike(pattern: string, actual: unknown): boolean {
  if (/^<[^<>]*>$/.test(pattern)) return actual !== undefined;
  const parts = pattern.split(/<[^<>]*>/).map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  return typeof actual === 'string' && new RegExp(`^${parts.join('.+')}$`, 's').test(actual);
}
