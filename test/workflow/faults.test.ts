import { DescribeExecutionCommand, RedriveExecutionCommand } from '@aws-sdk/client-sfn';
import { beforeEach, describe, expect, it } from 'vitest';
import { connect, follow } from '../../cli/onboard.ts';
import { type Report, reportOf } from '../../cli/report.ts';
import { grantedRoles, parseKeyPolicy } from '../../functions/shared/key-policy.ts';
import { parseFault } from '../../sandbox/faults.ts';
import { onboard, statesOf, useSandbox } from './sandbox.ts';

const sandbox = useSandbox();
let runs = 0;

/** A subscriber of its own for each run, with a key of its own. */
function newRequest() {
  runs += 1;
  const keyArn = `arn:aws:kms:us-east-1:111111111111:key/55555555-eeee-4eee-8eee-${String(runs).padStart(12, '0')}`;
  sandbox().kms.createKey({ arn: keyArn, tags: { 'infinstor-onboarding': 'allowed' } });
  const userName = `faulty-${runs}`;
  const request = {
    subscriber: { userName, emailId: 'mlops@example.com' },
    encryption: { tracking: { type: 'customer-managed', keyArn } },
  };
  return { userName, keyArn, request };
}

/** The run has left exactly one subscriber, one stack and one grant. */
function expectOneOfEach({ userName, keyArn }: { userName: string; keyArn: string }, report: Report): void {
  const { infinstor, cloudFormation, kms } = sandbox();
  expect(report.error).toBeNull();
  expect(infinstor.subscribers().filter((subscriber) => subscriber.userName === userName)).toHaveLength(1);
  expect(cloudFormation.tables().filter(({ name }) => name === `InfinStorMlflow-${userName}`)).toHaveLength(1);
  const policy = kms.keyPolicy(keyArn);
  expect(policy.Statement).toHaveLength(3);
  expect(grantedRoles(parseKeyPolicy(JSON.stringify(policy)))).toEqual([report.output?.roleArn]);
}

/** A run that fails, until its failure is recorded: what records it must not meet the next fault. */
async function fail(request: Record<string, unknown>): Promise<Report> {
  const report = await onboard(sandbox(), request);
  const isRecorded = () =>
    sandbox()
      .events.published()
      .some(
        (event) =>
          event['detail-type'] === 'SubscriberOnboardingFailed' &&
          JSON.stringify(event.detail).includes(`"${report.executionArn}"`),
      );
  await expect.poll(isRecorded).toBe(true);
  return report;
}

async function redrive(executionArn: string | null): Promise<Report> {
  const { sfn } = connect(sandbox().endpoint);
  await sfn.send(new RedriveExecutionCommand({ executionArn: executionArn ?? '' }));
  const { description, events } = await follow({ sfn }, executionArn ?? '', () => {});
  return reportOf(description, events, new Map());
}

/**
 * The side effects of the straight line, but for the two after whose loss a function's death leaves only a person to ask:
 * add_subscriber and the mark before it. With a token at hand, PutSecretValue is the store of the custom token.
 */
const sideEffects = [
  'dynamodb:UpdateItem',
  'secretsmanager:PutSecretValue',
  'cloudformation:CreateStack',
  'dynamodb:PutItem',
  'states:SendTaskSuccess',
  'kms:PutKeyPolicy',
  'events:PutEvents',
];

// So that no run but the first obtains a token.
beforeEach(async () => {
  if (runs === 0) await onboard(sandbox(), newRequest().request);
});

describe('a store of the custom token that is throttled', () => {
  it('goes on until it is stored', async () => {
    const given = newRequest();
    sandbox().faults.add(parseFault('secretsmanager:PutSecretValue:throttle:4'));
    expectOneOfEach(given, await onboard(sandbox(), given.request));
  });
});

