import * as v from 'valibot';
import { afterEach, describe, expect, it } from 'vitest';
import type { Report } from '../../cli/report.ts';
import type { Sandbox, SandboxOptions } from '../../sandbox/boot.ts';
import { parseFault } from '../../sandbox/faults.ts';
import { call } from '../sandbox/services/call.ts';
import { designedRetries, retriesToRun } from './design.ts';
import { packagedMachine } from './packaged-machine.ts';
import {
  ended,
  eventsOf,
  eventually,
  expectFailure,
  hold,
  onboard,
  plaintextMarker,
  putSecret,
  recordOf,
  requestFor,
  run,
  startOnboarding,
  statesOf,
  useSandbox,
  withSandbox,
} from './sandbox.ts';
import { effectsOf, interruptAndRecover, placed, waysAt } from './side-effects.ts';

const sandbox = useSandbox();

afterEach(() => {
  sandbox().faults.clear();
});

const path = ['AcceptUpdate', 'ObtainToken', 'UpdateSubscriber', 'CompleteUpdate'];
const credentialsSchema = v.pipe(
  v.string(),
  v.parseJson(),
  v.strictObject({
    state: v.string(),
    password: v.optional(v.string()),
    emailId: v.optional(v.string()),
    customToken: v.string(),
  }),
);

const kept = ({ secretsManager }: Sandbox, userName: string) =>
  v.parse(
    credentialsSchema,
    secretsManager.value(`infinstor/sandbox/subscribers/${userName.toLowerCase()}/credentials`),
  );

/** Whether InfinStor lets the subscriber in with this password. */
async function letsIn({ cognito }: Sandbox, userName: string, password = ''): Promise<boolean> {
  const AuthParameters = { USERNAME: userName, PASSWORD: password };
  const login = { AuthFlow: 'USER_PASSWORD_AUTH', ClientId: cognito.clientId, AuthParameters };
  return call(cognito.service, 'InitiateAuth', login).then(
    () => true,
    () => false,
  );
}

let subscribers = 0;

/** A subscriber of its own, onboarded, with a new password in a secret; no superadmin token is good any more. */
async function onboarded(given: Sandbox = sandbox(), userName = `update-${++subscribers}`) {
  expect((await onboard(given, requestFor(userName))).error).toBeNull();
  given.clock.advance(31 * 60_000);
  const password = `New-Marker-${userName}-1!`;
  const passwordSecretId = `infinstor/sandbox/input/${userName}`;
  given.secretsManager.createSecret(passwordSecretId, JSON.stringify({ password }));
  return { userName, password, passwordSecretId, emailId: `${userName}@new.example`, before: kept(given, userName) };
}
type Subscriber = Awaited<ReturnType<typeof onboarded>>;

/** What a request may change. */
const changes: Record<string, (subscriber: Subscriber) => object> = {
  emailId: ({ userName, emailId }) => ({ subscriber: { userName, emailId } }),
  password: ({ userName, passwordSecretId }) => ({ subscriber: { userName }, passwordSecretId }),
  'emailId, password': ({ userName, emailId, passwordSecretId }) => ({
    subscriber: { userName, emailId },
    passwordSecretId,
  }),
};
const both = (subscriber: Subscriber) => changes['emailId, password']?.(subscriber) ?? {};
const update = (request: object, given: Sandbox = sandbox()): Promise<Report> =>
  run(given, 'update-subscriber', request);

/** Registry, InfinStor, user pool and secret agree, and hold what was changed and, of the rest, what was there. */
async function expectUpdated(report: Report, subscriber: Subscriber, changed: string, given = sandbox()) {
  const { userName, before } = subscriber;
  expect(report.error).toBeNull();
  expect(report.output).toEqual({ userName, changed: changed.split(', ') });
  const emailId = changed.includes('emailId') ? subscriber.emailId : 'mlops@example.com';
  const isNew = changed.includes('password');
  const password = isNew ? subscriber.password : before.password;
  expect(given.infinstor.subscribers().find((found) => found.userName === userName)?.emailId).toBe(emailId);
  expect(given.cognito.emailOf(userName)).toBe(emailId);
  expect(kept(given, userName)).toEqual({
    state: 'created',
    password,
    emailId,
    customToken: given.infinstor.customTokenOf(userName),
  });
  expect(await letsIn(given, userName, password)).toBe(true);
  expect(await letsIn(given, userName, before.password)).toBe(!isNew);
  const record = await recordOf(given, userName);
  expect(record).toMatchObject({
    status: { S: 'ACTIVE' },
    emailId: { S: emailId },
    executionArn: { S: report.executionArn },
  });
  expect(record).not.toHaveProperty('lastError');
  expect(record).toHaveProperty('roleArn');
}

