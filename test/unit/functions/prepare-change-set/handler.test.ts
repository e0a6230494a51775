import {
  type Change,
  CloudFormationClient,
  DeleteChangeSetCommand,
  DescribeChangeSetCommand,
} from '@aws-sdk/client-cloudformation';
import { mockClient } from 'aws-sdk-client-mock';
import { describe, expect, it } from 'vitest';
import { environmentSchema } from '../../../../functions/prepare-change-set/environment.ts';
import type { UpgradePlan } from '../../../../lib/plans/upgrade.ts';
import { environmentOf } from '../environment.ts';
import { fakeSecrets } from '../fake-secrets.ts';
import { errorOf, lambda, minutesAgo, secret } from '../lambda.ts';
import { ownRecord } from '../own-record.ts';
import { plan as onboarding, role, stackId } from '../plan.ts';

const { subscriber, executionArn, credentialsSecretId } = onboarding;
const plan: UpgradePlan = {
  subscriber: { userName: subscriber.userName },
  executionArn,
  credentialsSecretId,
  allow: [],
  stack: { ...onboarding.stack, stackId, build: '2.3.73', kept: [], nestsStacks: false },
  roleArn: role.roleArn,
  roleArns: [role.roleArn],
  keyArns: [],
};
const changeSetId = 'arn:aws:cloudformation:eu-west-1:111111111111:changeSet/infinstor-onboarding-1/1';

const registered: Change = {
  Type: 'Resource',
  ResourceChange: {
    ...{ LogicalResourceId: 'Subscriber', ResourceType: 'Custom::InfinStorSubscriber', Action: 'Modify' },
    Details: [{ Evaluation: 'Static', Target: { Attribute: 'Properties', Name: 'RoleArn' } }],
  },
};
const policy: Change = {
  Type: 'Resource',
  ResourceChange: {
    LogicalResourceId: 'ServiceRole',
    ResourceType: 'AWS::IAM::Role',
    Action: 'Modify',
    Replacement: 'False',
  },
};

/** A change set that an earlier try has made, with these changes, of a stack whose token ends then. */
function setUp(changes: Change[], customTokenExpiresAt?: string) {
  ownRecord();
  fakeSecrets({
    [credentialsSecretId]: { state: 'created', customToken: secret('custom-token'), customTokenExpiresAt },
  });
  const cloudFormation = mockClient(CloudFormationClient);
  const found = { ChangeSetId: changeSetId, Status: 'CREATE_COMPLETE', ExecutionStatus: 'AVAILABLE' } as const;
  cloudFormation.on(DescribeChangeSetCommand).resolves({ ...found, Changes: changes });
  cloudFormation.on(DeleteChangeSetCommand).resolves({});
  const environment = environmentOf(environmentSchema);
  const invoke = lambda(() => import('../../../../functions/prepare-change-set/handler.ts'), environment);
  const deleted = () => cloudFormation.commandCalls(DeleteChangeSetCommand).map(({ args: [{ input }] }) => input);
  return { prepare: (more: Partial<UpgradePlan> = {}) => invoke({ plan: { ...plan, ...more } }), deleted };
}

describe('a custom token that the stack keeps, and that has ended', () => {
  const ended = minutesAgo(1);

  it('is refused where the custom resource is called with it, and nothing is left', async () => {
    const { prepare, deleted } = setUp([registered], ended);
    await expect(prepare()).rejects.toThrow(expect.objectContaining(errorOf('CustomTokenExpiring', ended)));
    expect(deleted()).toEqual([{ ChangeSetName: changeSetId, StackName: stackId }]);
  });

  it.each<[string, Change[], string | undefined, Partial<UpgradePlan>]>([
    ['does not matter where the custom resource stays as it is', [policy], ended, {}],
    ['is no matter where the request brings another', [registered], ended, { customTokenSecretId: 'input/token' }],
    ['may also be good, as far as is known', [registered], undefined, {}],
    ['may also have days left', [registered], minutesAgo(-24 * 60), {}],
  ])('%s', async (_, changes, endsAt, more) => {
    const { prepare, deleted } = setUp(changes, endsAt);
    expect(await prepare(more)).toMatchObject({ hasChanges: true, changeSetId });
    expect(deleted()).toEqual([]);
  });
});
