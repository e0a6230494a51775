// Deployments that put stacks into the same account and Region: each has its own, by code and by IAM alone.

import {
  CloudFormationClient,
  CreateStackCommand,
  type CreateStackCommandInput,
  DeleteStackCommand,
} from '@aws-sdk/client-cloudformation';
import { DynamoDBClient, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { describe, expect, it } from 'vitest';
import type { Sandbox } from '../../../sandbox/boot.ts';
import { type AccountRegion, account } from '../../../sandbox/core/account.ts';
import { operatorAt } from '../../../sandbox/operator.ts';
import { setUpOtherAccount } from '../../../tools/permissions/other-account.ts';
import { accountsPackage, there } from '../accounts/elsewhere.ts';
import { longOnboarded, offboard } from '../offboard/offboarding.ts';
import { eventually, expectFailure, onboard, useSandbox, withSandbox } from '../sandbox.ts';
import { newRun, roleNameOf, stackNameOf, stackOf, subscribersNamed } from '../subscriber.ts';

const sandbox = useSandbox();

const ours = '111111111111/us-east-1/infinstor-onboarding-sandbox';
/** Of the same stage name in another Region and another account, and of another stage. */
const theirs = [
  '111111111111/eu-west-1/infinstor-onboarding-sandbox',
  '333333333333/us-east-1/infinstor-onboarding-sandbox',
  '111111111111/us-east-1/infinstor-onboarding-prod',
];
/** What version 0.1.0 of this stage tagged stacks with, and of another one. */
const former = 'infinstor/sandbox/';
const formerOfProd = 'infinstor/prod/';

const operator = (given: Sandbox, home: AccountRegion) =>
  new CloudFormationClient(operatorAt(given.endpoint, { accountId: home.accountId, region: home.region }));

const stackFor = (userName: string, deployment: string | undefined, rest: Partial<CreateStackCommandInput> = {}) =>
  new CreateStackCommand({
    StackName: stackNameOf(userName),
    TemplateURL: 'https://s3.amazonaws.com/infinstorcft/2.3.72/infinstor-setup-customer.yaml',
    Parameters: [
      { ParameterKey: 'SubscriberName', ParameterValue: userName },
      { ParameterKey: 'CustomToken', ParameterValue: 'none' },
    ],
    Capabilities: ['CAPABILITY_NAMED_IAM'],
    Tags: [
      ...(deployment === undefined ? [] : [{ Key: 'infinstor-onboarding:deployment', Value: deployment }]),
      { Key: 'infinstor-onboarding:subscriber', Value: userName.toLowerCase() },
    ],
    OnFailure: 'DO_NOTHING',
    ...rest,
  });

describe('a stack of the name that a subscriber’s is to have', () => {
  it.each([...theirs, former])('is left alone when it has the tag %s', async (deployment) => {
    const { userName, request } = newRun('theirs');
    await operator(sandbox(), account).send(stackFor(userName, deployment));
    const before = stackOf(sandbox(), userName);
    await before?.work;
    const report = await onboard(sandbox(), request);
    await expectFailure(sandbox(), report, { name: 'StackNeedsAttention', step: 'AcceptRequest' });
    expect(report.error?.message).toContain('was not made by the onboarding');
    expect(stackOf(sandbox(), userName)).toBe(before);
    expect(before?.status).toBe('CREATE_FAILED');
    expect(subscribersNamed(sandbox(), userName)).toEqual([]);
  });
});

describe('a stack of version 0.1.0, which the registry knows by its id', () => {
  /** A subscriber whose stack has the name and the tag of then. */
  async function onboardedThen() {
    const subscriber = await longOnboarded(sandbox());
    const { userName } = subscriber;
    const now = stackOf(sandbox(), userName);
    const client = operator(sandbox(), account);
    await client.send(new DeleteStackCommand({ StackName: stackNameOf(userName) }));
    await eventually(sandbox(), () => expect(now?.status).toBe('DELETE_COMPLETE'));
    await sandbox().cloudFormation.deleteByHand(`InfinStorMlflow-${userName}`);
    const StackName = `infinstor-subscriber-${userName.toLowerCase()}`;
    const tags = new Map(now?.tags.map(({ Key, Value }) => [Key, Value]));
    const { StackId = '' } = await client.send(
      stackFor(userName, undefined, {
        StackName,
        RoleARN: now?.roleArn,
        Parameters: Object.entries(now?.parameters ?? {}).map(([ParameterKey, ParameterValue]) => ({
          ParameterKey,
          ParameterValue,
        })),
        Tags: [...tags.set('infinstor-onboarding:deployment', former)].map(([Key, Value]) => ({ Key, Value })),
      }),
    );
    await eventually(sandbox(), () => expect(sandbox().cloudFormation.stack(StackId)?.status).toBe('CREATE_COMPLETE'));
    await new DynamoDBClient(operatorAt(sandbox().endpoint)).send(
      new UpdateItemCommand({
        TableName: sandbox().registryTable,
        Key: { pk: { S: `SUBSCRIBER#${userName.toLowerCase()}` }, sk: { S: 'RECORD' } },
        UpdateExpression: 'SET stackId = :stackId',
        ExpressionAttributeValues: { ':stackId': { S: StackId } },
      }),
    );
    return { ...subscriber, stackId: StackId };
  }

  it('stays the subscriber’s: no repeat makes another, and an offboarding deletes it', async () => {
    const subscriber = await onboardedThen();
    const { userName, stackId, request } = subscriber;
    const again = await onboard(sandbox(), request);
    expect(again.error).toBeNull();
    expect(again.output).toMatchObject({ stackId });
    expect(stackOf(sandbox(), userName)).toBeUndefined();
    const left = await offboard(sandbox(), userName);
    expect(left.error).toBeNull();
    expect(left.output).toMatchObject({ stackId });
    expect(sandbox().cloudFormation.stack(stackId)?.status).toBe('DELETE_COMPLETE');
    expect(sandbox().iam.role(roleNameOf(userName))).toBeUndefined();
    // Whatever is repeated then finds it as it is, and the next stack has the name and the tag of now.
    expect((await offboard(sandbox(), userName)).error).toBeNull();
    await sandbox().cloudFormation.deleteByHand(`InfinStorMlflow-${userName}`);
    expect((await onboard(sandbox(), request)).error).toBeNull();
    expect(stackOf(sandbox(), userName)?.tags).toContainEqual({
      Key: 'infinstor-onboarding:deployment',
      Value: ours,
    });
  });
});

describe('IAM alone', () => {
  /** The roles that create and delete stacks, with where. */
  const workers = (given: Sandbox) => {
    const here = ['DeployStackRole', 'DeleteStackRole'].map((logicalId) => ({
      role: given.iam.role(given.physicalId(logicalId)),
      iam: given.iam,
      home: account,
    }));
    const iam = given.accounts.iam(there.accountId);
    return [...here, { role: iam.role('infinstor-onboarding-access'), iam, home: there }].map(({ role, ...rest }) => ({
      ...rest,
      client: new CloudFormationClient({
        ...operatorAt(given.endpoint, rest.home),
        credentials: rest.iam.credentials(role?.arn ?? '', 'worker'),
      }),
    }));
  };

  it('keeps the deployment from creating and deleting others’ stacks, in its account and another one', async () => {
    await withSandbox(accountsPackage(), async (given) => {
      await setUpOtherAccount(given);
      const refused = { name: 'AccessDenied' };
      for (const { client, home } of workers(given)) {
        for (const [index, deployment] of [...theirs, formerOfProd, undefined].entries()) {
          const userName = `theirs-${home.accountId}-${index}`;
          await expect(client.send(stackFor(userName, deployment))).rejects.toMatchObject(refused);
          const { world } = given;
          const existing = world(home).cloudFormation.stack(stackNameOf(userName));
          if (existing === undefined) await operator(given, home).send(stackFor(userName, deployment));
          const stack = world(home).cloudFormation.stack(stackNameOf(userName));
          await stack?.work;
          await expect(client.send(new DeleteStackCommand({ StackName: stack?.stackId }))).rejects.toMatchObject(
            refused,
          );
          expect(stack?.status).toBe('CREATE_FAILED');
        }
      }
    });
  });

  it('lets it create and delete its own', async () => {
    await withSandbox(accountsPackage(), async (given) => {
      await setUpOtherAccount(given);
      for (const [index, { client, home }] of workers(given).entries()) {
        const userName = `ours-${index}`;
        const RoleARN =
          home === account
            ? given.iam.role(given.physicalId('StackServiceRole'))?.arn
            : given.accounts.iam(home.accountId).role('infinstor-onboarding-stacks')?.arn;
        // delete-stack creates none.
        const creator = index === 1 ? operator(given, home) : client;
        // The deployment's own roles read no template of the vendor's.
        const own = { RoleARN, TemplateURL: undefined, TemplateBody: given.templates.standIn };
        await creator.send(stackFor(userName, ours, own));
        const stack = given.world(home).cloudFormation.stack(stackNameOf(userName));
        await stack?.work;
        await client.send(new DeleteStackCommand({ StackName: stack?.stackId, RoleARN }));
        await stack?.work;
        expect(stack?.status).toBe('DELETE_COMPLETE');
      }
    });
  });
});
