import {
  InitiateAuthCommand,
  NotAuthorizedException,
  TooManyRequestsException,
  UserNotFoundException,
} from '@aws-sdk/client-cognito-identity-provider';
import { describe, expect, it } from 'vitest';
import type { Answer } from '../fake-infinstor.ts';
import { errorOf } from '../lambda.ts';
import { bobPassword, bobSecretId, details, duplicate, kept, resultOf, setUp } from './add-user-fixture.ts';

describe('a user who exists', () => {
  it.each([
    ['text 400', duplicate],
    ['text 409', { status: 409, body: 'User already exists' }],
    ['a status for refused tokens', { status: 403, body: 'Error User Exists' }],
    ['text 200', { body: 'Error User Exists' }],
    ['JSON 200', { body: { error: 'user bob already exists' } }],
    ["Cognito's error", { status: 400, body: { message: 'UsernameExistsException: User account already exists' } }],
    ['text 500', { status: 500, body: 'Error User Exists' }],
  ] satisfies [string, Answer][])('is ours when our password logs in (%s)', async (_, answer) => {
    const { addBob, logins, secrets } = await setUp({ answer, login: bobPassword });
    expect(resultOf(await addBob())).toMatchObject({ outcome: 'added' });
    expect(logins()).toEqual([{ USERNAME: 'bob', PASSWORD: bobPassword }]);
    expect(secrets.current(bobSecretId)).toMatchObject({ state: 'created', password: bobPassword });
  });

  it('is ours when Cognito wants more', async () => {
    const { addBob } = await setUp({ answer: duplicate, login: 'challenge' });
    expect(resultOf(await addBob())).toMatchObject({ outcome: 'added' });
  });

  it('is ours with the password that was prepared, though the request brings another one', async () => {
    const { addBob, logins, secrets } = await setUp({
      stored: { [bobSecretId]: { state: 'prepared', userName: 'bob', password: kept } },
      answer: duplicate,
      login: kept,
    });
    expect(resultOf(await addBob())).toMatchObject({ outcome: 'added' });
    expect(logins().map((each) => each?.PASSWORD)).toEqual([bobPassword, kept]);
    expect(secrets.current(bobSecretId)).toMatchObject({ state: 'created', password: kept });
  });

  it('is not ours when each of our passwords is refused, which is tried once', async () => {
    const { addBob, logins, secrets } = await setUp({ answer: duplicate });
    expect(resultOf(await addBob())).toEqual({
      userName: 'bob',
      outcome: 'exists',
      error: { ...errorOf('UserExists', 'bob'), remedy: expect.stringContaining('another name') },
    });
    expect(logins()).toHaveLength(1);
    expect(secrets.written).toEqual([]);
  });

  const emailTaken = { status: 400, body: 'An account with the given email already exists.' };

  it('is ours when our password logs in, though the answer speaks of the e-mail address', async () => {
    const { addBob } = await setUp({ answer: emailTaken, login: bobPassword });
    expect(resultOf(await addBob())).toMatchObject({ outcome: 'added' });
  });

  it.each([
    ['an address that another user has', emailTaken, 'InvalidRequest', 'users.1.emailId: '],
    [
      'the name or the address',
      { status: 400, body: 'Username or email already exists' },
      'InfinStorRejected',
      'or email',
    ],
  ])('is rejected when %s exists', async (_, answer, name, message) => {
    const { addBob } = await setUp({ answer });
    expect(resultOf(await addBob())).toMatchObject({ outcome: 'rejected', error: errorOf(name, message) });
  });

  it.each([
    ['the name', duplicate],
    ['the address', emailTaken],
    ['the name or the address', { status: 400, body: 'Username or email already exists' }],
  ])(
    'may be ours when %s exists and a login does not show whose it is, as of a user who is locked, and no other password is tried then',
    async (_, answer) => {
      const { addBob, cognito, logins, secrets } = await setUp({
        answer,
        stored: { [bobSecretId]: { state: 'prepared', userName: 'bob', password: kept } },
      });
      cognito
        .on(InitiateAuthCommand)
        .rejects(new NotAuthorizedException({ message: 'Password attempts exceeded', $metadata: {} }));
      expect(resultOf(await addBob())).toEqual({
        userName: 'bob',
        outcome: 'rejected',
        error: {
          ...errorOf('LoginRejected', 'passes by itself'),
          remedy: expect.stringContaining('send the request again'),
        },
      });
      expect(logins()).toHaveLength(1);
      expect(secrets.written).toEqual([]);
    },
  );

  it.each([
    ['an address that another user has', emailTaken, 'InvalidRequest'],
    ['the name or the address', { status: 400, body: 'Username or email already exists' }, 'InfinStorRejected'],
  ])('is rejected as InfinStor says when %s exists, and the pool has no user of this name', async (_, answer, name) => {
    const { addBob, cognito } = await setUp({ answer });
    cognito.on(InitiateAuthCommand).rejects(new UserNotFoundException(details));
    expect(resultOf(await addBob())).toMatchObject({ outcome: 'rejected', error: errorOf(name, 'InfinStor') });
  });

  it('is asked for again when Cognito has too much to do', async () => {
    const { addBob, cognito } = await setUp({ answer: duplicate });
    cognito.on(InitiateAuthCommand).rejects(new TooManyRequestsException(details));
    await expect(addBob()).rejects.toMatchObject({ name: 'TooManyRequestsException' });
  });
});
