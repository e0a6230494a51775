import { CloudFormationClient, CreateStackCommand } from '@aws-sdk/client-cloudformation';
import { afterEach, describe, expect, it } from 'vitest';
import { operatorAt } from '../../../sandbox/operator.ts';
import { editPolicy, naming, newRole } from '../keys/key-policies.ts';
import {
  ended,
  eventsOf,
  eventually,
  expectFailure,
  hold,
  onboard,
  plaintextMarker,
  recordOf,
  requestFor,
  run,
  startOnboarding,
  useSandbox,
} from '../sandbox.ts';
import { effectsOf } from '../side-effects.ts';
import { letTokensExpire, roleArnOf, stackNameOf } from '../subscriber.ts';
import { expectOffboarded, expectUntouched, longOnboarded, offboard, offboarding } from './offboarding.ts';

// A minute for each resource: a stack's operation is over only after time was skipped, and not meanwhile.
const sandbox = useSandbox({ resourceDelayMs: 60_000 });

afterEach(() => {
  sandbox().faults.clear();
});

describe('an offboarding that cannot be done to the end is refused before anything is done:', () => {
  it('RoleStillNamed, while a statement of somebody else names the role', async () => {
    const subscriber = await longOnboarded(sandbox());
    const { userName, keyArn } = subscriber;
    await editPolicy(sandbox(), keyArn, (statements) => [...statements, naming('Backup', roleArnOf(userName))]);
    const report = await offboard(sandbox(), userName);
    await expectFailure(sandbox(), report, { name: 'RoleStillNamed', step: 'AcceptOffboarding' });
    expect(report.error?.message).toBe(
      `Statement "Backup" of the policy of key ${keyArn} names ${roleArnOf(userName)}, which is to be deleted`,
    );
    expectUntouched(sandbox(), subscriber);
    await editPolicy(sandbox(), keyArn, (statements) =>
      statements.filter((statement) => !JSON.stringify(statement).includes('Backup')),
    );
    await expectOffboarded(sandbox(), await offboard(sandbox(), userName), subscriber);
  });

  it('KeyPolicyOrphan, while a statement of somebody else names a deleted role', async () => {
    const subscriber = await longOnboarded(sandbox());
    const { arn } = newRole(sandbox(), 'leaving-orphan');
    await editPolicy(sandbox(), subscriber.keyArn, (statements) => [...statements, naming('Old', arn)]);
    sandbox().iam.deleteRole('leaving-orphan');
    const report = await offboard(sandbox(), subscriber.userName);
    await expectFailure(sandbox(), report, { name: 'KeyPolicyOrphan', step: 'AcceptOffboarding' });
    expectUntouched(sandbox(), subscriber);
  });

  it('StackNeedsAttention, when a stack of the name is not the subscriber’s', async () => {
    const given = sandbox();
    const subscriber = await longOnboarded(given);
    await offboard(given, subscriber.userName);
    given.templates.publish('9.7', given.templates.standIn.replace('TableName: !Sub', 'TableName: !Sub other-'));
    await new CloudFormationClient(operatorAt(given.endpoint)).send(
      new CreateStackCommand({
        StackName: stackNameOf(subscriber.userName),
        TemplateURL: 'https://s3.amazonaws.com/infinstorcft/9.7/infinstor-setup-customer.yaml',
        Parameters: [
          { ParameterKey: 'SubscriberName', ParameterValue: 'somebody' },
          { ParameterKey: 'CustomToken', ParameterValue: 'none' },
        ],
        Capabilities: ['CAPABILITY_NAMED_IAM'],
      }),
    );
    const report = await offboard(given, subscriber.userName);
    expect(report.error).toMatchObject({
      name: 'StackNeedsAttention',
      step: 'AcceptOffboarding',
      message: `Stack ${stackNameOf(subscriber.userName)} exists and was not made by the onboarding of ${subscriber.userName}`,
    });
    expect(given.cloudFormation.stack(stackNameOf(subscriber.userName))).toBeDefined();
  });

  it('SubscriberNotFound, when the registry knows nobody of that name', async () => {
    const report = await offboard(sandbox(), 'nobody');
    await expectFailure(sandbox(), report, { name: 'SubscriberNotFound', step: 'AcceptOffboarding' });
    expect(await recordOf(sandbox(), 'nobody')).toBeUndefined();
  });

  it('OnboardingInProgress, while another execution works on the subscriber', async () => {
    const goOn = hold(sandbox(), 'infinstor', 'add_subscriber');
    const { executionArn } = await startOnboarding(sandbox(), requestFor('busy'));
    await eventually(sandbox(), () => expect(sandbox().faults.left()).toBe(0));
    const report = await offboard(sandbox(), 'busy');
    expect(report.error).toMatchObject({ name: 'OnboardingInProgress', step: 'AcceptOffboarding' });
    expect(report.error?.message).toContain(executionArn);
    goOn();
    expect((await ended(sandbox(), executionArn)).error).toBeNull();
  });

  describe('DataNotRetained, unless the data may go,', () => {
    /** Builds of the vendor's template that do not keep all data. */
    const builds: Record<string, { edit: (template: string) => string; lost: string }> = {
      '9.11': {
        edit: (template) => template.replaceAll('    DeletionPolicy: Retain\n', ''),
        lost: 'ArtifactsBucket (AWS::S3::Bucket), TrackingTable (AWS::DynamoDB::Table)',
      },
      '9.12': {
        edit: (template) => template.replace('DeletionPolicy: Retain', 'DeletionPolicy: Delete'),
        lost: 'ArtifactsBucket (AWS::S3::Bucket)',
      },
    };

    it.each(Object.keys(builds))('with build %s', async (build) => {
      const { edit, lost } = builds[build] ?? { edit: String, lost: '' };
      const { templates, cloudFormation } = sandbox();
      templates.publish(build, edit(templates.standIn));
      letTokensExpire(sandbox());
      const userName = `build-${build.replace('.', '-')}`;
      const request = { ...requestFor(userName), stack: { build } };
      const { output } = await onboard(sandbox(), request);
      const stackId = `${output?.stackId}`;
      const report = await offboard(sandbox(), userName);
      await expectFailure(sandbox(), report, { name: 'DataNotRetained', step: 'AcceptOffboarding' });
      expect(report.error?.message).toContain(`of ${lost}`);
      expect(report.error?.remedy).toContain('keepData: false');
      expect(cloudFormation.stack(stackId)?.status).toBe('CREATE_COMPLETE');

      const lossy = await offboard(sandbox(), userName, { keepData: false });
      expect(lossy.error).toBeNull();
      expect(cloudFormation.buckets().filter((bucket) => bucket.stackId === stackId)).toEqual([]);
      const kept = cloudFormation.tables().filter((table) => table.stackId === stackId);
      expect(kept).toHaveLength(build === '9.11' ? 0 : 1);
      expect(lossy.output?.retained).toHaveLength(kept.length);
    });

    it('also of a stack within the stack', async () => {
      const { templates, cloudFormation } = sandbox();
      const [head = ''] = templates.standIn.split('\nConditions:');
      const inner = templates.standIn.replace('DeletionPolicy: Retain', 'DeletionPolicy: Delete');
      const nesting = (url: string) => `${head}
Resources:
  Inner:
    Type: AWS::CloudFormation::Stack
    Properties:
      TemplateURL: ${url}
      Parameters:
        SubscriberName: !Ref SubscriberName
        CustomToken: !Ref CustomToken
        UseBoundaryPolicy: !Ref UseBoundaryPolicy
        BoundaryPolicyARN: !Ref BoundaryPolicyARN
`;
      const base = 'https://s3.amazonaws.com/infinstorcft';
      templates.publish('9.13', inner, 'inner.yaml');
      templates.publish('9.13', nesting(`${base}/9.13/inner.yaml`));
      letTokensExpire(sandbox());
      await onboard(sandbox(), { ...requestFor('nesting'), stack: { build: '9.13' } });
      const report = await offboard(sandbox(), 'nesting');
      expect(report.error).toMatchObject({ name: 'DataNotRetained', step: 'AcceptOffboarding' });
      expect(report.error?.message).toContain('of Inner.ArtifactsBucket (AWS::S3::Bucket)');
      const lossy = await offboard(sandbox(), 'nesting', { keepData: false });
      expect(lossy.output).toMatchObject({
        retained: [{ logicalId: 'Inner.TrackingTable', physicalId: 'InfinStorMlflow-nesting' }],
      });
      expect(cloudFormation.stack(stackNameOf('nesting'))).toBeUndefined();
    });
  });
});

