import { afterEach, describe, expect, it } from 'vitest';
import type { Sandbox, SandboxOptions } from '../../../sandbox/boot.ts';
import { casesInScope } from '../../scope.ts';
import { eventsOf, expectFailure, onboard, putSecret, recordOf, requestFor, statesOf, useSandbox } from '../sandbox.ts';
import { credentialsOf, fault, letLoginsBeForgotten, logIn } from '../subscriber.ts';
import { both, changeable, changeableCopy, changes, expectUpdated, kept, update, updatePath } from './updating.ts';

const sandbox = useSandbox();
/** Where InfinStor gets just the fields that change. */
const sparing = useSandbox({ environment: { UPDATE_SUBSCRIBER_FIELDS: 'changed' } });

afterEach(() => {
  for (const given of [sandbox(), sparing()]) {
    given.faults.clear();
    given.infinstor.vary({});
  }
});

describe('an update', () => {
  it.each(Object.keys(changes))('changes %s, and nothing else', async (changed) => {
    const subscriber = await changeable(sandbox());
    const report = await update(sandbox(), changes[changed]?.(subscriber) ?? {});
    expect(statesOf(report)).toEqual(updatePath);
    await expectUpdated(sandbox(), report, subscriber, changed);
    expect(eventsOf(sandbox(), report)).toMatchObject([
      { 'detail-type': 'SubscriberUpdated', detail: { userName: subscriber.userName, changed: changed.split(', ') } },
    ]);
  });

  it('converges when it is repeated, and stores nothing twice', async () => {
    const subscriber = await changeableCopy(sandbox());
    await update(sandbox(), both(subscriber));
    const values = sandbox().secretsManager.everyValue().length;
    await expectUpdated(sandbox(), await update(sandbox(), both(subscriber)), subscriber, 'emailId, password');
    expect(sandbox().secretsManager.everyValue()).toHaveLength(values);
  });

  it('finds the subscriber however its name is written, and calls it in InfinStor as its onboarding did', async () => {
    const subscriber = await changeable(sandbox(), 'Written-So');
    const report = await update(sandbox(), {
      ...both(subscriber),
      subscriber: { userName: 'WRITTEN-so', emailId: 'x@y.example' },
    });
    await expectUpdated(sandbox(), report, { ...subscriber, emailId: 'x@y.example' }, 'emailId, password');
  });

  it('is never reverted by the onboarding request from before it: SubscriberDiffers names what it has changed', async () => {
    const subscriber = await changeable(sandbox());
    await update(sandbox(), both(subscriber));
    const { userName, emailId, passwordSecretId } = subscriber;
    const before = await recordOf(sandbox(), userName);
    const report = await onboard(sandbox(), requestFor(userName));
    await expectFailure(sandbox(), report, { name: 'SubscriberDiffers', step: 'AcceptRequest' });
    expect(report.error?.message).toMatch(/ differs in subscriber\.emailId \(kept: [^,]*\)$/);
    expect(kept(sandbox(), userName)).toMatchObject({ password: subscriber.password, emailId });
    expect(await recordOf(sandbox(), userName)).toEqual(before);
    const same = { subscriber: { userName, emailId }, passwordSecretId };
    expect((await onboard(sandbox(), same)).output).toMatchObject({ changed: [] });
  });
});

/** How InfinStor and the deployment may differ, and what then becomes of a request that changes this. */
const variants: Record<
  string,
  {
    infinstor?: NonNullable<SandboxOptions['infinstor']>;
    fields?: 'all' | 'changed';
    expected?: Partial<Record<string, string>>;
    /** What is changed in the usual run. */
    usual: readonly string[];
  }
> = {
  'refuses a missing field, and gets every field': {
    infinstor: { missingField: 'refused' },
    usual: ['emailId', 'password'],
  },
  'refuses a missing field, and gets what changes': {
    infinstor: { missingField: 'refused' },
    fields: 'changed',
    expected: { emailId: 'InfinStorRejected', password: 'InfinStorRejected' },
    usual: ['emailId', 'password', 'emailId, password'],
  },
  'ignores a missing field, and gets what changes': { fields: 'changed', usual: ['emailId', 'password'] },
  'answers with a new custom token': { infinstor: { updateRotatesToken: true }, usual: ['emailId', 'password'] },
  'answers with a new custom token under its name': {
    infinstor: { updateRotatesToken: true, tokenShape: 'customToken' },
    usual: ['emailId, password'],
  },
  'answers expired logins with a page and 401': { infinstor: { expiredLogin: 'page 401' }, usual: ['emailId'] },
  'answers expired logins with 401': { infinstor: { expiredLogin: 'json 401' }, usual: ['emailId'] },
  'answers expired logins with 403': { infinstor: { expiredLogin: 'json 403' }, usual: ['emailId'] },
  'redirects expired logins': { infinstor: { expiredLogin: 'redirect 302' }, usual: ['emailId'] },
};

