import { describe, expect, it } from 'vitest';
import { apiExecutionName } from '../../../lib/requests/execution-name.ts';
import { account, otherAccount } from '../../../sandbox/core/account.ts';
import type { Access } from '../../../sandbox/core/operation.ts';
import { decide } from '../../../sandbox/core/policies/policy.ts';
import { useSandbox } from '../sandbox.ts';

const sandbox = useSandbox();

/** What the policies of a function's role say: what a defect of its code could not do. */
function isAllowed(functionName: string, access: Access): boolean {
  const { iam } = sandbox();
  const words = functionName.split('-').map((word) => `${word.charAt(0).toUpperCase()}${word.slice(1)}`);
  const role = iam.role(sandbox().physicalId(`${words.join('')}Role`));
  const caller = iam.caller(iam.credentials(role?.arn ?? '', functionName).accessKeyId);
  if (caller === undefined) throw new Error(`${functionName} has no role`);
  return decide(caller, access).allowed;
}

const at = `${account.region}:${account.accountId}`;
const secretArn = (name: string) => `arn:aws:secretsmanager:${at}:secret:${name}-AbCdEf`;
const onSecret = (operation: string, name: string): Access => ({
  action: `secretsmanager:${operation}`,
  resource: secretArn(name),
});
const execution = apiExecutionName('acme', new Date('2026-01-31'));

/** The functions that read the secrets which requests name. */
const readers = [
  'accept-request',
  'accept-update',
  'accept-users',
  'plan-request',
  'create-subscriber',
  'update-subscriber',
  'add-user',
];

describe.each(readers)('IAM alone: %s', (reader) => {
  it('reads the secrets in the folders of subscribers, and no others that a request could name', () => {
    const may = (name: string) => isAllowed(reader, onSecret('GetSecretValue', name));
    expect(may('infinstor/sandbox/input/acme/password')).toBe(true);
    expect(may(`infinstor/sandbox/input/acme/api/${execution}`)).toBe(true);
    for (const other of [
      'infinstor/sandbox/input/flat',
      'infinstor/prod/input/acme/password',
      'infinstor/sandbox/superadmin',
      'billing/database',
    ]) {
      expect([other, may(other)]).toEqual([other, false]);
    }
  });
});

describe('IAM alone: a password of the HTTP API', () => {
  it('is written by post-subscribers only where no request may point', () => {
    const may = (name: string) => isAllowed('post-subscribers', onSecret('CreateSecret', name));
    expect(may(`infinstor/sandbox/input/acme/api/${execution}`)).toBe(true);
    for (const other of [
      'input/acme/password',
      'subscribers/acme/credentials',
      'superadmin',
      `input/api/${execution}`,
    ]) {
      expect([other, may(`infinstor/sandbox/${other}`)]).toEqual([other, false]);
    }
  });

  it('is all that sweep-passwords deletes', () => {
    const may = (name: string) => isAllowed('sweep-passwords', onSecret('DeleteSecret', `infinstor/sandbox/${name}`));
    expect(may(`input/acme/api/${execution}`)).toBe(true);
    // Releases up to 0.1.0 put it there.
    expect(may(`input/api/${execution}`)).toBe(true);
    for (const other of ['input/acme/password', 'input/api/password', 'subscribers/acme/credentials', 'superadmin']) {
      expect([other, may(other)]).toEqual([other, false]);
    }
  });
});

describe.each(['patch-key-policy', 'restore-key-policy', 'withdraw-grants'])('IAM alone: %s', (writer) => {
  const keyArn = `arn:aws:kms:${at}:key/66666666-ffff-4fff-8fff-000000000001`;
  const write = (tags: Record<string, string>): Access => ({
    action: 'kms:PutKeyPolicy',
    resource: keyArn,
    context: Object.fromEntries(Object.entries(tags).map(([name, value]) => [`aws:ResourceTag/${name}`, value])),
  });

  it.each(['allowed', 'acme', 'acme beta-'])('writes the policy of a key that its owner allows to %s', (value) => {
    expect(isAllowed(writer, write({ 'infinstor-onboarding': value }))).toBe(true);
  });

  it.each<[string, Record<string, string>]>([
    ['without the tag', {}],
    ['with the tag, and no value', { 'infinstor-onboarding': '' }],
    ['with the value under another tag', { owner: 'allowed' }],
  ])('does not write that of a key %s', (_, tags) => {
    expect(isAllowed(writer, write(tags))).toBe(false);
  });
});

