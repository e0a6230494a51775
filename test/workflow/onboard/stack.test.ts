import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CloudFormationClient, CreateStackCommand, DeleteStackCommand } from '@aws-sdk/client-cloudformation';
import { afterEach, describe, expect, it } from 'vitest';
import type { Sandbox } from '../../../sandbox/boot.ts';
import { operatorAt } from '../../../sandbox/operator.ts';
import {
  ended,
  eventually,
  expectFailure,
  expectOneOfEach,
  hold,
  onboard,
  redrive,
  requestFor,
  serviceToken,
  startOnboarding,
  statesOf,
  useSandbox,
  withSandbox,
} from '../sandbox.ts';
import { fault, newRun, stackNameOf, stackOf, subscribersNamed } from '../subscriber.ts';

// A minute for each resource: a stack's operation is over only after time was skipped, and not meanwhile.
const sandbox = useSandbox({ resourceDelayMs: 60_000, environment: { ALLOWED_STACK_PARAMETERS: 'Tier' } });

afterEach(() => {
  sandbox().faults.clear();
});

let builds = 0;

const cloudFormation = () => new CloudFormationClient(operatorAt(sandbox().endpoint));

/** Publishes a variant of the vendor's template, and returns the build of it. */
function publish(given: Sandbox, edit: (template: string) => string): string {
  builds += 1;
  const build = `9.${builds}`;
  const template = edit(given.templates.standIn);
  // An edit that finds nothing to change would test nothing.
  expect(template).not.toBe(given.templates.standIn);
  given.templates.publish(build, template);
  return build;
}

/** A template with one more resource, in the order of creation the last one. */
const withTrouble = (properties: string) => (template: string) =>
  template.replace(
    '\nOutputs:',
    `\n  Trouble:\n    Type: Custom::SandboxTrouble\n    DependsOn: Subscriber\n    Properties: { ServiceToken: ${serviceToken}, ${properties} }\n\nOutputs:`,
  );

describe('a resource that fails', () => {
  it('ends the wait when the rollback begins, with its own reason', async () => {
    const run = newRun('stack');
    const build = publish(sandbox(), withTrouble('On: Create, Outcome: Fail, Reason: no quota is left'));
    const report = await onboard(sandbox(), { ...run.request, stack: { build } });
    await expectFailure(sandbox(), report, { name: 'StackFailed', step: 'WaitForStack' });
    expect(report.error?.message).toMatch(/Trouble: .* no quota is left/);
    await eventually(sandbox(), () => expect(stackOf(sandbox(), run.userName)?.status).toBe('ROLLBACK_COMPLETE'));
    const rolledBack = stackOf(sandbox(), run.userName)?.events.find(
      ({ ResourceStatus }) => ResourceStatus === 'ROLLBACK_COMPLETE',
    );
    const execution = sandbox()
      .states.executions()
      .find(({ executionArn }) => executionArn === report.executionArn);
    expect(execution?.stopDate?.getTime()).toBeLessThan(rolledBack?.Timestamp.getTime() ?? 0);
  });

  it('leaves a stack in ROLLBACK_COMPLETE, which the next attempt deletes and makes anew', async () => {
    const run = newRun('stack');
    fault(sandbox(), 'infinstor:register:error=503');
    const failed = await onboard(sandbox(), run.request);
    await expectFailure(sandbox(), failed, { name: 'StackFailed', step: 'WaitForStack' });
    const firstId = stackOf(sandbox(), run.userName)?.stackId;
    const report = await onboard(sandbox(), run.request);
    expectOneOfEach(sandbox(), report, run);
    expect(report.output?.stackId).not.toBe(firstId);
    expect(subscribersNamed(sandbox(), run.userName)).toHaveLength(1);
  });
});

