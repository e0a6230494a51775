// Why the logins of a user rest, as the breaker says it and the command reads it in a status. Apart from the breaker, so that the command needs
// no client of AWS for that.

export const pauseReasons = {
  tokensRefused: 'InfinStor refuses its tokens',
  locked: 'Cognito has locked the user',
  tooManyLogins: 'Three logins have failed within 16 minutes; no password is tried before',
  passwordRefused: 'Cognito has refused its password',
  loginsFailed: 'Its logins by password do not succeed',
} as const;

const ofOnePassword: ReadonlySet<string> = new Set([pauseReasons.passwordRefused, pauseReasons.loginsFailed]);

/** Whether a password that is stored anew is tried before the pause is over. Of a reason that is not known here nothing is promised. */
export const looksAtNewPassword = (reason: string): boolean => ofOnePassword.has(reason);
