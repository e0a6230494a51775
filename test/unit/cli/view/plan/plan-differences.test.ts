import { describe, expect, it } from 'vitest';
import { planDifferences } from '../../../../../cli/view/plan/plan-differences.ts';
import { keyArn, onboarding, policyFor } from './preview.ts';

const [key] = onboarding.keyPolicies;
const withKey = (more: object) => ({
  ...onboarding,
  keyPolicies: key === undefined ? [] : [{ ...key, ...more }],
});

describe('the differences of two plans', () => {
  it('are none of the same plan, whatever its hash', () => {
    expect(planDifferences(onboarding, { ...onboarding, hash: '0' })).toEqual([]);
  });

  it.each([
    [
      'another subscriber',
      { userName: 'globex' },
      ['that plan is for onboard-subscriber of acme, and this is onboard-subscriber of globex'],
    ],
    [
      'another way',
      {
        changes: [
          ...onboarding.changes.slice(1),
          { step: 'CreateSubscriber', kind: 'subscriber', action: 'decide', what: 'acme' },
        ],
      },
      [
        'now it would: decide subscriber acme in CreateSubscriber',
        'no longer it would: create subscriber acme in CreateSubscriber: InfinStor documents no call that takes this back',
      ],
    ],
    [
      'another template',
      { stack: { ...onboarding.stack, templateSha256: 'ef' } },
      [`the stack's templateSha256 is ef, and was ${'cd'.repeat(32)}`],
    ],
    [
      'another parameter and no tag',
      { stack: { ...onboarding.stack, parameters: { ...onboarding.stack.parameters, Colour: 'red' }, tags: {} } },
      ["the stack's tag team is not there, and was data", "the stack's parameter Colour is red, and was not there"],
    ],
    [
      'a policy that somebody has edited',
      withKey({ before: policyFor('one', 'two'), after: policyFor('one', 'two', 'acme') }),
      [`the policy of ${keyArn} has changed: added statement "Roles": role R-two`],
    ],
    [
      'another policy to write',
      withKey({ after: policyFor('acme') }),
      [`another policy would be written to ${keyArn}`],
    ],
  ] as const)('name %s', (_, later, expected) => {
    expect(planDifferences(onboarding, Object.assign({}, onboarding, later))).toEqual(expected);
  });
});
