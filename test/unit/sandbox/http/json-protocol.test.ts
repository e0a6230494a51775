import { CognitoIdentityProviderClient, InitiateAuthCommand } from '@aws-sdk/client-cognito-identity-provider';
import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import {
  DescribeKeyCommand,
  ListResourceTagsCommand,
  MalformedPolicyDocumentException,
  PutKeyPolicyCommand,
} from '@aws-sdk/client-kms';
import { DescribeExecutionCommand, ExecutionAlreadyExists, StartExecutionCommand } from '@aws-sdk/client-sfn';
import { beforeEach, describe, expect, it } from 'vitest';
import { answer, at, fail, kms, options, server, setUp, sfn } from './server-fixture.ts';

beforeEach(setUp);

describe('a service with JSON', () => {
  it('takes input and returns output, dates among it', async () => {
    const inputs = answer({ executionArn: 'arn:e', startDate: at, output: '{"a":"é"}', error: undefined });
    const result = await sfn().send(new DescribeExecutionCommand({ executionArn: 'arn:e' }));
    expect(inputs).toEqual([{ executionArn: 'arn:e' }]);
    expect(result).toMatchObject({ executionArn: 'arn:e', startDate: at, output: '{"a":"é"}' });
    expect(result).not.toHaveProperty('error');
    expect(result.$metadata.requestId).toMatch(/^[\da-f-]{36}$/);
  });

  it('returns lists and nested structures, in its other version too', async () => {
    answer({ Tags: [{ TagKey: 'a', TagValue: '' }], Truncated: false });
    expect(await kms().send(new ListResourceTagsCommand({ KeyId: 'k' }))).toMatchObject({
      Tags: [{ TagKey: 'a', TagValue: '' }],
      Truncated: false,
    });
    answer({ KeyMetadata: { KeyId: 'k', CreationDate: at } });
    expect(await kms().send(new DescribeKeyCommand({ KeyId: 'k' }))).toMatchObject({
      KeyMetadata: { KeyId: 'k', CreationDate: at },
    });
  });

  it('is given dates as seconds', async () => {
    const inputs = answer({ Entries: [] });
    const noon = new Date('2026-03-04T12:00:00Z');
    await new EventBridgeClient(options()).send(new PutEventsCommand({ Entries: [{ Source: 's', Time: noon }] }));
    expect(inputs).toEqual([{ Entries: [{ Source: 's', Time: noon.getTime() / 1000 }] }]);
  });

  it('fails with the error that it names', async () => {
    fail('ExecutionAlreadyExists', `Execution Already Exists: 'é'`);
    const started = sfn().send(new StartExecutionCommand({ stateMachineArn: 'arn:m' }));
    await expect(started).rejects.toBeInstanceOf(ExecutionAlreadyExists);
    await expect(started).rejects.toMatchObject({
      message: `Execution Already Exists: 'é'`,
      $metadata: { httpStatusCode: 400, requestId: expect.any(String) },
    });
    fail('MalformedPolicyDocumentException');
    const tags = kms().send(new ListResourceTagsCommand({ KeyId: 'k' }));
    await expect(tags).rejects.toBeInstanceOf(MalformedPolicyDocumentException);
  });

  it('refuses input as a ValidationException that names the member', async () => {
    const refused = kms().send(
      new PutKeyPolicyCommand({ KeyId: 'k', Policy: '{}', BypassPolicyLockoutSafetyCheck: true }),
    );
    await expect(refused).rejects.toMatchObject({
      name: 'ValidationException',
      message: expect.stringMatching(/Policy/),
    });
  });

  it('refuses a body that is not JSON', async () => {
    const headers = { 'x-amz-target': 'TrentService.DescribeKey' };
    const response = await fetch(server.endpoint, { method: 'POST', headers, body: '{' });
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ __type: 'SerializationException' });
  });

  it('may need no credentials: InitiateAuth', async () => {
    const inputs = answer({ AuthenticationResult: { IdToken: 'token' } });
    const cognito = new CognitoIdentityProviderClient({ endpoint: server.endpoint, region: 'us-east-1' });
    const AuthParameters = { USERNAME: 'a', PASSWORD: 'b' };
    const result = await cognito.send(
      new InitiateAuthCommand({ AuthFlow: 'USER_PASSWORD_AUTH', ClientId: 'c', AuthParameters }),
    );
    expect(result.AuthenticationResult).toEqual({ IdToken: 'token' });
    expect(inputs).toEqual([{ AuthFlow: 'USER_PASSWORD_AUTH', ClientId: 'c', AuthParameters }]);
  });
});
