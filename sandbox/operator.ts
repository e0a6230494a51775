import { type AccountRegion, account, operator, otherAccount } from './core/account.ts';

/** What a client of the sandbox's operator is made with: of the deployment's account and Region unless told. */
export function operatorAt(endpoint: string, { accountId, region }: AccountRegion = account) {
  const credentials = accountId === otherAccount.accountId ? otherAccount.operator : operator;
  return { endpoint, region, credentials };
}