describe('an update', () => {
  it.each(Object.keys(changes))('changes %s, and nothing else', async (changed) => {
    const subscriber = await onboarded();
    const report = await update(changes[changed]?.(subscriber) ?? {});
    expect(statesOf(report)).toEqual(path);
    await expectUpdated(report, subscriber, changed);
    expect(eventsOf(sandbox(), report)).toMatchObject([
      { 'detail-type': 'SubscriberUpdated', detail: { userName: subscriber.userName, changed: changed.split(', ') } },
    ]);
  });

  it('converges when it is repeated, and stores nothing twice', async () => {
    const subscriber = await onboarded();
    await update(both(subscriber));
    const values = sandbox().secretsManager.everyValue().length;
    await expectUpdated(await update(both(subscriber)), subscriber, 'emailId, password');
    expect(sandbox().secretsManager.everyValue()).toHaveLength(values);
  });

  it('finds the subscriber however its name is written, and calls it in InfinStor as its onboarding did', async () => {
    const subscriber = await onboarded(sandbox(), 'Written-So');
    const report = await update({
      ...both(subscriber),
      subscriber: { userName: 'WRITTEN-so', emailId: 'x@y.example' },
    });
    await expectUpdated(report, { ...subscriber, emailId: 'x@y.example' }, 'emailId, password');
  });

  it('is followed by an onboarding that keeps what it has changed', async () => {
    const subscriber = await onboarded();
    await update(both(subscriber));
    const { userName, emailId } = subscriber;
    // The request that onboarded it, with the address from before.
    const report = await onboard(sandbox(), requestFor(userName));
    expect(report.error).toBeNull();
    expect(kept(sandbox(), userName)).toMatchObject({ password: subscriber.password, emailId });
    expect(await recordOf(sandbox(), userName)).toMatchObject({ emailId: { S: emailId } });
  });
});

/** How InfinStor and the deployment may differ, and what then becomes of a request that changes this. */
const variants: Record<
  string,
  {
    infinstor?: NonNullable<SandboxOptions['infinstor']>;
    fields?: 'all' | 'changed';
    expected?: Partial<Record<string, string>>;
  }
> = {
  'refuses a missing field, and is told every field': { infinstor: { missingField: 'refused' } },
  'refuses a missing field, and is told what changes': {
    infinstor: { missingField: 'refused' },
    fields: 'changed',
    expected: { emailId: 'InfinStorRejected', password: 'InfinStorRejected' },
  },
  'ignores a missing field, and is told what changes': { fields: 'changed' },
  'answers with a new custom token': { infinstor: { updateRotatesToken: true } },
  'answers with a new custom token as a pair': { infinstor: { updateRotatesToken: true, tokenShape: 'queue' } },
  'answers expired logins with a page and 401': { infinstor: { expiredLogin: 'page 401' } },
  'answers expired logins with 401': { infinstor: { expiredLogin: 'json 401' } },
  'answers expired logins with 403': { infinstor: { expiredLogin: 'json 403' } },
  'redirects expired logins': { infinstor: { expiredLogin: 'redirect 302' } },
};

