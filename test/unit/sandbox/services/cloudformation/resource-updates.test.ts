import { zipSync } from 'fflate';
import { describe, expect, it } from 'vitest';
import { updateRules } from '../../../../../sandbox/core/update-rules.ts';
import { coverage } from '../../../../../scripts/draw/coverage.ts';
import { setUp } from './cloudformation-fixture.ts';
import { cases, type Resources } from './resource-update-cases.ts';

/** Of these there is nothing that can be changed in place. */
const onlyReplaced = ['AWS::Events::EventBus', 'AWS::Lambda::Permission', 'AWS::SNS::Subscription'];
/** What only subscribers' stacks have, which nobody updates. */
const notUpdated = ['AWS::CloudFormation::Stack', 'Custom::*'];

it('there is a rule for each type of a deployment, and a case for each rule', () => {
  expect(Object.keys(updateRules).toSorted()).toEqual(
    coverage()
      .resourceTypes.filter((type) => !notUpdated.includes(type))
      .toSorted(),
  );
  expect(Object.keys(cases).toSorted()).toEqual(
    Object.keys(updateRules)
      .filter((type) => !onlyReplaced.includes(type))
      .toSorted(),
  );
});

describe.each(Object.entries(cases))('%s', (Type, { others = {}, before, after, look, seen, asked }) => {
  const template = (Properties: object, more: Resources = {}) =>
    JSON.stringify({
      Resources: { ...others, Subject: { Type, Properties, DependsOn: Object.keys(others) }, ...more },
    });
  const Capabilities = ['CAPABILITY_NAMED_IAM'];

  async function create() {
    const world = setUp();
    const { call, settled, objects, accesses } = world;
    const source = new TextEncoder().encode('exports.handler = () => 1;');
    objects.put({ bucket: 'code', key: 'a/step.zip' }, Buffer.from(zipSync({ 'dist/step.cjs': source })));
    await call('CreateStack', { StackName: 's', TemplateBody: template(before), Capabilities });
    expect(await settled('s')).toMatchObject({ status: 'CREATE_COMPLETE' });
    return {
      ...world,
      async update(TemplateBody: string) {
        accesses.length = 0;
        await call('UpdateStack', { StackName: 's', TemplateBody, Capabilities });
        return settled('s');
      },
      actions: () => accesses.map(({ access }) => access.action),
    };
  }

  it('is updated in place, and deleted', async () => {
    const world = await create();
    const { update, cloudFormation, actions, objects } = world;
    const physicalId = () => cloudFormation.stack('s')?.resources.at(-1)?.provisioned?.physicalId;
    const first = physicalId();
    expect(await look?.(world)).toEqual(seen?.[0]);
    expect(await update(template(after))).toMatchObject({ status: 'UPDATE_COMPLETE' });
    expect(await look?.(world)).toEqual(seen?.[1]);
    if (Type !== 'AWS::IAM::Policy') expect(physicalId()).toBe(first);
    expect(actions()).toContain(asked[0]);
    objects.delete({ bucket: 'code', key: 'a/step.zip' });
    await update(
      JSON.stringify({ Resources: { ...others, Other: { Type: 'AWS::Events::EventBus', Properties: { Name: 'x' } } } }),
    );
    expect(cloudFormation.stack('s')).toMatchObject({ status: 'UPDATE_COMPLETE' });
    expect(cloudFormation.stack('s')?.statusReason).toBeUndefined();
    expect(actions()).toContain(asked[1]);
    expect(await look?.(world)).toEqual(seen?.[2]);
  });

  it('is brought back when another resource fails', async () => {
    const world = await create();
    const failing = {
      Type: 'AWS::SQS::Queue',
      Properties: { QueueName: 'x', MessageRetentionPeriod: 60, FifoQueue: true },
      DependsOn: 'Subject',
    };
    expect(await world.update(template(after, { Failing: failing }))).toMatchObject({
      status: 'UPDATE_ROLLBACK_COMPLETE',
    });
    expect(await look?.(world)).toEqual(seen?.[0]);
  });
});
