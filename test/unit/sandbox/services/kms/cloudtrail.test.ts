import { beforeEach, describe, expect, it } from 'vitest';
import {
  call,
  callerOf,
  document,
  enableIam,
  events,
  get,
  iam,
  keyArn,
  keyId,
  lockout,
  put,
  rootArn,
  setUp,
  use,
} from './kms-fixture.ts';

beforeEach(setUp);

describe('CloudTrail', () => {
  const uuid = expect.stringMatching(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
  const policy = `  ${JSON.stringify(document(enableIam), null, 2)}\n`;

  it('reports PutKeyPolicy by the session of a role', async () => {
    const inTeam = iam.createRole({
      roleName: 'writer',
      path: '/team/',
      assumeRolePolicyDocument: document(),
      policies: [{ name: 'keys', document: document({ Effect: 'Allow', Action: 'kms:*', Resource: '*' }) }],
    });
    await call('PutKeyPolicy', { KeyId: keyId, PolicyName: 'default', Policy: policy }, callerOf(inTeam.arn));
    const [event, ...others] = events.published();
    expect(others).toEqual([]);
    expect(event).toEqual({
      version: '0',
      id: uuid,
      'detail-type': 'AWS API Call via CloudTrail',
      source: 'aws.kms',
      account: '111111111111',
      region: 'us-east-1',
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
      resources: [],
      detail: {
        eventVersion: '1.08',
        userIdentity: {
          type: 'AssumedRole',
          principalId: `${inTeam.roleId}:session`,
          arn: 'arn:aws:sts::111111111111:assumed-role/writer/session',
          accountId: '111111111111',
          sessionContext: {
            sessionIssuer: {
              type: 'Role',
              principalId: inTeam.roleId,
              arn: 'arn:aws:iam::111111111111:role/team/writer',
              accountId: '111111111111',
              userName: 'writer',
            },
          },
        },
        eventTime: event?.time,
        eventSource: 'kms.amazonaws.com',
        eventName: 'PutKeyPolicy',
        awsRegion: 'us-east-1',
        sourceIPAddress: '127.0.0.1',
        requestParameters: { keyId, policyName: 'default', policy, bypassPolicyLockoutSafetyCheck: false },
        responseElements: null,
        requestID: uuid,
        eventID: uuid,
        readOnly: false,
        resources: [{ accountId: '111111111111', type: 'AWS::KMS::Key', ARN: keyArn }],
        eventType: 'AwsApiCall',
        managementEvent: true,
        recipientAccountId: '111111111111',
        eventCategory: 'Management',
      },
    });
  });

  it('reports PutKeyPolicy by a user, with the key as it was given', async () => {
    const allowed = document({ Effect: 'Allow', Action: 'kms:*', Resource: '*' });
    const user = iam.createUser({ userName: 'alice', policies: [{ name: 'keys', document: allowed }] });
    const caller = iam.caller(iam.credentials(user.arn, '').accessKeyId);
    await call('PutKeyPolicy', { KeyId: keyArn, Policy: policy }, caller);
    expect(events.published()).toMatchObject([
      {
        detail: {
          userIdentity: {
            type: 'IAMUser',
            principalId: user.userId,
            arn: user.arn,
            accountId: '111111111111',
            userName: 'alice',
          },
          requestParameters: { keyId: keyArn, policyName: 'default' },
        },
      },
    ]);
    expect(JSON.stringify(events.published())).not.toContain('sessionContext');
  });

  it('reports each call that has an effect, and of no other', async () => {
    await expect(put('{')).rejects.toThrow();
    await expect(put(document(use(rootArn)))).rejects.toThrow(lockout);
    await get();
    expect(events.published()).toEqual([]);
    await put(policy);
    await put(policy);
    const ids = events.published().flatMap(({ id, detail }) => [id, ...Object.values(detail).filter(isUuid)]);
    expect(new Set(ids).size).toBe(6);
  });
});

const isUuid = (value: unknown) => typeof value === 'string' && /^[0-9a-f-]{36}$/.test(value);
