// What a release before has written and begun, under the code of now: subscribers, keys, secrets, and executions that wait or are redriven.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DynamoDBClient, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import * as v from 'valibot';
import { expect, inject, it } from 'vitest';
import { bootEmptySandbox, type Sandbox } from '../../../sandbox/boot.ts';
import { operatorAt } from '../../../sandbox/operator.ts';
import { isWhole } from '../../scope.ts';
import { runCommand } from '../command-line.ts';
import { deployer, StackName } from '../deployed/deployer.ts';
import { createSuperadminSecret, sandboxWith } from '../deployed/stage.ts';
import { offboard } from '../offboard/offboarding.ts';
import {
  ended,
  newKey,
  onboard,
  putSecret,
  recordOf,
  redrive,
  requestFor,
  requestWithKey,
  run,
  useSandbox,
} from '../sandbox.ts';
import { credentialsOf, functionNameOf, onboarded, roleNameOf, rolesOn, stackOf, supplyToken } from '../subscriber.ts';
import { adding, liveFormerly, recorded, updating } from './former-lives.ts';
import { type Recording, record, recordingSchema } from './recording.ts';
import { packageOfRelease } from './release.ts';

const sandbox = useSandbox();
const version = '0.1.0';
const file = join(import.meta.dirname, `releases/${version}.json`);
const recording = (): Recording => v.parse(recordingSchema, JSON.parse(readFileSync(file, 'utf8')));

/** Invokes a function as an operator does. @returns the name of its error, if it ends in one */
async function invoke({ endpoint }: Sandbox, FunctionName: string, payload: unknown = {}) {
  const lambda = new LambdaClient(operatorAt(endpoint));
  const { FunctionError, Payload } = await lambda.send(
    new InvokeCommand({ FunctionName, Payload: JSON.stringify(payload) }),
  );
  if (FunctionError === undefined) return undefined;
  return v.parse(
    v.object({ errorType: v.string(), errorMessage: v.string() }),
    JSON.parse(Payload?.transformToString() ?? ''),
  );
}

/** The sweeps have nothing to complain of, and no key's policy differs from what the registry wants. */
async function expectCalm(given: Sandbox): Promise<void> {
  const before = given.events.published().length;
  for (const step of ['sweep-executions', 'sweep-passwords', 'detect-key-policy-drift']) {
    expect(await invoke(given, functionNameOf(step), { id: 'calm', 'detail-type': 'Scheduled Event' })).toBeUndefined();
  }
  const drifts = given.events.published().slice(before);
  expect(drifts.filter((event) => event['detail-type'] === 'KeyPolicyDrift')).toEqual([]);
}

const command = ({ endpoint }: Sandbox, ...args: string[]) => runCommand([...args, '--endpoint', endpoint], {});

const inputs = Object.entries(recording().inputs);
it.each(isWhole ? inputs : inputs.filter(([name]) => /^onboard-subscriber (De|Re|Pa|Wa)/.test(name)))(
  `the input that ${version} gave to the function of %s is one of its own`,
  async (_, given) => {
    const failure = await invoke(sandbox(), given.functionName, given.payload);
    expect(failure?.errorType).not.toBe('InvalidStepInput');
  },
);

/**
 * Lets a subscriber's item and secret be as the release wrote them for a subscriber of a recorded kind, in a world in which it has what its own
 * onboarding has made.
 */