describe('an update where InfinStor', () => {
  it.each(Object.entries(variants))('%s', (_, { infinstor = {}, fields = 'all', expected = {} }) =>
    withSandbox({ infinstor, environment: { UPDATE_SUBSCRIBER_FIELDS: fields } }, async (given) => {
      for (const [changed, request] of Object.entries(changes)) {
        const subscriber = await onboarded(given);
        const name = expected[changed];
        if (name === undefined) {
          // What an expired login looks like does not matter.
          given.faults.add(parseFault('infinstor:update_subscriber:error=LoginExpired'));
          const report = await update(request(subscriber), given);
          expect(statesOf(report).filter((state) => state === 'ObtainToken')).toHaveLength(2);
          await expectUpdated(report, subscriber, changed, given);
        } else {
          await expectFailure(given, await update(request(subscriber), given), { name, step: 'UpdateSubscriber' });
          expect(kept(given, subscriber.userName)).toEqual(subscriber.before);
        }
      }
      expect(given.denials()).toEqual([]);
    }),
  );

  const forms = ['text 400', 'text 403', 'text 409', 'json 409', 'json 200', 'text 200', 'lambda 200'] as const;

  it.each(forms)('refuses a weak password and an unknown user with %s: nothing is changed', (form) =>
    withSandbox({ infinstor: { refusal: form, unknownUser: form } }, async (given) => {
      const { userName, passwordSecretId, emailId, before } = await onboarded(given);
      const weak = 'weak-password-marker';
      given.secretsManager.createSecret(`${passwordSecretId}-weak`, JSON.stringify({ password: weak }));
      const request = { subscriber: { userName, emailId }, passwordSecretId: `${passwordSecretId}-weak` };
      const report = await update(request, given);
      await expectFailure(given, report, { name: 'InfinStorRejected', step: 'UpdateSubscriber' });
      expect(report.error?.message).toContain('did not conform');
      expect(kept(given, userName)).toEqual(before);
      expect(await letsIn(given, userName, before.password)).toBe(true);
      expect(await recordOf(given, userName)).toMatchObject({
        status: { S: 'ACTIVE' },
        emailId: { S: 'mlops@example.com' },
      });

      given.infinstor.forget(userName);
      const unknown = await update({ subscriber: { userName, emailId } }, given);
      await expectFailure(given, unknown, { name: 'InfinStorRejected', step: 'UpdateSubscriber' });
      expect(unknown.error?.message).toContain('does not exist');
    }),
  );
});

describe('a password that is not known here', () => {
  const customToken = 'Custom-marker-of-a-person';

  async function withUnknownPassword(given: Sandbox) {
    const subscriber = await onboarded(given);
    // As if the subscriber had been made by hand.
    await putSecret(given, `infinstor/sandbox/subscribers/${subscriber.userName}/credentials`, {
      state: 'created',
      customToken,
    });
    return subscriber;
  }

  it('keeps an e-mail address from being changed alone: InvalidRequest names what is missing', async () => {
    const { userName, emailId } = await withUnknownPassword(sandbox());
    const report = await update({ subscriber: { userName, emailId } });
    await expectFailure(sandbox(), report, { name: 'InvalidRequest', step: 'UpdateSubscriber' });
    expect(report.error?.message).toMatch(/^passwordSecretId: is required, .*updateSubscriberFields/);
    expect(sandbox().cognito.emailOf(userName)).toBe('mlops@example.com');
  });

  it('is known from the update that changes it', async () => {
    const { userName, passwordSecretId, password } = await withUnknownPassword(sandbox());
    expect((await update({ subscriber: { userName }, passwordSecretId })).error).toBeNull();
    expect(kept(sandbox(), userName)).toEqual({
      state: 'created',
      password,
      emailId: 'mlops@example.com',
      customToken,
    });
  });

  it('does not matter where InfinStor is told what changes', () =>
    withSandbox({ environment: { UPDATE_SUBSCRIBER_FIELDS: 'changed' } }, async (given) => {
      const { userName, emailId } = await withUnknownPassword(given);
      expect((await update({ subscriber: { userName, emailId } }, given)).error).toBeNull();
      expect(given.cognito.emailOf(userName)).toBe(emailId);
      expect(kept(given, userName)).toEqual({ state: 'created', emailId, customToken });
    }));
});

