import { beforeAll, describe, expect, it } from 'vitest';
import type { Report } from '../../../cli/view/report.ts';
import { fixtures } from '../../../sandbox/core/account.ts';
import { happyPath, onboard, statesOf, useSandbox } from '../sandbox.ts';
import { policyOf, rolesOn } from '../subscriber.ts';

const sandbox = useSandbox();

const request = {
  subscriber: { userName: 'Twice', emailId: 'mlops@example.com' },
  encryption: {
    artifacts: { type: 'sse-kms-customer-managed', keyArn: fixtures.artifactsKeyArn },
    tracking: { type: 'customer-managed', keyArn: fixtures.trackingKeyArn },
  },
};

describe('the same request twice', () => {
  let first: Report;
  let second: Report;

  beforeAll(async () => {
    first = await onboard(sandbox(), request);
    second = await onboard(sandbox(), request);
  });

  it('converges: one subscriber, one stack, one grant per key', () => {
    expect(first.output).toMatchObject({ changed: ['subscriber', 'stack', 'keyPolicies'] });
    expect(second.output).toEqual({ ...first.output, changed: [] });
    expect(statesOf(second)).toEqual(happyPath);

    const { infinstor, cloudFormation, events, registryTable } = sandbox();
    expect(infinstor.subscribers()).toHaveLength(1);
    expect(cloudFormation.tables().filter(({ name }) => name !== registryTable)).toHaveLength(1);
    for (const keyArn of [fixtures.artifactsKeyArn, fixtures.trackingKeyArn]) {
      expect(policyOf(sandbox(), keyArn).Statement).toHaveLength(3);
      expect(rolesOn(sandbox(), keyArn)).toEqual([first.output?.roleArn]);
    }
    const statuses = events.published().map(({ detail }) => JSON.stringify(detail));
    const created = statuses.filter((status) => /stack\/infinstor-subscriber-.*"CREATE_IN_PROGRESS"/.test(status));
    expect(created).toHaveLength(1);
  });

  it('keeps both attempts in the registry', async () => {
    const items = await sandbox().dynamoDb.items(sandbox().registryTable);
    const record = items.find(({ sk }) => sk?.S === 'RECORD');
    expect(record).toMatchObject({ pk: { S: 'SUBSCRIBER#twice' }, status: { S: 'ACTIVE' } });
    expect(record?.attempts).toMatchObject({ L: [{}, {}] });
  });
});
