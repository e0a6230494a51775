import * as v from 'valibot';

const scheduled = v.object({ id: v.string(), 'detail-type': v.literal('Scheduled Event') });

/** The parts that are read of what CloudTrail reports of PutKeyPolicy (KMS developer guide, "Log entries: PutKeyPolicy"). */
const apiCall = v.object({
  id: v.string(),
  'detail-type': v.literal('AWS API Call via CloudTrail'),
  detail: v.object({
    eventID: v.string(),
    eventTime: v.pipe(v.string(), v.isoTimestamp('must be a time in ISO 8601')),
    // CloudTrail user guide, "CloudTrail userIdentity element": other accounts and services have no ARN.
    userIdentity: v.object({
      type: v.optional(v.string(), 'unknown'),
      arn: v.optional(v.string()),
      sessionContext: v.optional(v.object({ sessionIssuer: v.optional(v.object({ arn: v.optional(v.string()) })) })),
    }),
    requestParameters: v.object({ policy: v.string() }),
    // The caller may have given the key's id alone.
    resources: v.pipe(v.array(v.object({ ARN: v.string() })), v.minLength(1, 'must name the key')),
  }),
});

/** A schedule's event, or what CloudTrail reports of one PutKeyPolicy. */
export const triggerSchema = v.variant('detail-type', [scheduled, apiCall]);
export type Trigger = v.InferOutput<typeof triggerSchema>;

/** A policy that somebody wrote. */
export interface Edit {
  eventId: string;
  keyArn: string;
  policy: string;
  /** Who wrote it: an ARN, or where there is none the kind of principal. */
  by: string;
  /** The ARN of the role whose session wrote it. */
  roleArn: string | undefined;
  /** In milliseconds since the epoch, of whole seconds. */
  at: number;
}

/** Why keys are looked at. */
export interface Occasion {
  /** The id of the event that says so, which is the same when Lambda repeats the invocation. */
  eventId: string;
  /** What was written; absent when it is just time to look. */
  edit?: Edit | undefined;
}

export const occasionOf = (trigger: Trigger): Occasion => ({ eventId: trigger.id, edit: editOf(trigger) });

/** What was written; undefined when it is just time to look. */
function editOf(trigger: Trigger): Edit | undefined {
  if (trigger['detail-type'] === 'Scheduled Event') return undefined;
  const { eventID, eventTime, userIdentity, requestParameters, resources } = trigger.detail;
  return {
    eventId: eventID,
    keyArn: resources[0]?.ARN ?? '',
    policy: requestParameters.policy,
    by: userIdentity.arn ?? userIdentity.type,
    roleArn: userIdentity.sessionContext?.sessionIssuer?.arn,
    at: Date.parse(eventTime),
  };
}
