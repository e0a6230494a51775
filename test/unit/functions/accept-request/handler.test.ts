import {
  type CloudFormationClient,
  DescribeStacksCommand,
  GetTemplateSummaryCommand,
} from '@aws-sdk/client-cloudformation';
import { DescribeKeyCommand, GetKeyPolicyCommand, type KMSClient, ListResourceTagsCommand } from '@aws-sdk/client-kms';
import { DescribeExecutionCommand } from '@aws-sdk/client-sfn';
import { GetCommand } from '@aws-sdk/lib-dynamodb';
import { describe, expect, it } from 'vitest';
import { keyPolicy } from '../key-policy.ts';
import { errorOf, now, secret } from '../lambda.ts';
import { accounts, fakeSts } from '../other-account.ts';
import { executionArn, plan } from '../plan.ts';
import {
  enabledKey,
  encryption,
  environment,
  keyArn,
  setUp,
  subscriber,
  summary,
  templateUrl,
} from './accept-request-fixture.ts';

const copyUrlOf = (sha256: string) => `https://copies.example/templates/${sha256}.yaml`;

describe('accepting a request', () => {
  it('plans the onboarding from the request and the deployment, and refers to secrets only', async () => {
    const { accept } = setUp();
    const request = {
      passwordSecretId: 'infinstor/test/input/acme/password',
      stack: { tags: { team: 'ml' } },
      encryption,
    };
    expect(await accept(request)).toEqual({
      subscriber,
      executionArn,
      passwordSecretId: 'infinstor/test/input/acme/password',
      customTokenSecretId: undefined,
      credentialsSecretId: 'infinstor/test/subscribers/acme/credentials',
      stack: {
        name: 'infinstor-subscriber-acme',
        accountId: '111111111111',
        region: 'us-east-1',
        build: '2.3.72',
        templateUrl,
        template: { sha256: plan.stack.template.sha256, copyUrl: copyUrlOf(plan.stack.template.sha256) },
        serviceRoleArn: environment.STACK_SERVICE_ROLE_ARN,
        capabilities: ['CAPABILITY_NAMED_IAM'],
        parameters: {
          SubscriberName: 'Acme',
          S3: 'cmk',
          S3Key: keyArn,
          DynamoDb: 'cmk',
          DynamoDbKey: keyArn,
          Boundary: 'arn:aws:iam::111111111111:policy/boundary',
        },
        tokenParameter: 'CustomToken',
        tags: {
          team: 'ml',
          'infinstor-onboarding:deployment': '111111111111/us-east-1/infinstor-onboarding-test',
          'infinstor-onboarding:subscriber': 'acme',
          'infinstor-onboarding:plan-hash': expect.stringMatching(/^[0-9a-f]{64}$/),
        },
        planHash: expect.stringMatching(/^[0-9a-f]{64}$/),
        pollSeconds: 600,
      },
      keyArns: [keyArn],
    });
  });

  it('keeps name and tag of the stack that the registry has by its id, from before they were changed', async () => {
    const { accept, documents, cloudFormation, stepFunctions } = setUp();
    const StackId = 'arn:aws:cloudformation:us-east-1:111111111111:stack/older-acme/1';
    documents.on(GetCommand).resolves({
      Item: { ...subscriber, status: 'FAILED', executionArn, updatedAt: '', attempts: [], stackId: StackId },
    });
    stepFunctions.on(DescribeExecutionCommand).resolves({ executionArn, status: 'FAILED' });
    const tags = {
      'infinstor-onboarding:deployment': 'infinstor/test/',
      'infinstor-onboarding:subscriber': 'acme',
    };
    const Tags = Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));
    cloudFormation.on(DescribeStacksCommand, { StackName: StackId }).resolves({
      Stacks: [{ StackId, StackName: 'older-acme', CreationTime: now, StackStatus: 'ROLLBACK_COMPLETE', Tags }],
    });
    expect(await accept()).toMatchObject({ stack: { name: 'older-acme', tags } });
  });

  it('looks often at a stack in another Region, whose events do not come here', async () => {
    const { accept, cloudFormation } = setUp();
    expect(await accept({ stack: { region: 'eu-west-1' } })).toMatchObject({
      stack: { region: 'eu-west-1', pollSeconds: 30 },
    });
    const client: CloudFormationClient = cloudFormation.call(0).thisValue;
    expect(await client.config.region()).toBe('eu-west-1');
  });

  it.each([
    ['only now and then', 600, { STACK_EVENT_REGIONS: 'us-east-1,eu-west-1' }],
    ['often', 30, { STACK_EVENT_REGIONS: 'ap-south-1' }],
  ])('looks %s at a stack in another Region when %i is what its events allow', async (_, pollSeconds, changes) => {
    expect(await setUp().accept({ stack: { region: 'eu-west-1' } }, changes)).toMatchObject({ stack: { pollSeconds } });
  });

  it('hears of stacks in its own Region, whatever else is said', async () => {
    expect(await setUp().accept({}, { STACK_EVENT_REGIONS: '' })).toMatchObject({ stack: { pollSeconds: 600 } });
  });

  it('marks the same template and parameters with the same hash, and others with another one', async () => {
    const { accept, cloudFormation } = setUp();
    cloudFormation.on(GetTemplateSummaryCommand).resolves(summary);
    const hash = async (stack: object) => (await accept({ stack })).stack.planHash;
    const parameters = { S3Key: 'a', DynamoDbKey: 'b' };
    const reordered = { DynamoDbKey: 'b', S3Key: 'a' };
    const first = await hash({ parameters });
    expect(await hash({ parameters: reordered, tags: { team: 'ml' } })).toBe(first);
    for (const other of [{}, { parameters, build: '2.4.1' }, { parameters, region: 'eu-west-1' }]) {
      expect(await hash(other)).not.toBe(first);
    }
  });

  it('marks them with the hash that version 0.1.0 did, which did not know pins: its stacks are adopted', async () => {
    const BUILDS = JSON.stringify({ '2.3.72': plan.stack.template.sha256 });
    const { stack } = await setUp().accept({}, { BUILDS });
    expect(stack.planHash).toBe('4f87b9a9f2c63f965c9572aa2f70d067005dc3288d026d51099f481085cc26a7');
  });

  it('warns of a template that shows the custom token, unless the deployment refuses it', async () => {
    const { accept, cloudFormation } = setUp();
    const shown = summary.Parameters?.map((shownParameter) => ({ ...shownParameter, NoEcho: false })) ?? [];
    cloudFormation.on(GetTemplateSummaryCommand).resolves({ ...summary, Parameters: shown });
    await expect(accept()).resolves.toMatchObject({ subscriber });
    await expect(accept({}, { REQUIRE_NO_ECHO: 'true' })).rejects.toMatchObject(errorOf('TemplateMismatch', 'NoEcho'));
  });
});

