import { type AccountRegion, account, operator, otherAccount } from './core/account.ts';

/**
 * The SDK reads these from the environment and the shared configuration file, where they may be set for real AWS: FIPS and
 * dual-stack endpoints exclude a custom endpoint, DynamoDB's account id endpoints and endpoint discovery would replace it, and an
 * unknown retry mode or defaults mode ends every call (AWS SDKs and Tools Reference Guide, "Settings reference").
 */
const notFromEnvironment = {
  useFipsEndpoint: false,
  useDualstackEndpoint: false,
  accountIdEndpointMode: 'disabled',
  endpointDiscoveryEnabled: false,
  retryMode: 'standard',
  maxAttempts: 3,
  defaultsMode: 'standard',
} as const;

/** Where the InfinStor service of a sandbox is, below its endpoint. */
export const infinstorPath = '/infinstor';

/** The configuration of a client that calls as the sandbox's operator; by default in the deployment's account and Region. */
export function operatorAt(endpoint: string, { accountId, region }: AccountRegion = account) {
  const credentials = accountId === otherAccount.accountId ? otherAccount.operator : operator;
  return { ...notFromEnvironment, endpoint, region, credentials };
}