describe('a password that was changed elsewhere', () => {
  it('is not set back by an update of the e-mail address: InvalidRequest names what is missing', async () => {
    const { userName, emailId, before } = await onboarded();
    sandbox().cognito.changeUser(userName, { password: 'Elsewhere-Marker-1!' });
    const report = await update({ subscriber: { userName, emailId } });
    await expectFailure(sandbox(), report, { name: 'InvalidRequest', step: 'UpdateSubscriber' });
    expect(report.error?.message).toMatch(/^passwordSecretId: is required, .*updateSubscriberFields/);
    expect(await letsIn(sandbox(), userName, 'Elsewhere-Marker-1!')).toBe(true);
    expect(sandbox().cognito.emailOf(userName)).toBe('mlops@example.com');
    expect(kept(sandbox(), userName)).toEqual(before);
  });

  it('does not matter where InfinStor is told what changes', () =>
    withSandbox({ environment: { UPDATE_SUBSCRIBER_FIELDS: 'changed' } }, async (given) => {
      const { userName, emailId } = await onboarded(given);
      given.cognito.changeUser(userName, { password: 'Elsewhere-Marker-2!' });
      expect((await update({ subscriber: { userName, emailId } }, given)).error).toBeNull();
      expect(await letsIn(given, userName, 'Elsewhere-Marker-2!')).toBe(true);
    }));
});

describe('a subscriber that', () => {
  it('is not known cannot be updated', async () => {
    const report = await update({ subscriber: { userName: 'nobody', emailId: 'a@b.example' } });
    await expectFailure(sandbox(), report, { name: 'SubscriberNotActive', step: 'AcceptUpdate' });
    expect(await recordOf(sandbox(), 'nobody')).toBeUndefined();
  });

  it('could not be onboarded cannot be updated', async () => {
    sandbox().faults.add(parseFault('infinstor:register:error=503'));
    const failed = await onboard(sandbox(), requestFor('half'));
    await expectFailure(sandbox(), failed, { name: 'StackFailed', step: 'WaitForStack' });
    const before = await recordOf(sandbox(), 'half');
    const report = await update({ subscriber: { userName: 'half', emailId: 'a@b.example' } });
    await expectFailure(sandbox(), report, { name: 'SubscriberNotActive', step: 'AcceptUpdate' });
    expect(await recordOf(sandbox(), 'half')).toEqual(before);
  });

  it('is being updated can be neither updated nor onboarded', async () => {
    const subscriber = await onboarded();
    const { userName } = subscriber;
    const goOn = hold(sandbox(), 'infinstor', 'update_subscriber');
    const running = update(both(subscriber));
    await eventually(sandbox(), () => expect(sandbox().faults.left()).toBe(0));
    for (const second of [await startOnboarding(sandbox(), requestFor(userName)), await start(both(subscriber))]) {
      const report = await ended(sandbox(), second.executionArn);
      expect(report.error).toMatchObject({ name: 'OnboardingInProgress', step: expect.stringMatching(/^Accept/) });
    }
    goOn();
    await expectUpdated(await running, subscriber, 'emailId, password');
  });
});

/** Starts an update, and returns as soon as it is started. */
const start = (request: object) =>
  startOnboarding(
    { ...sandbox(), stateMachineArn: sandbox().stateMachineArn.replace('onboard-subscriber', 'update-subscriber') },
    request,
  );

