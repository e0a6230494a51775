import * as v from 'valibot';
import {
  emailIdSchema,
  fields,
  foreignSecrets,
  type InputSecrets,
  inputSecretIdSchema,
  object,
  parseFields,
  regardless,
  superadminFault,
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

/** The name of a user or subscriber, to compare; none when it has none that is a text. */
function lowerName(holder: unknown): string[] {
  const { userName }: { userName?: unknown } = Object(holder);
  // Stryker disable next-line MethodExpression: upper case distinguishes names as well as lower case does.
  return typeof userName === 'string' ? [userName.toLowerCase()] : [];
}

const user = object(
  fields({
    userName: secondaryUserNameSchema,
    emailId: emailIdSchema,
    passwordSecretId: v.optional(inputSecretIdSchema),
  }),
);
/** As far as is needed to count, and to look for names. */
const isList = (value: unknown): value is UsersRequest['users'] => Array.isArray(value);
const users = v.pipe(
  v.array(user, 'must be a list'),
  v.minLength(1, 'must have 1 to 25 users'),
  regardless(isList, v.maxLength(25, 'must have 1 to 25 users')),
  regardless(
    isList,
    v.check((list) => {
      const names = list.flatMap(lowerName);
      return new Set(names).size === names.length;
    }, 'must have each userName once, also when only upper and lower case differ'),
  ),
);

/** Of an interface valibot does not know that its fields are all that there are. */
type Whole = Pick<UsersRequest, keyof UsersRequest>;
const isRequest = (value: unknown): value is Whole => isList(Object(value).users);

/** A request for the machine `add-user`, in itself. */
export const usersSchema = v.pipe(
  object(fields({ subscriber: object(fields({ userName: userNameSchema })), users })),
  regardless(
    isRequest,
    v.forward(
      v.check(({ subscriber, users: list }: Whole) => {
        const [own] = lowerName(subscriber);
        return own === undefined || !list.flatMap(lowerName).includes(own);
      }, "must not have the subscriber's own userName"),
      ['users'],
    ),
  ),
);

/**
 * Checks a request for the machine `add-user`, which adds users under a subscriber.
 * @param rules the place whose secrets it may name, below the subscriber's own folder; and the user name that nobody may have, if it is known
 * @throws InvalidRequest naming each field and rule; never quoting a value
 */
export function checkUsersRequest(
  request: unknown,
  rules: InputSecrets & { superadminUserName?: string },
): UsersRequest {
  return parseFields(usersSchema, request, (part) => {
    const indexes = [...(part(['users'], v.array(v.unknown())) ?? []).keys()];
    const references = indexes.map((index) => {
      const path = ['users', index, 'passwordSecretId'];
      return { path, secretId: part(path, inputSecretIdSchema) };
    });
    const superadmins = indexes.flatMap((index) => {
      const path = ['users', index, 'userName'];
      return superadminFault(rules.superadminUserName, path, part(path, secondaryUserNameSchema));
    });
    const userName = part(['subscriber', 'userName'], userNameSchema);
    return [...foreignSecrets(rules, userName, references), ...superadmins];
  });
}
