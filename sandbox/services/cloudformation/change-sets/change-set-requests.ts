import * as v from 'valibot';
import { createInput, text, updateInput } from '../stack-requests.ts';

const { RoleARN, TemplateBody, TemplateURL, NotificationARNs } = createInput.entries;
const { Parameters, UsePreviousTemplate, Capabilities, Tags, ClientRequestToken } = updateInput.entries;
const flag = UsePreviousTemplate;

const changeSetName = v.pipe(v.string(), v.maxLength(128), v.regex(/^[a-zA-Z][-a-zA-Z0-9]*$/));
const nameOrId = v.pipe(v.string(), v.maxLength(1600), v.regex(/^(?:[a-zA-Z][-a-zA-Z0-9]*|arn:[-a-zA-Z0-9:/]*)$/));

export const createChangeSetInput = v.strictObject({
  StackName: text,
  ChangeSetName: changeSetName,
  ChangeSetType: v.optional(v.picklist(['CREATE', 'UPDATE']), 'UPDATE'),
  Description: v.optional(v.pipe(text, v.maxLength(1024))),
  ...{ TemplateBody, TemplateURL, UsePreviousTemplate, Parameters, Capabilities, RoleARN, Tags, NotificationARNs },
  ClientToken: v.optional(v.pipe(text, v.maxLength(128))),
  OnStackFailure: v.optional(v.picklist(['DO_NOTHING', 'ROLLBACK', 'DELETE'])),
  IncludeNestedStacks: flag,
  // Nothing is imported into stacks here.
  ImportExistingResources: v.optional(v.literal('false')),
});

/** A change set by its name within a stack, or by its ARN. */
const which = { ChangeSetName: nameOrId, StackName: v.optional(text) };

export const describeChangeSetInput = v.strictObject({
  ...which,
  NextToken: v.optional(text),
  // The values of properties are not shown here.
  IncludePropertyValues: v.optional(v.literal('false')),
});
export const executeChangeSetInput = v.strictObject({
  ...which,
  ClientRequestToken,
  DisableRollback: v.optional(v.picklist(['true', 'false'])),
  RetainExceptOnCreate: flag,
});
export const deleteChangeSetInput = v.strictObject(which);
