import * as v from 'valibot';
import { InfinStorRejected, InfinStorUnavailable, TokenRejected } from '../errors.ts';
import { parseJson } from '../json.ts';
import { redactOpaque } from '../redact.ts';
import { type Answer, errorIn, quotable, reasonIn, verdict } from './answer.ts';
import { sendRepeatable } from './send.ts';

/** InfinStor's code in the AWS Marketplace, which the vendor's own client sends. */
const productCode = '9fcazc4rbiwp6ewg4xlt5c8fu';

const infoSchema = v.object({ customerRoleArn: v.optional(v.string()) });

/**
 * The role that InfinStor takes for the subscriber's, as `customerinfo` returns it for the subscriber's raw ID token; as the vendor's own client
 * does, it asks once more after a 504.
 * @throws TokenRejected, InfinStorRejected, InfinStorUnavailable
 */
export async function customerRole(apiUrl: string, idToken: string): Promise<string | undefined> {
  const first = await ask(apiUrl, idToken);
  const answer = first.status === 504 ? await ask(apiUrl, idToken) : first;
  const { status, body } = answer;
  // An answer may hold InfinStorSecretAccessKey: nothing of it is quoted but an error.
  const rejected = (text: string) =>
    new InfinStorRejected(`customerinfo: InfinStor answered ${status}: ${quotable(text, undefined, redactOpaque)}`);
  switch (verdict(answer, undefined)) {
    case 'token-refused':
      throw new TokenRejected(`customerinfo: InfinStor refused the subscriber's token (status ${status})`);
    case 'throttled':
    case 'unclear':
      throw new InfinStorUnavailable(`customerinfo: InfinStor answered ${status}`);
    case 'refused':
      throw rejected(errorIn(body) ?? reasonIn(parseJson(body)) ?? body);
    case 'success': {
      const error = errorIn(body);
      if (error !== undefined) throw rejected(error);
      const info = v.safeParse(infoSchema, parseJson(body));
      if (!info.success)
        throw new InfinStorRejected(`customerinfo: InfinStor answered ${status} without customerRoleArn`);
      return info.output.customerRoleArn;
    }
  }
}

function ask(apiUrl: string, idToken: string): Promise<Answer> {
  return sendRepeatable(`${apiUrl}/customerinfo`, {
    authorization: idToken,
    contentType: 'application/x-www-form-urlencoded',
    body: new URLSearchParams({ ProductCode: productCode }).toString(),
  });
}
