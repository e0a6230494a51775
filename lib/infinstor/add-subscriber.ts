import { customTokenIn } from './add-subscriber-answer.ts';
import { send } from './send.ts';

/**
 * Creates a subscriber and returns its custom token, which stands in InfinStor's answer in a shape that is configured.
 * The header takes the raw token, without `Bearer` (setup guide, 1.1.2). Nothing is repeated here, because the call has no inverse.
 * @throws TokenRejected, InfinStorRejected, InvalidRequest, SubscriberExists, InfinStorUnavailable: this call has changed nothing in InfinStor
 * @throws LostAnswer: the call may have had its effect
 */
export async function addSubscriber<Token>(
  mlflowUrl: string,
  token: string,
  subscriber: { userName: string; password: string; emailId: string },
  place: { tokenOf: (answer: unknown) => Token | undefined; tokenPlace: string },
): Promise<Token> {
  const answer = await send(`${mlflowUrl}/api/2.0/mlflow/infinstor/add_subscriber`, {
    authorization: token,
    contentType: 'application/json',
    body: JSON.stringify(subscriber),
  });
  return customTokenIn(answer, { subscriber, ...place });
}
