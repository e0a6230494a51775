import type { StackEvent } from '@aws-sdk/client-cloudformation';
import { describe, expect, it } from 'vitest';
import { oslsArguments, oslsEnvironment } from '../../../../cli/deploy/osls.ts';
import { firstFailure } from '../../../../cli/deploy/stack-events.ts';
import { saidBy } from '../../../../cli/deploy/through-osls.ts';
import { sandboxAt } from '../../../../cli/target/target.ts';

const stage = { kind: 'stage', stage: 'prod', profile: 'ops' } as const;

describe('osls', () => {
  it('gets the Region that the command has found, and the profile', () => {
    expect(oslsArguments('deploy', { target: stage, region: 'eu-west-1' }).join(' ')).toBe(
      'deploy --stage prod --region eu-west-1 --aws-profile ops --package .serverless',
    );
    expect(oslsArguments('remove', { target: sandboxAt('http://x'), region: 'us-east-1' }).join(' ')).toBe(
      'remove --stage sandbox --region us-east-1',
    );
  });

  it('gets the environment of the command for a stage', () => {
    const environment = { AWS_PROFILE: 'a', AWS_ENDPOINT_URL: 'http://x', PATH: '/bin', NONE: undefined };
    expect(oslsEnvironment(stage, environment)).toMatchObject({ AWS_PROFILE: 'a', AWS_ENDPOINT_URL: 'http://x' });
  });

  it('gets endpoint and keys of a sandbox, and none of AWS', () => {
    const environment = {
      ...{ AWS_PROFILE: 'prod', AWS_SESSION_TOKEN: 't', AWS_ENDPOINT_URL_S3: 'http://s3', PATH: '/bin' },
      ...{ AWS_IGNORE_CONFIGURED_ENDPOINT_URLS: 'true', AWS_ROLE_ARN: 'arn', AWS_ACCESS_KEY_ID: 'AKIAREAL' },
    };
    const made = oslsEnvironment(sandboxAt('http://sandbox.example'), environment);
    expect(
      Object.keys(made)
        .filter((name) => name.startsWith('AWS_'))
        .sort(),
    ).toEqual([...['AWS_ACCESS_KEY_ID', 'AWS_ENDPOINT_URL', 'AWS_SECRET_ACCESS_KEY']]);
    expect(made).toMatchObject({ AWS_ENDPOINT_URL: 'http://sandbox.example', PATH: '/bin' });
    expect(made.AWS_ACCESS_KEY_ID).not.toBe('AKIAREAL');
  });
});

describe('the first failure of a stack', () => {
  const event = (id: string, ResourceStatus: StackEvent['ResourceStatus'], reason?: string): StackEvent => ({
    ...{
      StackId: 'stack',
      StackName: 'name',
      Timestamp: new Date(0),
      EventId: id,
      LogicalResourceId: id,
      PhysicalResourceId: id,
      ResourceType: 'AWS::X::Y',
    },
    ResourceStatus,
    ...(reason !== undefined && { ResourceStatusReason: reason }),
  });

  it('is that of the resource that failed first', () => {
    const events = [
      event('stack', 'UPDATE_ROLLBACK_IN_PROGRESS', 'The following resource(s) failed to create: [Table, Other].'),
      event('Other', 'CREATE_FAILED', 'Resource creation cancelled'),
      event('Table', 'CREATE_FAILED', 'Table already exists'),
      event('Table', 'CREATE_IN_PROGRESS'),
    ];
    expect(firstFailure(events)).toBe('Table (AWS::X::Y): Table already exists');
  });

  it("is the stack's own where no resource has failed", () => {
    expect(firstFailure([event('stack', 'UPDATE_ROLLBACK_IN_PROGRESS', 'Export x is taken')])).toContain('Export x');
    expect(firstFailure([event('stack', 'UPDATE_COMPLETE')])).toBeUndefined();
  });
});

describe('what osls says of a failure', () => {
  it('is shown without its stack trace and what it says of itself', () => {
    const lines = [
      'Deploying x',
      '✖ Error:',
      'Something is wrong',
      '    at f (file.js:1)',
      'Environment: linux',
      'Docs: url',
    ];
    expect(saidBy(lines)).toBe('osls: ✖ Error: Something is wrong');
    expect(saidBy(['one', 'two'])).toBe('osls: one two');
    expect(saidBy([])).toMatch(/says nothing/);
  });
});
