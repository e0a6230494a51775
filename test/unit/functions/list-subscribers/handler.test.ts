import { DynamoDBDocumentClient, QueryCommand } from '@aws-sdk/lib-dynamodb';
import { mockClient } from 'aws-sdk-client-mock';
import { describe, expect, it } from 'vitest';
import { environmentSchema } from '../../../../functions/list-subscribers/environment.ts';
import { environmentOf } from '../environment.ts';
import { lambda } from '../lambda.ts';

const invoke = lambda(
  () => import('../../../../functions/list-subscribers/handler.ts'),
  environmentOf(environmentSchema),
);
async function get(queryStringParameters?: Record<string, string>): Promise<{ statusCode: number; body: unknown }> {
  const { statusCode, body } = await invoke({
    version: '2.0',
    ...(queryStringParameters && { queryStringParameters }),
  });
  return { statusCode, body: JSON.parse(body) };
}

describe('GET /subscribers', () => {
  it('answers with a list', async () => {
    mockClient(DynamoDBDocumentClient).on(QueryCommand).resolves({ Items: [] });
    expect(await get()).toEqual({ statusCode: 200, body: { subscribers: [] } });
  });

  it.each<[string, Record<string, string>, string]>([
    ['an unknown status', { status: 'ASLEEP' }, 'status: must be one of ONBOARDING,'],
    ['two statuses', { status: 'ACTIVE,FAILED' }, 'status: must be one of ONBOARDING,'],
    ['an account that is none', { account: '42' }, 'account: must be the 12 digits'],
    ['an alias of a key', { key: 'alias/a' }, 'key: must be the ARN of a KMS key'],
    ['a day as a time', { updatedBefore: '2026-01-31' }, 'updatedBefore: must be a time in UTC'],
    ['a time that there is not', { updatedAfter: '2026-13-31T00:00:00Z' }, 'updatedAfter: must be a time in UTC'],
    ['no limit', { limit: '0' }, 'limit: must be a number from 1 to 100'],
    ['a high limit', { limit: '101' }, 'limit: must be a number from 1 to 100'],
    ['a limit in words', { limit: 'ten' }, 'limit: must be a number from 1 to 100'],
    ['a foreign token', { nextToken: 'abc' }, 'nextToken: must be that of an answer to the same filters'],
    ['an unknown parameter', { state: 'ACTIVE' }, 'state: is not a known field'],
  ])('refuses %s', async (_, parameters, message) => {
    const documents = mockClient(DynamoDBDocumentClient);
    expect(await get(parameters)).toEqual({
      statusCode: 400,
      body: { error: expect.objectContaining({ name: 'InvalidRequest', message: expect.stringContaining(message) }) },
    });
    expect(documents.calls()).toHaveLength(0);
  });

  it.each([
    'Cannot read from backfilling global secondary index: subscribers-by-status',
    'The table does not have the specified index: subscribers-by-status',
  ])('asks for patience while there is no index: %s', async (message) => {
    const error = Object.assign(new Error(message), { name: 'ValidationException' });
    mockClient(DynamoDBDocumentClient).on(QueryCommand).rejects(error);
    expect(await get()).toMatchObject({ statusCode: 503, body: { error: { name: 'IndexNotReady' } } });
  });

  it('fails with any other error of the registry', async () => {
    const error = Object.assign(new Error('one is wrong'), { name: 'ValidationException' });
    mockClient(DynamoDBDocumentClient).on(QueryCommand).rejects(error);
    await expect(get()).rejects.toMatchObject({ name: 'ValidationException' });
  });
});