async function asRecorded(userName: string, keyArn: string, kind: (typeof recorded)[number]) {
  const { endpoint, registryTable, secretsManager, iam } = sandbox();
  const stack = stackOf(sandbox(), userName);
  const role = iam.role(roleNameOf(userName));
  const kept = v.parse(
    v.looseObject({ password: v.string(), customToken: v.string() }),
    JSON.parse(secretsManager.value(credentialsOf(userName)) ?? '{"password":"","customToken":""}'),
  );
  const adapt = (value: unknown): string =>
    JSON.stringify(value)
      .replaceAll(/arn:aws:kms:[^"#]+:key\/[\w-]+/g, keyArn)
      .replaceAll(/arn:aws:cloudformation:[^"]+?:stack\/[^"]+/g, stack?.stackId ?? 'gone')
      .replaceAll('AROAFAKEFAKEFAKEFAKE0', role?.roleId ?? 'AROAGONE')
      .replaceAll(kind, userName)
      .replaceAll('fake-password-of-no-service', kept.password)
      .replaceAll('fake-customToken-of-no-service', kept.customToken);
  const client = new DynamoDBClient(operatorAt(endpoint));
  const { items, secrets } = recording();
  for (const [name, item] of Object.entries(items)) {
    if (name !== `${kind} RECORD` && name !== `${kind} GRANT`) continue;
    await client.send(new PutItemCommand({ TableName: registryTable, Item: JSON.parse(adapt(item)) }));
  }
  const secret = secrets[credentialsOf(kind)];
  if (secret !== undefined) await putSecretAsIs(credentialsOf(userName), adapt(secret));
  // Who wrote the record is past: Step Functions has forgotten it.
  expect((await recordOf(sandbox(), userName))?.schemaVersion).toBeUndefined();
}

const putSecretAsIs = (secretId: string, text: string) => putSecret(sandbox(), secretId, JSON.parse(text));

it(`a subscriber that ${version} onboarded, with users, lives on`, async () => {
  const [userName, keyArn] = ['acting-then', newKey(sandbox())];
  const { subscriber: _, ...request } = requestWithKey(userName, keyArn);
  await onboarded(sandbox(), { subscriber: { userName, emailId: 'then@acme.example' }, ...request });
  await asRecorded(userName, keyArn, 'acting');
  expect((await command(sandbox(), 'status', userName)).document).toMatchObject({
    status: 'ACTIVE',
    users: [`alice-${userName}`],
    attempts: [{ status: 'SUCCEEDED' }, { status: 'SUCCEEDED' }, { status: 'SUCCEEDED' }],
  });
  expect((await command(sandbox(), 'list', '--status', 'ACTIVE')).text).toContain(userName);
  await expectCalm(sandbox());
  expect(await run(sandbox(), 'update-subscriber', updating(userName, 'now@acme.example'))).toMatchObject({
    error: null,
  });
  expect(await run(sandbox(), 'add-user', adding(userName, 'bob'))).toMatchObject({ error: null });
  expect(await recordOf(sandbox(), userName)).toMatchObject({
    schemaVersion: { N: '2' },
    users: { L: [{ S: `alice-${userName}` }, { S: `bob-${userName}` }] },
  });
  expect(await offboard(sandbox(), userName)).toMatchObject({ error: null });
  expect(rolesOn(sandbox(), keyArn)).toEqual([]);
  await sandbox().cloudFormation.deleteByHand(`InfinStorMlflow-${userName}`);
  const again = { subscriber: { userName, emailId: 'now@acme.example' }, ...request };
  expect(await onboard(sandbox(), again)).toMatchObject({ error: null });
  await expectCalm(sandbox());
});

it(`a subscriber that ${version} offboarded is onboarded again`, async () => {
  const [userName, keyArn] = ['gone-then', newKey(sandbox())];
  await onboarded(sandbox(), requestWithKey(userName, keyArn));
  expect(await offboard(sandbox(), userName)).toMatchObject({ error: null });
  await sandbox().cloudFormation.deleteByHand(`InfinStorMlflow-${userName}`);
  await asRecorded(userName, keyArn, 'gone');
  expect((await command(sandbox(), 'status', userName)).document).toMatchObject({ status: 'OFFBOARDED' });
  expect(await onboard(sandbox(), requestWithKey(userName, keyArn))).toMatchObject({ error: null });
  await expectCalm(sandbox());
});

it.each(isWhole ? (['failing', 'leaving', 'waiting'] as const) : (['leaving'] as const))(
  `a subscriber that ${version} left %s is onboarded by the same request`,
  async (kind) => {
    const [userName, keyArn] = [`${kind}-then`, newKey(sandbox())];
    await onboarded(sandbox(), requestWithKey(userName, keyArn));
    await asRecorded(userName, keyArn, kind);
    expect((await command(sandbox(), 'status', userName)).document).toMatchObject({ status: 'FAILED' });
    await expectCalm(sandbox());
    expect(await onboard(sandbox(), requestWithKey(userName, keyArn))).toMatchObject({ error: null });
    expect(rolesOn(sandbox(), keyArn)).toHaveLength(1);
    await expectCalm(sandbox());
  },
);

it(`a subscriber whose creation ${version} left unclear is onboarded with its custom token`, async () => {
  const [userName, keyArn] = ['unclear-then', newKey(sandbox())];
  await onboarded(sandbox(), requestWithKey(userName, keyArn));
  await asRecorded(userName, keyArn, 'unclear');
  const request = requestWithKey(userName, keyArn);
  expect(await onboard(sandbox(), request)).toMatchObject({ error: { name: 'SubscriberOutcomeUnknown' } });
  const supplied = { ...request, ...supplyToken(sandbox(), userName) };
  expect(await onboard(sandbox(), supplied)).toMatchObject({ error: null });
  await expectCalm(sandbox());
});

/** What AWS grants more than version 0.1.0 asked for, whose roles lacked what today's sandbox asks of them. */
const widened = (template: string) => {
  const schema = v.looseObject({ Resources: v.record(v.string(), v.looseObject({ Type: v.string() })) });
  const { Resources, ...rest } = v.parse(schema, JSON.parse(template));
  const PolicyDocument = { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: '*', Resource: '*' }] };
  const roles = Object.entries(Resources).map(([name, resource]) => {
    if (resource.Type !== 'AWS::IAM::Role') return [name, resource];
    const Properties = { ...Object(resource.Properties), Policies: [{ PolicyName: 'all', PolicyDocument }] };
    return [name, { ...resource, Properties }];
  });
  return JSON.stringify({ ...rest, Resources: Object.fromEntries(roles) });
};