const good = offboarding('refused');

describe('a bad request', () => {
  it.each<[what: string, request: object, field: string]>([
    ['nothing', {}, 'subscriber'],
    ['no confirmation', { subscriber: good.subscriber }, 'confirm'],
    ['another name as confirmation', { ...good, confirm: 'acme' }, 'confirm'],
    ['a confirmation in another case', { ...good, confirm: 'Refused' }, 'confirm'],
    ['true as confirmation', { ...good, confirm: true }, 'confirm'],
    ['a name that cannot be', offboarding('-x'), 'subscriber.userName'],
    [
      'an e-mail address',
      { ...good, subscriber: { userName: 'refused', emailId: 'a@b.example' } },
      'subscriber.emailId',
    ],
    ['an account', { ...good, stack: { accountId: '111111111111' } }, 'stack'],
    ['a text for keepData', { ...good, keepData: 'false' }, 'keepData'],
    ['a list', { ...good, subscriber: [] }, 'subscriber'],
    ['a password', { ...good, password: plaintextMarker }, 'password'],
    [
      'a password of the subscriber',
      { ...good, subscriber: { userName: 'refused', password: plaintextMarker } },
      'subscriber.password',
    ],
  ])('with %s is refused before any side effect, naming the field', async (_, request, field) => {
    const effects = await effectsOf(sandbox(), async () => {
      const report = await run(sandbox(), 'offboard-subscriber', request);
      expect(report.error).toMatchObject({ name: 'InvalidRequest', step: 'AcceptOffboarding' });
      expect(report.error?.message).toMatch(new RegExp(`^${field.replace('.', '\\.')}: `));
      await eventually(sandbox(), () => expect(eventsOf(sandbox(), report)).toHaveLength(1));
    });
    expect(effects.filter((effect) => !effect.startsWith('record-failure'))).toEqual([]);
  });
});
