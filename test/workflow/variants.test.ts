import * as v from 'valibot';
import { expect, it } from 'vitest';
import type { Sandbox, SandboxOptions } from '../../sandbox/boot.ts';
import { parseFault } from '../../sandbox/faults.ts';
import { expectFailure, expectOneOfEach, newKey, onboard, requestWithKey, statesOf, withSandbox } from './sandbox.ts';

/** An InfinStor as it might be, and how an onboarding ends with it. */
interface Variant extends Omit<SandboxOptions, 'packageFolder'> {
  /** The vendor's template, changed. */
  template?: (template: string) => string;
  prepare?: (sandbox: Sandbox) => void;
  /** A success, unless an error is named. */
  error?: { name: string; step: string; subscribers?: number };
  /** Where the custom token is to be seen. */
  leaks?: readonly string[];
  /** What else is to be seen of a success. */
  expectation?: (sandbox: Sandbox, states: readonly string[]) => void;
}

const userName = 'varied';
const build = '9.9.9';

/** Somebody made the subscriber by hand: nothing of it is known to the onboarding. */
const existing: Pick<Variant, 'prepare'> = {
  prepare: ({ cognito }) => cognito.createUser({ userName, password: 'By-Hand-Marker-1', email: 'mlops@example.com' }),
};
const exists: Variant['error'] = { name: 'SubscriberExists', step: 'CreateSubscriber' };
const outcomeUnknown: Variant['error'] = { name: 'SubscriberOutcomeUnknown', step: 'CreateSubscriber' };

const expiredOnce: Pick<Variant, 'faults' | 'expectation'> = {
  faults: [parseFault('infinstor:add_subscriber:error=LoginExpired')],
  expectation: (_, states) => expect(states.filter((state) => state === 'ObtainToken')).toHaveLength(2),
};

/** A parameter map as another vendor's template would want it. */
const otherMap = JSON.stringify({
  subscriber: { Tenant: '{userName}', Contact: '{emailId}' },
  customToken: 'Secret',
  artifacts: {
    'sse-s3': {},
    'sse-kms-aws-managed': { BucketKms: 'sse-kms-aws-managed-key' },
    'sse-kms-customer-managed': { BucketKms: 'sse-kms-customer-managed-key', BucketKeyArn: '{keyArn}' },
  },
  tracking: {
    'aws-owned': {},
    'aws-managed': { TableKms: 'aws-managed-key' },
    'customer-managed': { TableKms: 'customer-managed-key', TableKey: '{keyArn}' },
  },
});

/** The vendor's template as one that leaves everything to another, `inner.yaml`. */
const nesting = (template: string) => {
  const [head = ''] = template.split('\nConditions:');
  const names = [...head.matchAll(/^ {2}(\w+):$/gm)].map(([, name = '']) => name);
  return `${head}
Resources:
  Inner:
    Type: AWS::CloudFormation::Stack
    Properties:
      TemplateURL: https://s3.amazonaws.com/infinstorcft/${build}/inner.yaml
      Parameters: { ${names.map((name) => `${name}: !Ref ${name}`).join(', ')} }
`;
};

const otherNames = (template: string) =>
  template
    .replaceAll(/SubscriberName\b/g, 'Tenant')
    .replaceAll('S3EncryptionOption', 'BucketKms')
    .replaceAll('S3KmsKeyArn', 'BucketKeyArn')
    .replaceAll('DynamoDbEncryptionOption', 'TableKms')
    .replaceAll('DynamoDbKmsKeyArn', 'TableKey')
    .replace('\n  CustomToken:', '\n  Secret:')
    .replace('!Ref CustomToken', '!Ref Secret')
    .replace('\nConditions:', '\n  Contact:\n    Type: String\n\nConditions:');

const withoutNoEcho = (template: string) => template.replace('    NoEcho: true\n', '');

const atPath = (template: string) =>
  template.replace(
    '    Type: AWS::IAM::Role\n    Properties:\n',
    '    Type: AWS::IAM::Role\n    Properties:\n      Path: /infinstor/services/\n',
  );

/** Before the other resources, so that the role is on a late page. */
const with120Resources = (template: string) =>
  template.replace(
    '\nResources:\n',
    `\nResources:\n${Array.from({ length: 116 }, (_, n) => `  Bucket${n}: { Type: AWS::S3::Bucket }\n`).join('')}`,
  );

const roleArn = (role: unknown) => v.parse(v.object({ arn: v.string() }), role).arn;