describe('an update where InfinStor', () => {
  // What the page of an expired login looks like, and what is answered, has nothing to do with what changes.
  const cases = Object.entries(variants).flatMap(([name, variant]) => {
    const changed = casesInScope(Object.keys(changes), variant.usual);
    return changed.length === 0 ? [] : [{ name, ...variant, requests: changed }];
  });

  it.each(cases)('$name', async ({ infinstor = {}, fields = 'all', expected = {}, requests }) => {
    const given = fields === 'all' ? sandbox() : sparing();
    given.infinstor.vary(infinstor);
    for (const changed of requests) {
      const request = changes[changed] ?? expect.fail(changed);
      const subscriber = await changeableCopy(given);
      const name = expected[changed];
      if (name === undefined) {
        // What an expired login looks like does not matter. More than two in a day would have to wait.
        letLoginsBeForgotten(given);
        fault(given, 'infinstor:update_subscriber:error=LoginExpired');
        const report = await update(given, request(subscriber));
        expect(statesOf(report).filter((state) => state === 'ObtainToken')).toHaveLength(2);
        await expectUpdated(given, report, subscriber, changed);
      } else {
        await expectFailure(given, await update(given, request(subscriber)), { name, step: 'UpdateSubscriber' });
        expect(kept(given, subscriber.userName)).toEqual(subscriber.before);
      }
    }
    expect(given.denials()).toEqual([]);
  });

  const forms = ['text 400', 'text 403', 'text 409', 'json 409', 'json 200', 'text 200', 'lambda 200'] as const;

  it.each(casesInScope(forms, ['text 403', 'json 409', 'lambda 200']))(
    'refuses a weak password and an unknown user with %s: nothing is changed',
    async (form) => {
      const given = sandbox();
      given.infinstor.vary({ refusal: form, unknownUser: form });
      const { userName, passwordSecretId, emailId, before } = await changeableCopy(given);
      const weak = 'weak-password-marker';
      given.secretsManager.createSecret(`${passwordSecretId}-weak`, JSON.stringify({ password: weak }));
      const request = { subscriber: { userName, emailId }, passwordSecretId: `${passwordSecretId}-weak` };
      const report = await update(given, request);
      await expectFailure(given, report, { name: 'InfinStorRejected', step: 'UpdateSubscriber' });
      expect(report.error?.message).toContain('did not conform');
      expect(kept(given, userName)).toEqual(before);
      expect(await logIn(given, userName, before.password)).toBe('in');
      expect(await recordOf(given, userName)).toMatchObject({
        status: { S: 'ACTIVE' },
        emailId: { S: 'mlops@example.com' },
      });

      given.infinstor.forget(userName);
      const unknown = await update(given, { subscriber: { userName, emailId } });
      await expectFailure(given, unknown, { name: 'InfinStorRejected', step: 'UpdateSubscriber' });
      expect(unknown.error?.message).toContain('does not exist');
    },
  );
});

describe('a password that is not known here', () => {
  const customToken = 'Custom-marker-of-a-person';

  async function withUnknownPassword(given: Sandbox) {
    const subscriber = await changeableCopy(given);
    // As if the subscriber had been made by hand.
    await putSecret(given, credentialsOf(subscriber.userName), {
      state: 'created',
      customToken,
    });
    return subscriber;
  }

  it('keeps an e-mail address from being changed alone: InvalidRequest names what is missing', async () => {
    const { userName, emailId } = await withUnknownPassword(sandbox());
    const report = await update(sandbox(), { subscriber: { userName, emailId } });
    await expectFailure(sandbox(), report, { name: 'InvalidRequest', step: 'UpdateSubscriber' });
    expect(report.error?.message).toMatch(/^passwordSecretId: is required: .*updateSubscriberFields/);
    expect(sandbox().cognito.emailOf(userName)).toBe('mlops@example.com');
  });

  it('is known from the update that changes it', async () => {
    const { userName, passwordSecretId, password } = await withUnknownPassword(sandbox());
    expect((await update(sandbox(), { subscriber: { userName }, passwordSecretId })).error).toBeNull();
    expect(kept(sandbox(), userName)).toEqual({
      state: 'created',
      password,
      emailId: 'mlops@example.com',
      customToken,
    });
  });

  it('does not matter where InfinStor receives what changes', async () => {
    const given = sparing();
    const { userName, emailId } = await withUnknownPassword(given);
    expect((await update(given, { subscriber: { userName, emailId } })).error).toBeNull();
    expect(given.cognito.emailOf(userName)).toBe(emailId);
    expect(kept(given, userName)).toEqual({ state: 'created', emailId, customToken });
  });
});

describe('a password that was changed elsewhere', () => {
  it('is not set back by an update of the e-mail address: InvalidRequest names what is missing', async () => {
    const { userName, emailId, before } = await changeableCopy(sandbox());
    sandbox().cognito.changeUser(userName, { password: 'Elsewhere-Marker-1!' });
    const report = await update(sandbox(), { subscriber: { userName, emailId } });
    await expectFailure(sandbox(), report, { name: 'InvalidRequest', step: 'UpdateSubscriber' });
    expect(report.error?.message).toMatch(/^passwordSecretId: is required: .*updateSubscriberFields/);
    expect(await logIn(sandbox(), userName, 'Elsewhere-Marker-1!')).toBe('in');
    expect(sandbox().cognito.emailOf(userName)).toBe('mlops@example.com');
    expect(kept(sandbox(), userName)).toEqual(before);
  });

  it('does not matter where InfinStor receives what changes', async () => {
    const given = sparing();
    const { userName, emailId } = await changeableCopy(given);
    given.cognito.changeUser(userName, { password: 'Elsewhere-Marker-2!' });
    expect((await update(given, { subscriber: { userName, emailId } })).error).toBeNull();
    expect(await logIn(given, userName, 'Elsewhere-Marker-2!')).toBe('in');
  });
});
