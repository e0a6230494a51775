import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CloudFormationClient, DescribeStacksCommand } from '@aws-sdk/client-cloudformation';
import { DynamoDBClient, GetItemCommand, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { DescribeKeyCommand, KMSClient } from '@aws-sdk/client-kms';
import { beforeEach, describe, expect, it } from 'vitest';
import { answer, authorizer, deniedKey, dynamoDb, folder, kms, options, setUp } from './server-fixture.ts';

beforeEach(setUp);

describe('access', () => {
  const inWords = (action: string, resource: string) =>
    `User: arn:aws:iam::111111111111:user/denied is not authorized to perform: ${action} on resource: ${resource} because no identity-based policy allows the ${action} action`;

  it("that IAM denies is refused in AWS's words before its effect, and noted", async () => {
    const inputs = answer({});
    const denied = new KMSClient(options(deniedKey)).send(new DescribeKeyCommand({ KeyId: 'k' }));
    await expect(denied).rejects.toMatchObject({
      name: 'AccessDeniedException',
      message: inWords('test:Do', 'arn:resource'),
      $metadata: { httpStatusCode: 400 },
    });
    const denial = {
      principalArn: 'arn:aws:iam::111111111111:user/denied',
      action: 'test:Do',
      resource: 'arn:resource',
      reason: expect.any(String),
    };
    expect(inputs).toEqual([]);
    expect(authorizer.denials()).toEqual([denial]);
    const lines = (await readFile(join(folder, 'denials.log'), 'utf8')).trimEnd().split('\n');
    expect(lines.map((line) => JSON.parse(line))).toEqual([denial]);
  });

  it('that IAM denies is AccessDenied with 403 in the Query protocol', async () => {
    const denied = new CloudFormationClient(options(deniedKey)).send(new DescribeStacksCommand({ StackName: 'a' }));
    await expect(denied).rejects.toMatchObject({
      name: 'AccessDenied',
      message: inWords('test:Do', 'arn:resource'),
      $metadata: { httpStatusCode: 403 },
    });
  });

  it('that IAM allows is noted once', async () => {
    await kms().send(new DescribeKeyCommand({ KeyId: 'k' }));
    await kms().send(new DescribeKeyCommand({ KeyId: 'k' }));
    expect(authorizer.denials()).toEqual([]);
    expect(authorizer.grants()).toEqual([
      { principalArn: 'arn:aws:iam::111111111111:user/operator', action: 'test:Do', resource: 'arn:resource' },
    ]);
  });

  it('is decided for DynamoDB too, which has its own protocol', async () => {
    const TableName = 'Registry';
    await dynamoDb.createTable({
      TableName,
      BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions: [{ AttributeName: 'pk', AttributeType: 'S' }],
      KeySchema: [{ AttributeName: 'pk', KeyType: 'HASH' }],
    });
    const Item = { pk: { S: 'a' }, n: { N: '1' } };
    await new DynamoDBClient(options()).send(new PutItemCommand({ TableName, Item }));
    expect(authorizer.denials()).toEqual([]);
    const denied = new DynamoDBClient(options(deniedKey));
    const get = denied.send(new GetItemCommand({ TableName, Key: { pk: { S: 'a' } } }));
    await expect(get).rejects.toMatchObject({ name: 'AccessDeniedException' });
    expect(authorizer.denials()).toEqual([
      expect.objectContaining({ action: 'dynamodb:GetItem', resource: expect.stringContaining('table/Registry') }),
    ]);
  });
});
