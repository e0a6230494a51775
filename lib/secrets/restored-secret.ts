import {
  InvalidRequestException,
  RestoreSecretCommand,
  type SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import type * as v from 'valibot';
import { readSecret } from './secrets.ts';

/**
 * Reads a secret as `readSecret` does. One that is scheduled for deletion, which neither can be read nor gives its name free, is restored
 * first: `wasDeleted` then says that its content is of an earlier life of the subscriber.
 */
export async function readRestored<Value>(
  secrets: SecretsManagerClient,
  secretId: string,
  schema: v.GenericSchema<unknown, Value>,
): Promise<(NonNullable<Awaited<ReturnType<typeof readSecret<Value>>>> & { wasDeleted: boolean }) | undefined> {
  const read = async (wasDeleted: boolean) => {
    const secret = await readSecret(secrets, { secretId }, schema);
    return secret && { ...secret, wasDeleted };
  };
  try {
    return await read(false);
  } catch (error) {
    if (!(error instanceof InvalidRequestException)) throw error;
    await secrets.send(new RestoreSecretCommand({ SecretId: secretId }));
    return read(true);
  }
}