describe('a bad request', () => {
  const good = { subscriber: { userName: 'acme', emailId: 'mlops@acme.example' } };
  const requests: [what: string, request: unknown, field: string][] = [
    ['nothing', {}, 'subscriber'],
    ['nothing to change', { subscriber: { userName: 'acme' } }, 'request'],
    ['an unknown field', { ...good, colour: 'green' }, 'colour'],
    ['a stack', { ...good, stack: {} }, 'stack'],
    ['an encryption', { ...good, encryption: {} }, 'encryption'],
    ['a custom token', { ...good, customTokenSecretId: 'infinstor/sandbox/input/token' }, 'customTokenSecretId'],
    ['an unknown field of the subscriber', { subscriber: { ...good.subscriber, role: 'x' } }, 'subscriber.role'],
    ['no user name', { subscriber: { emailId: 'a@b.example' } }, 'subscriber.userName'],
    ['a name with a dot', { subscriber: { ...good.subscriber, userName: 'a.b' } }, 'subscriber.userName'],
    ['something else for an address', { subscriber: { userName: 'acme', emailId: 'acme' } }, 'subscriber.emailId'],
    ['a password', { ...good, password: plaintextMarker }, 'password'],
    [
      "a subscriber's password",
      { subscriber: { ...good.subscriber, password: plaintextMarker } },
      'subscriber.password',
    ],
    ['a secret outside input/', { ...good, passwordSecretId: 'infinstor/sandbox/superadmin' }, 'passwordSecretId'],
    ['a secret that is not there', { ...good, passwordSecretId: 'infinstor/sandbox/input/absent' }, 'passwordSecretId'],
    ['a prototype key', JSON.parse('{"subscriber":{"userName":"a"},"constructor":{}}'), 'constructor'],
  ];

  it.each(requests)('with %s is refused before any side effect, naming the field', async (_what, request, field) => {
    const values = sandbox().secretsManager.everyValue().length;
    const items = (await sandbox().dynamoDb.items(sandbox().registryTable)).length;
    const report = await update(Object(request));
    expect(report.error).toMatchObject({ name: 'InvalidRequest', step: 'AcceptUpdate' });
    expect(report.error?.message).toMatch(new RegExp(`^${field}: `));
    expect(sandbox().secretsManager.everyValue()).toHaveLength(values);
    expect(await sandbox().dynamoDb.items(sandbox().registryTable)).toHaveLength(items);
  });

  it.each([
    ['is empty', ''],
    ['is no JSON', 'the-password-marker'],
    ['has no password', '{"pass": "word"}'],
    ['has an empty one', '{"password": ""}'],
  ])('whose secret %s ends in UpdateSubscriber, and InfinStor is not called', async (_what, text) => {
    const { userName, passwordSecretId, before } = await onboarded();
    const secretId = `${passwordSecretId}-wrong`;
    sandbox().secretsManager.createSecret(secretId, text === '' ? undefined : text);
    const calls = () =>
      sandbox()
        .calls()
        .filter(({ operation }) => operation === 'update_subscriber').length;
    const called = calls();
    const report = await update({ subscriber: { userName }, passwordSecretId: secretId });
    await expectFailure(sandbox(), report, { name: 'InvalidRequest', step: 'UpdateSubscriber' });
    expect(report.error?.message).toMatch(/^passwordSecretId: /);
    expect(calls()).toBe(called);
    expect(kept(sandbox(), userName)).toEqual(before);
  });
});

const { states, lambdaFails, retries, catches } = packagedMachine('UpdateSubscriberMachine');

describe('the edges of the machine', () => {
  const fault =
    (text: string, perTry: number, skip = 0) =>
    (times: number) =>
      sandbox().faults.add({ ...parseFault(text), times: times * perTry, skip });
  /** Only an update that leaves the password as it is logs in as the subscriber. */
  const changedFor = (state: string, error: string) =>
    state === 'UpdateSubscriber' && /^(TooManyRequests|InternalError)Exception$/.test(error)
      ? 'emailId'
      : 'emailId, password';
  /** The causes of the machine's own retries. Errors of Lambda itself come from Lambda, whichever state it is. */
  const causes: Record<string, (times: number) => void> = {
    'ObtainToken InfinStorUnavailable': fault('infinstor:get_version:error=503', 1),
    // The SDK tries it three times before the state has failed once.
    'ObtainToken TooManyRequestsException': fault('cognito:InitiateAuth:throttle', 3),
    'ObtainToken InternalErrorException': fault('cognito:InitiateAuth:error=InternalErrorException', 3),
    'UpdateSubscriber InfinStorUnavailable': fault('infinstor:update_subscriber:error=503', 1),
    // The login before is the superadmin's.
    'UpdateSubscriber TooManyRequestsException': fault('cognito:InitiateAuth:throttle', 3, 1),
    'UpdateSubscriber InternalErrorException': fault('cognito:InitiateAuth:error=InternalErrorException', 3, 1),
  };
  const causeOf = (state: string, error: string) =>
    error.startsWith('Lambda.')
      ? (times: number) => sandbox().faults.add(lambdaFails(state, error, times))
      : causes[`${state} ${error}`];

  it('are these', () => {
    expect(states.map(([state]) => state)).toEqual(path);
    expect(
      retries.filter(({ error }) => !error.startsWith('Lambda.')).map(({ state, error }) => `${state} ${error}`),
    ).toEqual(Object.keys(causes));
    expect(retries).toEqual(designedRetries['update-subscriber']);
    expect(catches).toEqual([{ state: 'UpdateSubscriber', error: 'TokenRejected', next: 'ObtainToken' }]);
  });

  it.each(retriesToRun('update-subscriber'))(
    '$state, $error: is retried, and forgotten when it passes',
    async ({ state, error }) => {
      const subscriber = await onboarded();
      causeOf(state, error)?.(1);
      const changed = changedFor(state, error);
      const report = await update(changes[changed]?.(subscriber) ?? {});
      await expectUpdated(report, subscriber, changed);
      expect(statesOf(report).filter((name) => name === state)).toHaveLength(2);
    },
  );

  it.each(retriesToRun('update-subscriber'))(
    '$state, $error: ends the execution after $times retries',
    async ({ state, error, times }) => {
      const subscriber = await onboarded();
      causeOf(state, error)?.(times + 1);
      const report = await update(changes[changedFor(state, error)]?.(subscriber) ?? {});
      await expectFailure(sandbox(), report, { name: error, step: state });
      expect(statesOf(report).filter((name) => name === state)).toHaveLength(times + 1);
    },
  );

  it('UpdateSubscriber, TokenRejected: gets a new token twice, and no third time', async () => {
    const subscriber = await onboarded();
    fault('infinstor:update_subscriber:error=401', 1)(2);
    const report = await update(both(subscriber));
    expect(statesOf(report)).toEqual([
      'AcceptUpdate',
      ...['ObtainToken', 'UpdateSubscriber', 'ObtainToken', 'UpdateSubscriber', 'ObtainToken', 'UpdateSubscriber'],
      'CompleteUpdate',
    ]);
    await expectUpdated(report, subscriber, 'emailId, password');

    const other = await onboarded();
    fault('infinstor:update_subscriber:error=403', 1)(3);
    const refused = await update(both(other));
    await expectFailure(sandbox(), refused, { name: 'TokenRejected', step: 'ObtainToken' });
    expect(kept(sandbox(), other.userName)).toEqual(other.before);
  });
});

