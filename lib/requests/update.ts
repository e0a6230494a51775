import * as v from 'valibot';
import { asJsonSchema } from '../as-json-schema.ts';
import {
  emailIdSchema,
  fields,
  foreignSecrets,
  type InputSecrets,
  inputSecretIdSchema,
  object,
  parseFields,
  userNameSchema,
} from './fields.ts';

export interface UpdateRequest {
  subscriber: { userName: string; emailId?: string | undefined };
  passwordSecretId?: string | undefined;
}

type Parsed = { subscriber: { userName: string; emailId?: string | undefined }; passwordSecretId?: string | undefined };
type Changed = readonly [readonly ['subscriber', 'emailId'], readonly ['passwordSecretId']];

/** A request for the machine `update-subscriber`, in itself. */
export const updateSchema = v.pipe(
  object(
    fields({
      subscriber: object(fields({ userName: userNameSchema, emailId: v.optional(emailIdSchema) })),
      passwordSecretId: v.optional(inputSecretIdSchema),
    }),
  ),
  asJsonSchema(
    v.partialCheck<Parsed, Changed, Parsed, string>(
      [['subscriber', 'emailId'], ['passwordSecretId']],
      ({ subscriber, passwordSecretId }) => subscriber.emailId !== undefined || passwordSecretId !== undefined,
      'must have subscriber.emailId, passwordSecretId or both: what is to change',
    ),
    {
      anyOf: [
        { required: ['passwordSecretId'] },
        { required: ['subscriber'], properties: { subscriber: { required: ['emailId'] } } },
      ],
    },
  ),
);

/**
 * Checks a request for the machine `update-subscriber`, which changes the e-mail address, the password or both.
 * @param secrets the place whose secrets it may name, below the subscriber's own folder
 * @throws InvalidRequest naming each field and rule; never quoting a value
 */
export function checkUpdateRequest(request: unknown, secrets: InputSecrets): UpdateRequest {
  return parseFields(updateSchema, request, (part) => {
    const secretId = part(['passwordSecretId'], inputSecretIdSchema);
    const userName = part(['subscriber', 'userName'], userNameSchema);
    return foreignSecrets(secrets, userName, [{ path: ['passwordSecretId'], secretId }]);
  });
}
