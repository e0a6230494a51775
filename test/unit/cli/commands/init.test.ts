import { mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as v from 'valibot';
import { describe, expect, it, vi } from 'vitest';
import { parse } from 'yaml';
import { init } from '../../../../cli/commands/init.ts';
import { createSession, noScreen } from '../../../../cli/session.ts';
import type { Target } from '../../../../cli/target/target.ts';
import { createTerminal } from '../../../../cli/view/terminal.ts';
import { InfinStorUnavailable } from '../../../../lib/errors.ts';
import { checkParams, stageFiles } from '../../../../scripts/check-params.ts';
import { standIn, withNestedWhole, withOtherNames, withoutEncryption } from '../init/templates.ts';

const root = join(import.meta.dirname, '../../../..');
const url = 'https://mlflow.acme.example';
const discovery = {
  cognitoCliClientId: 'client',
  region: 'eu-west-1',
  isExternalAuth: 'false',
  apiDnsName: 'api',
  serviceDnsName: 'acme.example',
};
const documentSchema = v.object({
  status: v.string(),
  file: v.nullable(v.string()),
  params: v.record(v.string(), v.string()),
  map: v.array(v.looseObject({ param: v.string(), parameter: v.nullable(v.string()), sureness: v.string() })),
  questions: v.array(v.looseObject({ id: v.string(), flag: v.string() })),
  template: v.object({ url: v.string(), sha256: v.string() }),
  next: v.array(v.string()),
});

type Options = Parameters<typeof init>[0]['options'];

interface Case {
  template?: string;
  target?: Target;
  /** What somebody types, question by question; absent: nobody is there. */
  typed?: readonly string[];
  options?: Options;
  environment?: Readonly<Record<string, string>>;
  service?: Partial<typeof discovery>;
  stage?: string;
  folder?: string;
}

/** Runs the command in a folder of its own. */
async function run({
  template = standIn,
  target,
  typed,
  options = {},
  environment = {},
  service = {},
  ...at
}: Case = {}) {
  const { stage = 'prod', folder = mkdtempSync(join(tmpdir(), 'init-')) } = at;
  const answers = [...(typed ?? [])];
  const asked: string[] = [];
  const send = vi.fn(async () => new Response(template));
  const getVersion = vi.fn(async () => ({ ...discovery, ...service }));
  const session = createSession({
    program: { name: 'infinstor-onboarding', isTour: false },
    json: false,
    terminal: createTerminal(noScreen, {}),
    isInteractive: typed !== undefined,
    target: target ?? { kind: 'stage', stage },
    isNamed: true,
  });
  const ask = async (question: string) => {
    asked.push(question);
    const answer = answers.shift();
    if (answer === undefined) throw new Error(`Nobody has an answer to: ${question}`);
    return answer;
  };
  const outcome = await init({ words: [stage], options }, session, { folder, environment, send, getVersion, ask });
  const document = v.parse(documentSchema, outcome.document);
  const text = document.status === 'SUCCEEDED' ? readFileSync(join(folder, 'stages', `${stage}.yml`), 'utf8') : '';
  return {
    ...outcome,
    document,
    file: text,
    params: v.parse(v.record(v.string(), v.unknown()), parse(text) ?? {}),
    asked,
    send,
    folder,
  };
}

const complete = { options: { url }, environment: { AWS_REGION: 'us-east-1' } };

describe('init', () => {
  it('writes the file of a stage that is complete, with the hash of the template, and nothing else', async () => {
    const { status = 0, document, params, file, folder } = await run(complete);
    expect(status).toBe(0);
    expect(document).toMatchObject({ status: 'SUCCEEDED', file: 'stages/prod.yml', questions: [] });
    expect(params).toMatchObject({
      region: 'us-east-1',
      infinstorMlflowUrl: url,
      builds: JSON.stringify({ '2.3.72': document.template.sha256 }),
      tableNamePattern: 'InfinStorMlflow-*',
    });
    expect(file.split('\n')[0]).toBe('# yaml-language-server: $schema=../schemas/stage.json');
    expect(file).toContain('# likely: AWS_REGION says so\nregion: us-east-1');
    expect(readdirSync(join(folder, 'stages'))).toEqual(['prod.yml']);
    const files = { ...(await stageFiles(root, 'sandbox')), own: file, stages: ['prod'] };
    expect(checkParams(files, 'prod')).toEqual({ broken: [], unchecked: [] });
  });

  it('explains the map above it, and says what is still to be made', async () => {
    const { file, text, document, params } = await run({
      ...complete,
      template: withOtherNames,
      options: { url, map: ['subscriber.Contact={emailId}'] },
    });
    expect(JSON.parse(String(params.templateParameters)).subscriber).toEqual({
      Contact: '{emailId}',
      Tenant: '{userName}',
    });
    expect(file).toContain(
      '# subscriber: certain: the name of the role is RoleForInfinStorMlflowService- and its value',
    );
    expect(file).toContain('# subscriber: given: it was given');
    expect(document.next).toEqual([
      'aws secretsmanager create-secret --name infinstor/prod/superadmin --secret-string file:///dev/stdin --region us-east-1',
      'aws kms tag-resource --key-id KEY-ARN --tags TagKey=infinstor-onboarding,TagValue=allowed --region us-east-1',
      'infinstor-onboarding deploy --stage prod',
      'infinstor-onboarding doctor --stage prod',
      'infinstor-onboarding onboard REQUEST.json --stage prod',
    ]);
    for (const command of document.next) expect(text).toContain(command);
  });

  it('names no key where a subscriber can have none, and the roles of other accounts where there are some', async () => {
    const account = {
      roleArn: 'arn:aws:iam::222222222222:role/access',
      externalId: 'not-to-be-shown',
      stackServiceRoleArn: 'arn:aws:iam::222222222222:role/stacks',
      permissionsBoundaryArn: 'arn:aws:iam::222222222222:policy/boundary',
      regions: ['eu-west-1'],
    };
    const options = { url, param: [`accounts=${JSON.stringify({ '222222222222': account })}`] };
    const { document, text, file } = await run({ ...complete, template: withoutEncryption, options });
    expect(JSON.stringify(document) + text).not.toContain('not-to-be-shown');
    expect(file).toContain('not-to-be-shown');
    expect(document.next.join('\n')).not.toContain('kms');
    expect(document.next.join('\n')).toContain('--template-file deployment/other-account.yaml');
    expect(document.map).toContainEqual(
      expect.objectContaining({
        param: 'templateParameters.tracking.aws-managed',
        parameter: null,
        sureness: 'certain',
      }),
    );
  });

  it('lists all that is missing at once, each with its option, writes nothing, and asks nothing without a terminal', async () => {
    const { status, document, text, folder, asked } = await run({
      template: withNestedWhole,
    });
    expect({ status, asked, file: document.file, next: document.next }).toEqual({
      status: 2,
      asked: [],
      file: null,
      next: [],
    });
    expect(document.questions.map(({ flag }) => flag)).toEqual([
      "--param 'region=…'",
      "--url '…'",
      "--param 'requirePinnedTemplate=…'",
    ]);
    for (const { flag } of document.questions) expect(text).toContain(flag);
    expect(readdirSync(folder)).toEqual([]);
  });

  it('takes the options that it has listed', async () => {
    const options = { url, param: ['requirePinnedTemplate=false', 'region=eu-west-1'] };
    const { document, params } = await run({ template: withNestedWhole, options });
    expect(document.status).toBe('SUCCEEDED');
    expect(params).toMatchObject({ requirePinnedTemplate: 'false', region: 'eu-west-1' });
  });

  it('asks in a terminal, one question each, with the proposal as the default, and again after an answer that does not fit', async () => {
    const template = withOtherNames
      .replace('Description: Custom token that', 'Description: What')
      .replace('    NoEcho: true\n', '')
      .replace('  ServiceToken:\n    Type: String', '  ServiceTicket:\n    Type: String')
      .replace('!Ref ServiceToken', '!Ref ServiceTicket');
    const { asked, params } = await run({
      template,
      typed: [url, '', 'NoSuch', 'ServiceTicket', ''],
    });
    expect(asked).toHaveLength(5);
    expect(asked[1]).toContain('[eu-west-1]');
    expect(asked[3]).toContain("the template has no parameter 'NoSuch'");
    expect(asked[4]).toContain('[{emailId}]');
    expect(params.region).toBe('eu-west-1');
    expect(JSON.parse(String(params.templateParameters))).toMatchObject({
      customToken: 'ServiceTicket',
      subscriber: { Tenant: '{userName}', Contact: '{emailId}' },
    });
  });

  it('leaves the file of a stage alone, unless it is to be replaced', async () => {
    const { folder, send } = await run(complete);
    const path = join(folder, 'stages/prod.yml');
    writeFileSync(path, 'region: eu-west-1\n');
    await expect(run({ ...complete, folder })).rejects.toMatchObject({
      name: 'InvalidRequest',
      message: 'stages/prod.yml is there',
    });
    expect(readFileSync(path, 'utf8')).toBe('region: eu-west-1\n');
    expect(send).toHaveBeenCalledTimes(1);
    const { params } = await run({ ...complete, folder, options: { url, force: true } });
    expect(params.region).toBe('us-east-1');
    expect(readdirSync(join(folder, 'stages'))).toEqual(['prod.yml']);
  });

  it('does not replace a file that has come into being while somebody was asked', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'init-'));
    const environment = {
      get AWS_REGION() {
        mkdirSync(join(folder, 'stages'), { recursive: true });
        writeFileSync(join(folder, 'stages/prod.yml'), 'verify: off\n');
        return 'us-east-1';
      },
    };
    await expect(run({ folder, environment, options: { url } })).rejects.toMatchObject({
      message: 'stages/prod.yml is there',
    });
    expect(readdirSync(join(folder, 'stages'))).toEqual(['prod.yml']);
    expect(readFileSync(join(folder, 'stages/prod.yml'), 'utf8')).toBe('verify: off\n');
  });

  it.each(['default', 'example', 'sandbox', '1st', 'a_b', 'a'.repeat(20), '../x', ''])(
    'refuses %j as the name of a stage',
    async (stage) => {
      await expect(run({ ...complete, stage })).rejects.toMatchObject({ name: 'InvalidRequest' });
    },
  );

  it.each<[what: string, options: Options, message: RegExp]>([
    ['a param of the wrong form', { url, param: ['verify=on'] }, /verify: must be/],
    ['a param that there is not', { url, param: ['verfy=off'] }, /verfy: is no param/],
    ['a param without a value', { url, param: ['verify'] }, /--param takes NAME=VALUE/],
    ['a part that there is not', { url, map: ['artefacts=none'] }, /--map has no part 'artefacts'/],
    ['a parameter that there is not', { url, map: ['customToken=X'] }, /has no parameter 'X'/],
    ['a value that is not allowed', { url, map: ['artifacts.sse-s3=S3EncryptionOption=x'] }, /takes sse-s3, .*not 'x'/],
    [
      'a placeholder of another part',
      { url, map: ['subscriber=SubscriberName={keyArn}'] },
      /\{keyArn\} is not filled in/,
    ],
    [
      'a key that goes nowhere',
      { url, map: ['tracking.customer-managed=defaults'] },
      /needs a parameter that takes \{keyArn\}/,
    ],
    ['a subscriber without a name', { url, map: ['subscriber=none'] }, /needs a parameter that takes \{userName\}/],
    ['a build', { url, build: 'latest' }, /--build takes a build/],
    ['a URL', { url: 'mlflow' }, /--url takes a URL/],
    ['a URL without encryption', { url: 'http://mlflow.acme.example' }, /must begin with https/],
  ])('refuses %s', async (_, options, message) => {
    await expect(run({ ...complete, options })).rejects.toMatchObject({
      name: 'InvalidRequest',
      message: expect.stringMatching(message),
    });
  });

  it('sets what the template shows beside the map: names, functions, and what a stack takes of the quotas', async () => {
    const template = standIn
      .replaceAll('RoleForInfinStorMlflowService-', 'Access-')
      .replace('      RoleName:', '      Path: /infinstor/\n      RoleName:')
      .replace('function:infinstor-subscriber', 'function:Report')
      .replace(
        '\nOutputs:',
        '\n  Logs: { Type: AWS::S3::Bucket, Properties: { BucketName: !Sub "logs-${SubscriberName}" } }\n\nOutputs:',
      );
    const { params } = await run({ ...complete, template });
    expect(params).toMatchObject({
      roleNamePrefix: 'Access-',
      rolePath: '/infinstor/',
      customResourceFunctions: 'arn:${AWS::Partition}:lambda:*:999999999999:function:Report',
      stackUses: '{"roles":1,"policies":0,"stacks":1,"buckets":2,"tables":1}',
    });
    // One of the buckets has no name of its own.
    expect(params.bucketNamePattern).toBeUndefined();
    const usual = await run(complete);
    expect(Object.keys(usual.params)).toEqual([
      'region',
      'infinstorMlflowUrl',
      'superadminUserName',
      'defaultBuild',
      'builds',
      'tableNamePattern',
      'templateParameters',
    ]);
  });

  it('asks whether roles may be without a boundary, and where the API is when the service does not name it', async () => {
    const { document } = await run({
      ...complete,
      options: { url, map: ['boundary=none'] },
      service: { apiDnsName: '' },
    });
    expect(document.questions.map(({ flag }) => flag)).toEqual([
      "--param 'infinstorApiUrl=…'",
      "--param 'requirePermissionsBoundary=…'",
    ]);
  });

  it('pins the stand-in of a sandbox for a sandbox only, and says so', async () => {
    const endpoint = 'http://sandbox.example:1';
    const { document, file, params, send } = await run({
      target: { kind: 'endpoint', url: endpoint, stage: 'prod' },
      options: { url: 'https://sandbox.example' },
    });
    expect(send.mock.calls).toEqual([[`${endpoint}/infinstorcft/2.3.72/infinstor-setup-customer.yaml`]]);
    expect(params.region).toBe('us-east-1');
    expect(file).toContain('a stand-in: this stage is for a sandbox only');
    expect(document.next[0]).toContain(`--endpoint-url ${endpoint}`);
  });

  it('follows the endpoint that the SDKs of AWS follow', async () => {
    const environment = { AWS_ENDPOINT_URL: 'http://sandbox.example:1' };
    const { send } = await run({ environment, options: { url } });
    expect(send.mock.calls[0]).toEqual([expect.stringContaining('http://sandbox.example:1/infinstorcft/')]);
  });

  it('reads a template elsewhere, and keeps a signature to itself', async () => {
    const elsewhere = 'https://s3.us-east-1.amazonaws.com/mirror/2.4.1/infinstor-setup-customer.yaml';
    const other = await run({ ...complete, options: { url, 'template-url': elsewhere } });
    expect(other.params).toMatchObject({
      defaultBuild: '2.4.1',
      templateBaseUrl: 'https://s3.us-east-1.amazonaws.com/mirror',
      templateBucket: 'mirror',
    });
    const signed = await run({
      ...complete,
      options: { url, build: '2.4.1', 'template-url': `${elsewhere}?X-Amz-Signature=4711` },
    });
    expect(signed.send.mock.calls).toEqual([[`${elsewhere}?X-Amz-Signature=4711`]]);
    expect(JSON.stringify(signed.document) + signed.text + signed.file).not.toContain('4711');
    expect(signed.params).toMatchObject({ defaultBuild: '2.4.1' });
    expect(signed.params.templateBaseUrl).toBeUndefined();
  });

  it('reports a service that does not answer, and a login elsewhere', async () => {
    const { text, file } = await run({ ...complete, service: { isExternalAuth: 'true' } });
    expect(text).toContain('logs users in elsewhere');
    expect(file).toContain('# The service logs users in elsewhere');
    const world = {
      folder: mkdtempSync(join(tmpdir(), 'init-')),
      environment: {},
      send: async () => new Response(standIn),
      getVersion: () => Promise.reject(new InfinStorUnavailable('get_version: refused')),
      ask: async () => '',
    };
    const nobody = createSession({
      program: { name: 'infinstor-onboarding', isTour: false },
      json: true,
      terminal: createTerminal(noScreen, {}),
      isInteractive: false,
      target: undefined,
      isNamed: false,
    });
    await expect(init({ words: ['none-of-them'], options: { url } }, nobody, world)).rejects.toMatchObject({
      name: 'ServiceNotReached',
      message: 'get_version: refused',
    });
  });
});
