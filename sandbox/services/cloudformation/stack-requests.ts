import * as v from 'valibot';
import type { Access } from '../../core/operation.ts';
import type { Iam } from '../iam/service.ts';
import { texts } from './template.ts';
import { validationError } from './template-checks.ts';

const servicePrincipal = 'cloudformation.amazonaws.com';

export const text = v.pipe(v.string(), v.minLength(1));
const token = v.optional(v.pipe(v.string(), v.regex(/^[a-zA-Z0-9][-a-zA-Z0-9]{0,127}$/)));
const flag = v.optional(
  v.pipe(
    v.picklist(['true', 'false']),
    v.transform((value) => value === 'true'),
  ),
  'false',
);

/** The Query protocol writes an empty list as an empty text. */
const list = <Item extends v.GenericSchema>(item: Item) =>
  v.pipe(
    v.optional(v.unknown(), ''),
    v.transform((given) => (given === '' ? [] : given)),
    v.array(item),
  );

/** Just one of them: `TemplateSource.given`. */
export const givenTemplate = { TemplateBody: v.optional(text), TemplateURL: v.optional(text) };

const tags = v.pipe(
  list(
    v.strictObject({
      Key: v.pipe(
        text,
        v.maxLength(128),
        v.check((key) => !/^aws:/i.test(key), 'aws: prefixed tag key names are not allowed'),
      ),
      Value: v.pipe(text, v.maxLength(256)),
    }),
  ),
  v.check((given) => given.length <= 50, 'Member must have length less than or equal to 50'),
  v.check((given) => new Set(given.map(({ Key }) => Key)).size === given.length, 'Duplicate tag keys found'),
);
const capabilities = list(v.picklist(['CAPABILITY_IAM', 'CAPABILITY_NAMED_IAM', 'CAPABILITY_AUTO_EXPAND']));

export const createInput = v.strictObject({
  StackName: text,
  ...givenTemplate,
  Parameters: list(v.strictObject({ ParameterKey: text, ParameterValue: v.string() })),
  Capabilities: capabilities,
  RoleARN: v.optional(text),
  Tags: tags,
  // There are no topics.
  NotificationARNs: list(v.never()),
  ClientRequestToken: token,
  OnFailure: v.optional(v.picklist(['DO_NOTHING', 'ROLLBACK', 'DELETE']), 'ROLLBACK'),
  TimeoutInMinutes: v.optional(v.pipe(v.string(), v.regex(/^[1-9]\d*$/), v.transform(Number))),
  RetainExceptOnCreate: flag,
  EnableTerminationProtection: flag,
});
export const updateInput = v.strictObject({
  StackName: text,
  ...givenTemplate,
  UsePreviousTemplate: flag,
  Parameters: list(
    v.strictObject({ ParameterKey: text, ParameterValue: v.optional(v.string()), UsePreviousValue: flag }),
  ),
  Capabilities: capabilities,
  RoleARN: v.optional(text),
  // Without them the tags stay what they are.
  Tags: v.optional(tags),
  NotificationARNs: list(v.never()),
  ClientRequestToken: token,
});
export const deleteInput = v.strictObject({
  StackName: text,
  RoleARN: v.optional(text),
  ClientRequestToken: token,
  RetainResources: list(text),
});
export const protectInput = v.strictObject({ StackName: text, EnableTerminationProtection: flag });
export const pageInput = v.strictObject({ StackName: text, NextToken: v.optional(text) });

export interface Tag {
  Key: string;
  Value: string;
}

/** Tags as condition keys. */
export function tagContext(key: 'aws:RequestTag' | 'aws:ResourceTag', tags: readonly Tag[]): Record<string, string> {
  return Object.fromEntries(tags.map(({ Key, Value }) => [`${key}/${Key}`, Value]));
}

/**
 * Whether AWS asks for `cloudformation:TagResource` when a stack is created or updated with tags is not documented; the service
 * authorization reference has the action, and `cloudformation:CreateAction` for it. The stricter reading.
 */
export function tagAccess(
  { action, resource }: Access,
  tags: readonly Tag[],
  creation: 'CreateStack' | 'UpdateStack' | 'CreateChangeSet',
): Access[] {
  if (tags.length === 0) return [];
  return [{ action, resource, context: { ...requestTags(tags), 'cloudformation:CreateAction': creation } }];
}

export function requestTags(tags: readonly Tag[]): NonNullable<Access['context']> {
  return {
    ...tagContext('aws:RequestTag', tags),
    ...(tags.length > 0 && { 'aws:TagKeys': tags.map(({ Key }) => Key) }),
  };
}

export function passRoleAccess(roleArn: string | undefined): Access[] {
  if (roleArn === undefined) return [];
  return [{ action: 'iam:PassRole', resource: roleArn, context: { 'iam:PassedToService': servicePrincipal } }];
}

const trust = v.looseObject({
  Effect: v.literal('Allow'),
  Action: texts,
  Principal: v.looseObject({ Service: texts }),
});

/** @throws AwsError ValidationError unless the role is there and trusts CloudFormation; conditions of its trust are not looked at */
export function requireAssumable(iam: Pick<Iam, 'role'>, roleArn: string): void {
  const role = iam.role(roleArn.slice(roleArn.lastIndexOf('/') + 1));
  if (role?.arn === roleArn && trusts(role.assumeRolePolicyDocument.Statement, servicePrincipal)) return;
  throw validationError(`Role ${roleArn} is invalid or cannot be assumed`);
}

function trusts(statements: unknown, service: string): boolean {
  return [statements].flat().some((statement) => {
    const result = v.safeParse(trust, statement);
    return (
      result.success &&
      result.output.Action.includes('sts:AssumeRole') &&
      result.output.Principal.Service.includes(service)
    );
  });
}

/** Every status that a stack can have in AWS (API reference, ListStacks), those that no stack has here among them. */
export const stackStatuses = [
  ...(['CREATE_IN_PROGRESS', 'CREATE_FAILED', 'CREATE_COMPLETE'] as const),
  ...(['ROLLBACK_IN_PROGRESS', 'ROLLBACK_FAILED', 'ROLLBACK_COMPLETE'] as const),
  ...(['DELETE_IN_PROGRESS', 'DELETE_FAILED', 'DELETE_COMPLETE'] as const),
  ...(['UPDATE_IN_PROGRESS', 'UPDATE_COMPLETE_CLEANUP_IN_PROGRESS', 'UPDATE_COMPLETE', 'UPDATE_FAILED'] as const),
  ...(['UPDATE_ROLLBACK_IN_PROGRESS', 'UPDATE_ROLLBACK_FAILED'] as const),
  ...(['UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS', 'UPDATE_ROLLBACK_COMPLETE', 'REVIEW_IN_PROGRESS'] as const),
  ...(['IMPORT_IN_PROGRESS', 'IMPORT_COMPLETE'] as const),
  ...(['IMPORT_ROLLBACK_IN_PROGRESS', 'IMPORT_ROLLBACK_FAILED', 'IMPORT_ROLLBACK_COMPLETE'] as const),
] as const;