describe('an answer that', () => {
  it.each(['drop', 'error=EndpointTimedOut', 'error=500'])('%s: the call is made again', async (kind) => {
    const subscriber = await onboarded();
    sandbox().faults.add(parseFault(`infinstor:update_subscriber:${kind}:2`));
    const report = await update(both(subscriber));
    expect(statesOf(report).filter((state) => state === 'UpdateSubscriber')).toHaveLength(3);
    await expectUpdated(report, subscriber, 'emailId, password');
  });

  it('never comes leaves the kept password as it was, until the same request is sent again', async () => {
    const subscriber = await onboarded();
    const { userName, before } = subscriber;
    sandbox().faults.add(parseFault('infinstor:update_subscriber:drop:6'));
    await expectFailure(sandbox(), await update(both(subscriber)), {
      name: 'InfinStorUnavailable',
      step: 'UpdateSubscriber',
    });
    expect(kept(sandbox(), userName)).toEqual(before);
    await expectUpdated(await update(both(subscriber)), subscriber, 'emailId, password');
  });
});

it('of the e-mail address alone has one more side effect: the login as the subscriber', async () => {
  const { userName, emailId } = await onboarded();
  const effects = await effectsOf(sandbox(), () => update({ subscriber: { userName, emailId } }));
  expect(effects).toEqual([...straightLine.slice(0, 3), 'cognito:InitiateAuth #2', ...straightLine.slice(3)]);
});

const straightLine = [
  'accept-update dynamodb:UpdateItem',
  'cognito:InitiateAuth',
  'obtain-token secretsmanager:PutSecretValue',
  'infinstor:update_subscriber',
  'update-subscriber secretsmanager:PutSecretValue',
  'complete-update events:PutEvents',
  'complete-update dynamodb:UpdateItem',
];

describe('the side effects', () => {
  it('are those that are interrupted below', async () => {
    const subscriber = await onboarded();
    expect(await effectsOf(sandbox(), () => update(both(subscriber)))).toEqual(straightLine);
  });

  describe.each(placed(straightLine))('$effect', ({ effect, place }) => {
    it.each(waysAt(place))('$kind, then $recovery: all agree', async (way) => {
      const subscriber = await onboarded();
      const report = await interruptAndRecover(sandbox(), () => update(both(subscriber)), effect, way);
      await expectUpdated(report, subscriber, 'emailId, password');
    });
  });
});
