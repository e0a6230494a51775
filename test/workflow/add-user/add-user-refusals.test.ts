import { describe, expect, it } from 'vitest';
import {
  ended,
  eventually,
  expectFailure,
  hold,
  onboard,
  plaintextMarker,
  recordOf,
  requestFor,
  run,
  startRun,
} from '../sandbox.ts';
import { fault } from '../subscriber.ts';
import { add, addingRequest, expectAdded, host, newUser, useHost } from './adding-users.ts';

const sandbox = useHost();

describe('a subscriber that', () => {
  it('is not known gets no users', async () => {
    const report = await add(sandbox(), [newUser()], 'nobody');
    await expectFailure(sandbox(), report, { name: 'SubscriberNotActive', step: 'AcceptUsers' });
    expect(await recordOf(sandbox(), 'nobody')).toBeUndefined();
  });

  it('could not be onboarded gets no users', async () => {
    fault(sandbox(), 'infinstor:register:error=503');
    const failed = await onboard(sandbox(), requestFor('half'));
    await expectFailure(sandbox(), failed, { name: 'StackFailed', step: 'WaitForStack' });
    const before = await recordOf(sandbox(), 'half');
    const report = await add(sandbox(), [newUser()], 'half');
    await expectFailure(sandbox(), report, { name: 'SubscriberNotActive', step: 'AcceptUsers' });
    expect(await recordOf(sandbox(), 'half')).toEqual(before);
  });

  it('gets users already gets no others meanwhile', async () => {
    const [user, other] = [newUser(), newUser()];
    const goOn = hold(sandbox(), 'infinstor', 'addsecondaryuser');
    const running = add(sandbox(), [user]);
    await eventually(sandbox(), () => expect(sandbox().faults.left()).toBe(0));
    const { executionArn } = await startRun(sandbox(), 'add-user', addingRequest([other], host));
    const refused = await ended(sandbox(), executionArn);
    expect(refused.error).toMatchObject({ name: 'OnboardingInProgress', step: 'AcceptUsers' });
    goOn();
    await expectAdded(sandbox(), await running, [user]);
  });
});

describe('a bad request', () => {
  const alice = { userName: 'alice', emailId: 'alice@acme.example' };
  const good = { subscriber: { userName: host }, users: [alice] };
  const withUser = (change: object) => ({ ...good, users: [alice, { ...alice, userName: 'bob', ...change }] });
  const secret = (passwordSecretId: unknown) => withUser({ passwordSecretId });
  const named = (userName: unknown) => withUser({ userName });
  const requests: [what: string, request: unknown, field: string][] = [
    ['nothing', {}, 'subscriber'],
    ['no users', { subscriber: good.subscriber }, 'users'],
    ['an empty list', { ...good, users: [] }, 'users'],
    ['26 users', { ...good, users: Array.from({ length: 26 }, (_, n) => ({ ...alice, userName: `u${n}` })) }, 'users'],
    ['one user for a list', { ...good, users: alice }, 'users'],
    ['a list for a user', { ...good, users: [[]] }, 'users.0'],
    ['a name twice', named('ALICE'), 'users'],
    ["the subscriber's own name", named('host'), 'users'],
    ['an unknown field', { ...good, colour: 'green' }, 'colour'],
    [
      'an address of the subscriber',
      { ...good, subscriber: { userName: host, emailId: 'a@b.example' } },
      'subscriber.emailId',
    ],
    ['a stack', { ...good, stack: {} }, 'stack'],
    ['an unknown field of a user', withUser({ role: 'admin' }), 'users.1.role'],
    ['no user name', withUser({ userName: undefined }), 'users.1.userName'],
    ['a number for a name', named(7), 'users.1.userName'],
    ['an empty name', named(''), 'users.1.userName'],
    ['a name of 129 characters', named('a'.repeat(129)), 'users.1.userName'],
    ['a name with a blank', named('bob smith'), 'users.1.userName'],
    ['a name with a slash', named('bob/smith'), 'users.1.userName'],
    ['a name with two dots in a row', named('bob..smith'), 'users.1.userName'],
    ['a name that begins with a dot', named('.bob'), 'users.1.userName'],
    ['a name with a line break', named('bob\n'), 'users.1.userName'],
    ['a name with an umlaut', named('jörg'), 'users.1.userName'],
    ['no address', withUser({ emailId: undefined }), 'users.1.emailId'],
    ['something else for an address', withUser({ emailId: 'bob' }), 'users.1.emailId'],
    ['a password', { ...good, password: plaintextMarker }, 'password'],
    [
      "a subscriber's password",
      { ...good, subscriber: { userName: host, password: plaintextMarker } },
      'subscriber.password',
    ],
    ["a user's password", withUser({ password: plaintextMarker }), 'users.1.password'],
    ["a user's password beside another fault", { users: [{ password: plaintextMarker }] }, 'users.0.password'],
    ['a secret outside input/', secret('infinstor/sandbox/superadmin'), 'users.1.passwordSecretId'],
    ['a secret by way of ..', secret('infinstor/sandbox/input/../superadmin'), 'users.1.passwordSecretId'],
    ['a secret that is not there', secret('infinstor/sandbox/input/host/absent'), 'users.1.passwordSecretId'],
    ['a prototype key', { ...good, ...JSON.parse('{"constructor":{}}') }, 'constructor'],
  ];

  it.each(requests)('with %s is refused before any side effect, naming the field', async (_what, request, field) => {
    const values = sandbox().secretsManager.everyValue().length;
    const items = await sandbox().dynamoDb.items(sandbox().registryTable);
    const report = await run(sandbox(), 'add-user', Object(request));
    expect(report.error).toMatchObject({ name: 'InvalidRequest', step: 'AcceptUsers' });
    expect(report.error?.message.startsWith(`${field}: `)).toBe(true);
    expect(sandbox().secretsManager.everyValue()).toHaveLength(values);
    expect(await sandbox().dynamoDb.items(sandbox().registryTable)).toEqual(items);
  });
});
