import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { parseFault } from '../../../sandbox/core/faults.ts';
import { offboard } from '../offboard/offboarding.ts';
import { expectFailure, expectOneOfEach, onboard, serviceToken, useSandbox } from '../sandbox.ts';
import { newRun, stackNameOf, subscribersNamed } from '../subscriber.ts';

const sandbox = useSandbox({
  environment: { ALLOWED_CAPABILITIES: 'CAPABILITY_IAM,CAPABILITY_NAMED_IAM,CAPABILITY_AUTO_EXPAND' },
});

afterEach(() => {
  sandbox().faults.clear();
});

let builds = 0;

/** Publishes a variant of the vendor's template, and returns the build of it. */
function publish(edit: (template: string) => string, file?: string): string {
  const { templates } = sandbox();
  builds += 1;
  const template = edit(templates.standIn);
  expect(template).not.toBe(templates.standIn);
  templates.publish(`8.${builds}`, template, file);
  return `8.${builds}`;
}

/** With one output more, as a line of YAML in flow style. */
const withOutput = (output: string) => (template: string) => `${template.trimEnd()}\n  More: ${output}\n`;

async function failureOf(edit: (template: string) => string) {
  const run = newRun('reason');
  const report = await onboard(sandbox(), { ...run.request, stack: { build: publish(edit) } });
  return { run, report };
}

describe('a stack that fails without a failed resource is StackFailed with its own reason,', () => {
  it('when another stack exports the name, and not when it no longer does', async () => {
    const build = publish(withOutput('{ Value: x, Export: { Name: infinstor-fixed } }'));
    const first = newRun('reason');
    const second = newRun('reason');
    const onboarded = async (run: typeof first) => onboard(sandbox(), { ...run.request, stack: { build } });
    expectOneOfEach(sandbox(), await onboarded(first), first);
    const report = await onboarded(second);
    await expectFailure(sandbox(), report, { name: 'StackFailed', step: 'WaitForStack' });
    const taken = `Export with name infinstor-fixed is already exported by stack ${stackNameOf(first.userName)}.`;
    expect(report.error?.message.split(/ is ROLLBACK_\w+: /)[1]).toBe(taken);
    expect((await offboard(sandbox(), first.userName)).status).toBe('SUCCEEDED');
    expectOneOfEach(sandbox(), await onboarded(second), second);
  });

  it.each([
    ['an import is missing', withOutput('{ Value: !ImportValue nowhere }'), 'No export named nowhere found.'],
    [
      'an output has no value',
      withOutput('{ Value: !GetAtt ServiceRole.Invalid }'),
      '[Error] /Outputs/More/Value/Fn::GetAtt: Resource type AWS::IAM::Role does not support attribute {Invalid}.',
    ],
    [
      'a macro is missing',
      (template: string) => template.replace('\nParameters:', '\nTransform: Missing\n\nParameters:'),
      'No transform named Missing found.',
    ],
  ])('when %s', async (_name, edit, reason) => {
    const { report } = await failureOf(edit);
    await expectFailure(sandbox(), report, { name: 'StackFailed', step: 'WaitForStack' });
    expect(report.error?.message.split(/ is ROLLBACK_\w+: /)[1]).toBe(reason);
  });

  it('when it is nested', async () => {
    publish(
      () => `Resources: { B: { Type: "AWS::S3::Bucket" } }\nOutputs: { O: { Value: !ImportValue nowhere } }`,
      'inner.yaml',
    );
    const inner = `https://s3.amazonaws.com/infinstorcft/8.${builds}/inner.yaml`;
    const { report } = await failureOf((template) =>
      template.replace(
        '\nOutputs:',
        `\n  Inner:\n    Type: AWS::CloudFormation::Stack\n    Properties: { TemplateURL: "${inner}" }\n\nOutputs:`,
      ),
    );
    await expectFailure(sandbox(), report, { name: 'StackFailed', step: 'WaitForStack' });
    expect(report.error?.message.endsWith(': Inner: No export named nowhere found.')).toBe(true);
  });
});

