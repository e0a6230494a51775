import { account } from '../../core/account.ts';
import type { Clock } from '../../core/clock.ts';
import type { Caller } from '../../core/operation.ts';
import { createQuotas, type Quotas } from '../../core/quotas.ts';
import type { Secret } from './access-keys.ts';
import { createIam, type Iam } from './service.ts';

/** The accounts of the sandbox, each with an IAM of its own. */
export interface Accounts {
  /** The IAM of an account, which is empty before it is asked for. */
  iam(accountId: string): Iam;
  /** What AWS lets each account have. */
  quotas: Quotas;
  /** As the method of the IAM that the access key belongs to. */
  secret(accessKeyId: string): Secret | undefined;
  /** Who signs with this access key, whatever the account is. */
  caller(accessKeyId: string, region: string): Caller | undefined;
  /** As the method of the IAM that the ARN belongs to. A bare account id or root ARN is always there. */
  principalExists: Iam['principalExists'];
  principalId: Iam['principalId'];
}

export function createAccounts(clock: Clock): Accounts {
  const iams = new Map<string, Iam>();
  const quotas = createQuotas();

  function iam(accountId: string): Iam {
    const known = iams.get(accountId) ?? createIam(clock, accountId, quotas);
    iams.set(accountId, known);
    return known;
  }

  const iamOf = (arn: string) => iam(arn.split(':')[4] || account.accountId);

  return {
    iam,
    quotas,
    secret(accessKeyId) {
      for (const candidate of iams.values()) {
        const secret = candidate.secret(accessKeyId);
        if (secret !== undefined) return secret;
      }
      return undefined;
    },
    caller(accessKeyId, region) {
      for (const candidate of iams.values()) {
        const caller = candidate.caller(accessKeyId, region);
        if (caller !== undefined) return caller;
      }
      return undefined;
    },
    principalExists: (arnOrId) => iamOf(arnOrId).principalExists(arnOrId),
    principalId: (arn) => iamOf(arn).principalId(arn),
  };
}
