import { createHash } from 'node:crypto';
import {
  AlreadyExistsException,
  CloudFormationClient,
  CloudFormationServiceException,
  CreateStackCommand,
  DeleteStackCommand,
  DescribeStacksCommand,
  InsufficientCapabilitiesException,
  LimitExceededException,
  type Stack,
  type StackStatus,
  type Tag,
} from '@aws-sdk/client-cloudformation';
import { mockClient } from 'aws-sdk-client-mock';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { environmentSchema } from '../../../../functions/deploy-stack/environment.ts';
import { environmentOf } from '../environment.ts';
import { fakeS3 } from '../fake-s3.ts';
import { fakeSecrets } from '../fake-secrets.ts';
import { errorOf, lambda, secret } from '../lambda.ts';
import { ownRecord } from '../own-record.ts';
import { executionArn, otherExecutionArn, plan, stack, stackId, templateText } from '../plan.ts';

const customToken = secret('custom-token');
const anHourLater = '2026-01-01T13:00:00.000Z';
const tags = (
  subscriber: string,
  planHash: string,
  deployment = '111111111111/us-east-1/infinstor-onboarding-test',
): Tag[] => [
  { Key: 'infinstor-onboarding:deployment', Value: deployment },
  { Key: 'infinstor-onboarding:subscriber', Value: subscriber },
  { Key: 'infinstor-onboarding:plan-hash', Value: planHash },
];
const ours = tags('acme', plan.stack.planHash);
const ofOtherPlan = tags('acme', 'hash-0');
const ofOtherSubscriber = tags('other', plan.stack.planHash);
const ofOtherStage = tags('acme', plan.stack.planHash, 'infinstor/prod/');
const details = { $fault: 'client', $metadata: {} } as const;
const refused = (message: string) =>
  new CloudFormationServiceException({ name: 'ValidationError', message, $fault: 'client', $metadata: {} });
const notFound = refused(`Stack with id ${plan.stack.name} does not exist`);
const alreadyExists = new AlreadyExistsException({ message: 'Stack already exists', $metadata: {} });

const stackOf = (StackStatus: StackStatus, Tags = ours): Stack => ({
  StackId: stackId,
  StackName: plan.stack.name,
  CreationTime: new Date(0),
  StackStatus,
  Tags,
});

const { copyUrl } = plan.stack.template;

function setUp({
  existing,
  credentials = { state: 'created', password: secret('password'), customToken },
}: {
  existing?: Stack;
  credentials?: unknown;
} = {}) {
  const secrets = fakeSecrets({ [plan.credentialsSecretId]: credentials });
  const s3 = fakeS3({ [copyUrl]: templateText });
  ownRecord();
  const cloudFormation = mockClient(CloudFormationClient);
  const described = cloudFormation.on(DescribeStacksCommand, { StackName: plan.stack.name });
  if (existing === undefined) described.rejects(notFound);
  else described.resolves({ Stacks: [existing] });
  cloudFormation.on(CreateStackCommand).resolves({ StackId: stackId });
  cloudFormation.on(DeleteStackCommand).resolves({});
  const environment = environmentOf(environmentSchema);
  const invoke = lambda(() => import('../../../../functions/deploy-stack/handler.ts'), environment);
  const created = () => cloudFormation.commandCalls(CreateStackCommand).map(({ args: [{ input }] }) => input);
  const deleted = () => cloudFormation.commandCalls(DeleteStackCommand).map(({ args: [{ input }] }) => input);
  return { invoke, cloudFormation, secrets, s3, objects: s3.objects, created, deleted };
}