it("a hook's refusal is StackFailed with the hook's reason", async () => {
  const run = newRun('reason');
  sandbox().faults.add(parseFault('cloudformation:Hook:error=KeyMissing'));
  const report = await onboard(sandbox(), run.request);
  await expectFailure(sandbox(), report, { name: 'StackFailed', step: 'WaitForStack' });
  expect(report.error?.message).toMatch(
    /: \w+: The following hook\(s\) failed: \[Sandbox::Guard::Hook\]: Hook failed with message: KeyMissing$/,
  );
  expectOneOfEach(sandbox(), await onboard(sandbox(), run.request), run);
});

it('a custom resource that fails is named with its log stream', async () => {
  const stream = '2026/11/30/[$LATEST]0123456789abcdef0123456789abcdef';
  const Reason = `See the details in CloudWatch Log Stream: ${stream}`;
  const { report } = await failureOf((template) =>
    template.replace(
      '\nOutputs:',
      `\n  Trouble:\n    Type: Custom::SandboxTrouble\n    Properties: { ServiceToken: "${serviceToken}", On: Create, Outcome: Fail, Reason: '${Reason}' }\n\nOutputs:`,
    ),
  );
  expect(report.error).toMatchObject({ name: 'StackFailed' });
  expect(report.error?.message).toContain(Reason);
});

it('rules of the template are left to CloudFormation, which is logged, and named when it refuses', async () => {
  const rule = '{ Assertions: [{ Assert: !Equals [!Ref SubscriberName, other], AssertDescription: not this one }] }';
  const { report } = await failureOf((template) => template.replace('\nRules:', `\nRules:\n  Tenants: ${rule}`));
  await expectFailure(sandbox(), report, { name: 'TemplateMismatch', step: 'DeployStack' });
  expect(report.error?.message).toContain('Template error: rule Tenants failed: not this one');
  const log = readFileSync(join(sandbox().logFolder, 'infinstor-onboarding-sandbox-accept-request.log'), 'utf8');
  expect(log).toContain('Left to CloudFormation, which decides when the stack is created: AllowedPattern, Rules');
});

it.each([
  ['a build that is not there', '9.9.9', undefined, 'AccessDenied'],
  ['a bucket that is not there', undefined, 'NoSuchBucket', 'NoSuchBucket'],
])("TemplateNotReadable with S3's answer: %s", async (_name, build, fault, words) => {
  const run = newRun('reason');
  if (fault !== undefined) {
    sandbox().faults.add(parseFault(`s3:GetObject:error=${fault}`));
  }
  const report = await onboard(sandbox(), { ...run.request, ...(build !== undefined && { stack: { build } }) });
  await expectFailure(sandbox(), report, { name: 'TemplateNotReadable', step: 'AcceptRequest' });
  expect(report.error?.message).toContain(words);
  expect(subscribersNamed(sandbox(), run.userName)).toEqual([]);
});

it('a deletion that CloudFormation gives up, as its export is used, ends StackNeedsAttention with its reason', async () => {
  const run = newRun('reason');
  const build = publish(withOutput('{ Value: x, Export: { Name: infinstor-used } }'));
  expectOneOfEach(sandbox(), await onboard(sandbox(), { ...run.request, stack: { build } }), run);
  const user = newRun('reason');
  const using = publish(withOutput('{ Value: !ImportValue infinstor-used }'));
  expectOneOfEach(sandbox(), await onboard(sandbox(), { ...user.request, stack: { build: using } }), user);
  const report = await offboard(sandbox(), run.userName);
  await expectFailure(sandbox(), report, { name: 'StackNeedsAttention', step: 'WaitForStack' });
  expect(report.error?.message).toContain(
    `is CREATE_COMPLETE: Delete canceled. Cannot delete export infinstor-used as it is in use by ${stackNameOf(user.userName)}.`,
  );
  expect((await offboard(sandbox(), user.userName)).status).toBe('SUCCEEDED');
  expect((await offboard(sandbox(), run.userName)).status).toBe('SUCCEEDED');
});