describe('a request for another account', () => {
  const there = '222222222222';
  const keyThere = keyArn.replace('111111111111', there);
  const stack = { accountId: there, region: 'us-east-1' };
  const configured = { ACCOUNTS: JSON.stringify(accounts) };
  const withKey = { stack, encryption: { tracking: { type: 'customer-managed', keyArn: keyThere } } };

  it("is looked at and planned there, with the account's roles", async () => {
    const { accept, cloudFormation, kms, claims } = setUp();
    const { assumed } = fakeSts();
    kms.on(DescribeKeyCommand).resolves({ KeyMetadata: enabledKey });
    kms.on(ListResourceTagsCommand).resolves({ Tags: [{ TagKey: 'infinstor-onboarding', TagValue: 'allowed' }] });
    const Policy = JSON.stringify(keyPolicy()).replaceAll('111111111111', there);
    kms.on(GetKeyPolicyCommand).resolves({ Policy });
    expect(await accept(withKey, configured)).toMatchObject({
      stack: {
        ...stack,
        serviceRoleArn: 'arn:aws:iam::222222222222:role/stacks',
        parameters: { Boundary: 'arn:aws:iam::222222222222:policy/boundary' },
        pollSeconds: 30,
      },
      keyArns: [keyThere],
    });
    for (const { thisValue } of [...cloudFormation.calls(), ...kms.calls()]) {
      const client: KMSClient = thisValue;
      expect(await client.config.credentials()).toMatchObject({ accessKeyId: 'ASIATHERE' });
    }
    expect(assumed()[0]).toMatchObject({ RoleSessionName: 'function-under-test', ExternalId: secret('external-id') });
    expect(claims()[0]?.args[0].input.ExpressionAttributeValues).toMatchObject({ ':home': stack });
  });

  it('is waited for by events where the account forwards them', async () => {
    fakeSts();
    const ACCOUNTS = JSON.stringify({ [there]: { ...accounts[there], stackEvents: 'forwarded' } });
    expect(await setUp().accept({ stack }, { ACCOUNTS })).toMatchObject({ stack: { pollSeconds: 600 } });
  });

  it.each<[string, string, object]>([
    ['InvalidRequest', 'stack.accountId: must be one of 111111111111', { stack }],
    [
      'InvalidRequest',
      'stack.region: must be one of us-east-1, eu-west-1 in account',
      { stack: { ...stack, region: 'x' } },
    ],
    [
      'InvalidRequest',
      'stack.roleArn: is not a known field',
      { stack: { ...stack, roleArn: 'arn:aws:iam::1:role/x' } },
    ],
    ['InvalidRequest', 'stack.externalId: is not a known field', { stack: { ...stack, externalId: 'mine' } }],
    ['KeyNotUsable', 'it is not in account 222222222222, where the stack is', { stack, encryption }],
    ['KeyNotUsable', 'it is not in Region eu-west-1', { ...withKey, stack: { ...stack, region: 'eu-west-1' } }],
  ])('is %s: %s', async (name, message, request) => {
    const { accept, cloudFormation, claims } = setUp();
    const changes = message.endsWith('111111111111') ? {} : configured;
    await expect(accept(request, changes)).rejects.toMatchObject(errorOf(name, message));
    expect([...cloudFormation.calls(), ...claims()]).toEqual([]);
  });
});

