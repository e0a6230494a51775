import * as v from 'valibot';

/**
 * What a subscriber's credentials secret holds: create-subscriber writes it, deploy-stack reads the custom token, and
 * update-subscriber replaces what InfinStor has accepted.
 * `prepared`: nothing was sent; `creating`: the execution that it names called add_subscriber, or will; `created`: the custom
 * token is known. The e-mail address is the last one sent to InfinStor, which may differ from that of a repeated request. A password that the request refers to stays in the request's own secret until InfinStor has accepted it.
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
  }),
]);
export type Credentials = v.InferOutput<typeof credentialsSchema>;
