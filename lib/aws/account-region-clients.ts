import { AssumeRoleCommand, STSClient } from '@aws-sdk/client-sts';
import { AccountNotAccessible } from '../errors.ts';
import type { Account, Accounts } from './accounts-environment.ts';
import { type AccountRegion, arnOwner } from './arns.ts';
import { clientConfig } from './clients.ts';

/** The parts of a step's context that are needed to reach an account. */
export interface AccountsContext {
  environment: { ACCOUNTS: Accounts };
  invocation: { functionArn: string };
}

interface Credentials {
  accessKeyId: string;
  secretAccessKey: string;
  sessionToken: string;
  expiration: Date;
}

type Config = typeof clientConfig & { region: string; credentials?: () => Promise<Credentials> };

/**
 * A client per account and Region, made on first use: stacks, roles and keys may lie elsewhere than the functions. In another
 * account it acts with the role that is configured for it, or its calls fail with AccountNotAccessible.
 * @param common how the client, and the one for its credentials, is set up
 */
export function perAccountRegion<Client>(
  create: (config: Config) => Client,
  common: typeof clientConfig = clientConfig,
): (home: AccountRegion, context: AccountsContext) => Client {
  const clients = new Map<string, Client>();
  return ({ accountId, region }, context) => {
    const key = `${accountId} ${region}`;
    const client = clients.get(key) ?? create({ ...common, region, ...credentialsIn(accountId, context, common) });
    clients.set(key, client);
    return client;
  };
}

/** The client asks for them when it is first used, and anew before they expire. */
function credentialsIn(
  accountId: string,
  { environment, invocation }: AccountsContext,
  common: typeof clientConfig,
): Pick<Config, 'credentials'> {
  const own = arnOwner(invocation.functionArn);
  if (accountId === own.accountId) return {};
  const account = environment.ACCOUNTS[accountId];
  if (account === undefined) {
    return {
      async credentials() {
        throw new AccountNotAccessible(accountId, 'it is not among the accounts of the deployment');
      },
    };
  }
  const sts = new STSClient(common);
  // arn:<partition>:lambda:<region>:<account>:function:<name>
  const [, , , , , , sessionName = ''] = invocation.functionArn.split(':');
  return { credentials: () => assumeRole(sts, accountId, account, sessionName) };
}

async function assumeRole(
  sts: STSClient,
  accountId: string,
  { roleArn, externalId }: Account,
  sessionName: string,
): Promise<Credentials> {
  const command = new AssumeRoleCommand({ RoleArn: roleArn, RoleSessionName: sessionName, ExternalId: externalId });
  try {
    const { AccessKeyId, SecretAccessKey, SessionToken, Expiration } = (await sts.send(command)).Credentials ?? {};
    if (AccessKeyId && SecretAccessKey && SessionToken && Expiration) {
      return {
        accessKeyId: AccessKeyId,
        secretAccessKey: SecretAccessKey,
        sessionToken: SessionToken,
        expiration: Expiration,
      };
    }
  } catch (error) {
    // STS distinguishes neither a missing role nor a wrong external id.
    if (!(error instanceof Error) || error.name !== 'AccessDenied') throw error;
    throw new AccountNotAccessible(accountId, `its role ${roleArn} does not let ${sessionName} assume it`);
  }
  throw new AccountNotAccessible(accountId, `STS returned no credentials for its role ${roleArn}`);
}