describe('creating the stack', () => {
  it('passes the template, the service role, the tags, and the parameters with the custom token', async () => {
    const { invoke, cloudFormation, created } = setUp();
    expect(await invoke({ plan })).toEqual({ stackId, goal: 'created', deadline: anHourLater });
    expect(created()).toEqual([
      {
        StackName: 'infinstor-subscriber-acme',
        TemplateBody: templateText,
        RoleARN: plan.stack.serviceRoleArn,
        Capabilities: ['CAPABILITY_NAMED_IAM'],
        Parameters: [
          { ParameterKey: 'SubscriberName', ParameterValue: 'Acme' },
          { ParameterKey: 'CustomToken', ParameterValue: customToken },
        ],
        Tags: [{ Key: 'team', Value: 'ml' }, ...ours],
        ClientRequestToken: expect.stringMatching(/^[a-zA-Z0-9][-a-zA-Z0-9]{0,127}$/),
        RetainExceptOnCreate: true,
      },
    ]);
    const client: CloudFormationClient = cloudFormation.call(0).thisValue;
    expect(await client.config.region()).toBe(plan.stack.region);
  });

  it.each([
    ['a long template', Buffer.from(`${templateText}#${'x'.repeat(51_200)}`)],
    ['one that is no UTF-8', Buffer.from([0x23, 0xff])],
  ])('passes %s by the URL of the copy', async (_, bytes) => {
    const { invoke, objects, created } = setUp();
    objects.set(copyUrl, bytes);
    const template = { copyUrl, sha256: createHash('sha256').update(bytes).digest('hex') };
    await invoke({ plan: { ...plan, stack: { ...plan.stack, template } } });
    expect(created()).toMatchObject([{ TemplateURL: copyUrl }]);
    expect(created()[0]).not.toHaveProperty('TemplateBody');
  });

  it('passes as many bytes as CloudFormation takes in the call', async () => {
    const { invoke, objects, created } = setUp();
    const bytes = Buffer.alloc(51_200, '#');
    objects.set(copyUrl, bytes);
    const template = { copyUrl, sha256: createHash('sha256').update(bytes).digest('hex') };
    await invoke({ plan: { ...plan, stack: { ...plan.stack, template } } });
    expect(created()).toMatchObject([{ TemplateBody: bytes.toString() }]);
  });

  it.each<[name: string, words: string, what: string, change: (s3: ReturnType<typeof fakeS3>) => unknown]>([
    [
      'TemplateChanged',
      `has SHA-256 ${createHash('sha256').update(`${templateText} `).digest('hex')} since`,
      'is another one',
      ({ objects }) => objects.set(copyUrl, Buffer.from(`${templateText} `)),
    ],
    [
      'TemplateChanged',
      'copy of the template is gone: nothing at',
      'is gone',
      ({ objects, letListing }) => {
        objects.delete(copyUrl);
        letListing();
      },
    ],
    [
      'TemplateNotReadable',
      `copy of the template cannot be read: nothing at ${copyUrl} (S3 answers so, too, when it is gone)`,
      'may not be read, or is gone',
      ({ objects }) => objects.delete(copyUrl),
    ],
    [
      'TemplateNotReadable',
      `copy of the template cannot be read: nothing at ${copyUrl}`,
      'is in a bucket elsewhere',
      ({ objects, moveBucket }) => {
        objects.delete(copyUrl);
        moveBucket();
      },
    ],
  ])('is %s, with the words "%s", when the copy of what was checked %s', async (name, words, _, change) => {
    const { invoke, s3, created } = setUp();
    change(s3);
    const thrown = await invoke({ plan }).catch((error: unknown) => error);
    expect(thrown).toMatchObject(errorOf(name, words));
    // Only who may not list the bucket cannot know.
    expect(/too, when it is gone/.test(String(thrown))).toBe(words.includes('too, when it is gone'));
    expect(created()).toEqual([]);
  });

  it("has the same request token when the step is repeated, and another one in another execution's", async () => {
    const { invoke, created } = setUp();
    await invoke({ plan });
    await invoke({ plan });
    ownRecord(otherExecutionArn);
    await invoke({ plan: { ...plan, executionArn: otherExecutionArn } });
    const [first, repeated, other] = created().map(({ ClientRequestToken }) => ClientRequestToken);
    expect(repeated).toBe(first);
    expect(other).not.toBe(first);
  });

  it('has another request token for each stack that this execution saw go before it', async () => {
    const { invoke, created } = setUp();
    await invoke({ plan });
    await invoke({ plan, stack });
    await invoke({ plan, stack });
    await invoke({ plan, stack: { ...stack, stackId: `${stackId}-2` } });
    const [first, second, repeated, third] = created().map(({ ClientRequestToken }) => ClientRequestToken);
    expect(repeated).toBe(second);
    expect(new Set([first, second, third]).size).toBe(3);
  });

  it('has another request token where what it is made of differs, though not written one after the other', async () => {
    const { invoke, created } = setUp();
    const hashed = (arn: string, planHash: string) => ({
      plan: { ...plan, executionArn: arn, stack: { ...plan.stack, planHash } },
    });
    await invoke(hashed(executionArn, '1hash'));
    ownRecord(`${executionArn}1`);
    await invoke(hashed(`${executionArn}1`, 'hash'));
    const [one, other] = created().map(({ ClientRequestToken }) => ClientRequestToken);
    expect(other).not.toBe(one);
  });

  it.each([
    ['not called', { state: 'prepared', password: secret('password') }],
    ['never begun with, there being no credentials', null],
    ['left without an answer', { state: 'creating', password: secret('password'), executionArn, invocationId: 'x' }],
  ])('is SubscriberOutcomeUnknown while add_subscriber was %s', async (_, credentials) => {
    const { invoke, created } = setUp({ credentials });
    await expect(invoke({ plan })).rejects.toMatchObject(
      errorOf('SubscriberOutcomeUnknown', `Secret ${plan.credentialsSecretId}`),
    );
    expect(created()).toEqual([]);
  });

  it('is left to a person when CloudFormation returned no id of it: StackNeedsAttention', async () => {
    const { invoke, cloudFormation } = setUp();
    cloudFormation.on(CreateStackCommand).resolves({});
    await expect(invoke({ plan })).rejects.toMatchObject(
      errorOf('StackNeedsAttention', `returned no id of stack ${plan.stack.name}`),
    );
  });

  it.each([
    [
      'LimitExceededException',
      'too many stacks',
      new LimitExceededException({ message: 'too many stacks', $metadata: {} }),
    ],
    [
      'TemplateMismatch',
      'Template error: rule R failed: a key is missing',
      refused('Template error: rule R failed: a key is missing'),
    ],
    ['TemplateMismatch', "Parameter 'P' must match pattern [a-z]+", refused("Parameter 'P' must match pattern [a-z]+")],
    [
      'TemplateMismatch',
      'Requires capabilities : [CAPABILITY_IAM]',
      new InsufficientCapabilitiesException({ message: 'Requires capabilities : [CAPABILITY_IAM]', $metadata: {} }),
    ],
    ['TemplateNotReadable', 'S3 error: Access Denied', refused('S3 error: Access Denied\nFor more information')],
    [
      'InvalidConfiguration',
      'Role arn:aws:iam::111111111111:role/x is invalid',
      refused('Role arn:aws:iam::111111111111:role/x is invalid or cannot be assumed'),
    ],
    ['TemplateMismatch', 'Template error: Role x', refused('Template error: Role x is invalid or cannot be assumed')],
  ])("is %s, with CloudFormation's words, when it is refused: %s", async (name, words, refusal) => {
    const { invoke, cloudFormation } = setUp();
    cloudFormation.on(CreateStackCommand).rejects(Object.assign(refusal, { $response: { body: customToken } }));
    const thrown = await invoke({ plan }).catch((error: unknown) => error);
    expect(thrown).toMatchObject(errorOf(name, words));
    expect(JSON.stringify(thrown)).not.toContain(customToken);
  });

  it.each([
    ['of the client', Object.assign(new Error('no'), { name: 'ValidationError' })],
    ['that says that CloudFormation failed', Object.assign(refused('no'), { name: 'InternalFailure' })],
  ])('keeps the name of an error %s', async (_, error) => {
    const { invoke, cloudFormation } = setUp();
    cloudFormation.on(CreateStackCommand).rejects(error);
    await expect(invoke({ plan })).rejects.toMatchObject({ name: error.name });
  });

  it('keeps an error of S3 that says nothing of the copy', async () => {
    const { invoke, s3 } = setUp();
    vi.spyOn(s3.objects, 'get').mockImplementation(() => {
      throw Object.assign(new Error('busy'), { name: 'ServiceUnavailable' });
    });
    onTestFinished(() => void vi.restoreAllMocks());
    await expect(invoke({ plan })).rejects.toMatchObject({ name: 'ServiceUnavailable' });
  });

  it('never quotes the custom token that CloudFormation quotes', async () => {
    const { invoke, cloudFormation } = setUp();
    const words = `1 validation error detected: Value '${customToken}' at 'parameters.2.member.parameterValue'`;
    cloudFormation.on(CreateStackCommand).rejects(refused(words));
    const thrown = await invoke({ plan }).catch((error: unknown) => error);
    expect(thrown).toMatchObject(errorOf('TemplateMismatch', '1 validation error detected'));
    expect(String(thrown)).not.toContain(customToken);
  });

  it('has another request token with another version of the custom token', async () => {
    const { invoke, created, secrets } = setUp();
    await invoke({ plan });
    const SecretString = JSON.stringify({
      state: 'created',
      password: secret('password'),
      customToken: 'another-token',
    });
    secrets.add(plan.credentialsSecretId, { SecretString });
    await invoke({ plan });
    const [one, other] = created().map(({ ClientRequestToken }) => ClientRequestToken);
    expect(other).not.toBe(one);
  });
});

