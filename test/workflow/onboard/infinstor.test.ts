import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Sandbox } from '../../../sandbox/boot.ts';
import { fixtures } from '../../../sandbox/core/account.ts';
import type { TokenShape } from '../../../sandbox/infinstor/variant.ts';
import {
  expectFailure,
  expectOneOfEach,
  onboard,
  putSecret,
  redrive,
  requestFor,
  statesOf,
  useSandbox,
  withSandbox,
} from '../sandbox.ts';
import { oneOf } from '../side-effects.ts';
import {
  callsOf,
  fault,
  letLoginsBeForgotten,
  letTokensExpire,
  newRun,
  onboarded,
  type Run,
  stackOf,
  subscribersNamed,
  supplyToken,
  takeMarkAway,
} from '../subscriber.ts';

const sandbox = useSandbox();

afterEach(() => {
  sandbox().faults.clear();
  sandbox().infinstor.vary({});
});

// Keeps a token, which the runs refresh or find worn out, whichever is the first.
beforeAll(async () => {
  await onboarded(sandbox(), requestFor('before'));
});

/** Lets the kept ID token expire, so that it must be refreshed. */
const wearOut = () => sandbox().clock.advance(60 * 60_000);

/** A subscriber without keys, when the token of an earlier run is stale. */
function freshRun(): Run {
  letTokensExpire(sandbox());
  return newRun('infinstor');
}

describe('an expired login', () => {
  it('that comes as a page with status 200 is met with new tokens', async () => {
    letLoginsBeForgotten(sandbox());
    const run = freshRun();
    fault(sandbox(), 'infinstor:add_subscriber:error=LoginExpired:2');
    const report = await onboard(sandbox(), run.request);
    expectOneOfEach(sandbox(), report, run);
    expect(statesOf(report).filter((state) => state === 'ObtainToken')).toHaveLength(3);
  });

  it('that stays is TokenRejected, and the same request goes on when it has passed', async () => {
    letLoginsBeForgotten(sandbox());
    const run = freshRun();
    fault(sandbox(), 'infinstor:add_subscriber:error=LoginExpired:3');
    const report = await onboard(sandbox(), run.request);
    await expectFailure(sandbox(), report, { name: 'TokenRejected', step: 'ObtainToken' });
    expect(subscribersNamed(sandbox(), run.userName)).toEqual([]);
    // Meanwhile nobody tries again.
    const calls = callsOf(sandbox(), 'add_subscriber');
    const paused = await onboard(sandbox(), run.request);
    await expectFailure(sandbox(), paused, { name: 'LoginsPaused', step: 'ObtainToken' });
    expect(callsOf(sandbox(), 'add_subscriber')).toBe(calls);
    sandbox().clock.advance(16 * 60_000);
    expectOneOfEach(sandbox(), await redrive(sandbox(), paused), run);
  });
});

describe('InfinStor that does not answer', () => {
  it('before a login is waited for, and then InfinStorUnavailable, which a redrive goes on from', async () => {
    const run = freshRun();
    wearOut();
    fault(sandbox(), 'infinstor:get_version:error=502:6');
    const report = await onboard(sandbox(), run.request);
    await expectFailure(sandbox(), report, { name: 'InfinStorUnavailable', step: 'CreateSubscriber' });
    expectOneOfEach(sandbox(), await redrive(sandbox(), report), run);
  });

  it('in time before a login is asked again', async () => {
    const run = freshRun();
    wearOut();
    fault(sandbox(), 'infinstor:get_version:delay=11000');
    const report = await onboard(sandbox(), run.request);
    expectOneOfEach(sandbox(), report, run);
    expect(statesOf(report).filter((state) => state === 'CreateSubscriber')).toHaveLength(2);
  });

  it('with what a service of it would is InfinStorRejected', async () => {
    const run = freshRun();
    wearOut();
    fault(sandbox(), 'infinstor:get_version:error=404');
    const report = await onboard(sandbox(), run.request);
    await expectFailure(sandbox(), report, { name: 'InfinStorRejected', step: 'CreateSubscriber' });
  });
});

