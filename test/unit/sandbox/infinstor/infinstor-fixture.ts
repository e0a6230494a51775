import * as v from 'valibot';
import { createClock } from '../../../../sandbox/core/clock.ts';
import { createInfinStor } from '../../../../sandbox/infinstor/infinstor.ts';
import type { InfinStorVariant } from '../../../../sandbox/infinstor/variant.ts';
import { createCognito } from '../../../../sandbox/services/cognito-idp/service.ts';
import { call } from '../services/call.ts';

export const superadmin = { userName: 'superadmin', password: 'Super-Secret-1' };
export const acme = { userName: 'acme', password: 'Correct-Horse-1', emailId: 'mlops@acme.example' };
export const registration = { roleArn: 'arn:aws:iam::111111111111:role/acme', bucketName: 'acme', tableName: 'acme' };
export const path = '/api/2.0/mlflow/infinstor/add_subscriber';
/** The usual answer with a custom token: a pair, and when it ends. */
export const customTokenAnswer = v.pipe(
  v.strictObject({ queue_message_uuid: v.string(), token: v.string(), expiry: v.number() }),
  v.transform(({ queue_message_uuid, token, expiry }) => ({ customToken: `${queue_message_uuid}:${token}`, expiry })),
);

/** A service of this variant and its user pool, with the superadmin alone; and how it is called. */
export function setUp(variant: Partial<InfinStorVariant> = {}) {
  const clock = createClock({ skipIdle: true });
  const cognito = createCognito({ clock });
  cognito.createUser({ ...superadmin, email: 'root@acme.example' });
  const infinstor = createInfinStor({
    clock,
    cognito,
    baseUrl: () => 'http://sandbox.example:4566/infinstor',
    region: 'us-east-1',
    superadmin,
    variant,
  });

  async function logIn(user: { userName: string; password: string }): Promise<string> {
    const answer = await call(cognito.service, 'InitiateAuth', {
      AuthFlow: 'USER_PASSWORD_AUTH',
      AuthParameters: { USERNAME: user.userName, PASSWORD: user.password },
      ClientId: cognito.clientId,
    });
    return v.parse(v.object({ AuthenticationResult: v.object({ IdToken: v.string() }) }), answer).AuthenticationResult
      .IdToken;
  }

  function add(authorization: string | undefined, body: string, contentType: string | undefined = 'application/json') {
    return infinstor.handle({ method: 'POST', path, headers: { authorization, 'content-type': contentType }, body });
  }

  async function addAs(user: { userName: string; password: string }, subscriber: object) {
    return add(await logIn(user), JSON.stringify(subscriber));
  }

  async function updateAs(user: { userName: string; password: string }, body: object | string) {
    const headers = { authorization: await logIn(user), 'content-type': 'application/json' };
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    return infinstor.handle({ method: 'POST', path: path.replace('add_', 'update_'), headers, body: text });
  }

  function infoOf(authorization: string | undefined, body = 'ProductCode=9fcazc4rbiwp6ewg4xlt5c8fu') {
    const headers = { authorization, 'content-type': 'application/x-www-form-urlencoded' };
    return infinstor.handle({ method: 'POST', path: '/customerinfo', headers, body });
  }

  return { clock, cognito, infinstor, logIn, add, addAs, updateAs, infoOf };
}

export const text = (status: number, body: unknown) => ({
  status,
  headers: { 'content-type': 'application/json' },
  body,
});
