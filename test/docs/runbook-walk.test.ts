// Walks procedures of the runbook against a running sandbox: each step asserts that its section names the command, and then does
// what the command does, with the SDK.

import { CloudFormationClient, DescribeStackEventsCommand } from '@aws-sdk/client-cloudformation';
import { CognitoIdentityProviderClient, InitiateAuthCommand } from '@aws-sdk/client-cognito-identity-provider';
import { DeleteTableCommand, DynamoDBClient, GetItemCommand } from '@aws-sdk/client-dynamodb';
import { GetKeyPolicyCommand, KMSClient, PutKeyPolicyCommand } from '@aws-sdk/client-kms';
import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { DescribeExecutionCommand, ListExecutionsCommand, SFNClient } from '@aws-sdk/client-sfn';
import * as v from 'valibot';
import { describe, expect, it, onTestFinished } from 'vitest';
import { fixtures } from '../../sandbox/core/account.ts';
import { operatorAt } from '../../sandbox/operator.ts';
import { isWhole } from '../scope.ts';
import {
  eventually,
  expectFailure,
  newKey,
  onboard,
  putSecret,
  redrive,
  requestFor,
  requestWithKey,
  run,
  useSandbox,
} from '../workflow/sandbox.ts';
import { fault, letLoginsBeForgotten, lockOut, roleArnOf, rolesOn, stackNameOf } from '../workflow/subscriber.ts';
import { read } from './documents.ts';