describe('a stack that is there', () => {
  it.each<[StackStatus, string, Tag[], string]>([
    ['CREATE_IN_PROGRESS', 'this plan', ours, 'created'],
    ['CREATE_COMPLETE', 'this plan', ours, 'created'],
    ['UPDATE_ROLLBACK_COMPLETE', 'this plan', ours, 'created'],
    ['CREATE_IN_PROGRESS', 'another plan', ofOtherPlan, 'settled'],
    ['ROLLBACK_IN_PROGRESS', 'this plan', ours, 'settled'],
    ['UPDATE_IN_PROGRESS', 'this plan', ours, 'settled'],
    ['DELETE_IN_PROGRESS', 'this plan', ours, 'deleted'],
  ])('in %s of %s is adopted', async (status, _, owner, goal) => {
    const { invoke, created, deleted } = setUp({ existing: stackOf(status, owner) });
    expect(await invoke({ plan })).toEqual({ stackId, goal, deadline: anHourLater });
    expect([created(), deleted()]).toEqual([[], []]);
  });

  it('in exactly ROLLBACK_COMPLETE is deleted by its id', async () => {
    const { invoke, created, deleted } = setUp({ existing: stackOf('ROLLBACK_COMPLETE', ofOtherPlan) });
    expect(await invoke({ plan })).toEqual({ stackId, goal: 'deleted', deadline: anHourLater });
    expect([created(), deleted()]).toEqual([[], [{ StackName: stackId, RoleARN: plan.stack.serviceRoleArn }]]);
  });

  it('in ROLLBACK_COMPLETE with termination protection stays, also when somebody has set it since', async () => {
    const existing = stackOf('ROLLBACK_COMPLETE');
    const { invoke, deleted } = setUp({ existing: { ...existing, EnableTerminationProtection: true } });
    const isProtected = errorOf('StackNeedsAttention', 'has termination protection');
    await expect(invoke({ plan })).rejects.toMatchObject(isProtected);
    expect(deleted()).toEqual([]);
    const meanwhile = setUp({ existing });
    const message = `Stack [${stackId}] cannot be deleted while TerminationProtection is enabled`;
    meanwhile.cloudFormation
      .on(DeleteStackCommand)
      .rejects(new CloudFormationServiceException({ ...details, name: 'ValidationError', message }));
    await expect(meanwhile.invoke({ plan })).rejects.toMatchObject(isProtected);
  });

  it.each<[string, StackStatus, Tag[]]>([
    ['nobody tagged', 'CREATE_COMPLETE', []],
    ["is another subscriber's, though rolled back,", 'ROLLBACK_COMPLETE', ofOtherSubscriber],
    ["is another stage's, though rolled back,", 'ROLLBACK_COMPLETE', ofOtherStage],
    ["is another stage's with the same plan", 'CREATE_COMPLETE', ofOtherStage],
    ['is live with another plan', 'CREATE_COMPLETE', ofOtherPlan],
    ['cannot be deleted', 'DELETE_FAILED', ours],
  ])('that %s is left alone: StackNeedsAttention', async (_, status, owner) => {
    const { invoke, created, deleted } = setUp({ existing: stackOf(status, owner) });
    await expect(invoke({ plan })).rejects.toMatchObject(errorOf('StackNeedsAttention', plan.stack.name));
    expect([created(), deleted()]).toEqual([[], []]);
  });
});

