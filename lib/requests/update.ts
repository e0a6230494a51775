import * as v from 'valibot';
import {
  emailIdSchema,
  type InputSecrets,
  inputSecretIdSchema,
  object,
  parseFields,
  requireOwnSecrets,
  userNameSchema,
} from './fields.ts';

export interface UpdateRequest {
  subscriber: { userName: string; emailId?: string | undefined };
  passwordSecretId?: string | undefined;
}

/** A request for the machine `update-subscriber`, in itself. */
export const updateSchema = v.pipe(
  object(
    v.strictObject({
      subscriber: object(v.strictObject({ userName: userNameSchema, emailId: v.optional(emailIdSchema) })),
      passwordSecretId: v.optional(inputSecretIdSchema),
    }),
  ),
  v.check(
    ({ subscriber, passwordSecretId }) => subscriber.emailId !== undefined || passwordSecretId !== undefined,
    'must have subscriber.emailId, passwordSecretId or both: what is to change',
  ),
);

/**
 * Checks a request for the machine `update-subscriber`, which changes the e-mail address, the password or both.
 * @param secrets the place whose secrets it may name, below the subscriber's own folder
 * @throws InvalidRequest naming the field and the rule; never quoting a value
 */
export function checkUpdateRequest(request: unknown, secrets: InputSecrets): UpdateRequest {
  const parsed = parseFields(updateSchema, request);
  const { passwordSecretId: secretId } = parsed;
  requireOwnSecrets(secrets, parsed.subscriber.userName, [{ field: 'passwordSecretId', secretId }]);
  return parsed;
}