it.each<[string, Variant]>([
  ['a duplicate is answered 200', { ...existing, duplicateStatus: 200, error: exists }],
  ['a duplicate is answered 400', { ...existing, duplicateStatus: 400, error: exists }],
  ['a duplicate is answered 403', { ...existing, duplicateStatus: 403, error: exists }],
  ['a duplicate is answered 409', { ...existing, duplicateStatus: 409, error: exists }],
  ['a duplicate is answered 422', { ...existing, duplicateStatus: 422, error: exists }],
  // A server error says nothing about its effect, whatever its words are.
  ['a duplicate is answered 500', { ...existing, duplicateStatus: 500, error: outcomeUnknown }],
  ['an expired login is answered 200', { ...expiredOnce, expiredLoginStatus: 200 }],
  ['an expired login is answered 302', { ...expiredOnce, expiredLoginStatus: 302 }],
  ['an expired login is answered 401', { ...expiredOnce, expiredLoginStatus: 401 }],
  ['an expired login is answered 403', { ...expiredOnce, expiredLoginStatus: 403 }],
  ['the parameters have other names', { template: otherNames, environment: { TEMPLATE_PARAMETERS: otherMap } }],
  [
    'the parameters have other names that the deployment does not know',
    { template: otherNames, error: { name: 'TemplateMismatch', step: 'AcceptRequest' } },
  ],
  ['the token has no NoEcho, and may', { template: withoutNoEcho, leaks: ['stacks'] }],
  [
    'the token has no NoEcho, and must',
    {
      template: withoutNoEcho,
      environment: { REQUIRE_NO_ECHO: 'true' },
      error: { name: 'TemplateMismatch', step: 'AcceptRequest' },
    },
  ],
  [
    'the role is at a path',
    {
      template: atPath,
      expectation: ({ iam }) =>
        expect(roleArn(iam.role(`RoleForInfinStorMlflowService-${userName}`))).toContain(':role/infinstor/services/'),
    },
  ],
  [
    'the stack has 120 resources',
    {
      template: with120Resources,
      expectation: ({ cloudFormation }) =>
        expect(cloudFormation.stack(`infinstor-subscriber-${userName}`)?.resources).toHaveLength(120),
    },
  ],
  [
    'the stack has all in a stack within',
    {
      template: nesting,
      prepare: ({ templates }) => templates.publish(build, templates.standIn, 'inner.yaml'),
      expectation: ({ cloudFormation }) =>
        expect(cloudFormation.stack(`infinstor-subscriber-${userName}`)?.resources).toMatchObject([
          { type: 'AWS::CloudFormation::Stack' },
        ]),
    },
  ],
  ['subscribers log in elsewhere', { isExternalAuth: true }],
  [
    'subscribers log in elsewhere, and the answer is lost',
    {
      isExternalAuth: true,
      faults: [parseFault('infinstor:add_subscriber:drop')],
      error: { name: 'SubscriberOutcomeUnknown', step: 'CreateSubscriber', subscribers: 1 },
    },
  ],
  [
    'the hosts have other names',
    {
      hosts: {
        mlflowDnsName: 'tracking',
        mlflowuiDnsName: 'ui',
        mlflowstaticDnsName: 'assets',
        apiDnsName: 'rest',
        serviceDnsName: 'ml.example.org',
      },
    },
  ],
  ['the token is at customToken', { tokenShape: 'customToken' }],
  ['the token is at custom_token', { tokenShape: 'custom_token' }],
  ['the token is at token', { tokenShape: 'token' }],
  ['the token is a pair', { tokenShape: 'queue' }],
  [
    'the token is at a path',
    { tokenShape: 'nested', environment: { CUSTOM_TOKEN_PATH: 'subscriber.credentials.value' } },
  ],
  ['the token is opaque', { tokenShape: 'opaque' }],
  ['the token has no prefix', { tokenPrefix: '' }],
  ['the token at token has no prefix', { tokenShape: 'token', tokenPrefix: '' }],
  // The prefix is put before the pair's halves: the service refuses it, and a person supplies the right token.
  [
    'the token is a pair that wants no prefix',
    { tokenShape: 'queue', tokenPrefix: '', error: { name: 'StackFailed', step: 'WaitForStack', subscribers: 1 } },
  ],
  [
    'the answer has no token',
    { tokenShape: 'none', error: { name: 'SubscriberOutcomeUnknown', step: 'CreateSubscriber', subscribers: 1 } },
  ],
])('where %s, a request ends the same however often it is sent', (_, variant) => {
  const { template, prepare, error, leaks = [], expectation, ...options } = variant;
  return withSandbox(
    options,
    async (sandbox) => {
      if (template !== undefined) {
        const changed = template(sandbox.templates.standIn);
        // An edit that finds nothing to change would test nothing.
        expect(changed).not.toBe(sandbox.templates.standIn);
        sandbox.templates.publish(build, changed);
      }
      prepare?.(sandbox);
      const keyArn = newKey(sandbox);
      const request = { ...requestWithKey(userName, keyArn), ...(template !== undefined && { stack: { build } }) };
      const report = await onboard(sandbox, request);
      if (error === undefined) {
        expectOneOfEach(sandbox, report, { userName, keyArns: [keyArn] });
        expectation?.(sandbox, statesOf(report));
        const repeated = await onboard(sandbox, request);
        expectOneOfEach(sandbox, repeated, { userName, keyArns: [keyArn] });
        expect(repeated.output).toEqual(report.output);
        return;
      }
      const { subscribers = 0, ...failure } = error;
      await expectFailure(sandbox, report, failure);
      await expectFailure(sandbox, await onboard(sandbox, request), failure);
      expect(sandbox.infinstor.subscribers()).toHaveLength(subscribers);
      expect(sandbox.kms.keyPolicy(keyArn).Statement).toHaveLength(1);
      // A stack is begun only with a token, and one that fails takes its resources along.
      await expect.poll(() => sandbox.cloudFormation.tables()).toEqual([]);
      await expect.poll(() => sandbox.iam.role(`RoleForInfinStorMlflowService-${userName}`)).toBeUndefined();
    },
    leaks,
  );
});
