import { randomUUID } from 'node:crypto';
import * as v from 'valibot';
import type { Access, Caller } from './operation.ts';

/** What a provider reads of the resource to create or to update; the properties are evaluated. */
export interface ResourceContext {
  type: string;
  properties: Readonly<Record<string, unknown>>;
  logicalId: string;
  stackName: string;
  stackId: string;
  /** Whether the stack is the sandbox's own deployment. */
  isDeployment: boolean;
  /**
   * What stands already, when it is to be updated in place: of a type in `updateRules`, and with the same create-only properties.
   * An update with the properties that it has already changes nothing, so that a rollback may do that, too.
   */
  previous?: { physicalId: string; properties: Readonly<Record<string, unknown>> };
  /** Who creates it: the stack's service role, else the caller of CreateStack. */
  caller: Caller;
  /** The stack's tags, which CloudFormation gives its resources, too. */
  tags: readonly { Key: string; Value: string }[];
  /** Reports a resource that exists before it is complete: should it fail, the stack's rollback deletes it. */
  begin(resource: ProvisionedResource): void;
}

export interface ProvisionedResource {
  /** What `Ref` gives. */
  physicalId: string;
  /** What `Fn::GetAtt` gives. */
  attributes: Readonly<Record<string, string>>;
  /** Deletes it in the name of who deletes its stack, which need not be the one who created it. */
  delete?: (caller: Caller) => void | Promise<void>;
}

/** Creates or updates a resource of one type; an Error's message becomes the resource's failure reason. */
export type ResourceProvider = (context: ResourceContext) => Promise<ProvisionedResource>;

/** Providers by resource type; `Custom::*` stands for every custom resource. */
export type ResourceProviders = Readonly<Record<string, ResourceProvider>>;

/** What a template's custom resource calls. An Error means that it answered FAILED with that message. */
export type CustomResource = (
  type: string,
  properties: Readonly<Record<string, unknown>>,
) => Promise<Omit<ProvisionedResource, 'delete'> & { delete?: () => void | Promise<void> }>;

/** Asked before every call that a provider makes for a stack. Throws an Error to refuse it. */
export type OnAccess = (caller: Caller, access: Access) => void;

export function providerOf(providers: ResourceProviders, type: string): ResourceProvider | undefined {
  const name = type.startsWith('Custom::') ? 'Custom::*' : type;
  return Object.hasOwn(providers, name) ? providers[name] : undefined;
}

/**
 * The properties as the provider's schema has them.
 * @throws Error in CloudFormation's words for a property that is missing, wrong or unknown
 */
export function parseProperties<Schema extends v.GenericSchema>(
  schema: Schema,
  { properties, logicalId }: ResourceContext,
): v.InferOutput<Schema> {
  const result = v.safeParse(schema, properties);
  if (result.success) return result.output;
  const [issue] = result.issues;
  const path = (v.getDotPath(issue) ?? '').replaceAll('.', '/');
  // Only what was expected: the value received may be a secret.
  const message = `#/${path}: expected ${issue.expected ?? issue.message}`;
  throw new Error(`Properties validation failed for resource ${logicalId} with message: [${message}]`);
}

/**
 * A name as CloudFormation makes one up for a resource that the template does not name; of a resource that is updated, the one that
 * it has, which is its physical id or the end of it.
 */
export const generatedName = ({ stackName, logicalId, previous }: ResourceContext) =>
  previous?.physicalId.split('/').at(-1) ??
  `${stackName.slice(0, 24)}-${logicalId.slice(0, 24)}-${randomUUID().slice(-12).toUpperCase()}`;

/** The ARN of a resource where its creator is, such as `sqs` with the name of a queue. */
export const arnAt = ({ accountId, region }: Pick<Caller, 'accountId' | 'region'>, service: string, resource: string) =>
  `arn:aws:${service}:${region}:${accountId}:${resource}`;

/** References to parameters give strings, also where a boolean is meant. */
export const flag = v.pipe(
  v.union([v.boolean(), v.picklist(['true', 'false'])]),
  v.transform((value) => String(value) === 'true'),
);

export const policyDocument = v.pipe(
  v.strictObject({ Version: v.optional(v.string()), Id: v.optional(v.string()), Statement: v.unknown() }),
  // Absent members must be absent, not undefined.
  v.transform(({ Version, Id, Statement }) => ({
    Statement,
    ...(Version !== undefined && { Version }),
    ...(Id !== undefined && { Id }),
  })),
);
