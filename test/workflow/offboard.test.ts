import { describe, expect, it } from 'vitest';
import { grantedRoles, parseKeyPolicy } from '../../functions/shared/key-policy.ts';
import { eventsOf, newKey, onboard, recordOf, requestWithKey, run, statesOf, useSandbox } from './sandbox.ts';

const sandbox = useSandbox();
const offboarding = (userName: string, rest: object = {}) => ({ subscriber: { userName }, confirm: userName, ...rest });

describe('an offboarding', () => {
  it('takes everything away but the data, and says what is left', async () => {
    const keyArn = newKey(sandbox());
    const onboarded = await onboard(sandbox(), requestWithKey('Gone', keyArn));
    const stackId = onboarded.output?.stackId;
    const report = await run(sandbox(), 'offboard-subscriber', offboarding('Gone'));
    expect(report.error).toBeNull();
    expect(statesOf(report)).toEqual([
      'AcceptOffboarding',
      'WithdrawGrants',
      'DeleteStack',
      'WaitForStack',
      'CompleteOffboarding',
    ]);
    const bucket = sandbox().cloudFormation.buckets()[0]?.name;
    const retained = [
      { logicalId: 'ArtifactsBucket', type: 'AWS::S3::Bucket', physicalId: bucket },
      { logicalId: 'TrackingTable', type: 'AWS::DynamoDB::Table', physicalId: 'InfinStorMlflow-Gone' },
    ];
    expect(report.output).toEqual({
      userName: 'Gone',
      stackId,
      keyArns: [keyArn],
      retained,
      secrets: ['infinstor/sandbox/subscribers/gone/credentials'],
      byHand: [
        'Delete subscriber Gone in InfinStor, which documents no call for it',
        `Delete AWS::S3::Bucket ${bucket} when what it holds is not needed any more`,
        'Delete AWS::DynamoDB::Table InfinStorMlflow-Gone when what it holds is not needed any more',
      ],
    });
    expect(eventsOf(sandbox(), report)).toMatchObject([
      { 'detail-type': 'SubscriberOffboarded', detail: { ...report.output } },
    ]);
    expect(sandbox().cloudFormation.stack('infinstor-subscriber-gone')).toBeUndefined();
    expect(grantedRoles(parseKeyPolicy(JSON.stringify(sandbox().kms.keyPolicy(keyArn))))).toEqual([]);
    expect(sandbox().kms.keyPolicy(keyArn).Statement).toHaveLength(1);
    const record = await recordOf(sandbox(), 'gone');
    expect(record).toMatchObject({ status: { S: 'OFFBOARDED' } });
    for (const gone of ['stackId', 'roleArn', 'keyArns', 'lastError']) expect(record).not.toHaveProperty(gone);
  });
});
