import { describe, expect, it } from 'vitest';
import { createInput, setUp, templateUrl } from './cloudformation-fixture.ts';

const error = (name: string, message: string) =>
  expect.objectContaining({ name, message: expect.stringContaining(message) });

const nesting = `
Resources:
  Inner:
    Type: AWS::CloudFormation::Stack
    Properties: { TemplateURL: "${templateUrl('inner')}" }
`;
const inner = `
Resources:
  Bucket: { Type: AWS::S3::Bucket }
`;

/** A stack with one nested in it, both complete. */
async function setUpNested(rest: Record<string, string> = {}) {
  const world = setUp({ templates: { nesting, inner } });
  const { Parameters: _, ...input } = createInput({}, { TemplateURL: templateUrl('nesting'), ...rest });
  await world.call('CreateStack', input);
  const { stackId, resources } = await world.settled('tenant-acme');
  return { ...world, stackId, innerId: resources[0]?.provisioned?.physicalId ?? '' };
}

const laterRole = 'arn:aws:iam::111111111111:role/later-role';
const trusted = {
  roleName: 'later-role',
  assumeRolePolicyDocument: {
    Version: '2012-10-17',
    Statement: [{ Effect: 'Allow', Principal: { Service: 'cloudformation.amazonaws.com' }, Action: 'sts:AssumeRole' }],
  },
};

describe('DeleteStack', () => {
  it('succeeds for a stack that is not there', async () => {
    const { call } = setUp();
    expect(await call('DeleteStack', { StackName: 'nobody' })).toEqual({});
  });

  it('retains resources only of a stack in DELETE_FAILED, and only those that are left', async () => {
    let isDenied = true;
    const { call, settled, iam } = setUp({
      onAccess(_caller, { action }) {
        if (action === 'iam:DeleteRole' && isDenied) throw new Error('not authorized to perform: iam:DeleteRole');
      },
    });
    await call('CreateStack', createInput());
    const { stackId } = await settled('tenant-acme');
    const remove = (...RetainResources: string[]) => call('DeleteStack', { StackName: stackId, RetainResources });
    const tooEarly = error(
      'ValidationError',
      `Invalid operation on stack [${stackId}]. When you delete a stack, specify which resources to retain only when the stack is in the DELETE_FAILED state.`,
    );
    await expect(remove('ServiceRole')).rejects.toEqual(tooEarly);
    await remove();
    expect((await settled(stackId)).status).toBe('DELETE_FAILED');
    await expect(remove('ServiceRole', 'Subscriber')).rejects.toEqual(
      error('ValidationError', 'The specified resources to retain must be in a valid state.'),
    );
    isDenied = false;
    await remove('ServiceRole');
    expect((await settled(stackId)).status).toBe('DELETE_COMPLETE');
    expect(iam.role('RoleForInfinStorMlflowService-Acme')).toBeDefined();
  });

  it('respects termination protection', async () => {
    const { call, settled } = setUp();
    await call('CreateStack', createInput({}, { EnableTerminationProtection: 'true' }));
    await settled('tenant-acme');
    await expect(call('DeleteStack', { StackName: 'tenant-acme' })).rejects.toEqual(
      error('ValidationError', 'cannot be deleted while TerminationProtection is enabled'),
    );
  });

  it('respects the protection of the root stack for a nested one, which cannot be changed there', async () => {
    const { call, stackId, innerId } = await setUpNested({ EnableTerminationProtection: 'true' });
    await expect(call('DeleteStack', { StackName: innerId })).rejects.toEqual(
      error('ValidationError', 'cannot be deleted while TerminationProtection is enabled'),
    );
    const protect = (StackName: string, EnableTerminationProtection: string) =>
      call('UpdateTerminationProtection', { StackName, EnableTerminationProtection });
    await expect(protect(innerId, 'false')).rejects.toEqual(error('ValidationError', `use root stack [${stackId}]`));
    expect(await protect('tenant-acme', 'false')).toEqual({ StackId: stackId });
    expect(await call('DeleteStack', { StackName: 'tenant-acme' })).toEqual({});
  });

  it('acts with the role of the stack, and is refused when that is gone', async () => {
    const { call, stackId, iam, serviceRole, settled } = await setUpNested();
    iam.deleteRole(serviceRole.roleName);
    await expect(call('DeleteStack', { StackName: stackId })).rejects.toEqual(
      error('ValidationError', `Role ${serviceRole.arn} is invalid or cannot be assumed`),
    );
    expect((await settled(stackId)).status).toBe('CREATE_COMPLETE');
  });

  it('acts with the role of the call on the stack, what is nested in it, and all resources', async () => {
    const { call, stackId, innerId, iam, serviceRole, settled, accesses, cloudFormation } = await setUpNested();
    iam.deleteRole(serviceRole.roleName);
    iam.createRole(trusted);
    accesses.length = 0;
    await call('DeleteStack', { StackName: stackId, RoleARN: laterRole });
    expect((await settled(stackId)).status).toBe('DELETE_COMPLETE');
    expect([cloudFormation.stack(stackId)?.roleArn, cloudFormation.stack(innerId)?.roleArn]).toEqual([
      laterRole,
      laterRole,
    ]);
    const asked = accesses.map(({ caller, access }) => [caller.principalArn, access.action]);
    expect(asked).toEqual([
      [laterRole, 'cloudformation:DeleteStack'],
      [laterRole, 'cloudformation:DescribeStacks'],
      [laterRole, 's3:DeleteBucket'],
      [laterRole, 's3:ListBucket'],
    ]);
  });

  it('needs PassRole on a role that it is called with', () => {
    const { access } = setUp();
    const input = { StackName: 'tenant-acme', RoleARN: laterRole };
    expect(access('DeleteStack', input).map(({ action, resource }) => [action, resource])).toContainEqual([
      'iam:PassRole',
      laterRole,
    ]);
  });
});
