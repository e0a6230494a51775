import * as v from 'valibot';

/**
 * What a subscriber's credentials secret holds: create-subscriber writes it, deploy-stack reads the custom token, and
 * update-subscriber replaces what InfinStor has accepted. It gets a version only when there is something new that is worth keeping.
 * `prepared`: a password that was generated, or sent, and is not known to be the subscriber's; without one, the secret is there so that what
 * InfinStor answers can be stored. `created`: the custom token is known. Whether add_subscriber was called, the mark in the subscriber's
 * record says; in `creating`, the releases up to 0.1.0 kept that mark here. The e-mail address is the last one sent to InfinStor, which may
 * differ from that of a repeated request. A password that the request refers to stays in the request's own secret until InfinStor has accepted it.
 */
export const credentialsSchema = v.variant('state', [
  v.object({ state: v.literal('prepared'), password: v.optional(v.string()) }),
  v.object({
    state: v.literal('creating'),
    password: v.optional(v.string()),
    passwordSecretId: v.optional(v.string()),
    emailId: v.optional(v.string()),
    executionArn: v.string(),
    invocationId: v.string(),
  }),
  v.object({
    state: v.literal('created'),
    password: v.optional(v.string()),
    emailId: v.optional(v.string()),
    customToken: v.string(),
    /** When the token ends, in ISO 8601, as far as InfinStor or who supplied it has said so. */
    customTokenExpiresAt: v.optional(v.string()),
  }),
]);
export type Credentials = v.InferOutput<typeof credentialsSchema>;

/** What was sent to InfinStor of a subscriber, as far as it is known. */
export interface Sent {
  emailId?: string | undefined;
  password?: string | undefined;
  /** The secret that has the password instead. */
  passwordSecretId?: string | undefined;
}

/**
 * What was sent to InfinStor of a subscriber, which has it or may have it; undefined when nothing was.
 * @param mark of a call of add_subscriber, from the subscriber's record
 */
export function sentOf(
  credentials: Credentials | undefined,
  mark: Pick<Sent, 'emailId' | 'passwordSecretId'> | undefined,
): Sent | undefined {
  // The token is stored before the mark goes, so that the mark beside it is over.
  if (credentials?.state === 'created') return credentials;
  if (mark === undefined) return credentials?.state === 'creating' ? credentials : undefined;
  const { emailId, passwordSecretId } = mark;
  return passwordSecretId === undefined ? { emailId, password: credentials?.password } : { emailId, passwordSecretId };
}