describe('a stack that appears between looking and creating', () => {
  function setUpRace(appeared?: Stack) {
    const { cloudFormation, ...rest } = setUp();
    cloudFormation.on(CreateStackCommand).rejects(alreadyExists);
    cloudFormation
      .on(DescribeStacksCommand)
      .rejectsOnce(notFound)
      .resolves({ Stacks: appeared === undefined ? [] : [appeared] });
    return rest;
  }

  it.each<[string, StackStatus, Tag[], string]>([
    ["of an earlier try of this step is this attempt's", 'CREATE_IN_PROGRESS', ours, 'created'],
    ['of another plan must end first', 'CREATE_IN_PROGRESS', ofOtherPlan, 'settled'],
    ['that was rolled back meanwhile is decided on anew', 'ROLLBACK_COMPLETE', ours, 'settled'],
  ])('%s', async (_, status, owner, goal) => {
    const { invoke, deleted } = setUpRace(stackOf(status, owner));
    expect(await invoke({ plan })).toEqual({ stackId, goal, deadline: anHourLater });
    expect(deleted()).toEqual([]);
  });

  it('and is gone again is left to a person: StackNeedsAttention', async () => {
    const { invoke } = setUpRace();
    await expect(invoke({ plan })).rejects.toMatchObject(errorOf('StackNeedsAttention', plan.stack.name));
  });

  it('is left alone when it is not ours: StackNeedsAttention', async () => {
    const { invoke } = setUpRace(stackOf('CREATE_IN_PROGRESS', ofOtherSubscriber));
    await expect(invoke({ plan })).rejects.toMatchObject({ name: 'StackNeedsAttention' });
  });
});

