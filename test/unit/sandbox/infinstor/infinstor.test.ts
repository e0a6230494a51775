import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import type { InfinStorVariant } from '../../../../sandbox/infinstor/variant.ts';
import { acme, customTokenAnswer, path, registration, setUp, superadmin, text } from './infinstor-fixture.ts';

const day = 24 * 60 * 60 * 1000;

describe('get_version', () => {
  const request = { method: 'GET', path: '/api/2.0/mlflow/infinstor/get_version', body: '' };

  it('returns where clients log in', async () => {
    const { infinstor } = setUp();
    const answer = infinstor.handle({ ...request, headers: { authorization: 'None' } });
    expect(answer).toMatchObject({ status: 200, headers: { 'content-type': 'application/json' } });
    expect(JSON.parse(answer.body)).toEqual({
      cognitoCliClientId: expect.any(String),
      cognitoAppClientId: expect.any(String),
      mlflowDnsName: 'mlflow',
      mlflowuiDnsName: 'mlflowui',
      mlflowstaticDnsName: 'mlflowstatic',
      apiDnsName: 'infinstorapi',
      serviceDnsName: 'sandbox.example',
      region: 'us-east-1',
      isExternalAuth: 'false',
    });
  });

  it('is refused without its odd header', () => {
    expect(setUp().infinstor.handle({ ...request, headers: {} }).status).toBe(401);
  });
});

describe('add_subscriber', () => {
  it('answers with a custom token and makes a user who can log in', async () => {
    const { addAs, clock, infinstor, logIn } = setUp();
    const answer = await addAs(superadmin, acme);
    expect(answer.status).toBe(200);
    const { customToken, expiry } = v.parse(customTokenAnswer, JSON.parse(answer.body));
    expect(customToken).toMatch(/^[0-9a-f-]{36}:[\w-]{342}$/);
    expect(expiry).toBe(Math.floor((clock.now() + 7 * day) / 1000));
    expect(infinstor.subscribers()).toEqual([{ userName: 'acme', emailId: 'mlops@acme.example' }]);
    await expect(logIn(acme)).resolves.toEqual(expect.any(String));
  });

  it.each<[InfinStorVariant['tokenShape']]>([['customToken'], ['custom_token'], ['token']])(
    'can answer with the key %s',
    async (shape) => {
      const { addAs, infinstor } = setUp({ tokenShape: shape });
      const body = v.parse(v.record(v.string(), v.string()), JSON.parse((await addAs(superadmin, acme)).body));
      expect(Object.keys(body)).toEqual([shape]);
      expect(() => infinstor.redeem(body[shape] ?? '', registration)).not.toThrow();
    },
  );

  it('can answer without the end, and with a pair that makes the token with the prefix alone', async () => {
    const { addAs, infinstor } = setUp({ tokenPrefix: 'Custom ', tokenExpiry: 'absent' });
    const pair = v.strictObject({ queue_message_uuid: v.string(), token: v.string() });
    const { queue_message_uuid, token } = v.parse(pair, JSON.parse((await addAs(superadmin, acme)).body));
    expect(() => infinstor.redeem(`${queue_message_uuid}:${token}`, registration)).toThrow('Invalid token');
    expect(() => infinstor.redeem(`Custom ${queue_message_uuid}:${token}`, registration)).not.toThrow();
  });

  it('can answer with a duration for the end', async () => {
    const { addAs } = setUp({ tokenExpiry: 'duration' });
    expect(v.parse(customTokenAnswer, JSON.parse((await addAs(superadmin, acme)).body)).expiry).toBe(604_800);
  });

  it('can refuse a password when the user is there already, without a token, and with another password', async () => {
    const { addAs, infinstor, logIn } = setUp({ passwordIsSet: 'afterwards' });
    const weak = { ...acme, password: 'weak' };
    expect(await addAs(superadmin, weak)).toMatchObject({
      status: 400,
      body: expect.stringContaining('when calling the AdminSetUserPassword operation'),
    });
    expect(infinstor.subscribers()).toEqual([]);
    await expect(logIn(weak)).rejects.toMatchObject({ code: 'NotAuthorizedException' });
    expect(await addAs(superadmin, acme)).toMatchObject({ status: 400, body: 'Error User Exists' });
  });

  it('refuses a Bearer prefix, no token, and a user who is not superadmin', async () => {
    const { add, addAs, infinstor, logIn } = setUp();
    const body = JSON.stringify(acme);
    expect(add(`Bearer ${await logIn(superadmin)}`, body).status).toBe(401);
    expect(add(undefined, body).status).toBe(401);
    await addAs(superadmin, acme);
    expect(await addAs(acme, { ...acme, userName: 'other' })).toMatchObject({ status: 403 });
    expect(infinstor.subscribers()).toHaveLength(1);
  });

  it('shows the login page, with status 200, for an expired and an unknown token', async () => {
    const { add, clock, infinstor, logIn } = setUp();
    const body = JSON.stringify(acme);
    const idToken = await logIn(superadmin);
    clock.advance(3_600_000);
    const page = {
      status: 200,
      headers: { 'content-type': 'text/html' },
      body:
        '<html><head><meta http-equiv="refresh" content="3;url=http://sandbox.example:4566/infinstor/login.html"></head>' +
        '<body>Login expired. Please login again</body></html>',
    };
    expect(add(idToken, body)).toEqual(page);
    expect(add('unknown', body)).toEqual(page);
    expect(infinstor.subscribers()).toEqual([]);
  });

  it.each(['userName', 'password', 'emailId'])('refuses a request without %s, in plain text', async (field) => {
    const { addAs } = setUp();
    expect(await addAs(superadmin, { ...acme, [field]: undefined })).toEqual(
      text(400, `Error Missing parameter ${field}`),
    );
  });

  it('refuses a body that is no JSON, or is not said to be', async () => {
    const { add, logIn } = setUp();
    const idToken = await logIn(superadmin);
    expect(add(idToken, 'userName=acme')).toEqual(text(400, 'Error Malformed JSON body'));
    expect(add(idToken, JSON.stringify(acme), 'application/x-www-form-urlencoded').status).toBe(400);
  });

  it('refuses a user who exists, ignoring case', async () => {
    const { addAs, infinstor } = setUp();
    await addAs(superadmin, acme);
    for (const userName of ['ACME', 'Superadmin']) {
      expect(await addAs(superadmin, { ...acme, userName })).toEqual(text(400, 'Error User Exists'));
    }
    expect(infinstor.subscribers()).toHaveLength(1);
  });

  it.each(['Short-1', 'no-upper-case-1', 'NO-LOWER-CASE-1', 'No-Digit-At-All', 'NoSymbol1'])(
    'refuses the weak password %s',
    async (password) => {
      const { addAs, infinstor } = setUp();
      expect(await addAs(superadmin, { ...acme, password })).toMatchObject({ status: 400 });
      expect(infinstor.subscribers()).toEqual([]);
    },
  );
});

