import {
  AlreadyExistsException,
  CreateStackCommand,
  DeleteStackCommand,
  DescribeStacksCommand,
} from '@aws-sdk/client-cloudformation';
import { GetRoleCommand, IAMClient, NoSuchEntityException } from '@aws-sdk/client-iam';
import { beforeEach, describe, expect, it } from 'vitest';
import { answer, at, cloudFormation, fail, options, setUp } from './server-fixture.ts';

beforeEach(setUp);

describe('a service with Query and XML', () => {
  it('takes lists and nested structures', async () => {
    const inputs = answer({ StackId: 'arn:s' });
    const Parameters = Array.from({ length: 11 }, (_, index) => ({
      ParameterKey: `P${index}`,
      ParameterValue: `a=b&c d+${index}%é`,
    }));
    const result = await cloudFormation().send(
      new CreateStackCommand({
        StackName: 's',
        // The SDK writes an empty list as an empty text, and only the operation knows what it is.
        NotificationARNs: [],
        Parameters,
        Capabilities: ['CAPABILITY_IAM'],
        Tags: [{ Key: 'k', Value: '' }],
      }),
    );
    expect(result.StackId).toBe('arn:s');
    expect(inputs).toEqual([
      {
        StackName: 's',
        NotificationARNs: '',
        Parameters,
        Capabilities: ['CAPABILITY_IAM'],
        Tags: [{ Key: 'k', Value: '' }],
      },
    ]);
  });

  it('returns lists, nested structures, dates and booleans', async () => {
    const stack = {
      StackName: 's',
      CreationTime: at,
      StackStatus: 'CREATE_COMPLETE' as const,
      DisableRollback: false,
      Capabilities: [],
      Parameters: [
        { ParameterKey: 'a', ParameterValue: '' },
        { ParameterKey: 'b', ParameterValue: '1' },
      ],
    };
    answer({ Stacks: [stack, { ...stack, Description: undefined }] });
    const { Stacks } = await cloudFormation().send(new DescribeStacksCommand({}));
    expect(Stacks).toMatchObject([stack, stack]);
    expect(Stacks?.[1]).not.toHaveProperty('Description');
  });

  it.each([
    ['markup', '<a href="x">&amp; &lt; \'quoted\' ]]></a>'],
    ['lines and blanks', ' first\n  second\t'],
    ['what looks like a number', '007'],
    ['other alphabets', 'é 漢 🙂'],
  ])('returns text as it is: %s', async (_name, text) => {
    answer({ Stacks: [{ StackName: 's', CreationTime: at, StackStatus: 'X', StackStatusReason: text }] });
    const { Stacks } = await cloudFormation().send(new DescribeStacksCommand({}));
    expect(Stacks?.[0]?.StackStatusReason).toBe(text);
  });

  it('fails with the error that it names, under the status that it gives', async () => {
    fail('NoSuchEntity', 'The role with name <x> cannot be found.', 404);
    const role = new IAMClient(options()).send(new GetRoleCommand({ RoleName: 'x' }));
    await expect(role).rejects.toBeInstanceOf(NoSuchEntityException);
    await expect(role).rejects.toMatchObject({
      message: 'The role with name <x> cannot be found.',
      $metadata: { httpStatusCode: 404, requestId: expect.any(String) },
    });
    fail('AlreadyExistsException');
    const created = cloudFormation().send(new CreateStackCommand({ StackName: 's' }));
    await expect(created).rejects.toBeInstanceOf(AlreadyExistsException);
  });

  it('refuses input as a ValidationError that names the member', async () => {
    const refused = cloudFormation().send(new DeleteStackCommand({ StackName: 's', RoleARN: 'arn:r' }));
    await expect(refused).rejects.toMatchObject({
      name: 'ValidationError',
      message: expect.stringContaining('RoleARN'),
    });
  });
});
