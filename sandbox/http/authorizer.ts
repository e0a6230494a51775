import { appendFileSync } from 'node:fs';
import { type Access, AwsError, type Caller } from '../core/operation.ts';
import { decide } from '../core/policies/policy.ts';

/** A call that IAM has denied. */
export interface Denial {
  principalArn: string;
  action: string;
  resource: string;
  reason: string;
}

/** A call that IAM has allowed. */
export type Grant = Omit<Denial, 'reason'>;

export interface Authorizer {
  /**
   * Asks IAM for one access, and notes the answer.
   * @throws AwsError AccessDeniedException, which the Query protocol calls AccessDenied, in AWS's words
   */
  authorize(caller: Caller, access: Access): void;
  denials(): readonly Denial[];
  /** What was allowed, each once. */
  grants(): readonly Grant[];
}

/** Decides on every access with the caller's policies, and writes denials to a file as well. */
export function createAuthorizer(file: string): Authorizer {
  const denials: Denial[] = [];
  const grants = new Map<string, Grant>();
  return {
    authorize(caller, access) {
      const decision = decide(caller, access);
      const { principalArn } = caller;
      const { action, resource } = access;
      if (decision.allowed) {
        grants.set(`${principalArn} ${action} ${resource}`, { principalArn, action, resource });
        return;
      }
      const denial = { principalArn, action, resource, reason: decision.reason };
      denials.push(denial);
      appendFileSync(file, `${JSON.stringify(denial)}\n`);
      throw accessDenied(caller, access, decision.reason);
    },
    denials: () => denials,
    grants: () => [...grants.values()],
  };
}

/**
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
 * @param reason begins with `because` or `with`
 */
function accessDenied({ arn }: Caller, { action, resource }: Access, reason: string): AwsError {
  const message = `User: ${arn} is not authorized to perform: ${action} on resource: ${resource} ${reason}`;
  return new AwsError('AccessDeniedException', message);
}
