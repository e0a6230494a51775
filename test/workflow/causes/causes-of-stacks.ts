// Errors of templates, stacks and the roles in them.

import type { Sandbox } from '../../../sandbox/boot.ts';
import { account, fixtures } from '../../../sandbox/core/account.ts';
import { longOnboarded, offboard, offboarding } from '../offboard/offboarding.ts';
import { ended, eventually, hold, onboard, requestFor, serviceToken, startRun } from '../sandbox.ts';
import { fault, letTokensExpire, newName, onboarded, stackNameOf, stackOf, waiterOf } from '../subscriber.ts';
import { afterwards, type Cause, type Left } from './cause.ts';

let builds = 0;

/** Onboards a subscriber of its own with a template of its own. */
async function onboardWith(sandbox: Sandbox, edit: (template: string) => string): Promise<Left> {
  builds += 1;
  const build = `8.${builds}`;
  sandbox.templates.publish(build, edit(sandbox.templates.standIn));
  const userName = newName('cause');
  return { userName, report: await onboard(sandbox, { ...requestFor(userName), stack: { build } }) };
}

const withResource = (resource: string) => (template: string) =>
  template.replace('\nOutputs:', `\n${resource}\n\nOutputs:`);
const hanging = withResource(
  `  Trouble:\n    Type: Custom::SandboxTrouble\n    DependsOn: Subscriber\n    Properties: { ServiceToken: ${serviceToken}, On: Create, Outcome: Hang }`,
);
const failing = withResource(
  `  Trouble:\n    Type: Custom::SandboxTrouble\n    Properties: { ServiceToken: ${serviceToken}, On: Create, Outcome: Fail, Reason: "See the log stream 2026/11/30/[$LATEST]0123456789abcdef0123456789abcdef" }`,
);
const exporting = (name: string) => (template: string) =>
  `${template.trimEnd()}\n  Fixed: { Value: x, Export: { Name: ${name} } }\n`;
const secondRole = withResource(`  SecondRole:
    Type: AWS::IAM::Role
    Properties:
      RoleName: !Sub "RoleForInfinStorMlflowService-\${SubscriberName}-2"
      PermissionsBoundary: !Ref BoundaryPolicyARN
      AssumeRolePolicyDocument: { Version: "2012-10-17", Statement: [] }`);