describe('a stack of somebody else with the name', () => {
  const createForeign = (userName: string) =>
    cloudFormation().send(
      new CreateStackCommand({
        StackName: stackNameOf(userName),
        TemplateURL: 'https://s3.amazonaws.com/infinstorcft/2.3.72/infinstor-setup-customer.yaml',
        Parameters: [
          { ParameterKey: 'SubscriberName', ParameterValue: 'foreign' },
          { ParameterKey: 'CustomToken', ParameterValue: 'none' },
        ],
        Capabilities: ['CAPABILITY_NAMED_IAM'],
        OnFailure: 'DO_NOTHING',
      }),
    );

  it('is found before the subscriber is created, and left alone', async () => {
    const run = newRun('stack');
    await createForeign(run.userName);
    const before = stackOf(sandbox(), run.userName)?.stackId;
    const report = await onboard(sandbox(), run.request);
    await expectFailure(sandbox(), report, { name: 'StackNeedsAttention', step: 'AcceptRequest' });
    expect(report.error?.message).toContain('was not made by the onboarding');
    expect(subscribersNamed(sandbox(), run.userName)).toEqual([]);
    expect(stackOf(sandbox(), run.userName)?.stackId).toBe(before);
  });

  it('that comes meanwhile is left alone, too', async () => {
    const run = newRun('stack');
    const goOn = hold(sandbox(), 'infinstor', 'add_subscriber');
    const { executionArn } = await startOnboarding(sandbox(), run.request);
    await eventually(sandbox(), () => expect(sandbox().faults.left()).toBe(0));
    await createForeign(run.userName);
    goOn();
    const report = await ended(sandbox(), executionArn);
    await expectFailure(sandbox(), report, { name: 'StackNeedsAttention', step: 'DeployStack' });
  });
});

describe('a stack of ours', () => {
  it('in UPDATE_ROLLBACK_COMPLETE is live: it stays, and the request converges', async () => {
    const run = newRun('stack');
    const first = await onboard(sandbox(), run.request);
    sandbox().cloudFormation.setStatus(stackNameOf(run.userName), 'UPDATE_ROLLBACK_COMPLETE');
    const report = await onboard(sandbox(), run.request);
    expect(report.output).toEqual({ ...first.output, changed: [] });
    expect(stackOf(sandbox(), run.userName)?.status).toBe('UPDATE_ROLLBACK_COMPLETE');
  });

  it('of another request is distinguished by its parameters, and nothing is changed', async () => {
    const run = newRun('stack');
    await onboard(sandbox(), run.request);
    const report = await onboard(sandbox(), {
      ...run.request,
      encryption: { artifacts: { type: 'sse-kms-aws-managed' } },
    });
    await expectFailure(sandbox(), report, { name: 'StackNeedsAttention', step: 'AcceptRequest' });
    expect(report.error?.message).toContain(
      'S3EncryptionOption is "sse-s3" in the stack and "sse-kms-aws-managed-key" in the request',
    );
    expectOneOfEach(sandbox(), await onboard(sandbox(), run.request), run);
  });

  it('whose deletion fails needs attention, in this attempt and the next', async () => {
    const run = newRun('stack');
    const trouble = withTrouble('On: Delete, Outcome: Fail, Reason: bucket is not empty');
    // Nothing but the trouble is to stay behind: data that is kept would have the names of the next stack's.
    const build = publish(sandbox(), (template) => trouble(template).replaceAll('    DeletionPolicy: Retain\n', ''));
    const request = { ...run.request, stack: { build } };
    expectOneOfEach(sandbox(), await onboard(sandbox(), request), run);

    // A person deletes it while the next attempt is under way.
    const goOn = hold(sandbox(), 'cloudformation', 'GetTemplateSummary');
    const { executionArn } = await startOnboarding(sandbox(), request);
    await eventually(sandbox(), () => expect(sandbox().faults.left()).toBe(0));
    await cloudFormation().send(new DeleteStackCommand({ StackName: stackNameOf(run.userName) }));
    goOn();
    const report = await ended(sandbox(), executionArn);
    await expectFailure(sandbox(), report, { name: 'StackNeedsAttention', step: 'WaitForStack' });
    expect(report.error?.message).toContain('DELETE_FAILED');
    const next = await onboard(sandbox(), request);
    await expectFailure(sandbox(), next, { name: 'StackNeedsAttention', step: 'AcceptRequest' });
    expect(next.error?.message).toMatch(/remove what blocks it and delete the stack.*failed to delete: \[\w+\]/);
    expect(next.error?.remedy).toContain('--retain-resources');
    expect(next.error?.remedy).toContain('does not help before');

    // Without what blocks it, which stays behind, the stack can be deleted, and the request helps.
    const [, blocking = ''] = /failed to delete: \[(\w+)\]/.exec(next.error?.message ?? '') ?? [];
    await cloudFormation().send(
      new DeleteStackCommand({ StackName: stackNameOf(run.userName), RetainResources: [blocking] }),
    );
    expectOneOfEach(sandbox(), await onboard(sandbox(), request), run);
  });

  it('that never ends is StackTimedOut after an hour, however often it is asked for', async () => {
    const run = newRun('stack');
    const request = { ...run.request, stack: { build: publish(sandbox(), withTrouble('On: Create, Outcome: Hang')) } };
    const report = await onboard(sandbox(), request);
    await expectFailure(sandbox(), report, { name: 'StackTimedOut', step: 'WaitForStack' });
    expect(report.durationMs).toBeGreaterThanOrEqual(3_600_000);
    // Looked at every ten minutes.
    expect(statesOf(report).filter((state) => state === 'WaitForStack')).toHaveLength(7);
    const next = await onboard(sandbox(), request);
    await expectFailure(sandbox(), next, { name: 'StackTimedOut', step: 'WaitForStack' });
    expect(subscribersNamed(sandbox(), run.userName)).toHaveLength(1);
  });
});

