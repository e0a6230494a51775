import type { CognitoIdentityProviderClient } from '@aws-sdk/client-cognito-identity-provider';
import type { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { explain } from '../../lib/aws/explain.ts';
import { LoginsPaused, remedyFor } from '../../lib/errors.ts';
import { getVersion } from '../../lib/infinstor/discovery.ts';
import { provideToken } from '../../lib/infinstor/provide-token.ts';
import { refreshSession } from '../../lib/infinstor/session.ts';
import { redact } from '../../lib/redact.ts';
import { pauseOf, readBreaker } from '../../lib/registry/login-breaker.ts';
import { pauseReasons } from '../../lib/registry/pause-reasons.ts';
import type { Registry } from '../../lib/registry/table.ts';
import { putSuccessor, readSecret } from '../../lib/secrets/secrets.ts';
import { readSuperadmin } from '../../lib/secrets/superadmin.ts';
import { tokenSecretSchema } from '../../lib/secrets/token-secret.ts';
import type { Environment } from './environment.ts';

interface Failure {
  error: { name: string; message: string; remedy: string };
}

export interface ServiceStatus {
  /** Whether InfinStor answers `get_version`. */
  service: { mlflowUrl: string; region: string } | Failure;
  /** Whether the superadmin's secret is there and has the right form. */
  superadmin: { secretId: string } | Failure;
  /** Whether the superadmin can log in, and since when the session is; null when that was not tried, because of what is above. */
  login: { userName: string; since: string } | Failure | null;
  /** The Regions of the deployment's account whose stack events are to reach it. */
  stackEventRegions: string[];
}

interface Dependencies {
  environment: Environment;
  registry: Registry;
  secrets: SecretsManagerClient;
  cognito: (region: string) => CognitoIdentityProviderClient;
  now: Date;
}

/**
 * What an onboarding needs of InfinStor: that it answers, and that its superadmin can log in. A session that is kept is refreshed rather than
 * made anew; else there is one login, at the rate of all others, and its session is kept for the onboardings. A wrong password is so tried no more
 * often than they would.
 */
export async function checkService(dependencies: Dependencies): Promise<ServiceStatus> {
  const { environment, secrets } = dependencies;
  const { INFINSTOR_MLFLOW_URL: mlflowUrl, SUPERADMIN_SECRET_ID: secretId } = environment;
  const [service, superadmin] = await Promise.all([
    orFailure(async () => ({ mlflowUrl, region: (await getVersion(mlflowUrl)).region })),
    orFailure(() => readSuperadmin(secrets, environment)),
  ]);
  const isReady = !('error' in service) && !('error' in superadmin);
  return {
    service,
    superadmin: 'error' in superadmin ? superadmin : { secretId },
    login: isReady ? await orFailure(() => logIn(superadmin, dependencies)) : null,
    stackEventRegions: environment.STACK_EVENT_REGIONS,
  };
}

async function logIn(
  superadmin: Awaited<ReturnType<typeof readSuperadmin>>,
  { environment, registry, secrets, cognito, now }: Dependencies,
): Promise<{ userName: string; since: string }> {
  const { SUPERADMIN_TOKEN_SECRET_ID: secretId, SUPERADMIN_USER_NAME: userName } = environment;
  const service = { mlflowUrl: environment.INFINSTOR_MLFLOW_URL, cognito };
  const pause = pauseOf(await readBreaker(registry, userName), now);
  // While InfinStor refuses every token, another login is of no help.
  if (pause?.reason === pauseReasons.tokensRefused) throw new LoginsPaused(userName, pause.reason, pause.until);
  const current = await readSecret(secrets, { secretId }, tokenSecretSchema);
  // A session of an earlier password would say nothing of this one.
  if (current !== undefined && current.value.passwordVersionId === superadmin.passwordVersionId) {
    const refreshed = await refreshSession(current.value, service);
    if ('idToken' in refreshed) return { userName: superadmin.userName, since: current.value.obtainedAt };
  }
  await provideToken(
    {
      secretId,
      userName,
      kind: 'superadmin tokens',
      read: async () => undefined,
      refusedVersionId: undefined,
      rejections: 0,
      store: (token) => putSuccessor(secrets, secretId, current?.versionId, token),
      credentials: async () => superadmin,
    },
    { registry, ...service, now },
  );
  return { userName: superadmin.userName, since: now.toISOString() };
}

async function orFailure<Found>(find: () => Promise<Found>): Promise<Found | Failure> {
  try {
    return await find();
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const { name } = error;
    return { error: { name, message: redact(explain(error)), remedy: remedyFor(name) } };
  }
}
