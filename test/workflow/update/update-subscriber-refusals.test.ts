import { afterEach, describe, expect, it } from 'vitest';
import {
  ended,
  eventually,
  expectFailure,
  hold,
  onboard,
  plaintextMarker,
  recordOf,
  requestFor,
  startOnboarding,
  startRun,
  useSandbox,
} from '../sandbox.ts';
import { fault } from '../subscriber.ts';
import { both, changeableCopy, expectUpdated, kept, update } from './updating.ts';

const sandbox = useSandbox();

afterEach(() => {
  sandbox().faults.clear();
});

describe('a subscriber that', () => {
  it('is not known cannot be updated', async () => {
    const report = await update(sandbox(), { subscriber: { userName: 'nobody', emailId: 'a@b.example' } });
    await expectFailure(sandbox(), report, { name: 'SubscriberNotActive', step: 'AcceptUpdate' });
    expect(await recordOf(sandbox(), 'nobody')).toBeUndefined();
  });

  it('could not be onboarded cannot be updated', async () => {
    fault(sandbox(), 'infinstor:register:error=503');
    const failed = await onboard(sandbox(), requestFor('half'));
    await expectFailure(sandbox(), failed, { name: 'StackFailed', step: 'WaitForStack' });
    const before = await recordOf(sandbox(), 'half');
    const report = await update(sandbox(), { subscriber: { userName: 'half', emailId: 'a@b.example' } });
    await expectFailure(sandbox(), report, { name: 'SubscriberNotActive', step: 'AcceptUpdate' });
    expect(await recordOf(sandbox(), 'half')).toEqual(before);
  });

  it('is being updated can be neither updated nor onboarded', async () => {
    const subscriber = await changeableCopy(sandbox());
    const { userName } = subscriber;
    const goOn = hold(sandbox(), 'infinstor', 'update_subscriber');
    const running = update(sandbox(), both(subscriber));
    await eventually(sandbox(), () => expect(sandbox().faults.left()).toBe(0));
    for (const second of [
      await startOnboarding(sandbox(), requestFor(userName)),
      await startRun(sandbox(), 'update-subscriber', both(subscriber)),
    ]) {
      const report = await ended(sandbox(), second.executionArn);
      expect(report.error).toMatchObject({ name: 'OnboardingInProgress', step: expect.stringMatching(/^Accept/) });
    }
    goOn();
    await expectUpdated(sandbox(), await running, subscriber, 'emailId, password');
  });
});

describe('a bad request', () => {
  const good = { subscriber: { userName: 'acme', emailId: 'mlops@acme.example' } };
  const requests: [what: string, request: unknown, field: string][] = [
    ['nothing', {}, 'subscriber'],
    ['nothing to change', { subscriber: { userName: 'acme' } }, 'request'],
    ['an unknown field', { ...good, colour: 'green' }, 'colour'],
    ['a stack', { ...good, stack: {} }, 'stack'],
    ['an encryption', { ...good, encryption: {} }, 'encryption'],
    ['a custom token', { ...good, customTokenSecretId: 'infinstor/sandbox/input/acme/token' }, 'customTokenSecretId'],
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
    ["another subscriber's secret", { ...good, passwordSecretId: 'infinstor/sandbox/input/b/x' }, 'passwordSecretId'],
    [
      'a secret that is not there',
      { ...good, passwordSecretId: 'infinstor/sandbox/input/acme/absent' },
      'passwordSecretId',
    ],
    ['a prototype key', JSON.parse('{"subscriber":{"userName":"a"},"constructor":{}}'), 'constructor'],
  ];

  it.each(requests)('with %s is refused before any side effect, naming the field', async (_what, request, field) => {
    const values = sandbox().secretsManager.everyValue().length;
    const items = (await sandbox().dynamoDb.items(sandbox().registryTable)).length;
    const report = await update(sandbox(), Object(request));
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
  ])('whose secret %s is refused before anything is done', async (_what, text) => {
    const { userName, passwordSecretId, before } = await changeableCopy(sandbox());
    const secretId = `${passwordSecretId}-wrong`;
    sandbox().secretsManager.createSecret(secretId, text === '' ? undefined : text);
    const calls = () =>
      sandbox()
        .calls()
        .filter(({ operation }) => operation === 'update_subscriber').length;
    const called = calls();
    const report = await update(sandbox(), { subscriber: { userName }, passwordSecretId: secretId });
    await expectFailure(sandbox(), report, { name: 'InvalidRequest', step: 'AcceptUpdate' });
    expect(report.error?.message).toMatch(/^passwordSecretId: /);
    expect(calls()).toBe(called);
    expect(kept(sandbox(), userName)).toEqual(before);
  });
});