describe("the role in the stack's resources", () => {
  const renamed = (name: string) => (template: string) =>
    template.replace('RoleName: !Sub "RoleForInfinStorMlflowService-${SubscriberName}"', `RoleName: !Sub "${name}"`);
  const without = (template: string) =>
    template
      .replace(/\n {2}ServiceRole:\n[\s\S]*?(?=\n {2}#[^\n]*\n {2}Subscriber:)/, '')
      .replaceAll('!GetAtt ServiceRole.Arn', 'arn:aws:iam::111111111111:role/by-hand');
  const second = (template: string) =>
    template.replace(
      '\nOutputs:',
      `
  SecondRole:
    Type: AWS::IAM::Role
    Properties:
      RoleName: !Sub "RoleForInfinStorMlflowService-\${SubscriberName}-2"
      PermissionsBoundary: !Ref BoundaryPolicyARN
      AssumeRolePolicyDocument: { Version: "2012-10-17", Statement: [] }

Outputs:`,
    );

  it.each([
    ['RoleNotFound', 'that is not there', without],
    ['RoleAmbiguous', 'beside another that fits', second],
  ])('is %s %s, and a redrive goes on when the deployment fits', async (name, _, edit) => {
    const run = newRun('stack');
    const report = await onboard(sandbox(), { ...run.request, stack: { build: publish(sandbox(), edit) } });
    await expectFailure(sandbox(), report, { name, step: 'ReadRoleArn' });
    expect((await redrive(sandbox(), report)).error).toMatchObject({ name, step: 'ReadRoleArn' });
  });

  // In a sandbox of its own, as the others look for denials at their end.
  it('is not created with another name or path, or without the permissions boundary: CloudFormation may not', () =>
    withSandbox({}, async (own) => {
      const edits = [
        renamed('My-RoleForInfinStorMlflowService-${SubscriberName}'),
        (template: string) => template.replace('      RoleName:', '      Path: /any/\n      RoleName:'),
        (template: string) => template.replace(/\n {6}PermissionsBoundary: .*/, ''),
      ];
      for (const edit of edits) {
        const report = await onboard(own, { ...newRun('stack').request, stack: { build: publish(own, edit) } });
        expect(report.error).toMatchObject({ name: 'StackFailed' });
        expect(report.error?.message).toContain('not authorized to perform: iam:CreateRole');
      }
    }));
});

describe('a template that does not fit the deployment', () => {
  it.each<[string, (template: string) => string, string]>([
    [
      'has a parameter that nobody sets',
      (template) => template.replace('\nConditions:', '\n  Region2:\n    Type: String\n\nConditions:'),
      'Region2: has no default',
    ],
    [
      'lacks a parameter of the map',
      (template) =>
        template.replaceAll('DynamoDbKmsKeyArn', 'TableKey').replaceAll('DynamoDbEncryptionOption', 'TableOption'),
      'DynamoDbEncryptionOption: the template of this build has no such parameter',
    ],
    [
      'lacks the parameter of the token',
      (template) => template.replaceAll('CustomToken', 'Secret'),
      'CustomToken: the template of this build has no such parameter',
    ],
    [
      'allows other values',
      (template) => template.replaceAll('sse-s3', 'SSE-S3'),
      'S3EncryptionOption: the template allows only SSE-S3',
    ],
    [
      'needs a capability that is not allowed',
      (template) => template.replace('\nParameters:', '\nTransform: AWS::LanguageExtensions\n\nParameters:'),
      'needs CAPABILITY_AUTO_EXPAND',
    ],
    ['is none', () => 'Resources: {}', 'is not valid'],
  ])('because it %s is TemplateMismatch, before the subscriber is created', async (_, edit, words) => {
    const run = newRun('stack');
    const report = await onboard(sandbox(), { ...run.request, stack: { build: publish(sandbox(), edit) } });
    await expectFailure(sandbox(), report, { name: 'TemplateMismatch', step: 'AcceptRequest' });
    expect(report.error?.message).toContain(words);
    expect(subscribersNamed(sandbox(), run.userName)).toEqual([]);
  });

  it('because of a parameter that the request can set, fits with the request', async () => {
    const run = newRun('stack');
    const build = publish(sandbox(), (template) =>
      template.replace(
        '\nConditions:',
        '\n  Tier:\n    Type: String\n    AllowedValues: [small, large]\n\nConditions:',
      ),
    );
    const stack = { build, parameters: { Tier: 'huge' } };
    const report = await onboard(sandbox(), { ...run.request, stack });
    await expectFailure(sandbox(), report, { name: 'InvalidRequest', step: 'AcceptRequest' });
    expect(report.error?.message).toBe('stack.parameters.Tier: the template allows only small, large');
    const fitting = { ...stack, parameters: { Tier: 'small' } };
    expectOneOfEach(sandbox(), await onboard(sandbox(), { ...run.request, stack: fitting }), run);
  });
});

describe('a template that shows the custom token', () => {
  const withoutNoEcho = (template: string) => template.replace('    NoEcho: true\n', '');

  // In sandboxes of their own, as their stacks show the token; nothing else may.
  it('in describe calls is warned of', () =>
    withSandbox(
      { environment: { REQUIRE_NO_ECHO: 'false' } },
      async (given) => {
        const request = { ...requestFor('shown'), stack: { build: publish(given, withoutNoEcho) } };
        expectOneOfEach(given, await onboard(given, request), { userName: 'shown', keyArns: [] });
        const log = readFileSync(join(given.logFolder, 'infinstor-onboarding-sandbox-accept-request.log'), 'utf8');
        expect(log).toMatch(/"level":"WARN".*CustomToken has no NoEcho/);
      },
      ['stacks'],
    ));

  it('in describe calls is TemplateMismatch where the deployment says so', () =>
    withSandbox({ environment: { REQUIRE_NO_ECHO: 'true' } }, async (given) => {
      const request = { ...requestFor('shown'), stack: { build: publish(given, withoutNoEcho) } };
      const report = await onboard(given, request);
      await expectFailure(given, report, { name: 'TemplateMismatch', step: 'AcceptRequest' });
      expect(given.infinstor.subscribers()).toEqual([]);
    }));

  it.each([
    ['customToken', 'refused: <custom token>'],
    ['opaque', 'refused: <redacted>'],
  ] as const)('of the shape %s in the reason of a failure is told on without it', (tokenShape, told) =>
    withSandbox(
      { infinstor: { tokenShape, tokenPrefix: 'Custom ' } },
      async (given) => {
        const edit = withTrouble('On: Create, Outcome: Fail, Reason: !Sub "refused: ${CustomToken}"');
        const report = await onboard(given, { ...requestFor('shown'), stack: { build: publish(given, edit) } });
        await expectFailure(given, report, { name: 'StackFailed', step: 'WaitForStack' });
        expect(report.error?.message).toContain(told);
      },
      ['stacks'],
    ),
  );
});