describe('customerinfo', () => {
  it('returns a subscriber what its stack has registered', async () => {
    const { addAs, infinstor, infoOf, logIn } = setUp();
    await addAs(superadmin, acme);
    const before = infoOf(await logIn(acme));
    expect(before.status).toBe(200);
    expect(JSON.parse(before.body)).not.toHaveProperty('customerRoleArn');
    infinstor.redeem(infinstor.customTokenOf('acme') ?? '', registration);
    expect(JSON.parse(infoOf(await logIn(acme)).body)).toMatchObject({
      userName: 'acme',
      productCode: '9fcazc4rbiwp6ewg4xlt5c8fu',
      isSecondaryUser: false,
      awsAccountId: '111111111111',
      customerRoleArn: registration.roleArn,
      customerArtifactUri: 's3://acme/',
      mlflowTrackingDdbTableName: 'acme',
    });
  });

  it('shows the login page for no token, an unknown one and an expired one', async () => {
    const { addAs, clock, infoOf, logIn } = setUp();
    await addAs(superadmin, acme);
    const idToken = await logIn(acme);
    clock.advance(3_600_000);
    for (const token of [undefined, 'unknown', `Bearer ${idToken}`, idToken]) {
      expect(infoOf(token)).toMatchObject({ status: 200, body: expect.stringContaining('Login expired') });
    }
  });

  it('answers a subscriber with an access key, always the same, and the superadmin without', async () => {
    const { addAs, infinstor, infoOf, logIn } = setUp();
    await addAs(superadmin, acme);
    expect(infinstor.secretAccessKeys()).toEqual([]);
    const keys = v.object({ InfinStorAccessKeyId: v.string(), InfinStorSecretAccessKey: v.string() });
    const first = v.parse(keys, JSON.parse(infoOf(await logIn(acme)).body));
    expect(v.parse(keys, JSON.parse(infoOf(await logIn(acme)).body))).toEqual(first);
    expect(infinstor.secretAccessKeys()).toEqual([first.InfinStorSecretAccessKey]);
    const answer = infoOf(await logIn(superadmin));
    expect(answer.status).toBe(200);
    const info = JSON.parse(answer.body);
    expect(info).toMatchObject({ userName: 'superadmin', isSecondaryUser: false });
    expect(Object.keys(info).filter((name) => /AccessKey|Role/.test(name))).toEqual([]);
  });

  it('refuses who is no customer any more, and a request without the product code', async () => {
    const { addAs, infinstor, infoOf, logIn } = setUp();
    await addAs(superadmin, { ...acme, userName: 'gone' });
    const idToken = await logIn({ ...acme, userName: 'gone' });
    infinstor.forget('gone');
    await addAs(superadmin, acme);
    expect(infoOf(idToken)).toEqual(text(400, 'Error No such customer'));
    expect(infoOf(await logIn(acme), 'ProductCode=other')).toEqual(text(400, 'Error Unknown product code'));
  });
});

