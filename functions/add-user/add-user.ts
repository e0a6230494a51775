import type { CognitoIdentityProviderClient } from '@aws-sdk/client-cognito-identity-provider';
import type { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import * as v from 'valibot';
import { callBoundMs, clientConfig } from '../../lib/aws/clients.ts';
import { requireTimeLeft } from '../../lib/aws/time-left.ts';
import {
  InfinStorRejected,
  InvalidRequest,
  InvalidStepInput,
  type LoginRejected,
  OnboardingInProgress,
  SecretNotReadable,
  StepError,
  UserExists,
} from '../../lib/errors.ts';
import { type Addition, addSecondaryUser } from '../../lib/infinstor/add-secondary-user.ts';
import { emailTaken } from '../../lib/infinstor/answer.ts';
import { apiUrlOf, type Discovery, getVersion } from '../../lib/infinstor/discovery.ts';
import { probeLogin } from '../../lib/infinstor/login.ts';
import { sendTimeoutMs } from '../../lib/infinstor/send.ts';
import type { IdTokenOf } from '../../lib/infinstor/session.ts';
import type { Progress, SubscriberToken, UserResult, UsersPlan } from '../../lib/plans/users.ts';
import { forgetRefusedTokens } from '../../lib/registry/login-breaker.ts';
import type { Registry } from '../../lib/registry/table.ts';
import { passwordSchema, readInputSecret } from '../../lib/secrets/input-secrets.ts';
import { generatePassword } from '../../lib/secrets/password.ts';
import { readRestored } from '../../lib/secrets/restored-secret.ts';
import { createSecret, putSecret } from '../../lib/secrets/secrets.ts';
import type { Environment } from './environment.ts';

/**
 * What a user's secret holds. `prepared`: the password was generated, and InfinStor is not known to have accepted it; `created`: the user
 * has this password, unless somebody has changed it since.
 */
const userSecretSchema = v.object({
  state: v.picklist(['prepared', 'created']),
  userName: v.string(),
  password: v.string(),
});
type UserSecret = v.InferOutput<typeof userSecretSchema>;

interface Dependencies {
  environment: Environment;
  registry: Registry;
  secrets: SecretsManagerClient;
  cognito: (region: string) => CognitoIdentityProviderClient;
  idTokenOf: IdTokenOf;
  now: Date;
  /** Throws when the subscriber is another execution's by now. */
  requireOwn: () => Promise<unknown>;
  /** How long the function may run yet. */
  remainingMs: () => number;
}

interface Input {
  plan: Pick<UsersPlan, 'subscriber' | 'executionArn' | 'users'>;
  token: SubscriberToken;
  progress?: Progress | undefined;
}

/**
 * Adds the next user of the plan. What keeps this one from being added becomes its result, and the others are still to be added; what
 * would keep all of them is thrown.
 * @throws TokenRejected, which the machine answers with a new token
 * @throws TooLittleTime when the call and the storing of what it accepts may not end in time
 * @throws InfinStorUnavailable, InfinStorRejected, OnboardingInProgress, ExecutionSuperseded, InvalidConfiguration, InvalidStepInput
 */
export async function addUser({ plan, token, progress }: Input, dependencies: Dependencies): Promise<Progress> {
  const index = progress?.next ?? 0;
  const user = plan.users[index];
  if (user === undefined) throw new InvalidStepInput(`progress.next: there is no user ${index}`);
  const { userName, credentialsSecretId } = user;
  const problem = await tryToAdd({ plan, token, user, index }, dependencies);
  const result: UserResult =
    problem === undefined
      ? { userName, outcome: 'added', credentialsSecretId }
      : {
          userName,
          outcome: problem instanceof UserExists ? 'exists' : 'rejected',
          error: { name: problem.name, message: problem.message, remedy: problem.remedy },
        };
  const next = index + 1;
  return { next, hasMore: next < plan.users.length, results: [...(progress?.results ?? []), result] };
}

interface Attempt {
  plan: Pick<UsersPlan, 'subscriber' | 'executionArn' | 'users'>;
  token: SubscriberToken;
  user: UsersPlan['users'][number];
  index: number;
}

/** Adds a user, and keeps the password. @returns what keeps this user from being added; undefined: nothing did */
async function tryToAdd(
  { plan, token, user, index }: Attempt,
  { environment, registry, secrets, cognito, idTokenOf, now, requireOwn, remainingMs }: Dependencies,
): Promise<StepError | undefined> {
  const { userName, emailId, passwordSecretId, credentialsSecretId: secretId } = user;
  const subscriberName = plan.subscriber.userName;
  const keyArn = environment.KMS_KEY_ARN;
  const stored = await readRestored(secrets, secretId, userSecretSchema);
  if (stored?.value.state === 'created') {
    if (!stored.wasDeleted) return undefined;
    // Since the offboarding, somebody may have deleted the user in InfinStor.
    await putSecret(secrets, secretId, { ...stored.value, state: 'prepared' } satisfies UserSecret);
  }

  const mlflowUrl = environment.INFINSTOR_MLFLOW_URL;
  const idToken = await idTokenOf(token, { secrets, mlflowUrl, cognito, now });
  const discovery = await getVersion(mlflowUrl);
  const apiUrl = apiUrlOf(discovery, environment.INFINSTOR_API_URL);

  const kept = stored?.value.password;
  const given = passwordSecretId && (await readGiven(secrets, `users.${index}.passwordSecretId`, passwordSecretId));
  if (given instanceof StepError) return given;
  const password = given ?? kept ?? generatePassword();
  // Before the call: after it, a password that was generated and is not kept would be lost.
  if (password !== given && kept === undefined) {
    const prepared: UserSecret = { state: 'prepared', userName, password };
    const { won } = await createSecret(secrets, { secretId, keyArn }, prepared);
    if (!won) throw new OnboardingInProgress(subscriberName, 'another execution');
  }

  await requireOwn();
  // What InfinStor accepts must still be stored, after two logins at most.
  requireTimeLeft(remainingMs(), sendTimeoutMs + 4 * callBoundMs(clientConfig), 'addsecondaryuser');
  const addition = await addSecondaryUser({
    apiUrl,
    token: idToken,
    subscriberName,
    user: { userName, emailId, password },
  });
  // An answer of any kind but a refused token, which is thrown.
  await forgetRefusedTokens(registry, token);
  if (addition.outcome === 'refused') return new InfinStorRejected(addition.answer);
  // An earlier call, whose answer was lost, may have made the user; with the password that was kept, perhaps.
  const candidates = new Set([password, ...(kept === undefined ? [] : [kept])]);
  const { accepted, rejected } =
    addition.outcome === 'added'
      ? { accepted: password }
      : await passwordThatLogsIn(userName, candidates, { discovery, cognito });
  if (accepted === undefined) {
    const field = `users.${index}.emailId`;
    return isUndecided(addition, rejected) ? rejected : notAdded(addition, { userName, field });
  }
  const created: UserSecret = { state: 'created', userName, password: accepted };
  // There is a secret, unless the password is the request's, and none was kept before.
  const isNew = password === given && kept === undefined;
  if (!isNew || !(await createSecret(secrets, { secretId, keyArn }, created)).won)
    await putSecret(secrets, secretId, created);
  return undefined;
}

/** Whether the refused login does not show whose the user is that InfinStor has. */
function isUndecided({ outcome }: Addition, rejected: LoginRejected | undefined): rejected is LoginRejected {
  if (rejected === undefined || rejected.refusal === 'wrong-password') return false;
  switch (outcome) {
    case 'duplicate':
      return true;
    // What InfinStor has is then another user's address.
    case 'email-taken':
    case 'exists':
      return rejected.refusal !== 'no-such-user';
    case 'added':
    case 'refused':
    case 'unclear':
      return false;
  }
}

/** Why a user is not added, when no password that is known here logs in as it. */
function notAdded(addition: Addition, { userName, field }: { userName: string; field: string }): StepError {
  switch (addition.outcome) {
    case 'email-taken':
      return emailTaken(field, addition.answer);
    case 'exists':
    case 'refused':
    case 'unclear':
      return new InfinStorRejected(addition.answer);
    case 'added':
    case 'duplicate':
      return new UserExists(userName);
  }
}

/** The password of the request's secret, or what is wrong with the secret. */
async function readGiven(
  secrets: SecretsManagerClient,
  field: string,
  secretId: string,
): Promise<string | InvalidRequest | SecretNotReadable> {
  try {
    return (await readInputSecret(secrets, { field, secretId }, passwordSchema)).password;
  } catch (error) {
    if (error instanceof InvalidRequest || error instanceof SecretNotReadable) return error;
    throw error;
  }
}

/**
 * The first of these passwords that a user logs in with, which shows whose the user is. Each is tried once, because refused logins
 * lock an account; and none after a refusal that is not about the password.
 */
async function passwordThatLogsIn(
  userName: string,
  passwords: Iterable<string>,
  login: { discovery: Discovery; cognito: Dependencies['cognito'] },
): Promise<{ accepted?: string; rejected?: LoginRejected | undefined }> {
  let rejected: LoginRejected | undefined;
  for (const password of passwords) {
    const probe = await probeLogin({ userName, password }, login);
    if (probe.isAccepted) return { accepted: password };
    rejected = probe.rejected;
    if (rejected.refusal !== 'wrong-password') break;
  }
  return { rejected };
}
