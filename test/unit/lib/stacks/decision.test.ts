import { type Stack, StackStatus } from '@aws-sdk/client-cloudformation';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decideStack } from '../../../../lib/stacks/decision.ts';
import { plan } from '../../functions/plan.ts';

const deploymentTag = {
  Key: 'infinstor-onboarding:deployment',
  Value: '111111111111/us-east-1/infinstor-onboarding-test',
};
const subscriberTag = { Key: 'infinstor-onboarding:subscriber', Value: 'acme' };
const hashTag = { Key: 'infinstor-onboarding:plan-hash', Value: 'hash-1' };
const ours = [deploymentTag, subscriberTag, hashTag];
const ofOtherRequest = [deploymentTag, subscriberTag, { ...hashTag, Value: 'hash-2' }];

const parametersOf = (subscriberName: string) => [{ ParameterKey: 'SubscriberName', ParameterValue: subscriberName }];
const inStatus = (StackStatus: StackStatus, Tags = ours): Stack => ({
  StackName: plan.stack.name,
  CreationTime: new Date(0),
  StackStatus,
  Tags,
});
const needsAttention = (reason: string) =>
  expect.objectContaining({ name: 'StackNeedsAttention', message: expect.stringContaining(reason) });

const adopt = (goal: string) => ({ action: 'adopt', goal });

describe('the stack of the name is', () => {
  it.each<[name: string, decision: object, stack: Stack | undefined]>([
    ['created where there is none', { action: 'create' }, undefined],
    ['created where it is deleted', { action: 'create' }, inStatus('DELETE_COMPLETE')],
    ['adopted while it is created for this request', adopt('created'), inStatus('CREATE_IN_PROGRESS')],
    ['adopted when it is complete for this request', adopt('created'), inStatus('CREATE_COMPLETE')],
    ['adopted after an update that was rolled back', adopt('created'), inStatus('UPDATE_ROLLBACK_COMPLETE')],
    [
      'waited for while it is created for another request',
      adopt('settled'),
      inStatus('CREATE_IN_PROGRESS', ofOtherRequest),
    ],
    ['waited for while it is updated', adopt('settled'), inStatus('UPDATE_IN_PROGRESS')],
    ['waited for while it rolls back', adopt('settled'), inStatus('ROLLBACK_IN_PROGRESS')],
    ['waited for while it is deleted', adopt('deleted'), inStatus('DELETE_IN_PROGRESS')],
    ['deleted after a creation that was rolled back', { action: 'delete' }, inStatus('ROLLBACK_COMPLETE')],
    [
      "deleted after another request's creation was rolled back",
      { action: 'delete' },
      inStatus('ROLLBACK_COMPLETE', ofOtherRequest),
    ],
  ])('%s', (_name, decision, stack) => {
    expect(decideStack(stack, plan)).toEqual(decision);
  });
});

describe('the stack of the name, with termination protection,', () => {
  const guarded = (status: StackStatus, tags = ours): Stack => ({
    ...inStatus(status, tags),
    EnableTerminationProtection: true,
  });

  it.each<[StackStatus, typeof ours]>([
    ['ROLLBACK_COMPLETE', ours],
    ['ROLLBACK_IN_PROGRESS', ours],
    ['CREATE_IN_PROGRESS', ofOtherRequest],
  ])('is left to a person in %s, after which it would have to be deleted', (status, tags) => {
    expect(() => decideStack(guarded(status, tags), plan)).toThrow(
      needsAttention(`Stack ${plan.stack.name} (${status}) would have to be deleted, and has termination protection`),
    );
  });

  it.each<StackStatus>(['CREATE_IN_PROGRESS', 'CREATE_COMPLETE', 'UPDATE_IN_PROGRESS', 'DELETE_IN_PROGRESS'])(
    'is what it is without it in %s',
    (status) => {
      expect(decideStack(guarded(status), plan)).toEqual(decideStack(inStatus(status), plan));
    },
  );
});