it('names the missing variable STACK_TIMEOUT_MINUTES: InvalidConfiguration', async () => {
  const { invoke } = setUp();
  await expect(invoke({ plan }, { STACK_TIMEOUT_MINUTES: undefined })).rejects.toMatchObject(
    errorOf('InvalidConfiguration', 'STACK_TIMEOUT_MINUTES'),
  );
});

describe('a custom token that ends', () => {
  const withEnd = (customTokenExpiresAt: string) => ({ state: 'created', customToken, customTokenExpiresAt });

  it.each<[when: string, at: string, message: string]>([
    ['before', '2026-01-01T11:59:59.000Z', 'has ended at 2026-01-01T11:59:59.000Z'],
    ['now', '2026-01-01T12:00:00.000Z', 'has ended at'],
    ['while the stack is made', '2026-01-01T12:14:59.000Z', 'too soon to make a stack'],
  ])('%s is CustomTokenExpiring, and nothing is made or deleted', async (_when, at, message) => {
    for (const existing of [undefined, stackOf('ROLLBACK_COMPLETE')]) {
      const { invoke, created, deleted } = setUp({ credentials: withEnd(at), ...(existing && { existing }) });
      await expect(invoke({ plan })).rejects.toMatchObject(errorOf('CustomTokenExpiring', message));
      expect([...created(), ...deleted()]).toEqual([]);
    }
  });

  it('later makes the stack, and of a stack that is there it does not matter', async () => {
    const later = setUp({ credentials: withEnd('2026-01-01T12:15:00.000Z') });
    expect(await later.invoke({ plan })).toMatchObject({ goal: 'created' });
    const there = setUp({ credentials: withEnd('2025-01-01T12:00:00.000Z'), existing: stackOf('CREATE_COMPLETE') });
    expect(await there.invoke({ plan })).toMatchObject({ stackId });
    expect(there.created()).toEqual([]);
  });
});