describe('a service that differs', () => {
  it.each<[InfinStorVariant['duplicate'], number, unknown]>([
    ['text 403', 403, 'Error User Exists'],
    ['text 409', 409, 'Error User Exists'],
    ['text 200', 200, 'Error User Exists'],
    ['text 500', 500, 'Error User Exists'],
    ['json 409', 409, { message: 'Error User Exists' }],
    ['json 200', 200, { error: 'Error User Exists' }],
    ['lambda 200', 200, { errorMessage: 'Error User Exists', errorType: 'Exception', stackTrace: [] }],
  ])('answers duplicates, and weak passwords, as %s', async (form, status, body) => {
    const { addAs, infinstor } = setUp({ duplicate: form, refusal: form });
    await addAs(superadmin, acme);
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    expect(await addAs(superadmin, acme)).toMatchObject({ status, body: text });
    const weak = await addAs(superadmin, { ...acme, userName: 'other', password: 'short' });
    expect(weak).toMatchObject({ status, body: expect.stringContaining('Error Password') });
    expect(infinstor.subscribers()).toHaveLength(1);
  });

  it.each<[InfinStorVariant['expiredLogin'], object]>([
    ['page 401', { status: 401, headers: { 'content-type': 'text/html' } }],
    ['json 401', { status: 401, headers: { 'content-type': 'application/json' } }],
    ['json 403', { status: 403, headers: { 'content-type': 'application/json' } }],
    [
      'redirect 302',
      { status: 302, headers: { location: 'http://sandbox.example:4566/infinstor/login.html' }, body: '' },
    ],
  ])('answers an expired login, also as a fault, as %s', (expiredLogin, answer) => {
    const { add, infinstor } = setUp({ expiredLogin });
    expect(add('unknown', JSON.stringify(acme))).toMatchObject(answer);
    expect(infinstor.failure('LoginExpired')).toMatchObject(answer);
  });

  it('issues tokens with a prefix, and takes them so', async () => {
    const { addAs, infinstor } = setUp({ tokenShape: 'customToken', tokenPrefix: 'Custom ' });
    const answer = v.object({ customToken: v.string() });
    const { customToken } = v.parse(answer, JSON.parse((await addAs(superadmin, acme)).body));
    expect(customToken).toMatch(/^Custom [0-9a-f-]{36}:[\w-]{342}$/);
    expect(() => infinstor.redeem(customToken.replace('Custom ', ''), registration)).toThrow('Invalid token');
    expect(() => infinstor.redeem(customToken, registration)).not.toThrow();
  });

  it('refuses an address that another user has, ignoring case, and takes the own one again', async () => {
    const { addAs, infinstor, updateAs } = setUp({ emails: 'unique', duplicate: 'text 409' });
    const taken = text(409, 'An account with the given email already exists.');
    await addAs(superadmin, acme);
    expect(await addAs(superadmin, { ...acme, userName: 'other', emailId: 'MLOps@acme.example' })).toEqual(taken);
    expect(infinstor.subscribers()).toHaveLength(1);
    expect(await updateAs(superadmin, { userName: 'acme', emailId: 'root@acme.example' })).toEqual(taken);
    expect(await updateAs(superadmin, { userName: 'acme', emailId: acme.emailId })).toMatchObject({ status: 200 });
    expect((await addAs(superadmin, acme)).body).toBe('Error User Exists');
  });

  it.each<[InfinStorVariant['externalAuth'], object, boolean]>([
    ['absent', {}, true],
    ['off', { isExternalAuth: 'false' }, true],
    ['superadmin in the pool', { isExternalAuth: 'true' }, false],
    ['superadmin elsewhere', { isExternalAuth: 'true' }, false],
  ])(
    'with external auth %s says so, and its subscribers log in accordingly',
    async (externalAuth, member, canLogIn) => {
      const { addAs, infinstor, logIn } = setUp({ externalAuth });
      const version = { method: 'GET', path: path.replace('add_subscriber', 'get_version'), body: '' };
      const answer = JSON.parse(infinstor.handle({ ...version, headers: { authorization: 'None' } }).body);
      expect('isExternalAuth' in answer ? { isExternalAuth: answer.isExternalAuth } : {}).toEqual(member);
      await addAs(superadmin, acme);
      const login = logIn(acme).then(
        () => true,
        () => false,
      );
      expect(await login).toBe(canLogIn);
      expect((await addAs(superadmin, acme)).body).toBe('Error User Exists');
    },
  );

  it('returns other names of its hosts', () => {
    const hosts = { mlflow: 'tracking', mlflowui: 'ui', mlflowstatic: 'assets', api: 'rest' };
    const version = { method: 'GET', path: path.replace('add_subscriber', 'get_version'), body: '' };
    const answer = setUp({ hosts }).infinstor.handle({ ...version, headers: { authorization: 'None' } });
    expect(JSON.parse(answer.body)).toMatchObject({ mlflowDnsName: 'tracking', apiDnsName: 'rest' });
  });
});

