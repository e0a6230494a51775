import { type AccountRegion, account, operator, otherAccount } from './core/account.ts';

/** The configuration of a client that calls as the sandbox's operator; by default in the deployment's account and Region. */
export function operatorAt(endpoint: string, { accountId, region }: AccountRegion = account) {
  const credentials = accountId === otherAccount.accountId ? otherAccount.operator : operator;
  return { endpoint, region, credentials };
}
