/** The shape of `add_subscriber`'s answer, of which the vendor documents none; these are the likely ones. */
export type TokenShape = 'customToken' | 'custom_token' | 'token' | 'queue' | 'nested' | 'opaque' | 'none';

/** How an error of `add_subscriber`, `update_subscriber` and `addsecondaryuser` is answered: the form of its text, and the status. */
export type ErrorAnswer =
  | 'text 400'
  | 'text 403'
  | 'text 409'
  | 'json 409'
  | 'json 200'
  | 'text 200'
  | 'lambda 200'
  | 'text 500';

/** How a login that has expired is answered. */
export type ExpiredLoginAnswer = 'page 200' | 'page 401' | 'json 401' | 'json 403' | 'redirect 302';

/** What get_version says of logins elsewhere, and whether the superadmin has a password in the pool all the same. */
export type ExternalAuth = 'absent' | 'off' | 'superadmin in the pool' | 'superadmin elsewhere';

/** What the vendor does not document, or what differs between services. */
export interface InfinStorVariant {
  tokenShape: TokenShape;
  /** Whether an answer with a pair says when the token ends, in seconds since 1970, or for how many seconds it is good. */
  tokenExpiry: 'seconds' | 'duration' | 'absent';
  /** What a custom token begins with, where the template takes it; an opaque one has no prefix. */
  tokenPrefix: 'Custom ' | '';
  /** To a user name that is taken. */
  duplicate: ErrorAnswer;
  /** Whether several users may have one e-mail address; the refusal has the form of `duplicate`. */
  emails: 'any' | 'unique';
  /** Whether a weak password keeps `add_subscriber` from making the user, or is refused by Cognito when the user is there already. */
  passwordIsSet: 'with the user' | 'afterwards';
  /** To a password that breaks the pool's policy. */
  refusal: ErrorAnswer;
  /** To an update of a user whom it does not know. */
  unknownUser: ErrorAnswer;
  /** What `update_subscriber` does with a field that is missing: leaves it as it is, or refuses the call. */
  missingField: 'ignored' | 'refused';
  /** Whether `update_subscriber` answers with a new custom token, with which the one before is void. */
  updateRotatesToken: boolean;
  /** Whether a user whom `addsecondaryuser` made may log in with that password, or has to choose another one first. */
  newUserPassword: 'final' | 'temporary';
  expiredLogin: ExpiredLoginAnswer;
  externalAuth: ExternalAuth;
  /** The host names that get_version returns. */
  hosts: Readonly<Record<'mlflow' | 'mlflowui' | 'mlflowstatic' | 'api', string>>;
}

/** As the vendor's guide, its clients and its sister service have it. */
export const usualVariant: InfinStorVariant = {
  tokenShape: 'queue',
  tokenExpiry: 'seconds',
  tokenPrefix: '',
  duplicate: 'text 400',
  emails: 'any',
  passwordIsSet: 'with the user',
  refusal: 'text 400',
  unknownUser: 'text 400',
  missingField: 'ignored',
  updateRotatesToken: false,
  newUserPassword: 'final',
  expiredLogin: 'page 200',
  externalAuth: 'off',
  hosts: { mlflow: 'mlflow', mlflowui: 'mlflowui', mlflowstatic: 'mlflowstatic', api: 'infinstorapi' },
};
