import type { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import type { STSClient } from '@aws-sdk/client-sts';
import * as v from 'valibot';
import { fault } from '../faults.ts';
import type { UsersPlan } from '../plans/users.ts';
import { refuse } from '../refusals.ts';
import { registryEnvironmentSchema } from '../registry/environment.ts';
import type { Registry } from '../registry/table.ts';
import { superadminNameEnvironment } from '../requests/environment.ts';
import { checkUsersRequest, type UsersRequest } from '../requests/users.ts';
import { secretPrefixEnvironment } from '../secrets/environment.ts';
import { checkInputSecrets } from '../secrets/input-secrets.ts';
import { credentialsSecretId, inputSecretPrefix, tokenSecretId, userSecretId } from '../secrets/names.ts';
import { requireActive } from '../subscribers/claim.ts';
import { readRecord, type SubscriberRecord } from '../subscribers/record.ts';
import type { Checks } from './checks.ts';

/** What the checks of a request to add users need to know of the deployment. */
export const usersEnvironmentSchema = v.object({
  ...registryEnvironmentSchema.entries,
  ...superadminNameEnvironment,
  ...secretPrefixEnvironment,
});

interface Dependencies {
  environment: v.InferOutput<typeof usersEnvironmentSchema>;
  secrets: SecretsManagerClient;
  sts: STSClient;
  registry: Registry;
}

/** What was seen of the world, and what the addition of users is to do in it. */
export interface SeenUsers {
  request: UsersRequest;
  plan: Omit<UsersPlan, 'executionArn'>;
  record: SubscriberRecord;
}

/**
 * Looks at everything that can be known of the addition of users before its first call, and changes nothing.
 * @param requireTurn refuses the request for the sake of somebody else's work on the subscriber
 * @throws InvalidRequest, SecretNotReadable, SubscriberNotActive, by way of `checks`
 */
export async function preflightUsers(
  rawRequest: unknown,
  { environment, secrets, sts, registry }: Dependencies,
  { checks, requireTurn }: { checks: Checks; requireTurn: (record: SubscriberRecord | undefined) => Promise<void> },
): Promise<SeenUsers> {
  const { SECRET_PREFIX, SUPERADMIN_USER_NAME } = environment;
  const parsed = await checks.attempt(() =>
    checkUsersRequest(rawRequest, {
      inputSecretPrefix: inputSecretPrefix(SECRET_PREFIX),
      superadminUserName: SUPERADMIN_USER_NAME,
    }),
  );
  checks.settle();
  const request = parsed();
  // What a secret holds is its user's affair: the others still have their turn.
  for (const [index, { passwordSecretId: secretId }] of request.users.entries()) {
    await checks.attempt(() =>
      checkInputSecrets({ secrets, sts }, [{ field: `users.${index}.passwordSecretId`, secretId }]),
    );
  }
  const found = await readRecord(registry, request.subscriber.userName);
  // Whatever else might be refused of a superseded execution would mislead.
  await checks.attempt(() => requireTurn(found));
  // As the onboarding spelled it: InfinStor may distinguish upper from lower case.
  const record = await checks.attempt(() => requireActive(found, request.subscriber.userName));
  const subscribers = await subscribersAmong(registry, request.users);
  await checks.attempt(() =>
    refuse(subscribers.map((index) => fault(['users', index, 'userName'], 'must not be the userName of a subscriber'))),
  );
  checks.settle();
  const { userName } = record();
  return {
    request,
    record: record(),
    plan: {
      subscriber: { userName },
      credentialsSecretId: credentialsSecretId(SECRET_PREFIX, userName),
      tokenSecretId: tokenSecretId(SECRET_PREFIX, userName),
      users: request.users.map((user) => ({
        ...user,
        credentialsSecretId: userSecretId(SECRET_PREFIX, userName, user.userName),
      })),
    },
  };
}

/**
 * The places of those users who have the names of subscribers. A login with the request's password would show whether the user is there already, and so
 * whether the password is that subscriber's; refused ones would count against its logins.
 */
async function subscribersAmong(registry: Registry, users: readonly { userName: string }[]): Promise<number[]> {
  const records = await Promise.all(users.map(({ userName }) => readRecord(registry, userName)));
  return records.flatMap((record, index) => (record === undefined ? [] : [index]));
}
