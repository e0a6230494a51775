import { randomUUID } from 'node:crypto';
import type { CognitoIdentityProviderClient } from '@aws-sdk/client-cognito-identity-provider';
import type { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import * as v from 'valibot';
import { callBoundMs, clientConfig, patientConfig } from '../../lib/aws/clients.ts';
import { requireTimeLeft } from '../../lib/aws/time-left.ts';
import {
  OnboardingInProgress,
  StepError,
  SubscriberDiffers,
  SubscriberOutcomeUnknown,
  SubscriberUnsettled,
  TokenRejected,
} from '../../lib/errors.ts';
import { addSubscriber } from '../../lib/infinstor/add-subscriber.ts';
import { LostAnswer } from '../../lib/infinstor/answer.ts';
import { findCustomToken } from '../../lib/infinstor/custom-token.ts';
import { sendTimeoutMs } from '../../lib/infinstor/send.ts';
import type { Plan } from '../../lib/plans/onboarding.ts';
import type { Token } from '../../lib/plans/token.ts';
import { type Credentials, credentialsSchema } from '../../lib/secrets/credentials.ts';
import { passwordSchema, readInputSecret } from '../../lib/secrets/input-secrets.ts';
import { differencesFrom, passwordOf } from '../../lib/secrets/kept-credentials.ts';
import { generatePassword } from '../../lib/secrets/password.ts';
import { readRestored } from '../../lib/secrets/restored-secret.ts';
import { createSecret, putSecret, putSuccessor, readSecret } from '../../lib/secrets/secrets.ts';
import { tokenSecretSchema } from '../../lib/secrets/token-secret.ts';
import type { Environment } from './environment.ts';
import { type Finding, findSubscriber } from './find-subscriber.ts';

/** What this step uses of the plan. */
type StepPlan = Pick<
  Plan,
  'subscriber' | 'executionArn' | 'passwordSecretId' | 'customTokenSecretId' | 'returning' | 'credentialsSecretId'
>;

const customTokenSchema = v.object({ customToken: v.pipe(v.string(), v.nonEmpty()) });

/**
 * How long after the mark a call may still have its effect: API Gateway answers after 30 s at the latest, and what works behind
 * it is given as long again, twice.
 */
const settledAfterMs = 2 * 60_000;

/** How long add_subscriber may take, and then the storing of its token. */
const callAndStoreMs = sendTimeoutMs + callBoundMs(patientConfig);

interface Dependencies {
  environment: Environment;
  secrets: SecretsManagerClient;
  /** Tries longer than the other: for what cannot be had a second time. */
  patientSecrets: SecretsManagerClient;
  cognito: (region: string) => CognitoIdentityProviderClient;
  now: Date;
  /** How long the function may run yet. */
  remainingMs: () => number;
}

interface Created {
  credentialsSecretId: string;
  emailId: string;
  /** Whether this call has created the subscriber, or stored a custom token that was not known. */
  changed: boolean;
}

type Stored = Awaited<ReturnType<typeof readRestored<Credentials>>>;

/**
 * Creates the subscriber in InfinStor and stores its custom token before anything else is done. add_subscriber has no
 * inverse, so a `creating` mark goes into the subscriber's secret first: an execution that finds the mark without a token knows that
 * the call may have had its effect, and repeats it only when the subscriber is provably not there. Of several executions just
 * one can set the mark. A subscriber that comes back after its offboarding has its kept token, unless it was deleted in InfinStor.
 * @returns where the credentials are, the e-mail address that InfinStor has, else the request's, and whether anything was changed
 * @throws SubscriberDiffers when InfinStor knows the subscriber, and the request says something else than what is kept
 * @throws TokenRejected, which the machine answers with a new token
 * @throws OnboardingInProgress when another execution stores something first
 * @throws SubscriberUnsettled while an earlier call may still be under way
 * @throws TooLittleTime when the call and the storing of its token may not end in time; nothing is done then
 * @throws SubscriberOutcomeUnknown, SubscriberExists, InfinStorRejected, InfinStorUnavailable, InvalidRequest
 */
export async function createSubscriber(
  { plan, token }: { plan: StepPlan; token: Token },
  { environment, secrets, patientSecrets, cognito, now, remainingMs }: Dependencies,
): Promise<Created> {
  const secretId = plan.credentialsSecretId;
  const { userName, emailId } = plan.subscriber;
  const stored = await readRestored(secrets, secretId, credentialsSchema);
  // Also when there is a token already: the vendor's tokens may expire, and this one is newer.
  if (plan.customTokenSecretId !== undefined) {
    const changed = await storeGivenToken(secrets, plan, stored, plan.customTokenSecretId);
    return { credentialsSecretId: secretId, emailId: lastKnownEmailId(stored) ?? emailId, changed };
  }
  const find = (password: string | undefined): Promise<Finding> =>
    password === undefined
      ? Promise.resolve('unknown')
      : findSubscriber({ userName, password }, { mlflowUrl: environment.INFINSTOR_MLFLOW_URL, cognito });
  if (stored?.value.state === 'created') {
    // Nothing else shows whether somebody deleted the subscriber in InfinStor after its offboarding.
    const isGone = (stored.wasDeleted || plan.returning) && (await find(stored.value.password)) === 'absent';
    if (!isGone) {
      await requireSame(secrets, plan, stored.value);
      return { credentialsSecretId: secretId, emailId: lastKnownEmailId(stored) ?? emailId, changed: false };
    }
  }
  const isTakenOver = stored?.value.state === 'creating';
  if (stored?.value.state === 'creating') {
    const password = await passwordOf(secrets, stored.value);
    const finding = await find(password);
    if (finding === 'present') await keepAccepted(secrets, plan, stored, password);
    if (finding !== 'absent') throw outcomeUnknown(userName, 'was called before, and its answer was lost', finding);
    if (now.getTime() - stored.createdAt.getTime() < settledAfterMs) {
      throw new SubscriberUnsettled(
        `add_subscriber for ${userName} was called a moment ago, and may have its effect yet`,
      );
    }
  }

  const superadminToken = await readSecret(secrets, token, tokenSecretSchema);
  if (superadminToken === undefined) {
    throw new TokenRejected(`Version ${token.versionId} of ${token.secretId} is gone`);
  }
  const { password, kept } = await choosePassword(secrets, plan, stored?.value.password);
  requireTimeLeft(remainingMs(), callBoundMs(clientConfig) + callAndStoreMs, 'add_subscriber');
  const markVersion = await succeed(secrets, plan, stored, {
    state: 'creating',
    ...kept,
    emailId,
    executionArn: plan.executionArn,
    // Two invocations of one execution (stopped and redriven) must not both win.
    invocationId: randomUUID(),
  });
  const tokenPlace = environment.CUSTOM_TOKEN_PATH;
  let customToken: string;
  try {
    // Again, for what the mark has taken. Thrown as any error of before the call, after which the mark goes.
    requireTimeLeft(remainingMs(), callAndStoreMs, 'add_subscriber');
    customToken = await addSubscriber(
      environment.INFINSTOR_MLFLOW_URL,
      superadminToken.value.idToken,
      { ...plan.subscriber, password },
      { tokenOf: (answer) => findCustomToken(answer, tokenPlace), tokenPlace },
    );
  } catch (error) {
    if (error instanceof LostAnswer) throw outcomeUnknown(userName, error.message, await find(password));
    // Every other error of the call says that nothing happened: the mark would only stand in the way of a repeat. Not so after
    // an earlier call, which may have stored its token meanwhile, or whose user this one was refused for.
    if (error instanceof StepError && !isTakenOver) await unmark(secrets, secretId, markVersion, kept.password);
    throw error;
  }
  const created: Credentials = { state: 'created', password, emailId, customToken };
  await putSecret(patientSecrets, secretId, created).catch((error: unknown) => {
    const reason = error instanceof Error ? error.name : 'unknown reason';
    throw new SubscriberOutcomeUnknown(
      `add_subscriber for ${userName} succeeded, but its token could not be stored: ${reason}`,
    );
  });
  return { credentialsSecretId: secretId, emailId, changed: true };
}

/**
 * accept-request has compared this already, but for a subscriber that was offboarded: whether InfinStor has it still was not known,
 * and its secret could not be read.
 */
async function requireSame(
  secrets: SecretsManagerClient,
  { subscriber: { userName, emailId }, passwordSecretId }: StepPlan,
  credentials: Credentials,
): Promise<void> {
  if (credentials.state === 'prepared') return;
  const differences = await differencesFrom(secrets, { emailId, passwordSecretId }, { credentials });
  if (differences.length > 0) throw new SubscriberDiffers(userName, ...differences);
}

/** The last e-mail address sent to InfinStor, as far as it is known. */
function lastKnownEmailId(stored: Stored): string | undefined {
  return stored === undefined || stored.value.state === 'prepared' ? undefined : stored.value.emailId;
}

function outcomeUnknown(userName: string, happened: string, finding: Finding): SubscriberOutcomeUnknown {
  const findings = {
    present: 'InfinStor has the subscriber: its login succeeds',
    absent: "InfinStor's user pool has no such user at this moment",
    unknown: 'whether InfinStor has the subscriber could not be found out by a login',
  };
  return new SubscriberOutcomeUnknown(`add_subscriber for ${userName} ${happened}; ${findings[finding]}`);
}

/**
 * Stores what follows on what was read, as the only one who can.
 * @returns its version id
 * @throws OnboardingInProgress when another execution has stored something since
 */
async function succeed(
  secrets: SecretsManagerClient,
  plan: StepPlan,
  stored: Stored,
  credentials: Credentials,
): Promise<string> {
  const secretId = plan.credentialsSecretId;
  const { versionId, won } =
    stored === undefined
      ? await createSecret(secrets, secretId, credentials)
      : await putSuccessor(secrets, secretId, stored.versionId, credentials);
  if (!won) throw new OnboardingInProgress(plan.subscriber.userName, 'another execution');
  return versionId;
}

/** Takes the mark back. Should that fail, the mark stays, and a repeat looks for the subscriber first. */
async function unmark(
  secrets: SecretsManagerClient,
  secretId: string,
  markVersion: string,
  password: string | undefined,
) {
  const prepared: Credentials = { state: 'prepared', password };
  await putSuccessor(secrets, secretId, markVersion, prepared).catch(() => undefined);
}

/** Keeps the password that InfinStor has accepted: the secret of the request, which the mark names, may go. */
async function keepAccepted(
  secrets: SecretsManagerClient,
  plan: StepPlan,
  stored: NonNullable<Stored>,
  password: string | undefined,
): Promise<void> {
  if (stored.value.state !== 'creating' || stored.value.password === password) return;
  const { emailId, executionArn, invocationId } = stored.value;
  const accepted: Credentials = { state: 'creating', password, emailId, executionArn, invocationId };
  await putSuccessor(secrets, plan.credentialsSecretId, stored.versionId, accepted);
}

/**
 * Stores the custom token that the request refers to, with the password that the subscriber has, as far as it is known. As
 * the mark's successor it stays when the call of an execution that was stopped fails later.
 * @returns false when it was stored before
 */
async function storeGivenToken(
  secrets: SecretsManagerClient,
  plan: StepPlan,
  stored: Stored,
  customTokenSecretId: string,
): Promise<boolean> {
  if (stored !== undefined) await requireSame(secrets, plan, stored.value);
  const input = { field: 'customTokenSecretId', secretId: customTokenSecretId };
  const { customToken } = await readInputSecret(secrets, input, customTokenSchema);
  if (stored?.value.state === 'created' && stored.value.customToken === customToken) return false;
  // A password that add_subscriber never took is not the subscriber's.
  const password =
    stored === undefined || stored.value.state === 'prepared' ? undefined : await passwordOf(secrets, stored.value);
  await succeed(secrets, plan, stored, { state: 'created', password, emailId: lastKnownEmailId(stored), customToken });
  return true;
}

/**
 * The password of the request's secret, else the one prepared before, else a new one; and what is kept of it while InfinStor
 * has not accepted it: one that was made here would be lost.
 */
async function choosePassword(secrets: SecretsManagerClient, plan: StepPlan, prepared: string | undefined) {
  const { passwordSecretId } = plan;
  if (passwordSecretId === undefined) {
    const password = prepared ?? generatePassword();
    return { password, kept: { password } };
  }
  const input = { field: 'passwordSecretId', secretId: passwordSecretId };
  const { password } = await readInputSecret(secrets, input, passwordSchema);
  return { password, kept: { passwordSecretId } };
}
