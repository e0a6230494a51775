import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CloudWatchLogsClient, DescribeLogGroupsCommand } from '@aws-sdk/client-cloudwatch-logs';
import { ListSecretsCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { DescribeStateMachineCommand, SFNClient } from '@aws-sdk/client-sfn';
import * as v from 'valibot';
import { describe, expect, inject, it } from 'vitest';
import { packageForSandbox } from '../../../build/package.ts';
import { operatorAt } from '../../../sandbox/operator.ts';
import { casesInScope } from '../../scope.ts';
import { callApi } from '../api.ts';
import { onboard, requestFor, run, useSandbox, withSandbox } from '../sandbox.ts';
import { newName } from '../subscriber.ts';
import {
  encrypted,
  keyArn,
  keyPolicy,
  statementsOf,
  type Template,
  templateSchema,
  timeless,
  withKey,
} from './encrypted.ts';

const file = 'cloudformation-template-update-stack.json';
const template = () => encrypted(readFileSync(join(inject('packageFolder'), file), 'utf8'));
const sandbox = useSandbox({ prepare: withKey(), editTemplate: (text) => JSON.stringify(encrypted(text)) });

/** What keeps something, and where its key stands. */
const keepers: Readonly<Record<string, string>> = {
  'AWS::DynamoDB::Table': 'SSESpecification',
  'AWS::SecretsManager::Secret': 'KmsKeyId',
  'AWS::SQS::Queue': 'KmsMasterKeyId',
  'AWS::SNS::Topic': 'KmsMasterKeyId',
  'AWS::Logs::LogGroup': 'KmsKeyId',
  'AWS::StepFunctions::StateMachine': 'EncryptionConfiguration',
};

/** The ids of what keeps something without the key. */
const unencrypted = ({ Resources }: Template) =>
  Object.entries(Resources)
    .filter(([, { Type, Properties }]) => {
      const place = keepers[Type];
      return place !== undefined && !JSON.stringify(Properties[place] ?? '').includes(keyArn);
    })
    .map(([id]) => id);

const resourcesOf = ({ Resources }: Template): unknown => JSON.parse(timeless(JSON.stringify(Resources)));

/** The keys of all secrets below the deployment's prefix that it has made, each once. */
async function keysOfSecrets(): Promise<(string | undefined)[]> {
  const client = new SecretsManagerClient(operatorAt(sandbox().endpoint));
  const Filters = [
    { Key: 'name' as const, Values: ['infinstor/sandbox/subscribers/', 'infinstor/sandbox/superadmin-token'] },
  ];
  const { SecretList = [] } = await client.send(
    new ListSecretsCommand({ Filters, MaxResults: 100, IncludePlannedDeletion: true }),
  );
  return SecretList.map(({ KmsKeyId }) => KmsKeyId);
}

describe('a deployment with a key of its own', () => {
  it('encrypts with it everything that keeps something', () => {
    expect(unencrypted(template())).toEqual([]);
  });

  it.each(casesInScope(['with alarms and accounts', 'without'], []))('is packaged so by osls, %s', async (how) => {
    const more = how === 'without' ? {} : { alarmTopic: 'own', accounts: accountsParam };
    const folder = await packageForSandbox({ kmsKeyArn: keyArn, ...more });
    const packaged = v.parse(templateSchema, readFileSync(join(folder, file), 'utf8'));
    expect(unencrypted(packaged)).toEqual([]);
    if (how === 'without') expect(resourcesOf(packaged)).toEqual(resourcesOf(template()));
    else expect(statementsOf(packaged, 'AwaitStackRole').filter(isUseOfSecrets)).toHaveLength(1);
  });

  it('has the key on what AWS shows of it', async () => {
    const at = operatorAt(sandbox().endpoint);
    const { logGroups = [] } = await new CloudWatchLogsClient(at).send(new DescribeLogGroupsCommand({ limit: 50 }));
    expect(new Set(logGroups.map(({ kmsKeyId }) => kmsKeyId))).toEqual(new Set([keyArn]));
    const { stateMachineArn } = sandbox();
    const machine = await new SFNClient(at).send(new DescribeStateMachineCommand({ stateMachineArn }));
    expect(machine.encryptionConfiguration).toMatchObject({ type: 'CUSTOMER_MANAGED_KMS_KEY', kmsKeyId: keyArn });
  });

  it('leads a subscriber through a whole life, whose secrets have the key', async () => {
    const userName = newName('kept');
    const password = `Given-Marker-${userName}-1!`;
    const body = { subscriber: { userName, emailId: 'mlops@example.com' }, password };
    expect(await callApi(sandbox(), 'POST', '/subscribers', body)).toMatchObject({ status: 202 });
    await sandbox().clock.quiet();
    const users = [{ userName: `${userName}-user`, emailId: 'user@example.com' }];
    const subscriber = { userName };
    const operations = {
      'add-user': { subscriber, users },
      'update-subscriber': { subscriber: { userName, emailId: 'other@example.com' } },
      'offboard-subscriber': { subscriber, confirm: userName },
    } as const;
    for (const [operation, request] of Object.entries(operations)) {
      const report = await run(
        sandbox(),
        v.parse(v.picklist(['add-user', 'update-subscriber', 'offboard-subscriber']), operation),
        request,
      );
      expect(report).toMatchObject({ status: 'SUCCEEDED' });
    }
    const keys = await keysOfSecrets();
    expect(keys.length).toBeGreaterThan(3);
    expect(new Set(keys)).toEqual(new Set([keyArn]));
  });
});

const isUseOf = (service: string) => (statement: object) =>
  JSON.stringify(statement).includes(`"${service}.\${AWS::Region}`);
const isUseOfSecrets = isUseOf('secretsmanager');
const accountsParam = JSON.stringify({
  '222222222222': {
    roleArn: 'arn:aws:iam::222222222222:role/infinstor-onboarding-access',
    externalId: 'an-external-id',
    stackServiceRoleArn: 'arn:aws:iam::222222222222:role/infinstor-onboarding-stacks',
    permissionsBoundaryArn: 'arn:aws:iam::222222222222:policy/boundary',
    regions: ['us-east-1'],
  },
});

/** A deployment with a role that may not use the key through a service. */
const without = (role: string, service: string) => ({
  prepare: withKey(),
  editTemplate(text: string) {
    const edited = encrypted(text);
    const statements = statementsOf(edited, role);
    const kept = statements.filter((statement) => !isUseOf(service)(statement));
    expect(kept.length).toBeLessThan(statements.length);
    const at = JSON.stringify(statements);
    return JSON.stringify(edited).replace(at, JSON.stringify(kept));
  },
});

const refusals = [
  ['AcceptRequestRole', 'dynamodb', 'AccessDeniedException', 'kms:Decrypt'],
  ['ObtainTokenRole', 'secretsmanager', 'AccessDeniedException', 'Access to KMS is not allowed'],
  ['CreateSubscriberRole', 'secretsmanager', 'SecretNotReadable', keyArn],
] as const;

describe('without the right to use the key', () => {
  it.each(casesInScope(refusals, refusals.slice(0, 2)))(
    'of %s, through %s, an onboarding ends %s',
    async (role, service, name, text) => {
      await withSandbox(without(role, service), async (own) => {
        const report = await onboard(own, requestFor(newName('denied')));
        expect(report).toMatchObject({ status: 'FAILED', error: { name } });
        expect(JSON.stringify(report)).toContain(text);
      });
    },
  );

  it.each(['Log groups'])('of CloudWatch Logs, by the statement "%s", nothing is deployed', async (sid) => {
    const prepare = withKey(keyPolicy(({ Sid }) => Sid !== sid));
    const editTemplate = (text: string) => JSON.stringify(encrypted(text));
    await expect(withSandbox({ prepare, editTemplate }, async () => {})).rejects.toThrow(
      /KMS key does not exist or is not allowed to be used with Arn 'arn:aws:logs:/,
    );
  });
});
