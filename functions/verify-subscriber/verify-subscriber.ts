import type { Logger } from '@aws-lambda-powertools/logger';
import type { CognitoIdentityProviderClient } from '@aws-sdk/client-cognito-identity-provider';
import type { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import {
  InfinStorUnavailable,
  InvalidConfiguration,
  SecretNotReadable,
  StepError,
  SubscriberNotVerified,
} from '../../lib/errors.ts';
import { customerRole } from '../../lib/infinstor/customer-info.ts';
import { apiUrlOf, getVersion } from '../../lib/infinstor/discovery.ts';
import { logInHere } from '../../lib/infinstor/login.ts';
import type { Plan, Role, Verification } from '../../lib/plans/onboarding.ts';
import { credentialsSchema } from '../../lib/secrets/credentials.ts';
import { readSecret } from '../../lib/secrets/secrets.ts';
import type { Environment } from './environment.ts';

/** What this step uses of the plan. */
type StepPlan = Pick<Plan, 'subscriber' | 'executionArn' | 'credentialsSecretId'>;

interface Dependencies {
  environment: Environment;
  secrets: SecretsManagerClient;
  cognito: (region: string) => CognitoIdentityProviderClient;
  logger: Logger;
}

/**
 * Logs in as the subscriber, and compares the role that InfinStor reports with the stack's. It changes nothing, and keeps no token. A
 * subscriber that cannot be verified is worth a warning, or, where the deployment requires it, an error.
 * @throws SubscriberNotVerified, InfinStorUnavailable, InvalidConfiguration, SecretNotReadable: only where the deployment requires it
 */
export async function verifySubscriber(
  { plan, role }: { plan: StepPlan; role: Role },
  { logger, ...parts }: Dependencies,
): Promise<Verification> {
  const { VERIFY } = parts.environment;
  if (VERIFY === 'off') return { verified: null };
  let reason: string | undefined;
  try {
    reason = await problemWith(plan, role, parts);
  } catch (error) {
    const isItsFault =
      error instanceof StepError && !notOfTheSubscriber.some((ErrorClass) => error instanceof ErrorClass);
    if (VERIFY === 'require' && !isItsFault) throw error;
    // Of an error that is not the project's own, the message may quote anything.
    reason = error instanceof StepError ? error.message : error instanceof Error ? error.name : 'unknown reason';
  }
  if (reason === undefined) return { verified: true };
  if (VERIFY === 'require') throw new SubscriberNotVerified(plan.subscriber.userName, reason);
  logger.warn('the subscriber could not be verified', { reason });
  return { verified: false, reason };
}

/** They say nothing of the subscriber, and have remedies of their own. */
const notOfTheSubscriber = [InfinStorUnavailable, InvalidConfiguration, SecretNotReadable];

/** What is wrong with the subscriber; undefined when InfinStor knows it with its stack's role. */
async function problemWith(
  { subscriber: { userName }, credentialsSecretId }: StepPlan,
  { roleArn }: Role,
  { environment, secrets, cognito }: Omit<Dependencies, 'logger'>,
): Promise<string | undefined> {
  const credentials = await readSecret(secrets, { secretId: credentialsSecretId }, credentialsSchema);
  const password = credentials?.value.password;
  if (password === undefined) return 'its password is not known here';
  const discovery = await getVersion(environment.INFINSTOR_MLFLOW_URL);
  const apiUrl = apiUrlOf(discovery, environment.INFINSTOR_API_URL);
  const login = { cognito: cognito(discovery.region), clientId: discovery.cognitoCliClientId };
  const { idToken } = await logInHere(login, { userName, password }, discovery.isExternalAuth);
  const reported = await customerRole(apiUrl, idToken);
  if (reported === roleArn) return undefined;
  // Anything but a role is not quoted.
  const isRole = reported !== undefined && /^arn:[\w-]+:iam::\d{12}:role\/[\w+=,.@/-]{1,128}$/.test(reported);
  return `InfinStor reports ${isRole ? `the role ${reported}` : 'no role'}, and the stack has ${roleArn}`;
}
