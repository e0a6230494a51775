import { describe, expect, it } from 'vitest';
import { AwsError } from '../../../../sandbox/core/operation.ts';
import { queryInput, queryResult } from '../../../../sandbox/http/protocols.ts';
import { sqsErrorCode, sqsInput, sqsOutput } from '../../../../sandbox/http/sqs-query.ts';

const read = (body: string) => sqsInput(queryInput(body).input);

describe('sqsInput', () => {
  it.each([
    ['QueueName=a', { QueueName: 'a' }],
    [
      'QueueUrl=u&MaxNumberOfMessages=5&VisibilityTimeout=0&WaitTimeSeconds=1',
      { QueueUrl: 'u', MaxNumberOfMessages: 5, VisibilityTimeout: 0, WaitTimeSeconds: 1 },
    ],
    [
      'QueueUrl=u&AttributeName.1=All&MessageAttributeName.1=a&MessageAttributeName.2=b&MessageSystemAttributeName.1=c',
      { QueueUrl: 'u', AttributeNames: ['All'], MessageAttributeNames: ['a', 'b'], MessageSystemAttributeNames: ['c'] },
    ],
    [
      'MessageBody=5&MessageAttribute.1.Name=a&MessageAttribute.1.Value.DataType=String&MessageAttribute.1.Value.StringValue=x',
      { MessageBody: '5', MessageAttributes: { a: { DataType: 'String', StringValue: 'x' } } },
    ],
  ])('reads %s as the JSON protocol has it', (body, expected) => {
    expect(read(`Action=X&Version=2012-11-05&${body}`)).toEqual(expected);
  });
});

describe('sqsOutput', () => {
  const message = {
    MessageId: 'm',
    Attributes: { SentTimestamp: '1' },
    MessageAttributes: { a: { StringValue: 'x' } },
  };

  it('flattens the lists of messages and attributes', () => {
    const { body } = queryResult('ReceiveMessage', sqsOutput({ Messages: [message, message] }), 'id', 'flat');
    const one =
      '<Message><MessageId>m</MessageId><Attribute><Name>SentTimestamp</Name><Value>1</Value></Attribute>' +
      '<MessageAttribute><Name>a</Name><Value><StringValue>x</StringValue></Value></MessageAttribute></Message>';
    expect(body).toContain(`<ReceiveMessageResult>${one}${one}</ReceiveMessageResult>`);
  });

  it('leaves other outputs as they are', () => {
    expect(sqsOutput({ QueueUrl: 'u' })).toEqual({ QueueUrl: 'u' });
  });
});

it.each([
  ['QueueDoesNotExist', 'AWS.SimpleQueueService.NonExistentQueue'],
  ['AccessDeniedException', 'AccessDeniedException'],
])('calls %s %s', (code, expected) => {
  expect(sqsErrorCode(new AwsError(code, ''))).toBe(expected);
});
