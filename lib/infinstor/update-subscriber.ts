import { InfinStorRejected, InfinStorUnavailable, type StepError, TokenRejected } from '../errors.ts';
import { parseJson } from '../json.ts';
import { redactOpaque } from '../redact.ts';
import { emailTaken, errorIn, quotable, verdict } from './answer.ts';
import { meaningOf } from './answer-text.ts';
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
 * @throws TokenRejected, InfinStorRejected, InvalidRequest
 * @throws InfinStorUnavailable: the call may have had its effect
 */
export async function sendUpdate(mlflowUrl: string, token: string, update: Update): Promise<unknown> {
  const answer = await sendRepeatable(`${mlflowUrl}/api/2.0/mlflow/infinstor/update_subscriber`, {
    authorization: token,
    contentType: 'application/json',
    body: JSON.stringify(update),
  });
  const { status, body } = answer;
  switch (verdict(answer, meaningOf(body, update))) {
    case 'token-refused':
      throw new TokenRejected(`update_subscriber: InfinStor refused the superadmin token (status ${status})`);
    case 'throttled':
    case 'unclear':
      throw new InfinStorUnavailable(`update_subscriber: InfinStor answered ${status}`);
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

function rejected(status: number, text: string, update: Update): StepError {
  const words = `update_subscriber: InfinStor answered ${status}: ${quotable(text, update.password, redactOpaque)}`;
  const isTaken = update.emailId !== undefined && meaningOf(text, update) === 'email-taken';
  return isTaken ? emailTaken('subscriber.emailId', words) : new InfinStorRejected(words);
}