describe('a lost answer of add_subscriber', () => {
  // Nothing happened, and the user pool says so: the same request, or a redrive, creates the subscriber.
  it.each(oneOf(['error=500', 'error=503', 'error=504'], 0))('before its effect (%s) heals by itself', async (kind) => {
    const run = freshRun();
    fault(sandbox(), `infinstor:add_subscriber:${kind}`);
    const report = await onboard(sandbox(), run.request);
    await expectFailure(sandbox(), report, { name: 'SubscriberOutcomeUnknown', step: 'CreateSubscriber' });
    expect(report.error?.message).toContain('no such user');
    expect(subscribersNamed(sandbox(), run.userName)).toEqual([]);
    expectOneOfEach(sandbox(), await redrive(sandbox(), report), run);
  });

  it.each([
    ['the gateway gives up', 'error=EndpointTimedOut', 'was answered 504'],
    ['no answer comes in time', 'delay=40000', 'no answer came in time'],
    ['the connection breaks', 'drop', 'the connection failed'],
  ])('after its effect, when %s, leaves one subscriber and no stack', async (_, kind, words) => {
    const run = freshRun();
    fault(sandbox(), `infinstor:add_subscriber:${kind}`);
    const report = await onboard(sandbox(), run.request);
    await expectFailure(sandbox(), report, { name: 'SubscriberOutcomeUnknown', step: 'CreateSubscriber' });
    expect(report.error?.message).toContain(words);
    expect(subscribersNamed(sandbox(), run.userName)).toHaveLength(1);
    expect(stackOf(sandbox(), run.userName)).toBeUndefined();
    const repeated = await onboard(sandbox(), { ...run.request, ...supplyToken(sandbox(), run.userName) });
    expectOneOfEach(sandbox(), repeated, run);
  });
});

describe('a subscriber that exists', () => {
  it('and whose token is not known here is SubscriberExists, and converges with its token', async () => {
    const run = freshRun();
    // As if somebody had made it by hand: nothing of it is known here.
    fault(sandbox(), 'infinstor:add_subscriber:drop');
    await onboard(sandbox(), run.request);
    await takeMarkAway(sandbox(), run.userName);

    const report = await onboard(sandbox(), run.request);
    await expectFailure(sandbox(), report, { name: 'SubscriberExists', step: 'CreateSubscriber' });
    expect(subscribersNamed(sandbox(), run.userName)).toHaveLength(1);
    const repeated = await onboard(sandbox(), { ...run.request, ...supplyToken(sandbox(), run.userName) });
    expectOneOfEach(sandbox(), repeated, run);
  });

  it('is not created twice by a request whose token is wrong: the stack fails with the reason of InfinStor', async () => {
    const run = freshRun();
    fault(sandbox(), 'infinstor:add_subscriber:drop');
    await onboard(sandbox(), run.request);
    const customTokenSecretId = `infinstor/sandbox/input/${run.userName}/wrong-token`;
    sandbox().secretsManager.createSecret(customTokenSecretId, JSON.stringify({ customToken: 'Wrong-Token-Marker-1' }));
    const report = await onboard(sandbox(), { ...run.request, customTokenSecretId });
    await expectFailure(sandbox(), report, { name: 'StackFailed', step: 'WaitForStack' });
    expect(report.error?.message).toContain('Invalid token');
    const repeated = await onboard(sandbox(), { ...run.request, ...supplyToken(sandbox(), run.userName) });
    expectOneOfEach(sandbox(), repeated, run);
  });
});