describe('a lost answer', () => {
  it.each(sideEffects)('of %s changes nothing', async (call) => {
    const given = newRequest();
    sandbox().faults.add(parseFault(`${call}:drop`));
    expectOneOfEach(given, await onboard(sandbox(), given.request));
  });

  it('of CreateSecret, the mark, changes nothing', async () => {
    const given = newRequest();
    sandbox().faults.add(parseFault('secretsmanager:CreateSecret:drop'));
    expectOneOfEach(given, await onboard(sandbox(), given.request));
  });

  it('of add_subscriber ends in SubscriberOutcomeUnknown, and converges with the custom token', async () => {
    const given = newRequest();
    const { userName, request } = given;
    sandbox().faults.add(parseFault('infinstor:add_subscriber:drop'));
    const report = await fail(request);
    expect(report.error).toMatchObject({ name: 'SubscriberOutcomeUnknown', step: 'CreateSubscriber' });
    expect(await fail(request)).toMatchObject({ error: { name: 'SubscriberOutcomeUnknown' } });
    const { infinstor, cloudFormation } = sandbox();
    expect(infinstor.subscribers().filter((subscriber) => subscriber.userName === userName)).toHaveLength(1);
    expect(cloudFormation.stack(`infinstor-subscriber-${userName}`)).toBeUndefined();

    const customTokenSecretId = `infinstor/sandbox/input/${userName}`;
    sandbox().secretsManager.createSecret(
      customTokenSecretId,
      JSON.stringify({ customToken: infinstor.customTokenOf(userName) }),
    );
    expectOneOfEach(given, await onboard(sandbox(), { ...request, customTokenSecretId }));
  });
});

// The answer to the token reaches the machine although the function that gave it dies: there is nothing to come back from.
describe.each(sideEffects.filter((call) => call !== 'states:SendTaskSuccess'))(
  'a function that dies after %s',
  (call) => {
    it('leaves what a repeat of the request goes on from', async () => {
      const given = newRequest();
      sandbox().faults.add(parseFault(`${call}:kill`));
      const failed = await fail(given.request);
      expect(failed.error?.name).toBe('Runtime.ExitError');
      expectOneOfEach(given, await onboard(sandbox(), given.request));
    });

    it('leaves what a redrive goes on from', async () => {
      const given = newRequest();
      sandbox().faults.add(parseFault(`${call}:kill`));
      const failed = await fail(given.request);
      expect(failed.error?.name).toBe('Runtime.ExitError');
      expectOneOfEach(given, await redrive(failed.executionArn));
    });
  },
);

describe('what InfinStor refuses', () => {
  it('a token: the machine gets another one, twice at most', async () => {
    const given = newRequest();
    sandbox().faults.add(parseFault('infinstor:add_subscriber:error=LoginExpired:2'));
    const report = await onboard(sandbox(), given.request);
    expectOneOfEach(given, report);
    expect(statesOf(report).filter((state) => state === 'ObtainToken')).toHaveLength(3);

    sandbox().faults.add(parseFault('infinstor:add_subscriber:error=401:3'));
    const refused = await fail(newRequest().request);
    expect(refused.error).toMatchObject({ name: 'TokenRejected', step: 'ObtainToken' });
  });
});

describe('events', () => {
  it.each(['repeat', 'late', 'lose'])('that come %s end the wait once', async (kind) => {
    const given = newRequest();
    sandbox().faults.add(parseFault(`events:StackStatusChange:${kind}:9`));
    const report = await onboard(sandbox(), given.request);
    expectOneOfEach(given, report);
    // What is left of the nine is for nobody else.
    while (sandbox().faults.take('events', 'StackStatusChange') !== undefined);
  });
});

it('a redriven execution tells that it was redriven', async () => {
  const given = newRequest();
  sandbox().faults.add(parseFault('iam:GetRole:error=AccessDenied'));
  const failed = await fail(given.request);
  expect(failed.error).toMatchObject({ name: 'AccessDenied', step: 'ReadRoleArn' });
  expectOneOfEach(given, await redrive(failed.executionArn));
  const { sfn } = connect(sandbox().endpoint);
  const description = await sfn.send(new DescribeExecutionCommand({ executionArn: failed.executionArn ?? '' }));
  expect(description).toMatchObject({ redriveCount: 1, redriveStatus: 'NOT_REDRIVABLE' });
});