const withoutRole = (template: string) =>
  template
    .replace(/\n {2}ServiceRole:\n[\s\S]*?(?=\n {2}#[^\n]*\n {2}Subscriber:)/, '')
    .replaceAll('!GetAtt ServiceRole.Arn', 'arn:aws:iam::111111111111:role/by-hand');

/** A machine that does not catch this error. */
const notCatching = (error: string) => () => ({
  editTemplate: (template: string) => template.replaceAll(`\\"${error}\\"`, '\\"NotCaught\\"'),
});

export const causesOfStacks: readonly Cause[] = [
  {
    error: 'TemplateMismatch',
    because: 'the template is none',
    step: 'AcceptRequest',
    says: /is not valid/,
    remedy: /parameter map/,
    provoke: (sandbox) => onboardWith(sandbox, () => 'Resources: {}'),
  },
  {
    error: 'TemplateMismatch',
    because: 'the template lacks a parameter',
    step: 'AcceptRequest',
    says: /SubscriberName/,
    remedy: /parameter map/,
    provoke: (sandbox) => onboardWith(sandbox, (template) => template.replaceAll('SubscriberName', 'Tenant')),
  },
  {
    error: 'TemplateMismatch',
    because: 'CloudFormation finds a rule of the template broken',
    step: 'DeployStack',
    says: /rule Tenants failed: not this one/,
    remedy: /parameter map/,
    provoke: (sandbox) =>
      onboardWith(sandbox, (template) =>
        template.replace(
          '\nRules:',
          '\nRules:\n  Tenants: { Assertions: [{ Assert: !Equals [!Ref SubscriberName, other], AssertDescription: not this one }] }',
        ),
      ),
  },
  {
    error: 'TemplateNotReadable',
    because: 'there is no such bucket',
    step: 'AcceptRequest',
    says: /NoSuchBucket/,
    remedy: /templateBucket/,
    async provoke(sandbox) {
      fault(sandbox, 's3:GetObject:error=NoSuchBucket');
      const userName = newName('cause');
      return { userName, report: await onboard(sandbox, requestFor(userName)) };
    },
  },
  {
    error: 'TemplateNotReadable',
    because: 'there is no such build',
    step: 'AcceptRequest',
    says: /AccessDenied/,
    remedy: /templateBucket/,
    async provoke(sandbox) {
      const userName = newName('cause');
      return { userName, report: await onboard(sandbox, { ...requestFor(userName), stack: { build: '9.9.9' } }) };
    },
  },
  {
    error: 'CustomTokenExpiring',
    because: 'it ends in ten minutes when the request is sent again',
    step: 'DeployStack',
    says: /too soon to make a stack/,
    remedy: /customTokenSecretId/,
    async provoke(sandbox) {
      const userName = newName('cause');
      const request = requestFor(userName);
      fault(sandbox, 'cloudformation:CreateStack:error=InsufficientCapabilitiesException');
      await onboard(sandbox, request);
      await sandbox.clock.quiet();
      sandbox.clock.advance(7 * 24 * 60 * 60_000 - 10 * 60_000);
      return { userName, report: await onboard(sandbox, request) };
    },
  },
  {
    error: 'TemplateChanged',
    because: 'the vendor has replaced a pinned template',
    step: 'AcceptRequest',
    says: /[0-9a-f]{64}.*[0-9a-f]{64}/,
    remedy: /pin its new hash/,
    async provoke(sandbox) {
      // A stack that was created from the earlier one.
      const userName = newName('cause');
      await onboarded(sandbox, requestFor(userName));
      const { standIn } = sandbox.templates;
      afterwards(() => sandbox.templates.publish(fixtures.build, standIn));
      sandbox.templates.publish(fixtures.build, `${standIn} `);
      return { userName, report: await onboard(sandbox, requestFor(newName('cause'))) };
    },
  },
  {
    error: 'TemplateNotPinned',
    because: 'the build has no pin',
    step: 'AcceptRequest',
    says: /^The template of build \S+ is not pinned in builds; it has SHA-256 [0-9a-f]{64} now$/,
    remedy: /pin its hash/,
    options: () => ({ environment: { BUILDS: '{}', REQUIRE_PINNED_TEMPLATE: 'true' } }),
    provoke: async (sandbox) => ({ userName: 'unpinned', report: await onboard(sandbox, requestFor('unpinned')) }),
  },
  {
    error: 'QuotaNearlyExhausted',
    because: 'the account may have no more roles',
    step: 'AcceptRequest',
    says: /^Account 111111111111 in us-east-1 has too little left of IAM roles: (\d+) of \1 are used, an onboarding takes 1, and 5 must stay free/,
    remedy: /Ask AWS/,
    async provoke(sandbox) {
      const { quotas } = sandbox.accounts;
      afterwards(() => quotas.set('roles', account, 1_000));
      quotas.set('roles', account, sandbox.iam.roles().length);
      // What was read while there was plenty is over.
      sandbox.clock.advance(6 * 60_000);
      const userName = newName('cause');
      return { userName, report: await onboard(sandbox, requestFor(userName)) };
    },
  },
  {
    error: 'StackNeedsAttention',
    because: 'the stack was created from other parameters',
    step: 'AcceptRequest',
    says: /S3EncryptionOption is "sse-s3" in the stack and "sse-kms-aws-managed-key" in the request/,
    remedy: /the request that it was made from/,
    // It is gone when it was deleted.
    foreign: /DELETE_FAILED|retain-resources/,
    async provoke(sandbox) {
      const userName = newName('cause');
      await onboarded(sandbox, requestFor(userName));
      const encryption = { artifacts: { type: 'sse-kms-aws-managed' } };
      return { userName, report: await onboard(sandbox, { ...requestFor(userName), encryption }) };
    },
  },
  {
    error: 'DataNotRetained',
    because: 'the template keeps no data',
    step: 'AcceptOffboarding',
    says: /ArtifactsBucket \(AWS::S3::Bucket\), TrackingTable \(AWS::DynamoDB::Table\)/,
    remedy: /keepData: false/,
    async provoke(sandbox) {
      const { userName } = await onboardWith(sandbox, (template) =>
        template.replaceAll('    DeletionPolicy: Retain\n', ''),
      );
      return { userName, report: await offboard(sandbox, userName) };
    },
  },
  {
    error: 'StackFailed',
    because: 'a resource of the stack fails',
    step: 'WaitForStack',
    says: /Subscriber: .*503/,
    remedy: /Remove the cause that CloudFormation names/,
    async provoke(sandbox) {
      fault(sandbox, 'infinstor:register:error=503');
      const userName = newName('cause');
      return { userName, report: await onboard(sandbox, requestFor(userName)) };
    },
  },
  {
    error: 'StackFailed',
    because: 'another stack exports a name',
    step: 'WaitForStack',
    says: /: Export with name infinstor-cause is already exported by stack infinstor-subscriber-sandbox-/,
    remedy: /Remove the cause that CloudFormation names/,
    async provoke(sandbox) {
      const edit = exporting('infinstor-cause');
      const first = await onboardWith(sandbox, edit);
      afterwards(() => offboard(sandbox, first.userName));
      return onboardWith(sandbox, (template) => `${edit(template)}# Of another build\n`);
    },
  },
  {
    error: 'StackFailed',
    because: 'a hook refuses a resource',
    step: 'WaitForStack',
    says: /The following hook\(s\) failed: \[Sandbox::Guard::Hook\]: Hook failed with message: KeyMissing$/,
    remedy: /Remove the cause that CloudFormation names/,
    async provoke(sandbox) {
      fault(sandbox, 'cloudformation:Hook:error=KeyMissing');
      const userName = newName('cause');
      return { userName, report: await onboard(sandbox, requestFor(userName)) };
    },
  },
  {
    error: 'StackFailed',
    because: 'a custom resource fails, and names its log stream',
    step: 'WaitForStack',
    says: /Trouble: .*log stream 2026\/11\/30\/\[\$LATEST\]0123456789abcdef0123456789abcdef/,
    remedy: /Remove the cause that CloudFormation names/,
    provoke: (sandbox) => onboardWith(sandbox, failing),
  },
  {
    error: 'StackTimedOut',
    because: 'a custom resource gets no answer',
    step: 'WaitForStack',
    says: /is still CREATE_IN_PROGRESS after \S+: it waits for Trouble \(\S+\), CREATE_IN_PROGRESS$/,
    remedy: /resource that it waits for/,
    provoke: (sandbox) => onboardWith(sandbox, hanging),
  },
  {
    error: 'StackGone',
    because: 'the deployed machine does not catch it',
    step: 'WaitForStack',
    says: /infinstor-subscriber-sandbox-gone/,
    remedy: /created anew/,
    options: notCatching('StackGone'),
    async provoke(sandbox) {
      fault(sandbox, 'infinstor:register:error=503');
      await onboard(sandbox, requestFor('gone'));
      await eventually(sandbox, () => {
        if (stackOf(sandbox, 'gone')?.status !== 'ROLLBACK_COMPLETE') throw new Error('It is still rolled back');
      });
      return { userName: 'gone', report: await onboard(sandbox, requestFor('gone')) };
    },
  },
  {
    error: 'StackSettled',
    because: 'the deployed machine does not catch it',
    step: 'WaitForStack',
    says: /UPDATE_COMPLETE/,
    remedy: /earlier operation/,
    options: () => ({ resourceDelayMs: 60_000, ...notCatching('StackSettled')() }),
    async provoke(sandbox) {
      const { userName, keyArn } = await longOnboarded(sandbox, 'settled');
      sandbox.cloudFormation.setStatus(stackNameOf(userName), 'UPDATE_IN_PROGRESS');
      const functionName = 'infinstor-onboarding-sandbox-await-stack';
      const goOn = hold(sandbox, 'cloudformation', 'DescribeStacks', { functionName });
      const { executionArn } = await startRun(sandbox, 'offboard-subscriber', offboarding(userName));
      await eventually(sandbox, async () => {
        if ((await waiterOf(sandbox, executionArn))?.goal?.S !== 'settled') throw new Error('It does not wait yet');
      });
      sandbox.cloudFormation.setStatus(stackNameOf(userName), 'UPDATE_COMPLETE');
      goOn();
      return { userName, keyArn, report: await ended(sandbox, executionArn) };
    },
  },
  {
    error: 'RoleNotFound',
    because: 'the stack has no role of the prefix',
    step: 'ReadRoleArn',
    says: /RoleForInfinStorMlflowService-/,
    remedy: /roleNamePrefix/,
    provoke: (sandbox) => onboardWith(sandbox, withoutRole),
  },
  {
    error: 'RoleAmbiguous',
    because: 'the stack has two roles of the prefix',
    step: 'ReadRoleArn',
    says: /RoleForInfinStorMlflowService-\S+-2/,
    remedy: /just the one role/,
    provoke: (sandbox) => onboardWith(sandbox, secondRole),
  },
  {
    error: 'PrincipalNotVisible',
    because: 'IAM does not show the role yet',
    step: 'ReadRoleArn',
    says: /RoleForInfinStorMlflowService-/,
    remedy: /Check in IAM/,
    async provoke(sandbox) {
      letTokensExpire(sandbox);
      fault(sandbox, 'iam:GetRole:error=NoSuchEntity:99');
      const userName = newName('cause');
      return { userName, report: await onboard(sandbox, requestFor(userName)) };
    },
  },
];
