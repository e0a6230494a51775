import { InfinStorUnavailable, TokenRejected } from '../errors.ts';
import { errorIn, quotable, verdict } from './answer.ts';
import { meaningOf } from './answer-text.ts';
import { sendRepeatable } from './send.ts';

/**
 * What InfinStor made of a call, with the words for people. `duplicate`: there is a user of this name; `email-taken`: there is one with this
 * address; `exists`: one of both. Each may be what an earlier call has made.
 */
export type Addition =
  | { outcome: 'added' | 'duplicate' }
  | { outcome: 'email-taken' | 'exists' | 'refused' | 'unclear'; answer: string };

interface Call {
  apiUrl: string;
  token: string;
  /** The user that the token is for. */
  subscriberName: string;
  user: { userName: string; emailId: string; password: string };
}

/**
 * Adds a user under the subscriber whose token it is: a form, with `Bearer`, and plain text for an answer, whose content type says JSON
 * (setup guide, 1.2.2). The call may be repeated: it makes the user with this password, or says that there is one.
 * @throws TokenRejected
 * @throws InfinStorUnavailable: the call may have had its effect
 */
export async function addSecondaryUser({ apiUrl, token, subscriberName, user }: Call): Promise<Addition> {
  const { userName, emailId, password } = user;
  const answer = await sendRepeatable(`${apiUrl}/addsecondaryuser`, {
    authorization: `Bearer ${token}`,
    contentType: 'application/x-www-form-urlencoded',
    body: new URLSearchParams({ newuser: userName, email: emailId, password }).toString(),
  });
  const { status, body } = answer;
  const meaning = meaningOf(body, user);
  const words = `addsecondaryuser: InfinStor answered ${status}: ${quotable(body, password)}`;
  const refused = (): Addition => {
    if (meaning === 'user-exists') return { outcome: 'duplicate' };
    const outcome = meaning === 'email-taken' || meaning === 'exists' ? meaning : 'refused';
    return { outcome, answer: words };
  };
  switch (verdict(answer, meaning)) {
    case 'token-refused':
      throw new TokenRejected(`addsecondaryuser: InfinStor refused the token of ${subscriberName} (status ${status})`);
    case 'throttled':
      throw new InfinStorUnavailable(words);
    case 'unclear':
      if (meaning === 'user-exists') return { outcome: 'duplicate' };
      throw new InfinStorUnavailable(words);
    case 'refused':
      return refused();
    case 'success': {
      if (meaning === 'user-exists' || errorIn(body) !== undefined) return refused();
      return /^\W*success/i.test(body) ? { outcome: 'added' } : { outcome: 'unclear', answer: words };
    }
  }
}
