import { describe, expect, it } from 'vitest';
import * as errors from '../../../lib/errors.ts';

const names = [
  ...[
    'InvalidRequest',
    'InvalidConfiguration',
    'SecretNotReadable',
    'AccountNotAccessible',
    'InvalidStepInput',
    'OnboardingInProgress',
  ],
  'ExecutionSuperseded',
  ...[
    'LoginRejected',
    'LoginChallenge',
    'TokenRejected',
    'LoginInProgress',
    'LoginsPaused',
    'TooLittleTime',
    'SubscriberPasswordUnknown',
  ],
  'SecretFull',
  ...[
    'InfinStorUnavailable',
    'InfinStorRejected',
    'SubscriberDiffers',
    'SubscriberExists',
    'SubscriberNotActive',
    'SubscriberNotVerified',
    'SubscriberUnsettled',
    'SubscriberOutcomeUnknown',
    'SubscriberNotFound',
  ],
  ...['UserExists', 'UsersNotAdded'],
  ...[
    'TemplateMismatch',
    'TemplateNotReadable',
    'TemplateChanged',
    'TemplateNotPinned',
    'CustomTokenExpiring',
    'QuotaNearlyExhausted',
    'StackNeedsAttention',
    'DataNotRetained',
    'StackFailed',
    'StackTimedOut',
    'StackGone',
    'StackSettled',
  ],
  ...['RoleNotFound', 'RoleAmbiguous'],
  ...[
    'KeyNotUsable',
    'KeyPolicyBusy',
    'PrincipalNotVisible',
    'KeyPolicyOrphan',
    'RoleStillNamed',
    'KeyPolicyFull',
    'KeyPolicyNotUnderstood',
  ],
];
const general = errors.remedyFor('WhateverException');

const classes = Object.entries<unknown>({ ...errors }).flatMap(([name, value]) =>
  typeof value === 'function' && value.prototype instanceof errors.StepError ? [{ name, Class: value }] : [],
);

describe('the errors of the machine', () => {
  it('are these', () => {
    expect(classes.map(({ name }) => name).toSorted()).toEqual(names.toSorted());
  });

  it.each(classes)('$name has its own name, and a sentence that says what to do', ({ name, Class }) => {
    const error: unknown = Reflect.construct(Class, ['one', 'two', []]);
    expect(error).toBeInstanceOf(Error);
    expect(error).toMatchObject({
      name,
      message: expect.stringContaining('one'),
      remedy: expect.stringMatching(/^[A-Z].{20,}\.$/s),
    });
    expect(error).toHaveProperty('remedy', errors.remedyFor(name));
    expect(errors.remedyFor(name)).not.toBe(general);
  });

  it.each(['WhateverException', '', 'constructor', '__proto__'])(
    'do not include %j, for which there is a general answer',
    (name) => {
      expect(errors.remedyFor(name)).toBe(
        "Remove the cause that the message gives in AWS's own words, with the call and its resource, and redrive the execution or send the request again.",
      );
    },
  );
});

it.each(['ABORTED', 'States.Timeout'])('the end %s of an execution has a remedy of its own', (name) => {
  expect(errors.remedyFor(name)).not.toBe(general);
});

it.each([
  [new errors.InvalidRequest('stack.build', 'must be digits'), 'stack.build: must be digits', { field: 'stack.build' }],
  [
    new errors.OnboardingInProgress('acme', 'arn:execution'),
    'Subscriber acme is being changed by arn:execution',
    { executionArn: 'arn:execution' },
  ],
  [new errors.KeyNotUsable('arn:key', 'it is off'), 'Key arn:key cannot be used: it is off', { keyArn: 'arn:key' }],
  [
    new errors.LoginChallenge('superadmin', 'SMS_MFA', 'a person can'),
    'Cognito answered the login of superadmin with the challenge SMS_MFA, which a machine cannot answer: a person can',
    { challenge: 'SMS_MFA' },
  ],
  [
    new errors.LoginRejected('superadmin', 'UserNotFoundException', 'no-such-user', 'there is none'),
    'Cognito refused the login of superadmin (UserNotFoundException): there is none',
    { reason: 'UserNotFoundException', refusal: 'no-such-user' },
  ],
])('$name says what failed, and holds it in a field', (error, message, fields) => {
  expect(error.message).toBe(message);
  expect(error).toMatchObject(fields);
});

it('the remedy of a full key withdraws a grant before it takes the role out of the policy, or the role comes back', () => {
  expect(errors.remedyFor('KeyPolicyFull')).toMatch(
    /delete its GRANT item .*, then take its role out of the key policy/,
  );
});
