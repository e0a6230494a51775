import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { createClock } from '../../../../sandbox/core/clock.ts';
import { createInfinStor } from '../../../../sandbox/infinstor/infinstor.ts';
import type { InfinStorVariant } from '../../../../sandbox/infinstor/variant.ts';
import { createCognito } from '../../../../sandbox/services/cognito-idp/service.ts';
import { call } from '../services/call.ts';

const superadmin = { userName: 'superadmin', password: 'Super-Secret-1' };
const acme = { userName: 'acme', password: 'Correct-Horse-1' };
const alice = { newuser: 'alice', email: 'alice+x@acme.example', password: 'Battery & Staple-2' };

async function setUp(variant: Partial<InfinStorVariant> = {}) {
  const clock = createClock({ skipIdle: true });
  const cognito = createCognito({ clock });
  cognito.createUser({ ...superadmin, email: 'root@acme.example' });
  const baseUrl = () => 'http://sandbox.example:4566/infinstor';
  const infinstor = createInfinStor({ clock, cognito, baseUrl, region: 'us-east-1', superadmin, variant });

  const authenticate = (userName: string, password: string) =>
    call(cognito.service, 'InitiateAuth', {
      AuthFlow: 'USER_PASSWORD_AUTH',
      AuthParameters: { USERNAME: userName, PASSWORD: password },
      ClientId: cognito.clientId,
    });
  const tokenOf = async ({ userName, password }: { userName: string; password: string }) =>
    v.parse(
      v.object({ AuthenticationResult: v.object({ IdToken: v.string() }) }),
      await authenticate(userName, password),
    ).AuthenticationResult.IdToken;
  infinstor.handle({
    method: 'POST',
    path: '/api/2.0/mlflow/infinstor/add_subscriber',
    headers: { authorization: await tokenOf(superadmin), 'content-type': 'application/json' },
    body: JSON.stringify({ ...acme, emailId: 'mlops@acme.example' }),
  });
  const post = (path: string, authorization: string | undefined, form: Record<string, string>, type?: string) =>
    infinstor.handle({
      method: 'POST',
      path,
      headers: { authorization, 'content-type': type ?? 'application/x-www-form-urlencoded' },
      body: new URLSearchParams(form).toString(),
    });
  const add = (authorization: string | undefined, form: Record<string, string>, type?: string) =>
    post('/addsecondaryuser', authorization, form, type);
  const addAs = async (user: { userName: string; password: string }, form: Record<string, string>, type?: string) =>
    add(`Bearer ${await tokenOf(user)}`, form, type);
  return { clock, cognito, infinstor, authenticate, tokenOf, post, add, addAs };
}

const text = (status: number, body: unknown) => ({ status, headers: { 'content-type': 'application/json' }, body });

describe('addsecondaryuser', () => {
  it('makes a user under the subscriber, and answers 25 bytes of plain text as JSON', async () => {
    const { addAs, authenticate, infinstor } = await setUp();
    const answer = await addAs(acme, alice);
    expect(answer).toEqual(text(200, 'Successfully created user'));
    expect(answer.body).toHaveLength(25);
    expect(infinstor.usersOf('ACME')).toEqual([{ userName: 'alice', emailId: alice.email }]);
    expect(infinstor.usersOf('other')).toEqual([]);
    expect(await authenticate('alice', alice.password)).toHaveProperty('AuthenticationResult');
    expect(infinstor.subscribers()).toHaveLength(1);
  });

  it('makes users that customerinfo distinguishes from their subscriber', async () => {
    const { addAs, infinstor, post, tokenOf } = await setUp();
    await addAs(acme, alice);
    const roleArn = 'arn:aws:iam::111111111111:role/acme';
    infinstor.redeem(infinstor.customTokenOf('acme') ?? '', { roleArn, bucketName: 'acme', tableName: 'acme' });
    const form = { ProductCode: '9fcazc4rbiwp6ewg4xlt5c8fu' };
    const infoOf = async (user: { userName: string; password: string }) =>
      JSON.parse(post('/customerinfo', await tokenOf(user), form).body);
    expect(await infoOf(acme)).toMatchObject({ userName: 'acme', isSecondaryUser: false, customerRoleArn: roleArn });
    const user = { userName: 'alice', password: alice.password };
    expect(await infoOf(user)).toMatchObject({ userName: 'alice', isSecondaryUser: true, customerRoleArn: roleArn });
  });

  it('refuses a token without Bearer, none, the superadmin, and a user under a subscriber', async () => {
    const { add, addAs, infinstor, tokenOf } = await setUp();
    expect(add(await tokenOf(acme), alice).status).toBe(401);
    expect(add(undefined, alice).status).toBe(401);
    expect(await addAs(superadmin, alice)).toEqual(text(400, 'Error Only subscribers can add users'));
    await addAs(acme, alice);
    const bob = { ...alice, newuser: 'bob' };
    expect((await addAs({ userName: 'alice', password: alice.password }, bob)).status).toBe(400);
    expect(infinstor.usersOf('acme')).toHaveLength(1);
  });

  it('shows the login page, with status 200, for an expired and an unknown token', async () => {
    const { add, clock, infinstor, tokenOf } = await setUp();
    const authorization = `Bearer ${await tokenOf(acme)}`;
    clock.advance(3_600_000);
    for (const given of [authorization, 'Bearer unknown']) {
      expect(add(given, alice)).toMatchObject({ status: 200, body: expect.stringContaining('Login expired') });
    }
    expect(infinstor.usersOf('acme')).toEqual([]);
  });

  it.each(['newuser', 'email', 'password'])('refuses a form without %s', async (field) => {
    const { addAs } = await setUp();
    const form = Object.fromEntries(Object.entries(alice).filter(([name]) => name !== field));
    expect(await addAs(acme, form)).toEqual(text(400, `Error Missing parameter ${field}`));
  });

  it('refuses what is not said to be a form, a weak password, and a user who exists, ignoring case', async () => {
    const { addAs, infinstor } = await setUp();
    expect(await addAs(acme, alice, 'application/json')).toEqual(text(400, 'Error Expected a form'));
    expect(await addAs(acme, { ...alice, password: 'short' })).toEqual(
      text(400, 'Error Password did not conform with policy'),
    );
    await addAs(acme, alice);
    for (const newuser of ['ALICE', 'Acme', 'superadmin']) {
      expect(await addAs(acme, { ...alice, newuser })).toEqual(text(400, 'Error User Exists'));
    }
    expect(infinstor.usersOf('acme')).toHaveLength(1);
  });

  it('can give users a temporary password, and answer otherwise', async () => {
    const variant = { newUserPassword: 'temporary', duplicate: 'json 409', expiredLogin: 'json 401' } as const;
    const { add, addAs, authenticate } = await setUp(variant);
    expect((await addAs(acme, alice)).status).toBe(200);
    expect(await authenticate('alice', alice.password)).toMatchObject({ ChallengeName: 'NEW_PASSWORD_REQUIRED' });
    expect(await addAs(acme, alice)).toMatchObject({ status: 409, body: '{"message":"Error User Exists"}' });
    expect(add('Bearer unknown', alice).status).toBe(401);
  });
});
