import { InfinStorRejected, InfinStorUnavailable, type StepError, SubscriberExists, TokenRejected } from '../errors.ts';
import { parseJson } from '../json.ts';
import { redactOpaque } from '../redact.ts';
import { type Answer, emailTaken, errorIn, LostAnswer, quotable, verdict } from './answer.ts';
import { mayFollowCreation, meaningOf } from './answer-text.ts';

interface Call<Token> {
  subscriber: { userName: string; password: string; emailId: string };
  /** Finds the custom token in a parsed answer. */
  tokenOf: (answer: unknown) => Token | undefined;
  /** Where that is, for people. */
  tokenPlace: string;
}

/**
 * The custom token in add_subscriber's answer. Only an answer with a token and without an error is taken for a success, and what
 * is not clearly a refusal, a duplicate or an expired login may have had its effect. So may an error of a call that InfinStor makes after the one that
 * makes the user.
 * @throws TokenRejected, InfinStorRejected, InvalidRequest, SubscriberExists, InfinStorUnavailable: this call has changed nothing in InfinStor
 * @throws LostAnswer: the call may have had its effect
 */
export function customTokenIn<Token>(answer: Answer, { subscriber, tokenOf, tokenPlace }: Call<Token>): Token {
  const { status, body } = answer;
  const meaning = meaningOf(body, subscriber);
  const words = (text: string, hide?: typeof redactOpaque) =>
    `add_subscriber: InfinStor answered ${status}: ${quotable(text, subscriber.password, hide)}`;
  // Such a text may hold a custom token that nobody knows yet.
  const quoted = (text: string) => quotable(text, subscriber.password, redactOpaque);
  const taken = (said: string): StepError | undefined => {
    if (meaning === 'user-exists') return new SubscriberExists(subscriber.userName);
    return meaning === 'email-taken' ? emailTaken('subscriber.emailId', said) : undefined;
  };
  const isHalfDone = meaning === 'half-done' || mayFollowCreation(answer, meaning);
  if (isHalfDone && status >= 400 && status < 500) {
    throw new LostAnswer(
      `was answered ${status}, with an error that may come after a part of its effect: ${quoted(body)}`,
    );
  }
  switch (verdict(answer, meaning)) {
    case 'token-refused':
      throw new TokenRejected(`add_subscriber: InfinStor refused the superadmin token (status ${status})`);
    case 'throttled':
      throw new InfinStorUnavailable(`add_subscriber: InfinStor answered ${status}`);
    case 'refused':
      throw taken(words(body)) ?? new InfinStorRejected(words(body));
    case 'unclear':
      throw new LostAnswer(`was answered ${status}, which says nothing about its effect`);
    case 'success': {
      const error = errorIn(body);
      const token = error === undefined ? tokenOf(parseJson(body)) : undefined;
      if (token !== undefined) return token;
      // Beside a token that is not found, the address is no more than quoted.
      const refusal = isHalfDone ? undefined : taken(words(error ?? body, redactOpaque));
      if (refusal !== undefined) throw refusal;
      // Such an answer may hold the custom token beside the error or at another place: only the error is reported.
      const problem =
        error === undefined
          ? `but its answer has no custom token at ${tokenPlace} or a known place`
          : `but with an error: ${quoted(error)}`;
      throw new LostAnswer(`was answered ${status}, ${problem}`);
    }
  }
}
