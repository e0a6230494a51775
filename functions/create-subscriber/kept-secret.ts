import type { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { OnboardingInProgress } from '../../lib/errors.ts';
import type { Plan } from '../../lib/plans/onboarding.ts';
import type { Registry } from '../../lib/registry/table.ts';
import type { Credentials, Sent } from '../../lib/secrets/credentials.ts';
import { customTokenSchema, passwordSchema, readInputSecret } from '../../lib/secrets/input-secrets.ts';
import { passwordOf } from '../../lib/secrets/kept-credentials.ts';
import { generatePassword } from '../../lib/secrets/password.ts';
import type { readRestored } from '../../lib/secrets/restored-secret.ts';
import { createSecret, putSuccessor } from '../../lib/secrets/secrets.ts';
import { requireRoom } from '../../lib/secrets/versions.ts';
import { forgetPasswordSecret } from '../../lib/subscribers/creating-mark.ts';
import type { CreatingMark } from '../../lib/subscribers/record.ts';

/** What this step uses of the plan. */
export type StepPlan = Pick<
  Plan,
  'subscriber' | 'executionArn' | 'passwordSecretId' | 'customTokenSecretId' | 'returning' | 'credentialsSecretId'
>;

/** The client, and the key of a secret that is created; empty: AWS's own. */
export interface Vault {
  secrets: SecretsManagerClient;
  keyArn: string;
}

/** What was read of the credentials secret. */
export type Stored = Awaited<ReturnType<typeof readRestored<Credentials>>>;

/**
 * Chooses the password: that of the request's secret, else the one prepared before, else a new one. Then it is certain that the answer of
 * add_subscriber can be stored: the secret is there, with a password that was made here and would be lost otherwise, and has room.
 * @returns the password, and the version that the secret has then
 * @throws OnboardingInProgress when another execution has stored something since
 * @throws SecretFull, InvalidRequest
 */
export async function prepare(
  { secrets, keyArn }: Vault,
  plan: StepPlan,
  stored: Stored,
  now: Date,
): Promise<{ password: string; versionId: string }> {
  const kept = stored?.value.password;
  const { passwordSecretId } = plan;
  const given =
    passwordSecretId === undefined
      ? undefined
      : (await readInputSecret(secrets, { field: 'passwordSecretId', secretId: passwordSecretId }, passwordSchema))
          .password;
  const password = given ?? kept ?? generatePassword();
  // A token that is stored is no longer one of a subscriber that is not there any more: beside it, the mark would be taken for one that is over.
  const isOutdated = stored === undefined || stored.value.state === 'created';
  const isLost = given === undefined && kept === undefined;
  if (stored !== undefined) await requireRoom(secrets, plan.credentialsSecretId, now);
  if (stored !== undefined && !isOutdated && !isLost) return { password, versionId: stored.versionId };
  const prepared: Credentials = { state: 'prepared', password: given === undefined ? password : kept };
  return { password, versionId: await succeed({ secrets, keyArn }, plan, stored, prepared) };
}

/**
 * Stores what follows on what was read, as the only one who can.
 * @returns its version id
 * @throws OnboardingInProgress when another execution has stored something since
 */
async function succeed(
  { secrets, keyArn }: Vault,
  plan: StepPlan,
  stored: Stored,
  credentials: Credentials,
): Promise<string> {
  const secretId = plan.credentialsSecretId;
  const { versionId, won } =
    stored === undefined
      ? await createSecret(secrets, { secretId, keyArn }, credentials)
      : await putSuccessor(secrets, secretId, stored.versionId, credentials);
  if (!won) throw new OnboardingInProgress(plan.subscriber.userName, 'another execution');
  return versionId;
}

/** Keeps the password that InfinStor has accepted: the secret of the request, which the mark names, may go. */
export async function keepAccepted(
  { registry, secrets }: { registry: Registry; secrets: SecretsManagerClient },
  plan: StepPlan,
  { stored, mark }: { stored: Stored; mark: CreatingMark | undefined },
  password: string | undefined,
): Promise<void> {
  if (stored === undefined) return;
  if (stored.value.password !== password) {
    const accepted: Credentials =
      stored.value.state === 'creating'
        ? { ...stored.value, password, passwordSecretId: undefined }
        : { state: 'prepared', password };
    await putSuccessor(secrets, plan.credentialsSecretId, stored.versionId, accepted);
  }
  // Until then the password is read where the mark says.
  if (mark?.passwordSecretId !== undefined) await forgetPasswordSecret(registry, plan.subscriber.userName, mark);
}

/**
 * Stores the custom token that the request refers to, with the password that the subscriber has, as far as it is known.
 * @param sent what InfinStor was sent: a password that add_subscriber never took is not the subscriber's
 * @returns whether it is another one than was stored before, and when it ends, as far as that is known
 * @throws OnboardingInProgress, InvalidRequest
 */
export async function storeGivenToken(
  { secrets, keyArn }: Vault,
  plan: StepPlan,
  { stored, sent }: { stored: Stored; sent: Sent | undefined },
  customTokenSecretId: string,
): Promise<{ changed: boolean; customTokenExpiresAt: string | undefined }> {
  const input = { field: 'customTokenSecretId', secretId: customTokenSecretId };
  const { customToken, expiry } = await readInputSecret(secrets, input, customTokenSchema);
  const known =
    stored?.value.state === 'created' && stored.value.customToken === customToken ? stored.value : undefined;
  const customTokenExpiresAt =
    expiry === undefined ? known?.customTokenExpiresAt : new Date(expiry * 1000).toISOString();
  if (known !== undefined && known.customTokenExpiresAt === customTokenExpiresAt)
    return { changed: false, customTokenExpiresAt };
  const password = sent && (await passwordOf(secrets, sent));
  const emailId = sent?.emailId;
  await succeed({ secrets, keyArn }, plan, stored, {
    state: 'created',
    password,
    emailId,
    customToken,
    customTokenExpiresAt,
  });
  return { changed: known === undefined, customTokenExpiresAt };
}
