import { beforeAll, describe, expect, it } from 'vitest';
import { account } from '../../../sandbox/core/account.ts';
import { newKey, onboard, requestFor, requestWithKey, useSandbox } from '../sandbox.ts';
import { policyOf } from '../subscriber.ts';
import { disagreements, type Estate, estateOf, invariants } from './estate.ts';

const sandbox = useSandbox();
let healthy: Estate;

beforeAll(async () => {
  const keyArn = newKey(sandbox());
  const keys = new Map([[keyArn, policyOf(sandbox(), keyArn)]]);
  await onboard(sandbox(), requestWithKey('Keyed', keyArn));
  await onboard(sandbox(), requestFor('plain'));
  await sandbox().clock.quiet();
  healthy = await estateOf(sandbox(), { accountRegions: [account], keys });
});

type Breaks = Record<string, (estate: Estate) => Partial<Estate>>;

/** The estate with one of a list's elements changed. */
const changed = <Element>(elements: readonly Element[], change: Partial<Element>): Element[] =>
  elements.map((element, index) => (index === 0 ? { ...element, ...change } : element));
const gone = <Element>(elements: readonly Element[]): Element[] => elements.slice(1);
const policyIn = ({ keys: [key] }: Estate) => key?.policy ?? { Statement: [] };

/** For each invariant, what it would be broken by. */
const breaks: Record<string, Breaks> = {
  'nothing is under way, and nobody has a lease': {
    'an execution that ended unseen': ({ records }) => ({ records: changed(records, { status: 'UPDATING' }) }),
    'a lease that was not given back': ({ keys }) => ({ leasedKeys: keys.map(({ keyArn }) => keyArn) }),
  },
  'what has ended well has no error': {
    'an error that stayed': ({ records }) => ({ records: changed(records, { lastError: { name: 'StackFailed' } }) }),
  },
  'an active subscriber is in InfinStor with its e-mail address and role': {
    'a subscriber that is not there': ({ subscribers }) => ({ subscribers: gone(subscribers) }),
    'a subscriber that is there twice': ({ subscribers }) => ({ subscribers: [...subscribers, ...subscribers] }),
    'another address': ({ subscribers }) => ({ subscribers: changed(subscribers, { emailId: 'old@example.com' }) }),
    'another role': ({ subscribers }) => ({ subscribers: changed(subscribers, { roleArn: undefined }) }),
  },
  'every subscriber in InfinStor is in the registry': {
    'a record that is lost': ({ records }) => ({ records: gone(records) }),
  },
  'an active subscriber has one complete stack, and no other has any': {
    'a stack that is lost': ({ stacks }) => ({ stacks: gone(stacks) }),
    'a stack that is rolled back': ({ stacks }) => ({ stacks: changed(stacks, { status: 'ROLLBACK_COMPLETE' }) }),
    'a stack that is left': ({ records }) => ({ records: changed(records, { status: 'OFFBOARDED' }) }),
  },
  'an active subscriber has its role, and no other has one': {
    'a role that is lost': ({ roles }) => ({ roles: gone(roles) }),
    'a role that is left': ({ records }) => ({ records: changed(records, { status: 'OFFBOARDED' }) }),
  },
  "an active subscriber's keys are granted to its living role, and nothing else is": {
    'a grant that is lost': ({ grants }) => ({ grants: gone(grants) }),
    'a grant that is pending': ({ grants }) => ({ grants: changed(grants, { state: 'pending' }) }),
    'a grant of a role that was made anew': ({ roles }) => ({ roles: roles.map((role) => ({ ...role, roleId: 'x' })) }),
    'a grant that is left': ({ records }) => ({ records: records.map((record) => ({ ...record, keyArns: [] })) }),
  },
  'a key policy grants what the registry does': {
    'a role that the policy lost': ({ keys }) => ({
      keys: keys.map((key) => ({ ...key, policy: key.before })),
    }),
    'a role that stayed in it': ({ grants }) => ({ grants: gone(grants) }),
  },
  'a key policy names nobody who is gone': {
    'the id of a deleted role': (estate) => ({
      keys: changed(estate.keys, {
        policy: {
          ...policyIn(estate),
          Statement: [
            ...policyIn(estate).Statement,
            { Effect: 'Allow', Principal: { AWS: 'AROAGONEGONEGONEGONE0' }, Action: 'kms:*', Resource: '*' },
          ],
        },
      }),
    }),
  },
  "others' statements in a key policy are as they were": {
    'a statement that is lost': (estate) => ({
      keys: changed(estate.keys, { policy: { ...policyIn(estate), Statement: policyIn(estate).Statement.slice(1) } }),
    }),
  },
  'an active subscriber has credentials that log in, and its custom token': {
    'credentials that are lost': ({ secrets }) => ({ secrets: gone(secrets) }),
    'another password': ({ secrets }) => ({ secrets: changed(secrets, { logsIn: false }) }),
    'a token that was not stored': ({ secrets }) => ({ secrets: changed(secrets, { hasCustomToken: false }) }),
    'a call without an answer': ({ secrets }) => ({ secrets: changed(secrets, { state: 'prepared' }) }),
  },
  'an active subscriber has no mark of a call without an answer': {
    'a mark that was left': ({ records }) => ({ records: changed(records, { creating: { invocationId: 'one' } }) }),
  },
  'users that were added log in': {
    'a password that InfinStor does not have': ({ secrets }) => ({ secrets: changed(secrets, { logsIn: false }) }),
  },
  'nobody but active subscribers has secrets': {
    'credentials that are left': ({ records }) => ({ records: changed(records, { status: 'OFFBOARDED' }) }),
  },
};

it('finds nothing in an estate that agrees', () => {
  expect(disagreements(healthy)).toEqual([]);
});

it('has each invariant broken below', () => {
  expect(Object.keys(breaks)).toEqual(Object.keys(invariants));
});

describe.each(Object.entries(breaks))('%s', (invariant, ways) => {
  it.each(Object.entries(ways))('is broken by %s', (_, breakIt) => {
    const broken = disagreements({ ...healthy, ...breakIt(healthy) });
    expect(broken).toContainEqual(expect.stringContaining(`${invariant}: `));
  });
});
