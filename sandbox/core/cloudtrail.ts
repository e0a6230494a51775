import { randomUUID } from 'node:crypto';
import type { AccountRegion } from './account.ts';
import { isoSeconds } from './clock.ts';
import { type Caller, callerId, isSession } from './operation.ts';

/** A call of a service's API that changed something. */
export interface ApiCall {
  /** As in its actions: `kms`. */
  service: string;
  operation: string;
  caller: Caller;
  /** With the members' names beginning in lower case. */
  requestParameters: object;
  resources: readonly { type: string; arn: string }[];
  home: AccountRegion;
  /** In milliseconds since the epoch. */
  time: number;
}

/** What a service puts on the event bus of its account and Region. */
export interface ApiCallEvent {
  source: string;
  'detail-type': 'AWS API Call via CloudTrail';
  detail: object;
  /** In milliseconds since the epoch. */
  time: number;
}

/**
 * The event by which EventBridge hears from CloudTrail that a call succeeded; it names no resources beside CloudTrail's own.
 * https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-service-event-cloudtrail.html, with the record of
 * https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html
 */
export function apiCallEvent(call: ApiCall): ApiCallEvent {
  const { service, operation, caller, requestParameters, resources, home, time } = call;
  return {
    source: `aws.${service}`,
    'detail-type': 'AWS API Call via CloudTrail',
    time,
    detail: {
      eventVersion: '1.08',
      userIdentity: userIdentity(caller),
      eventTime: isoSeconds(time),
      eventSource: `${service}.amazonaws.com`,
      eventName: operation,
      awsRegion: home.region,
      // The sandbox is on loopback alone.
      sourceIPAddress: '127.0.0.1',
      requestParameters,
      responseElements: null,
      requestID: randomUUID(),
      eventID: randomUUID(),
      readOnly: false,
      resources: resources.map(({ type, arn }) => ({ accountId: arn.split(':')[4], type, ARN: arn })),
      eventType: 'AwsApiCall',
      managementEvent: true,
      recipientAccountId: home.accountId,
      eventCategory: 'Management',
    },
  };
}

/** https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-user-identity.html, without access keys */
function userIdentity(caller: Caller): object {
  const { accountId, arn, principalArn, principalId } = caller;
  const userName = principalArn.slice(principalArn.lastIndexOf('/') + 1);
  const identity = { principalId: callerId(caller), arn, accountId };
  if (!isSession(caller)) return { type: 'IAMUser', ...identity, userName };
  const sessionIssuer = { type: 'Role', principalId, arn: principalArn, accountId, userName };
  return { type: 'AssumedRole', ...identity, sessionContext: { sessionIssuer } };
}