it.each(isWhole ? [version] : [])(
  'what a deployment of %s has begun and written goes on after the deployment of this one',
  async () => {
    const release = packageOfRelease(version);
    const empty = await bootEmptySandbox({
      ...{ skipIdle: true, schedules: false, resourceDelayMs: 0 },
      infinstor: { tokenPrefix: 'Custom ' },
    });
    try {
      const former = deployer(empty, release.folder);
      expect(await former.create()).toBe('CREATE_COMPLETE');
      expect(await former.update(widened)).toBe('UPDATE_COMPLETE');
      await createSuperadminSecret(empty, 'sandbox');
      const then = await sandboxWith(empty, StackName);
      const { keyArn, executions, waiting } = await liveFormerly(then);
      await expect(JSON.stringify(await record(then, recorded), null, 2)).toMatchFileSnapshot(file);

      // As the changelog says: InfinStor here takes the prefix that 0.1.0 wrote.
      const prefixed = (template: string) => template.replaceAll(/("CUSTOM_TOKEN_PREFIX": ?)""/g, '$1"Custom"');
      expect(await deployer(empty, inject('packageFolder')).update(prefixed)).toBe('UPDATE_COMPLETE');
      expect(then.states.execution(waiting).status).toBe('RUNNING');
      const now = await sandboxWith(empty, StackName);
      expect(await ended(now, waiting)).toMatchObject({ status: 'SUCCEEDED' });
      for (const { kind, step, report } of executions) {
        const createsStack = kind === 'onboard' && ['obtain-token', 'create-subscriber', 'deploy-stack'].includes(step);
        const redriven = await redrive(now, report);
        expect([step, redriven.error?.name]).toEqual([step, createsStack ? 'InvalidStepInput' : undefined]);
        if (!createsStack) continue;
        expect(redriven.error).toMatchObject({
          step: 'DeployStack',
          remedy: expect.stringContaining('Send the request again'),
        });
        const userName = `${kind}-${step}`;
        expect(await onboard(now, requestWithKey(userName, keyArn))).toMatchObject({ error: null });
      }
      for (const userName of recorded)
        expect((await command(now, 'status', userName)).document).toMatchObject({ userName });
      expect(await run(now, 'update-subscriber', updating('acting', 'now@acme.example'))).toMatchObject({
        error: null,
      });
      expect(await run(now, 'add-user', adding('acting', 'alice', 'bob'))).toMatchObject({ error: null });
      for (const userName of ['failing', 'leaving'])
        expect(
          await onboard(now, userName === 'failing' ? requestFor(userName) : requestWithKey(userName, keyArn)),
        ).toMatchObject({ error: null });
      for (const userName of ['acting', 'leaving'])
        expect(await offboard(now, userName)).toMatchObject({ error: null });
      for (const userName of ['gone', 'leaving']) {
        await empty.cloudFormation.deleteByHand(`InfinStorMlflow-${userName}`);
        expect(await onboard(now, requestWithKey(userName, keyArn))).toMatchObject({ error: null });
      }
      await expectCalm(now);
      expect(empty.denials()).toEqual([]);
    } finally {
      await empty.close();
      release.remove();
    }
  },
);
