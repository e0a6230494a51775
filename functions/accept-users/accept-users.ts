import type { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import type { SFNClient } from '@aws-sdk/client-sfn';
import type { STSClient } from '@aws-sdk/client-sts';
import { fault } from '../../lib/faults.ts';
import type { AcceptInput } from '../../lib/plans/accept.ts';
import type { UsersPlan } from '../../lib/plans/users.ts';
import { checkBoth, refuse } from '../../lib/refusals.ts';
import type { Registry } from '../../lib/registry/table.ts';
import { checkUsersRequest } from '../../lib/requests/users.ts';
import { checkInputSecrets } from '../../lib/secrets/input-secrets.ts';
import { credentialsSecretId, inputSecretPrefix, tokenSecretId, userSecretId } from '../../lib/secrets/names.ts';
import { claim, requireActive } from '../../lib/subscribers/claim.ts';
import { requireNotSuperseded } from '../../lib/subscribers/ownership.ts';
import { readRecord } from '../../lib/subscribers/record.ts';
import type { Environment } from './environment.ts';

interface Dependencies {
  environment: Environment;
  secrets: SecretsManagerClient;
  sts: STSClient;
  stepFunctions: SFNClient;
  registry: Registry;
  now: Date;
}

/**
 * Validates a request to add users under a subscriber, claims the subscriber for the execution and returns the plan. The claim is the only
 * side effect, and the last thing done.
 * @throws InvalidRequest, SecretNotReadable, SubscriberNotActive, OnboardingInProgress, ExecutionSuperseded
 */
export async function acceptUsers(
  { request: rawRequest, executionArn, startedAt }: AcceptInput,
  { environment, secrets, sts, stepFunctions, registry, now }: Dependencies,
): Promise<UsersPlan> {
  const { SECRET_PREFIX } = environment;
  const request = checkUsersRequest(rawRequest, {
    inputSecretPrefix: inputSecretPrefix(SECRET_PREFIX),
    superadminUserName: environment.SUPERADMIN_USER_NAME,
  });
  // What a secret holds is its user's affair: the others still have their turn.
  const references = request.users.map(({ passwordSecretId: secretId }, index) => ({
    field: `users.${index}.passwordSecretId`,
    secretId,
  }));
  const { record, userName } = await checkBoth(
    () => checkInputSecrets({ secrets, sts }, references),
    async () => {
      const read = await readRecord(registry, request.subscriber.userName);
      // Whatever else might be refused of a superseded execution would mislead.
      await requireNotSuperseded(stepFunctions, read, { executionArn, startedAt });
      // As the onboarding spelled it: InfinStor may distinguish upper from lower case.
      const active = requireActive(read, request.subscriber.userName);
      await requireNoSubscribers(registry, request.users);
      return { record: read, userName: active.userName };
    },
  );
  await claim({ registry, stepFunctions, now, startedAt }, { userName, executionArn }, record);
  return {
    subscriber: { userName },
    executionArn,
    credentialsSecretId: credentialsSecretId(SECRET_PREFIX, userName),
    tokenSecretId: tokenSecretId(SECRET_PREFIX, userName),
    users: request.users.map((user) => ({
      ...user,
      credentialsSecretId: userSecretId(SECRET_PREFIX, userName, user.userName),
    })),
  };
}

/**
 * Refuses the names of subscribers. A login with the request's password would show whether the user is there already, and so whether the password is
 * that subscriber's; refused ones would count against its logins.
 */
async function requireNoSubscribers(registry: Registry, users: readonly { userName: string }[]): Promise<void> {
  const records = await Promise.all(users.map(({ userName }) => readRecord(registry, userName)));
  const found = records.flatMap((record, index) => (record === undefined ? [] : [index]));
  refuse(found.map((index) => fault(['users', index, 'userName'], 'must not be the userName of a subscriber')));
}
