import { describe, expect, it } from 'vitest';
import { fixtures } from '../../sandbox/account.ts';
import { onboard, useSandbox } from './sandbox.ts';

const sandbox = useSandbox();

async function recordOf(userName: string) {
  const items = await sandbox().dynamoDb.items(sandbox().registryTable);
  return items.find(({ pk, sk }) => pk?.S === `SUBSCRIBER#${userName}` && sk?.S === 'RECORD');
}

describe('a request that cannot succeed', () => {
  it.each([
    [
      'a disabled key',
      { encryption: { tracking: { type: 'customer-managed', keyArn: fixtures.disabledKeyArn } } },
      'KeyNotUsable',
      'Disabled',
    ],
    ['an unknown field', { colour: 'green' }, 'InvalidRequest', 'colour'],
    ['a password in the request', { password: 'hunter2-Marker!' }, 'InvalidRequest', 'password'],
    ['an unknown build', { stack: { build: '9.9.9' } }, 'InvalidRequest', '9.9.9'],
  ])('%s is refused before anything is done', async (_case, fields, name, words) => {
    const report = await onboard(sandbox(), {
      subscriber: { userName: 'refused', emailId: 'mlops@example.com' },
      ...fields,
    });
    expect(report).toMatchObject({ status: 'FAILED', transitions: 1, error: { name, step: 'AcceptRequest' } });
    expect(report.error?.message).toContain(words);
    expect(sandbox().infinstor.subscribers()).toEqual([]);
    expect(await recordOf('refused')).toBeUndefined();
  });

  it('is recorded outside the machine, with step, reason and remedy', async () => {
    sandbox().secretsManager.createSecret('infinstor/sandbox/input/weak', JSON.stringify({ password: 'weak' }));
    const report = await onboard(sandbox(), {
      subscriber: { userName: 'weak', emailId: 'mlops@example.com' },
      passwordSecretId: 'infinstor/sandbox/input/weak',
    });
    expect(report).toMatchObject({ status: 'FAILED', error: { name: 'InfinStorRejected', step: 'CreateSubscriber' } });

    const { events } = sandbox();
    await expect
      .poll(() =>
        events
          .published()
          .some(
            (event) =>
              event['detail-type'] === 'SubscriberOnboardingFailed' && JSON.stringify(event.detail).includes('"weak"'),
          ),
      )
      .toBe(true);
    expect(await recordOf('weak')).toMatchObject({
      status: { S: 'FAILED' },
      lastError: {
        M: { name: { S: 'InfinStorRejected' }, step: { S: 'CreateSubscriber' }, remedy: { S: report.error?.remedy } },
      },
    });
  });
});
