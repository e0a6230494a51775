import { randomUUID } from 'node:crypto';
import type { CognitoIdentityProviderClient } from '@aws-sdk/client-cognito-identity-provider';
import type { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { callBoundMs, clientConfig, patientConfig } from '../../lib/aws/clients.ts';
import { requireTimeLeft } from '../../lib/aws/time-left.ts';
import {
  OnboardingInProgress,
  StepError,
  SubscriberDiffers,
  SubscriberOutcomeUnknown,
  SubscriberUnsettled,
} from '../../lib/errors.ts';
import { addSubscriber } from '../../lib/infinstor/add-subscriber.ts';
import { LostAnswer } from '../../lib/infinstor/answer.ts';
import { type CustomToken, findCustomToken } from '../../lib/infinstor/custom-token.ts';
import { sendTimeoutMs } from '../../lib/infinstor/send.ts';
import type { IdTokenOf } from '../../lib/infinstor/session.ts';
import type { Token } from '../../lib/plans/token.ts';
import { forgetRefusedTokens } from '../../lib/registry/login-breaker.ts';
import type { Registry } from '../../lib/registry/table.ts';
import { type Credentials, credentialsSchema, type Sent, sentOf } from '../../lib/secrets/credentials.ts';
import { differencesFrom, passwordOf } from '../../lib/secrets/kept-credentials.ts';
import { readRestored } from '../../lib/secrets/restored-secret.ts';
import { putSecret, readSecret } from '../../lib/secrets/secrets.ts';
import { removeCreatingMark, setCreatingMark } from '../../lib/subscribers/creating-mark.ts';
import { type CreatingMark, readRecord } from '../../lib/subscribers/record.ts';
import type { Environment } from './environment.ts';
import { type Finding, findSubscriber } from './find-subscriber.ts';
import { keepAccepted, prepare, type StepPlan, type Stored, storeGivenToken } from './kept-secret.ts';

/**
 * How long after the mark a call may still have its effect: API Gateway answers after 30 s at the latest, and what works behind
 * it is given as long again, twice.
 */
const settledAfterMs = 2 * 60_000;

/** How long add_subscriber may take, and then the storing of its token. */
const callAndStoreMs = sendTimeoutMs + callBoundMs(patientConfig);

interface Dependencies {
  environment: Environment;
  registry: Registry;
  secrets: SecretsManagerClient;
  /** Tries longer than the other: for what cannot be had a second time. */
  patientSecrets: SecretsManagerClient;
  cognito: (region: string) => CognitoIdentityProviderClient;
  idTokenOf: IdTokenOf;
  now: Date;
  /** How long the function may run yet. */
  remainingMs: () => number;
}

interface Created {
  credentialsSecretId: string;
  emailId: string;
  /** When the custom token ends, in ISO 8601; absent when that is not known. */
  customTokenExpiresAt?: string | undefined;
  /** Whether this call has created the subscriber, or stored a custom token that was not known. */
  changed: boolean;
}

/**
 * Creates the subscriber in InfinStor and stores its custom token before anything else is done. add_subscriber has no
 * inverse, so a `creating` mark goes into the subscriber's record first: an execution that finds the mark without a token knows that
 * the call may have had its effect, and repeats it only when the subscriber is provably not there. Of several executions just
 * one can set the mark. Before the call it is certain that its answer can be stored. A subscriber that comes back after its offboarding has
 * its kept token, unless it was deleted in InfinStor.
 * @returns where the credentials are, the e-mail address that InfinStor has, else the request's, and whether anything was changed
 * @throws SubscriberDiffers when InfinStor knows the subscriber, and the request says something else than what is kept
 * @throws TokenRejected, which the machine answers with a new token
 * @throws OnboardingInProgress when another execution stores something first
 * @throws SubscriberUnsettled while an earlier call may still be under way
 * @throws SecretFull when the answer could not be stored
 * @throws TooLittleTime when the call and the storing of its token may not end in time; nothing is sent then
 * @throws SubscriberOutcomeUnknown, SubscriberExists, InfinStorRejected, InfinStorUnavailable, InvalidRequest
 */
export async function createSubscriber(
  { plan, token }: { plan: StepPlan; token: Token },
  { environment, registry, secrets, patientSecrets, cognito, idTokenOf, now, remainingMs }: Dependencies,
): Promise<Created> {
  const secretId = plan.credentialsSecretId;
  const { userName, emailId } = plan.subscriber;
  const vault = { secrets, keyArn: environment.KMS_KEY_ARN };
  // The mark before the secret: an invocation that has gone on to its end in between has then changed what is read last.
  const mark = (await readRecord(registry, userName))?.creating;
  const stored = await readRestored(secrets, secretId, credentialsSchema);
  const sent = sentOf(stored?.value, mark);
  // Also when there is a token already: the vendor's tokens may expire, and this one is newer.
  if (plan.customTokenSecretId !== undefined) {
    if (sent !== undefined) await requireSame(secrets, plan, sent);
    const given = await storeGivenToken(vault, plan, { stored, sent }, plan.customTokenSecretId);
    if (mark !== undefined) await removeCreatingMark(registry, userName, mark);
    return { credentialsSecretId: secretId, emailId: sent?.emailId ?? emailId, ...given };
  }
  const find = (password: string | undefined): Promise<Finding> =>
    password === undefined
      ? Promise.resolve({ is: 'unknown', because: 'its password is not known here' })
      : findSubscriber({ userName, password }, { mlflowUrl: environment.INFINSTOR_MLFLOW_URL, cognito });
  let earlier = mark;
  if (stored?.value.state === 'created') {
    // The token is stored before the mark goes.
    if (mark !== undefined) await removeCreatingMark(registry, userName, mark);
    earlier = undefined;
    // Nothing else shows whether somebody deleted the subscriber in InfinStor after its offboarding.
    const isGone = (stored.wasDeleted || plan.returning) && (await find(stored.value.password)).is === 'absent';
    if (!isGone) {
      await requireSame(secrets, plan, stored.value);
      const { emailId: keptEmailId = emailId, customTokenExpiresAt } = stored.value;
      return { credentialsSecretId: secretId, emailId: keptEmailId, customTokenExpiresAt, changed: false };
    }
  }
  const earlierAt = calledAt(stored, earlier);
  if (earlierAt !== undefined) {
    const password = sent && (await passwordOf(secrets, sent));
    const finding = await find(password);
    if (finding.is === 'present') await keepAccepted({ registry, secrets }, plan, { stored, mark: earlier }, password);
    if (finding.is !== 'absent') throw outcomeUnknown(userName, 'was called before, and its answer was lost', finding);
    if (now.getTime() - Date.parse(earlierAt) < settledAfterMs) {
      throw new SubscriberUnsettled(
        `add_subscriber for ${userName} was called a moment ago, and may have its effect yet`,
      );
    }
  }

  const login = { secrets, mlflowUrl: environment.INFINSTOR_MLFLOW_URL, cognito, now };
  const idToken = await idTokenOf(token, login);
  const prepared = await prepare(vault, plan, stored, now);
  // The mark, and the secret that is read after it.
  requireTimeLeft(remainingMs(), 2 * callBoundMs(clientConfig) + callAndStoreMs, 'add_subscriber');
  const newMark: CreatingMark = {
    executionArn: plan.executionArn,
    // Two invocations of one execution (stopped and redriven) must not both win.
    invocationId: randomUUID(),
    at: now.toISOString(),
    emailId,
    passwordSecretId: plan.passwordSecretId,
  };
  const isSet = await setCreatingMark(registry, userName, { mark: newMark, previous: earlier });
  if (!isSet) throw new OnboardingInProgress(userName, 'another execution');
  // Another invocation may have set its mark, stored its token and taken the mark away since the secret was read.
  const marked = await readSecret(secrets, { secretId }, credentialsSchema);
  if (marked?.versionId !== prepared.versionId) {
    await takeBack(registry, userName, newMark, earlierAt);
    throw new OnboardingInProgress(userName, 'another execution');
  }
  const { password } = prepared;
  const tokenPlace = environment.CUSTOM_TOKEN_PATH;
  let issued: CustomToken;
  try {
    // Again, for what the mark has taken. Thrown like every error before the call, after which the mark goes.
    requireTimeLeft(remainingMs(), callAndStoreMs, 'add_subscriber');
    issued = await addSubscriber(
      environment.INFINSTOR_MLFLOW_URL,
      idToken,
      { ...plan.subscriber, password },
      {
        tokenOf: (answer) => findCustomToken(answer, { path: tokenPlace, prefix: environment.CUSTOM_TOKEN_PREFIX }),
        tokenPlace,
      },
    );
  } catch (error) {
    if (error instanceof LostAnswer) throw outcomeUnknown(userName, error.message, await find(password));
    // Every other error of the call says that nothing happened: the mark would only stand in the way of a repeat. Not so after an earlier
    // call, whose user this one may have been refused for: the mark is then as old as that call. Should this fail, the mark stays, and a
    // repeat looks for the subscriber first.
    if (error instanceof StepError) await attempt(takeBack(registry, userName, newMark, earlierAt));
    throw error;
  }
  const created: Credentials = { state: 'created', password, emailId, ...issued };
  await putSecret(patientSecrets, secretId, created).catch((error: unknown) => {
    const reason = error instanceof Error ? error.name : 'unknown reason';
    throw new SubscriberOutcomeUnknown(
      `add_subscriber for ${userName} succeeded, but its token could not be stored: ${reason}`,
    );
  });
  // Neither is worth a failure of what has succeeded: beside a token a mark says nothing, and a breaker closes by itself.
  await attempt(removeCreatingMark(registry, userName, newMark));
  await attempt(forgetRefusedTokens(registry, token));
  return { credentialsSecretId: secretId, emailId, customTokenExpiresAt: issued.customTokenExpiresAt, changed: true };
}

const attempt = (work: Promise<unknown>) => work.catch(() => undefined);

/** When a call was made whose answer is not known; undefined when there is none. */
function calledAt(stored: Stored, mark: CreatingMark | undefined): string | undefined {
  if (mark !== undefined) return mark.at;
  return stored?.value.state === 'creating' ? stored.createdAt.toISOString() : undefined;
}

/** Takes away the mark of a call that had no effect, or lets it stand for the earlier call whose mark it has replaced. */
async function takeBack(registry: Registry, userName: string, mark: CreatingMark, earlierAt: string | undefined) {
  if (earlierAt === undefined) return removeCreatingMark(registry, userName, mark);
  await setCreatingMark(registry, userName, { mark: { ...mark, at: earlierAt }, previous: mark });
}

/**
 * accept-request has compared this already, but for a subscriber that was offboarded: whether InfinStor has it still was not known,
 * and its secret could not be read.
 */
async function requireSame(
  secrets: SecretsManagerClient,
  { subscriber: { userName, emailId }, passwordSecretId }: StepPlan,
  sent: Sent,
): Promise<void> {
  const differences = await differencesFrom(secrets, { emailId, passwordSecretId }, { sent });
  if (differences.length > 0) throw new SubscriberDiffers(userName, ...differences);
}

function outcomeUnknown(userName: string, happened: string, { is, because }: Finding): SubscriberOutcomeUnknown {
  const findings = {
    present: `InfinStor has the subscriber: ${because}`,
    absent: "InfinStor's user pool has no such user at this moment",
    unknown: `whether InfinStor has the subscriber could not be found out by a login: ${because}`,
  };
  return new SubscriberOutcomeUnknown(`add_subscriber for ${userName} ${happened}; ${findings[is]}`);
}
