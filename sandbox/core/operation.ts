import * as v from 'valibot';
import { refusal } from './constraints.ts';

/** An IAM policy document, as `sandbox/core/policies/policy.ts` evaluates it. */
export type PolicyDocument = { Version?: string; Id?: string | number; Statement: unknown };

/** Who makes a call, as far as policies can name it. */
export interface Caller {
  accountId: string;
  region: string;
  /** The principal that a policy names: the ARN of the role or user (for a role's session, the role). */
  principalArn: string;
  /** What STS GetCallerIdentity answers: `arn:aws:sts::…:assumed-role/…` for a role's session. */
  arn: string;
  /** The unique id: `AROA…` for a role, `AIDA…` for a user. */
  principalId: string;
  /** The identity policies in force at the time of the call. */
  policies: readonly PolicyDocument[];
  /** Of a role that has one: what its policies allow beyond it is denied. */
  permissionsBoundary?: PolicyDocument;
  /** The service that calls with forward access, such as `cloudformation.amazonaws.com`. */
  via?: string;
}

/** Whether the caller is a role's session, and not a user. */
export const isSession = ({ arn, principalArn }: Pick<Caller, 'arn' | 'principalArn'>) => arn !== principalArn;

/** The unique id of the caller: of a role's session, the role's with the session's name. */
export function callerId(caller: Caller): string {
  const { arn, principalId } = caller;
  return isSession(caller) ? `${principalId}:${arn.slice(arn.lastIndexOf('/') + 1)}` : principalId;
}

/** One question for IAM: may the caller do this? A call may need several. */
export interface Access {
  /** `kms:PutKeyPolicy` */
  action: string;
  /** The ARN, or `*` for actions without resource-level permissions. */
  resource: string;
  /** Condition keys and their values, such as `aws:ResourceTag/name`. */
  context?: Readonly<Record<string, string | readonly string[]>>;
  /** The account of the resource; default: the caller's. */
  resourceAccountId?: string;
  /** The resource's own policy, where it takes part in the decision (KMS). */
  resourcePolicy?: PolicyDocument;
  /** False where the resource's policy alone decides unless it delegates to IAM (KMS). Default true. */
  identityPolicySuffices?: boolean;
}

/** One operation of a service: what it needs from IAM, and what it does. Inputs are parsed before both. */
export interface Operation {
  parse(input: unknown): unknown;
  access(input: unknown, caller: Caller): readonly Access[];
  run(input: unknown, caller: Caller): object | Promise<object>;
}

/** A service as the HTTP server dispatches to it. */
export interface Service {
  /** The name in the SigV4 credential scope: `kms`, `cloudformation`, `states`, … */
  name: string;
  protocol: 'json' | 'query';
  operations: Readonly<Record<string, Operation>>;
}

/** An error answer on the wire. `code` is the wire's error code: for Query services without the suffix that SDKs add. */
export class AwsError extends Error {
  readonly code: string;
  readonly statusCode: number;

  constructor(code: string, message: string, statusCode = 400) {
    super(message);
    this.name = code;
    this.code = code;
    this.statusCode = statusCode;
  }
}

interface OperationParts<Schema extends v.GenericSchema> {
  /** What IAM is asked; default: nothing, for operations that need no IAM permission. */
  access?: (input: v.InferOutput<Schema>, caller: Caller) => readonly Access[];
  run: (input: v.InferOutput<Schema>, caller: Caller) => object | Promise<object>;
}

/**
 * Builds an operation whose input is parsed by a schema. Use `v.strictObject`, so that a member that the sandbox does not
 * have is refused by name and not ignored.
 */
export function operation<Schema extends v.GenericSchema>(schema: Schema, parts: OperationParts<Schema>): Operation {
  return {
    parse(input) {
      const result = v.safeParse(schema, input);
      if (result.success) return result.output;
      throw new AwsError('ValidationException', refusal(result.issues));
    },
    // The dispatcher passes what `parse` returned, and nothing else.
    access: (input, caller) => parts.access?.(input as v.InferOutput<Schema>, caller) ?? [],
    run: (input, caller) => parts.run(input as v.InferOutput<Schema>, caller),
  };
}