describe('the stack of the name is left to a person', () => {
  const deletable = 'remove what blocks it and delete the stack';
  it.each<[StackStatus, string]>([
    ['REVIEW_IN_PROGRESS', deletable],
    ['CREATE_FAILED', deletable],
    ['ROLLBACK_FAILED', deletable],
    ['DELETE_FAILED', deletable],
    ['UPDATE_FAILED', 'resolve that status'],
    ['UPDATE_ROLLBACK_FAILED', 'resolve that status'],
    ['IMPORT_ROLLBACK_FAILED', 'resolve that status'],
  ])('in %s, with its reason, and what to do before the request can help', (status, remedy) => {
    const StackStatusReason = 'The following resource(s) failed to delete: [T1]. ';
    expect(() => decideStack({ ...inStatus(status), StackStatusReason }, plan)).toThrow(
      needsAttention(
        `is in status ${status}, which the onboarding must not touch: ${remedy}; sending the same request does not help before. CloudFormation's reason: The following resource(s) failed to delete: [T1].`,
      ),
    );
    expect(() => decideStack(inStatus(status), plan)).toThrow(
      expect.objectContaining({ message: expect.stringMatching(/does not help before$/) }),
    );
  });

  it('without the secret that the reason of a custom resource quotes', () => {
    const token = 'eyJhbGciOiJIUzI1NiJ9'.repeat(4);
    const StackStatusReason = `Received response status [FAILED] from custom resource: ${token}`;
    const thrown = () => decideStack({ ...inStatus('DELETE_FAILED'), StackStatusReason }, plan);
    expect(thrown).toThrow('from custom resource');
    expect(thrown).not.toThrow(token);
  });

  it.each([
    [
      'other parameters',
      parametersOf('Acme2'),
      'other parameters: SubscriberName is "Acme2" in the stack and "Acme" in',
    ],
    ['another build, a parameter being masked', parametersOf('****'), 'another build'],
    ['no parameters', undefined, 'other parameters: SubscriberName is "" in the stack and "Acme" in the request'],
    ['another template', parametersOf('Acme'), `another build than ${plan.stack.templateUrl}`],
  ])('when it is live with %s, which it names', (_name, Parameters, reason) => {
    const live = { ...inStatus('CREATE_COMPLETE', ofOtherRequest), Parameters };
    expect(() => decideStack(live, plan)).toThrow(needsAttention(`(CREATE_COMPLETE) was made from ${reason}`));
  });

  it('when it is live with several other parameters, each of which it names', () => {
    const wanted = { ...plan, stack: { ...plan.stack, parameters: { SubscriberName: 'Acme', Vpc: 'vpc-1' } } };
    expect(() => decideStack(inStatus('CREATE_COMPLETE', ofOtherRequest), wanted)).toThrow(
      needsAttention(
        'SubscriberName is "" in the stack and "Acme" in the request, Vpc is "" in the stack and "vpc-1" in the request',
      ),
    );
  });

  it('when CloudFormation returns no status or no tags of it', () => {
    const { StackStatus: _, ...withoutStatus } = inStatus('CREATE_COMPLETE');
    const { Tags: __, ...withoutTags } = inStatus('CREATE_COMPLETE');
    // The type has a status: it is CloudFormation's answer that may lack it.
    for (const stack of [withoutStatus as Stack, withoutTags]) {
      expect(() => decideStack(stack, plan)).toThrow(needsAttention('was not made by'));
    }
  });

  const foreign = [
    ['without tags', []],
    ['of another subscriber', [deploymentTag, { ...subscriberTag, Value: 'acme2' }, hashTag]],
    ['without the tag of the subscriber', [deploymentTag, hashTag]],
    ["of another stage's deployment", [{ ...deploymentTag, Value: 'infinstor/prod/' }, subscriberTag, hashTag]],
    ['without the tag of the deployment', [subscriberTag, hashTag]],
  ] as const;
  const statuses = Object.values(StackStatus);

  it.each(foreign)('when it is one %s, in whatever status', (_name, tags) => {
    for (const status of statuses) {
      expect(() => decideStack(inStatus(status, [...tags]), plan)).toThrow(needsAttention('was not made by'));
    }
  });
});

it('deletes a stack in no other status than ROLLBACK_COMPLETE', () => {
  const isDeleted = (status: StackStatus) => {
    try {
      return decideStack(inStatus(status), plan).action === 'delete';
    } catch {
      return false;
    }
  };
  expect(Object.values(StackStatus).filter(isDeleted)).toEqual(['ROLLBACK_COMPLETE']);
});

it('deletes no stack but our own in ROLLBACK_COMPLETE, whatever tags and parameters it has', () => {
  const tag = fc.record({
    Key: fc.constantFrom(...ours.map(({ Key }) => Key), 'team'),
    Value: fc.constantFrom(...ours.map(({ Value }) => Value), 'hash-2', 'infinstor/prod/', 'acme2', ''),
  });
  const parameter = fc.record({
    ParameterKey: fc.constantFrom('SubscriberName', 'Other'),
    ParameterValue: fc.string(),
  });
  const stack = fc.record({
    StackStatus: fc.constantFrom(...Object.values(StackStatus)),
    Tags: fc.oneof(fc.constant(ours), fc.uniqueArray(tag, { selector: ({ Key }) => Key })),
    Parameters: fc.array(parameter, { maxLength: 3 }),
  });
  fc.assert(
    fc.property(stack, ({ StackStatus: status, Tags, Parameters }) => {
      const has = ({ Key, Value }: { Key: string; Value: string }) =>
        Tags.some((given) => given.Key === Key && given.Value === Value);
      const isOurs = has(deploymentTag) && has(subscriberTag);
      try {
        const { action } = decideStack({ ...inStatus(status, Tags), Parameters }, plan);
        expect(isOurs).toBe(true);
        expect(action === 'delete').toBe(status === 'ROLLBACK_COMPLETE');
      } catch (error) {
        expect(error).toMatchObject({ name: 'StackNeedsAttention' });
      }
    }),
  );
});