describe("the superadmin's login", () => {
  const { secretId, userName } = fixtures.superadmin;

  /** The session is over: Cognito refuses to refresh it, for the step that needs a token, and for the one that looks why it was refused. */
  function endSession(name = 'NotAuthorizedException') {
    wearOut();
    fault(sandbox(), `cognito:InitiateAuth:error=${name}:2`);
  }

  it('that asks for a new password is LoginChallenge, and a redrive goes on when a person has answered', async () => {
    const run = freshRun();
    endSession();
    sandbox().cognito.setStatus(userName, 'FORCE_CHANGE_PASSWORD');
    const report = await onboard(sandbox(), run.request);
    await expectFailure(sandbox(), report, { name: 'LoginChallenge', step: 'ObtainToken' });
    expect(report.error?.message).toContain('NEW_PASSWORD_REQUIRED');
    sandbox().cognito.setStatus(userName, 'CONFIRMED');
    expectOneOfEach(sandbox(), await redrive(sandbox(), report), run);
  });

  // The second: the client's refresh tokens rotate.
  it.each(['NotAuthorizedException', 'InvalidParameterException'])(
    'by refresh that is refused with %s is done by password',
    async (name) => {
      const run = freshRun();
      endSession(name);
      expectOneOfEach(sandbox(), await onboard(sandbox(), run.request), run);
    },
  );

  it('with a wrong password never locks the user, and a corrected one is tried without waiting', async () => {
    const run = freshRun();
    const right = JSON.parse(sandbox().secretsManager.value(secretId) ?? '');
    await putSecret(sandbox(), secretId, { userName, password: 'Wrong-Password-Marker-1' });
    wearOut();
    const tries = () => callsOf(sandbox(), 'InitiateAuth');
    const refused = async (name: string) => {
      // The refreshes of the session before are refused, so that the password is asked for.
      sandbox().faults.clear();
      fault(sandbox(), 'cognito:InitiateAuth:error=NotAuthorizedException:2');
      const report = await onboard(sandbox(), run.request);
      await expectFailure(sandbox(), report, { name, step: 'ObtainToken' });
      return report;
    };
    for (let attempt = 1; attempt <= 2; attempt += 1) await refused('LoginRejected');
    const before = tries();
    const report = await refused('LoginsPaused');
    expect(report.error?.message).toMatch(/superadmin are paused until 20\S+Z: /);
    expect(tries() - before).toBe(2);

    await putSecret(sandbox(), secretId, right);
    sandbox().faults.clear();
    expectOneOfEach(sandbox(), await onboard(sandbox(), run.request), run);
    expect(sandbox().cognito.lockoutsOf(userName)).toBe(0);
  });
});

describe('a user pool that does not return who is missing', () => {
  // A pool that hides them once goes on doing so.
  it('leaves a person to find out, and the request goes on when the mark is taken away', () =>
    withSandbox({}, async (given) => {
      const run = newRun('infinstor');
      given.cognito.hideMissingUsers();
      // Dies after the mark, before the call.
      fault(given, 'dynamodb:UpdateItem:kill', { functionName: 'infinstor-onboarding-sandbox-create-subscriber' });
      await onboard(given, run.request);
      const report = await onboard(given, run.request);
      await expectFailure(given, report, { name: 'SubscriberOutcomeUnknown', step: 'CreateSubscriber' });
      expect(report.error?.message).toContain('could not be found out');
      expect(subscribersNamed(given, run.userName)).toEqual([]);

      await takeMarkAway(given, run.userName);
      expectOneOfEach(given, await onboard(given, run.request), run);
    }));
});

describe("add_subscriber's answer", () => {
  const shapes: readonly (readonly [TokenShape, Record<string, string>])[] = [
    ['customToken', {}],
    ['custom_token', {}],
    ['token', {}],
    ['queue', {}],
    ['nested', { CUSTOM_TOKEN_PATH: 'subscriber.credentials.value' }],
  ];

  // The usual run has the other kinds as variants of InfinStor.
  it.each(oneOf(shapes, 0))('of the shape %s has the token', async (tokenShape, environment) => {
    const shaped = async (given: Sandbox) => {
      const run = newRun('shaped');
      expectOneOfEach(given, await onboard(given, run.request), run);
    };
    // Where it stands is the deployment's to say.
    if (tokenShape === 'nested') return withSandbox({ infinstor: { tokenShape }, environment }, shaped);
    sandbox().infinstor.vary({ tokenShape });
    return shaped(sandbox());
  });

  it('without a token is SubscriberOutcomeUnknown, and says where it was looked for', async () => {
    sandbox().infinstor.vary({ tokenShape: 'none' });
    const run = newRun('shaped');
    const before = sandbox().infinstor.subscribers().length;
    const report = await onboard(sandbox(), run.request);
    await expectFailure(sandbox(), report, { name: 'SubscriberOutcomeUnknown', step: 'CreateSubscriber' });
    expect(report.error?.message).toContain('has no custom token at customToken');
    expect(sandbox().infinstor.subscribers()).toHaveLength(before + 1);
    expect(stackOf(sandbox(), run.userName)).toBeUndefined();
  });
});
