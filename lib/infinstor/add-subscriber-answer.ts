import { InfinStorRejected, InfinStorUnavailable, SubscriberExists, TokenRejected } from '../errors.ts';
import { parseJson } from '../json.ts';
import { redactOpaque } from '../redact.ts';
import { type Answer, errorIn, LostAnswer, quotable, saysDuplicate, verdict } from './answer.ts';

interface Call {
  subscriber: { userName: string; password: string };
  /** Finds the custom token in a parsed answer. */
  tokenOf: (answer: unknown) => string | undefined;
  /** Where that is, for people. */
  tokenPlace: string;
}

/**
 * The custom token in add_subscriber's answer. Only an answer with a token and without an error is taken for a success, and what
 * is not clearly a refusal, a duplicate or an expired login may have had its effect.
 * @throws TokenRejected, InfinStorRejected, SubscriberExists, InfinStorUnavailable: this call has changed nothing in InfinStor
 * @throws LostAnswer: the call may have had its effect
 */
export function customTokenIn(answer: Answer, { subscriber, tokenOf, tokenPlace }: Call): string {
  const { status, body } = answer;
  const isDuplicate = (text: string) => saysDuplicate(text, subscriber.userName);
  switch (verdict(answer, isDuplicate)) {
    case 'token-refused':
      throw new TokenRejected(`add_subscriber: InfinStor refused the superadmin token (status ${status})`);
    case 'throttled':
      throw new InfinStorUnavailable(`add_subscriber: InfinStor answered ${status}`);
    case 'named':
      throw new SubscriberExists(subscriber.userName);
    case 'refused':
      throw new InfinStorRejected(
        `add_subscriber: InfinStor answered ${status}: ${quotable(body, subscriber.password)}`,
      );
    case 'unclear':
      throw new LostAnswer(`was answered ${status}, which says nothing about its effect`);
    case 'success': {
      const error = errorIn(body);
      const token = error === undefined ? tokenOf(parseJson(body)) : undefined;
      if (token !== undefined) return token;
      if (isDuplicate(body)) throw new SubscriberExists(subscriber.userName);
      // Such an answer may hold the custom token beside the error or at another place: only the error is reported.
      const problem =
        error === undefined
          ? `but its answer has no custom token at ${tokenPlace} or a known place`
          : `but with an error: ${quotable(error, subscriber.password, redactOpaque)}`;
      throw new LostAnswer(`was answered ${status}, ${problem}`);
    }
  }
}