describe("IAM alone: what is somebody else's", () => {
  const role = (accountId: string, name: string) => `arn:aws:iam::${accountId}:role/${name}`;
  const stack = (name: string) => `arn:aws:cloudformation:${at}:stack/${name}/11111111-1111-4111-8111-111111111111`;
  const machine = (name: string) => `arn:aws:states:${at}:stateMachine:${name}`;

  it.each<[what: string, functionName: string, access: Access]>([
    ['a role is not passed', 'deploy-stack', { action: 'iam:PassRole', resource: role(account.accountId, 'Admin') }],
    [
      'a role is not passed in a deletion',
      'delete-stack',
      { action: 'iam:PassRole', resource: role(account.accountId, 'Admin') },
    ],
    ['a stack is not made', 'deploy-stack', { action: 'cloudformation:CreateStack', resource: stack('billing') }],
    ['a stack is not deleted', 'delete-stack', { action: 'cloudformation:DeleteStack', resource: stack('billing') }],
    [
      'a stack is not deleted before it is made again',
      'deploy-stack',
      { action: 'cloudformation:DeleteStack', resource: stack('billing') },
    ],
    [
      'a role of an account that is not listed is not assumed',
      'deploy-stack',
      { action: 'sts:AssumeRole', resource: role(otherAccount.accountId, 'infinstor-onboarding') },
    ],
    ['a machine is not started', 'post-subscribers', { action: 'states:StartExecution', resource: machine('billing') }],
    [
      'a machine is not started by an event',
      'accept-event',
      { action: 'states:StartExecution', resource: machine('billing') },
    ],
    [
      'the offboarding is not started by a request to the HTTP API',
      'post-subscribers',
      { action: 'states:StartExecution', resource: machine('infinstor-onboarding-sandbox-offboard-subscriber') },
    ],
    ...(
      [
        ['patch-subscriber', 'add-user'],
        ['post-users', 'update-subscriber'],
        ['delete-subscriber', 'onboard-subscriber'],
        ['post-retry', 'billing'],
      ] as const
    ).map(([door, other]): [string, string, Access] => [
      `${other} is not started by`,
      door,
      { action: 'states:StartExecution', resource: machine(`infinstor-onboarding-sandbox-${other}`) },
    ]),
    ...['patch-subscriber', 'post-users', 'delete-subscriber', 'post-retry', 'post-subscribers'].map(
      (door): [string, string, Access] => [
        'no record is written by',
        door,
        {
          action: 'dynamodb:UpdateItem',
          resource: `arn:aws:dynamodb:${at}:table/infinstor-onboarding-sandbox-registry`,
        },
      ],
    ),
    [
      'an execution of another machine is not read',
      'get-subscriber',
      { action: 'states:DescribeExecution', resource: `arn:aws:states:${at}:execution:billing:x` },
    ],
    [
      'the registry is not scanned by the list',
      'list-subscribers',
      { action: 'dynamodb:Scan', resource: `arn:aws:dynamodb:${at}:table/infinstor-onboarding-sandbox-registry` },
    ],
    [
      'no record is written by the list',
      'list-subscribers',
      { action: 'dynamodb:UpdateItem', resource: `arn:aws:dynamodb:${at}:table/infinstor-onboarding-sandbox-registry` },
    ],
    [
      'the registry is not scanned by the sweep',
      'sweep-executions',
      { action: 'dynamodb:Scan', resource: `arn:aws:dynamodb:${at}:table/infinstor-onboarding-sandbox-registry` },
    ],
    [
      'the registry is not scanned with the quotas',
      'get-quotas',
      { action: 'dynamodb:Scan', resource: `arn:aws:dynamodb:${at}:table/infinstor-onboarding-sandbox-registry` },
    ],
    [
      'a quota that the answer does not have is not read',
      'get-quotas',
      { action: 'servicequotas:GetServiceQuota', resource: `arn:aws:servicequotas:${at}:ec2/L-1216C47A` },
    ],
    ['a quota is not raised', 'get-quotas', { action: 'servicequotas:RequestServiceQuotaIncrease', resource: '*' }],
    [
      'no record is written with the quotas',
      'get-quotas',
      { action: 'dynamodb:PutItem', resource: `arn:aws:dynamodb:${at}:table/infinstor-onboarding-sandbox-registry` },
    ],
    [
      'a key is not changed when it is shown',
      'get-key',
      {
        action: 'kms:PutKeyPolicy',
        resource: `arn:aws:kms:${at}:key/66666666-ffff-4fff-8fff-000000000001`,
        context: { 'aws:ResourceTag/infinstor-onboarding': 'allowed' },
      },
    ],
    [
      'the policy of a key without the tag is not shown',
      'get-key',
      { action: 'kms:GetKeyPolicy', resource: `arn:aws:kms:${at}:key/66666666-ffff-4fff-8fff-000000000001` },
    ],
    [
      'a machine is not started by a plan',
      'plan-request',
      {
        action: 'states:StartExecution',
        resource: machine('infinstor-onboarding-sandbox-onboard-subscriber'),
      },
    ],
    [
      'no record is written by a plan',
      'plan-request',
      { action: 'dynamodb:PutItem', resource: `arn:aws:dynamodb:${at}:table/infinstor-onboarding-sandbox-registry` },
    ],
    [
      'a stack is not made by a plan',
      'plan-request',
      { action: 'cloudformation:CreateStack', resource: stack('infinstor-acme') },
    ],
    ['no secret is written by a plan', 'plan-request', onSecret('PutSecretValue', 'infinstor/sandbox/superadmin')],
    ...['get-key', 'get-quotas', 'list-subscribers'].map((reader): [string, string, Access] => [
      'a token is not read by what reads for callers',
      reader,
      onSecret('GetSecretValue', 'infinstor/sandbox/subscribers/acme/credentials'),
    ]),
    [
      'a token is not read by the entry points',
      'post-subscribers',
      onSecret('GetSecretValue', 'infinstor/sandbox/subscribers/acme/credentials'),
    ],
    [
      'a password is not read by the status',
      'get-subscriber',
      onSecret('GetSecretValue', 'infinstor/sandbox/subscribers/acme/credentials'),
    ],
  ])('%s (%s)', (_, functionName, access) => {
    expect(isAllowed(functionName, access)).toBe(false);
  });
});