describe('the capabilities of a template', () => {
  const allowed = { ALLOWED_CAPABILITIES: 'CAPABILITY_IAM,CAPABILITY_NAMED_IAM,CAPABILITY_AUTO_EXPAND' };

  it('are the ones that it needs, of those that are allowed', async () => {
    const { accept, cloudFormation } = setUp();
    cloudFormation.on(GetTemplateSummaryCommand).resolves({ ...summary, ResourceTypes: ['AWS::IAM::Role'] });
    expect((await accept({}, allowed)).stack.capabilities).toEqual(['CAPABILITY_NAMED_IAM']);
  });

  it('are all that are allowed when it nests stacks, because nobody can say what theirs need', async () => {
    const { accept, cloudFormation } = setUp();
    const nesting = { ...summary, Capabilities: [], ResourceTypes: ['AWS::CloudFormation::Stack'] };
    cloudFormation.on(GetTemplateSummaryCommand).resolves(nesting);
    expect((await accept({}, allowed)).stack.capabilities).toEqual(allowed.ALLOWED_CAPABILITIES.split(','));
  });

  it('are refused where the deployment allows one that CloudFormation does not have: InvalidConfiguration', async () => {
    const { accept } = setUp();
    const misspelt = { ALLOWED_CAPABILITIES: 'CAPABILITY_IAM, CAPABILITY_NAMED_IAM' };
    await expect(accept({}, misspelt)).rejects.toMatchObject(errorOf('InvalidConfiguration', 'ALLOWED_CAPABILITIES'));
  });
});
