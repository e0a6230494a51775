import { InfinStorUnavailable, TokenRejected } from '../errors.ts';
import { errorIn, quotable, saysDuplicate, verdict } from './answer.ts';
import { sendRepeatable } from './send.ts';

/** What InfinStor made of a call: for a refusal, and for an answer that says nothing, the words for people. */
export type Addition = { outcome: 'added' | 'duplicate' } | { outcome: 'refused' | 'unclear'; answer: string };

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
  const isDuplicate = (text: string) => saysDuplicate(text, userName);
  // An answer may quote the password as the form has it, too.
  const text = body.replaceAll(formWriting(password), password);
  const words = `addsecondaryuser: InfinStor answered ${status}: ${quotable(text, password)}`;
  switch (verdict(answer, isDuplicate)) {
    case 'token-refused':
      throw new TokenRejected(`addsecondaryuser: InfinStor refused the token of ${subscriberName} (status ${status})`);
    case 'throttled':
      throw new InfinStorUnavailable(words);
    case 'unclear':
      if (isDuplicate(body)) return { outcome: 'duplicate' };
      throw new InfinStorUnavailable(words);
    case 'named':
      return { outcome: 'duplicate' };
    case 'refused':
      return { outcome: 'refused', answer: words };
    case 'success': {
      if (/^\W*success/i.test(body)) return { outcome: 'added' };
      if (isDuplicate(body)) return { outcome: 'duplicate' };
      return { outcome: errorIn(body) === undefined ? 'unclear' : 'refused', answer: words };
    }
  }
}

const formWriting = (text: string) => new URLSearchParams([['', text]]).toString().slice(1);
