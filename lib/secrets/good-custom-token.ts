import type { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { CustomTokenExpiring, SubscriberOutcomeUnknown } from '../errors.ts';
import { credentialsSchema } from './credentials.ts';
import { readSecret } from './secrets.ts';

/**
 * A subscriber's custom token, which must outlast the making of a stack, and the version of the secret that holds it.
 * @throws CustomTokenExpiring, SubscriberOutcomeUnknown
 */
export async function goodCustomToken(
  secrets: SecretsManagerClient,
  { userName, secretId, now }: { userName: string; secretId: string; now: Date },
): Promise<{ token: string; version: string }> {
  const credentials = await readSecret(secrets, { secretId }, credentialsSchema);
  if (credentials?.value.state !== 'created') {
    throw new SubscriberOutcomeUnknown(`Secret ${secretId} holds no custom token`);
  }
  const { customToken, customTokenExpiresAt } = credentials.value;
  requireLasting(userName, customTokenExpiresAt, now);
  return { token: customToken, version: credentials.versionId };
}

/**
 * Requires that a custom token, as far as its end is known, outlasts the making of a stack.
 * @throws CustomTokenExpiring
 */
export function requireLasting(userName: string, customTokenExpiresAt: string | undefined, now: Date): void {
  // Stryker disable next-line ConditionalExpression: for the compiler alone, because no time is before an unknown one
  if (customTokenExpiresAt === undefined) return;
  // A stack is mostly made in five minutes, and uses the token last.
  const stackMs = 15 * 60_000;
  const leftMs = Date.parse(customTokenExpiresAt) - now.getTime();
  if (leftMs < stackMs) throw new CustomTokenExpiring(userName, customTokenExpiresAt, leftMs <= 0);
}
