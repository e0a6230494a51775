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

/**
 * The name of a user under a subscriber. What InfinStor allows is not documented. Ours is narrower than Cognito's rule (1 to 128 characters
 * without blanks), since the name becomes part of a secret's name.
 */
const secondaryUserNameSchema = v.pipe(
  v.string('must be a string'),
  v.regex(
    /^[A-Za-z0-9](?!.*\.\.)[\w+=.@-]{0,127}$/,
    'must be 1 to 128 letters, digits and _+=.@-, begin with a letter or digit and have no two dots in a row',
  ),
);

export interface UsersRequest {
  subscriber: { userName: string };
  users: { userName: string; emailId: string; passwordSecretId?: string | undefined }[];
}

// Stryker disable next-line MethodExpression: upper case distinguishes names as well as lower case does.
const lower = ({ userName }: { userName: string }) => userName.toLowerCase();

const user = object(
  v.strictObject({
    userName: secondaryUserNameSchema,
    emailId: emailIdSchema,
    passwordSecretId: v.optional(inputSecretIdSchema),
  }),
);
const users = v.pipe(
  v.array(user, 'must be a list'),
  v.minLength(1, 'must have 1 to 25 users'),
  v.maxLength(25, 'must have 1 to 25 users'),
  v.check(
    (list) => new Set(list.map(lower)).size === list.length,
    'must have each userName once, also when only upper and lower case differ',
  ),
);

/** A request for the machine `add-user`, in itself. */
export const usersSchema = v.pipe(
  object(v.strictObject({ subscriber: object(v.strictObject({ userName: userNameSchema })), users })),
  v.forward(
    v.check(
      ({ subscriber, users: list }) => !list.some((each) => lower(each) === lower(subscriber)),
      "must not have the subscriber's own userName",
    ),
    ['users'],
  ),
);

/**
 * Checks a request for the machine `add-user`, which adds users under a subscriber.
 * @param secrets the place whose secrets it may name, below the subscriber's own folder
 * @throws InvalidRequest naming the field and the rule; never quoting a value
 */
export function checkUsersRequest(request: unknown, secrets: InputSecrets): UsersRequest {
  const parsed = parseFields(usersSchema, request);
  const references = parsed.users.map(({ passwordSecretId: secretId }, index) => ({
    field: `users.${index}.passwordSecretId`,
    secretId,
  }));
  requireOwnSecrets(secrets, parsed.subscriber.userName, references);
  return parsed;
}
