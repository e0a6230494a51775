import { InfinStorRejected, InfinStorUnavailable, TokenRejected } from '../errors.ts';
import { parseJson } from '../json.ts';
import { redactOpaque } from '../redact.ts';
import { errorIn, quotable, verdict } from './answer.ts';
import { sendRepeatable } from './send.ts';

interface Update {
  userName: string;
  password?: string;
  emailId?: string;
}

/**
 * Changes a subscriber in InfinStor. The header takes the raw token, without `Bearer` (setup guide, 1.1.4). The call may be repeated: it
 * says how the subscriber is to be.
 * @returns the answer, whose form is not documented, as JSON; undefined when it is none
 * @throws TokenRejected, InfinStorRejected
 * @throws InfinStorUnavailable: the call may have had its effect
 */
export async function sendUpdate(mlflowUrl: string, token: string, update: Update): Promise<unknown> {
  const answer = await sendRepeatable(`${mlflowUrl}/api/2.0/mlflow/infinstor/update_subscriber`, {
    authorization: token,
    contentType: 'application/json',
    body: JSON.stringify(update),
  });
  const { status, body } = answer;
  switch (verdict(answer, saysWhatIsWrong)) {
    case 'token-refused':
      throw new TokenRejected(`update_subscriber: InfinStor refused the superadmin token (status ${status})`);
    case 'throttled':
    case 'unclear':
      throw new InfinStorUnavailable(`update_subscriber: InfinStor answered ${status}`);
    case 'named':
    case 'refused':
      throw rejected(status, body, update);
    case 'success': {
      const error = errorIn(body);
      if (error !== undefined) throw rejected(status, error, update);
      // Whatever it says, it is not the answer to this call.
      if (/^\s*</.test(body))
        throw new InfinStorRejected(`update_subscriber: InfinStor answered ${status} with a page`);
      return parseJson(body);
    }
  }
}

/** Whether a refusal speaks of the password or of a user who is not there: such a 401 or 403 is not about the token. */
function saysWhatIsWrong(body: string): boolean {
  return /^(?!\s*<).*(?:password|\bUserNotFoundException\b|\buser\b.*\b(?:not found|does not exist))/is.test(body);
}

function rejected(status: number, text: string, { password }: Update): InfinStorRejected {
  return new InfinStorRejected(
    `update_subscriber: InfinStor answered ${status}: ${quotable(text, password, redactOpaque)}`,
  );
}
