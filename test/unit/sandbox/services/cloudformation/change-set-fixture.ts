import { setUp } from './cloudformation-fixture.ts';

export const StackName = 'tenant';

export interface Template {
  Resources: Record<string, object>;
  Outputs?: Record<string, object>;
  Parameters?: Record<string, object>;
  Conditions?: Record<string, object>;
}

export const queue = (Properties: object, rest: object = {}) => ({ Type: 'AWS::SQS::Queue', Properties, ...rest });
export const bus = (Name: unknown, rest: object = {}) => ({
  Type: 'AWS::Events::EventBus',
  Properties: { Name },
  ...rest,
});
export const bucket = (MaxAge: unknown, BucketName: unknown = 'one') => ({
  Type: 'AWS::S3::Bucket',
  Properties: {
    BucketName,
    CorsConfiguration: { CorsRules: [{ AllowedMethods: ['GET'], AllowedOrigins: ['*'], MaxAge }] },
  },
});
export const body = (template: Template) => JSON.stringify(template);
export const simple: Template = { Resources: { Queue: queue({ QueueName: 'one', MessageRetentionPeriod: 60 }) } };
export const longer: Template = { Resources: { Queue: queue({ QueueName: 'one', MessageRetentionPeriod: 120 }) } };

/** A world with a stack of this template. */
export async function withStack(template: Template, input: object = {}) {
  const world = setUp();
  await world.call('CreateStack', { StackName, TemplateBody: body(template), ...input });
  await world.settled(StackName);
  return {
    ...world,
    /** Creates a change set and waits for it. */
    async changeSet(next: Template, more: object = {}) {
      await world.call('CreateChangeSet', { StackName, ChangeSetName: 'next', TemplateBody: body(next), ...more });
      await world.clock.quiet();
      return world.call('DescribeChangeSet', { StackName, ChangeSetName: 'next' });
    },
  };
}

export const change = (ResourceChange: object) => ({ Type: 'Resource', ResourceChange });
export const target = (Name: string, RequiresRecreation: string) => ({
  Attribute: 'Properties',
  Name,
  RequiresRecreation,
});
export const direct = (Name: string, RequiresRecreation: string, Evaluation = 'Static') => ({
  Target: target(Name, RequiresRecreation),
  Evaluation,
  ChangeSource: 'DirectModification',
});
export const missing = (name: string) => `ChangeSet [${name}] does not exist`;