describe("a stack's callback", () => {
  async function withToken() {
    const world = setUp();
    const { customToken } = v.parse(customTokenAnswer, JSON.parse((await world.addAs(superadmin, acme)).body));
    return { ...world, customToken };
  }

  it('registers what the stack made, also when it comes twice', async () => {
    const { customToken, infinstor } = await withToken();
    infinstor.redeem(customToken, registration);
    infinstor.redeem(customToken, registration);
    expect(infinstor.subscribers()).toEqual([
      { userName: 'acme', emailId: 'mlops@acme.example', registered: registration },
    ]);
  });

  it('refuses an unknown token, and one that is seven days old', async () => {
    const { clock, customToken, infinstor } = await withToken();
    expect(() => infinstor.redeem('Custom unknown', registration)).toThrow('Invalid token');
    clock.advance(7 * day);
    expect(() => infinstor.redeem(customToken, registration)).toThrow('Expired token');
    expect(infinstor.subscribers()[0]).not.toHaveProperty('registered');
  });
});

describe('by hand', () => {
  it('a subscriber is deleted, with its user and token, and can be added anew', async () => {
    const { infinstor, cognito, addAs } = setUp();
    const { customToken } = v.parse(customTokenAnswer, JSON.parse((await addAs(superadmin, acme)).body));
    infinstor.deleteSubscriber('ACME');
    expect(infinstor.subscribers()).toEqual([]);
    expect(cognito.hasUser('acme')).toBe(false);
    expect(() => infinstor.redeem(customToken, registration)).toThrow('Invalid token');
    expect((await addAs(superadmin, acme)).status).toBe(200);
    expect(() => infinstor.deleteSubscriber('nobody')).toThrow('There is no subscriber nobody');
  });

  it('a token is read again: the same, until an hour of it is left, and then a new one under the same UUID', async () => {
    const { clock, infinstor, addAs } = setUp();
    const { customToken } = v.parse(customTokenAnswer, JSON.parse((await addAs(superadmin, acme)).body));
    clock.advance(7 * day - 3_660_000);
    expect(infinstor.customTokenOf('acme')).toBe(customToken);
    clock.advance(60_000);
    const next = infinstor.customTokenOf('acme') ?? '';
    expect(next).not.toBe(customToken);
    expect(next.split(':')[0]).toBe(customToken.split(':')[0]);
    clock.advance(day);
    expect(() => infinstor.redeem(customToken, registration)).toThrow('Invalid token');
    expect(() => infinstor.redeem(next, registration)).not.toThrow();
  });

  it('a token is renewed, with which the one before is void', async () => {
    const { infinstor, addAs } = setUp();
    const { customToken } = v.parse(customTokenAnswer, JSON.parse((await addAs(superadmin, acme)).body));
    const renewed = infinstor.renewToken('acme');
    expect(() => infinstor.redeem(customToken, registration)).toThrow('Invalid token');
    infinstor.redeem(renewed, registration);
    expect(() => infinstor.renewToken('nobody')).toThrow('There is no subscriber nobody');
  });
});

it('answers with the name of what it does not have', () => {
  const { infinstor } = setUp();
  const request = { method: 'POST', path: '/delete_subscriber', headers: {}, body: '' };
  expect(infinstor.handle(request)).toEqual(text(404, "The sandbox's InfinStor does not have POST /delete_subscriber"));
});