const sandbox = useSandbox();
const sections = new Map(
  read('docs/runbook.md')
    .split(/^## /m)
    .map((section): [string, string] => {
      const end = section.indexOf('\n');
      return [section.slice(0, end), section.slice(end)];
    }),
);

/** Asserts that a section says all of this. */
function says(section: string, ...texts: string[]): void {
  for (const text of texts) expect(sections.get(section), section).toContain(text);
}

/** The commands of "Find what failed" for a subscriber: its record, and the execution that the record names. */
async function findWhatFailed(userName: string) {
  const { endpoint, registryTable } = sandbox();
  says('Find what failed', 'aws dynamodb get-item', '"SUBSCRIBER#\'$NAME\'"', 'aws stepfunctions describe-execution');
  const Key = { pk: { S: `SUBSCRIBER#${userName}` }, sk: { S: 'RECORD' } };
  const { Item } = await new DynamoDBClient(operatorAt(endpoint)).send(
    new GetItemCommand({ TableName: registryTable, Key, ConsistentRead: true }),
  );
  const lastError = Item?.lastError?.M;
  const executionArn = Item?.executionArn?.S ?? '';
  const { status, error, input } = await new SFNClient(operatorAt(endpoint)).send(
    new DescribeExecutionCommand({ executionArn }),
  );
  return { executionArn, name: lastError?.name?.S, step: lastError?.step?.S, status, error, request: requestOf(input) };
}

/** The request of an execution's input. */
const requestOf = (input = '{}') => v.parse(v.looseObject({}), JSON.parse(input));

const statusOf = async (userName: string) => {
  const items = await sandbox().dynamoDb.items(sandbox().registryTable);
  return items.find(({ pk, sk }) => pk?.S === `SUBSCRIBER#${userName}` && sk?.S === 'RECORD')?.status?.S;
};

describe('LoginRejected', () => {
  const secretId = 'infinstor/sandbox/superadmin';
  const credentialsSchema = v.pipe(v.string(), v.parseJson(), v.object({ userName: v.string(), password: v.string() }));

  const stored = async () => {
    const client = new SecretsManagerClient(operatorAt(sandbox().endpoint));
    const { SecretString } = await client.send(new GetSecretValueCommand({ SecretId: secretId }));
    return v.parse(credentialsSchema, SecretString);
  };

  /** `try_login` of the runbook. */
  async function tryLogin() {
    says('Tools for several sections', 'get_version', 'aws cognito-idp initiate-auth', 'USER_PASSWORD_AUTH');
    await sandbox().clock.quiet();
    const response = await fetch(`${sandbox().endpoint}/infinstor/api/2.0/mlflow/infinstor/get_version`, {
      headers: { Authorization: 'None' },
    });
    const version = v.parse(v.object({ region: v.string(), cognitoCliClientId: v.string() }), await response.json());
    const { userName, password } = await stored();
    const client = new CognitoIdentityProviderClient({ ...operatorAt(sandbox().endpoint), region: version.region });
    const { ChallengeName } = await client.send(
      new InitiateAuthCommand({
        ClientId: version.cognitoCliClientId,
        AuthFlow: 'USER_PASSWORD_AUTH',
        AuthParameters: { USERNAME: userName, PASSWORD: password },
      }),
    );
    return ChallengeName ?? null;
  }

  /** A day later the kept token is worn out, and Cognito refuses to refresh it: for its user, and for who looks why. */
  function letSessionsEnd() {
    letLoginsBeForgotten(sandbox());
    fault(sandbox(), 'cognito:InitiateAuth:error=NotAuthorizedException:2');
  }

  it('ends with an active subscriber after the right password is stored, the login tried and the execution redriven', async () => {
    const right = await stored();
    // Also when it fails, for the tests after it.
    onTestFinished(() => putSecret(sandbox(), secretId, right));
    // A token that is there could be refreshed without the password: that is refused, whichever test came before.
    await onboard(sandbox(), requestFor('earlier'));
    await putSecret(sandbox(), secretId, { ...right, password: 'Not-the-password-1!' });
    letSessionsEnd();
    const failed = await onboard(sandbox(), requestFor('login'));
    await expectFailure(sandbox(), failed, { name: 'LoginRejected', step: 'ObtainToken' });

    const found = await findWhatFailed('login');
    expect(found).toMatchObject({
      name: 'LoginRejected',
      step: 'ObtainToken',
      status: 'FAILED',
      error: 'LoginRejected',
    });
    expect(failed.error?.message).toContain('the password is wrong');
    says(
      'LoginRejected',
      'the password is wrong',
      'Find the right password, and store it',
      'by the table, and redrive',
    );
    says('LoginRejected', 'aws secretsmanager put-secret-value --secret-id infinstor/$STAGE/superadmin');
    await putSecret(sandbox(), secretId, right);
    expect(await tryLogin()).toBeNull();
    says('Redrive, or send the request again', 'aws stepfunctions redrive-execution --execution-arn "$EXECUTION"');
    const report = await redrive(sandbox(), { executionArn: found.executionArn });
    expect(report.error).toBeNull();
    await eventually(sandbox(), async () => expect(await statusOf('login')).toBe('ACTIVE'));
  });

  it('that comes of too many logins passes by itself: after 16 minutes without one a redrive goes on', async () => {
    await onboard(sandbox(), requestFor('unlocked'));
    letSessionsEnd();
    await lockOut(sandbox(), fixtures.superadmin.userName);
    const failed = await onboard(sandbox(), requestFor('locked'));
    await expectFailure(sandbox(), failed, { name: 'LoginRejected', step: 'ObtainToken' });
    expect(failed.error?.message).toContain('Cognito has locked the user');
    says('LoginRejected', 'Cognito has locked the user', 'Wait 16 minutes without a login', 'It passes by itself');
    await sandbox().clock.quiet();
    sandbox().clock.advance(16 * 60_000);
    expect((await redrive(sandbox(), failed)).error).toBeNull();
  });
});

describe('KeyPolicyNotUnderstood', () => {
  const policySchema = v.pipe(
    v.string(),
    v.parseJson(),
    v.looseObject({ Statement: v.array(v.looseObject({ Sid: v.optional(v.string()), Principal: v.unknown() })) }),
  );
  const kms = () => new KMSClient(operatorAt(sandbox().endpoint));
  const policyOf = async (KeyId: string) => {
    says('Tools for several sections', 'aws kms get-key-policy --key-id "$KEY"');
    return v.parse(policySchema, (await kms().send(new GetKeyPolicyCommand({ KeyId }))).Policy);
  };
  const put = async (KeyId: string, policy: object) => {
    says('Tools for several sections', 'aws kms put-key-policy --key-id "$KEY"');
    await kms().send(new PutKeyPolicyCommand({ KeyId, Policy: JSON.stringify(policy) }));
  };

  it('ends with an active subscriber after the statement is written as the runbook shows it, and nobody loses access', async () => {
    const keyArn = newKey(sandbox());
    expect((await onboard(sandbox(), requestWithKey('first', keyArn))).error).toBeNull();
    const before = await policyOf(keyArn);
    const use = 'Allow use of the key by InfinStor';
    const edited = before.Statement.map((each) => (each.Sid === use ? { ...each, Action: 'kms:Decrypt' } : each));
    await put(keyArn, { ...before, Statement: edited });

    const request = requestWithKey('second', keyArn);
    const failed = await onboard(sandbox(), request);
    await expectFailure(sandbox(), failed, { name: 'KeyPolicyNotUnderstood', step: 'AcceptRequest' });
    expect(failed.error?.message).toContain(use);
    says('KeyPolicyNotUnderstood', 'In AcceptRequest and AcceptOffboarding, nothing of this attempt');
    // A refused request is not in the record: the list of executions has it.
    says('Find what failed', 'aws stepfunctions list-executions --status-filter FAILED');
    const { executions } = await new SFNClient(operatorAt(sandbox().endpoint)).send(
      new ListExecutionsCommand({ stateMachineArn: sandbox().stateMachineArn, statusFilter: 'FAILED' }),
    );
    expect(executions?.map(({ executionArn }) => executionArn)).toContain(failed.executionArn);

    const [, shown = '[]'] = /```json\n(.*?)```/s.exec(sections.get('KeyPolicyNotUnderstood') ?? '') ?? [];
    const statements = v.parse(v.array(v.looseObject({ Sid: v.string() })), JSON.parse(shown));
    says('KeyPolicyNotUnderstood', 'do not change\n  `Principal`');
    const damaged = await policyOf(keyArn);
    const corrected = damaged.Statement.map(({ Principal, ...rest }) => ({
      ...(statements.find(({ Sid }) => Sid === rest.Sid) ?? rest),
      Principal,
    }));
    await put(keyArn, { ...damaged, Statement: corrected });
    expect(rolesOn(sandbox(), keyArn)).toEqual([roleArnOf('first')]);

    says('KeyPolicyNotUnderstood', 'Then send the request again');
    expect((await onboard(sandbox(), request)).error).toBeNull();
    expect(rolesOn(sandbox(), keyArn).toSorted()).toEqual([roleArnOf('first'), roleArnOf('second')]);
  });
});

describe('StackFailed', () => {
  const cloudFormation = () => new CloudFormationClient(operatorAt(sandbox().endpoint));

  /** The reasons that the stack's events have. */
  async function reasons(userName: string): Promise<string> {
    says(
      'StackFailed',
      'aws cloudformation describe-stack-events --stack-name "$STACK"',
      'StackEvents[?ResourceStatusReason || HookStatusReason]',
    );
    const found: string[] = [];
    let NextToken: string | undefined;
    do {
      const page = await cloudFormation().send(
        new DescribeStackEventsCommand({ StackName: stackNameOf(userName), ...(NextToken && { NextToken }) }),
      );
      for (const { ResourceStatusReason } of page.StackEvents ?? []) {
        if (ResourceStatusReason !== undefined) found.push(ResourceStatusReason);
      }
      NextToken = page.NextToken;
    } while (NextToken !== undefined);
    return found.join('\n');
  }

  it('ends with an active subscriber after the cause is gone and the request of the execution is sent again', async () => {
    fault(sandbox(), 'infinstor:register:error=503');
    const failed = await onboard(sandbox(), requestFor('stack'));
    await expectFailure(sandbox(), failed, { name: 'StackFailed', step: 'WaitForStack' });
    const found = await findWhatFailed('stack');
    expect(found).toMatchObject({ name: 'StackFailed', step: 'WaitForStack', error: 'StackFailed' });
    expect(await reasons('stack')).toMatch(/503/);
    says('StackFailed', 'A redrive reads\nthe old stack and fails again');
    expect((await redrive(sandbox(), failed)).error).toMatchObject({ name: 'StackFailed' });

    says(
      'Redrive, or send the request again',
      '--query input --output text > request.json',
      'aws stepfunctions start-execution',
    );
    expect((await onboard(sandbox(), found.request)).error).toBeNull();
    await eventually(sandbox(), async () => expect(await statusOf('stack')).toBe('ACTIVE'));
  });

  // Usually offboard-return.test.ts is enough, which comes to the same failure and deletes the same table.
  if (isWhole)
    it('because a table was retained ends with an active subscriber after the table is deleted', async () => {
      const request = requestFor('returns');
      expect((await onboard(sandbox(), request)).error).toBeNull();
      const offboarding = { subscriber: { userName: 'returns' }, confirm: 'returns' };
      expect((await run(sandbox(), 'offboard-subscriber', offboarding)).error).toBeNull();
      const failed = await onboard(sandbox(), request);
      await expectFailure(sandbox(), failed, { name: 'StackFailed', step: 'WaitForStack' });
      expect(await reasons('returns')).toMatch(/already exists/);

      says('StackFailed', '"already exists"', '(#onboard-an-offboarded-subscriber-again)');
      says('Onboard an offboarded subscriber again', 'aws dynamodb delete-table --table-name');
      await new DynamoDBClient(operatorAt(sandbox().endpoint)).send(
        new DeleteTableCommand({ TableName: 'InfinStorMlflow-returns' }),
      );
      expect((await onboard(sandbox(), request)).error).toBeNull();
      await eventually(sandbox(), async () => expect(await statusOf('returns')).toBe('ACTIVE'));
    });
});
