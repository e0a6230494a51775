import * as v from 'valibot';
import { emailIdSchema, inputSecretIdSchema, object, parseFields, userNameSchema } from './fields.ts';

export interface UpdateRequest {
  subscriber: { userName: string; emailId?: string | undefined };
  passwordSecretId?: string | undefined;
}

/**
 * Checks a request for the machine `update-subscriber`, which changes the e-mail address, the password or both.
 * @param inputSecretPrefix the only place whose secrets it may name
 * @throws InvalidRequest naming the field and the rule; never quoting a value
 */
export function checkUpdateRequest(request: unknown, inputSecretPrefix = ''): UpdateRequest {
  return parseFields(
    v.pipe(
      object(
        v.strictObject({
          subscriber: object(v.strictObject({ userName: userNameSchema, emailId: v.optional(emailIdSchema) })),
          passwordSecretId: v.optional(inputSecretIdSchema(inputSecretPrefix)),
        }),
      ),
      v.check(
        ({ subscriber, passwordSecretId }) => subscriber.emailId !== undefined || passwordSecretId !== undefined,
        'must have subscriber.emailId, passwordSecretId or both: what is to change',
      ),
    ),
    request,
  );
}
