import { answered, call, fact, type RecordedTest, type Recordings, refused } from '../fact.ts';

/** A queue of the test's own. */
const queue = (name: string): Required<Pick<RecordedTest, 'prepare'>> => ({
  prepare: ({ sqs }) => ({ url: sqs.createQueue({ name }).url }),
});
const invalid = (message: string) => refused('InvalidParameterValue', message);
const QueueUrl = '$url';
const message = (Body: string, MD5OfBody: string, more: object = {}) => ({
  Body,
  MD5OfBody,
  MessageId: '<id>',
  ReceiptHandle: '<handle>',
  ...more,
});
const wait = (value: number) =>
  invalid(`Value ${value} for parameter WaitTimeSeconds is invalid. Reason: Must be >= 0 and <= 20, if provided.`);
const attributes = (count: number) => ({
  ApproximateFirstReceiveTimestamp: '<time>',
  ApproximateReceiveCount: String(count),
  SenderId: '<id>',
  SentTimestamp: '<time>',
});
const missing = refused('AWS.SimpleQueueService.NonExistentQueue', 'The specified queue does not exist.');
const md5 = '6e2baaf3b97dbeef01c0043275f9a0e7';
const shown = (more: object) => answered({ Messages: [message('msg', md5, more)] });
const system = [
  ['all_attributes', ['All'], { Attributes: attributes(1) }],
  ['single_attribute', ['SenderId'], { Attributes: { SenderId: '<id>' } }],
  ['multiple_attributes', ['SenderId', 'SequenceNumber'], { Attributes: { SenderId: '<id>' } }],
] as const;

export const sqs: Recordings = {
  service: 'sqs',
  file: 'sqs/test_sqs.snapshot.json',
  tests: [
    {
      test: 'TestSqsProvider::test_send_receive_max_number_of_messages[sqs]',
      date: '2024-04-30',
      ...queue('max-number'),
      steps: [
        fact(
          'send_max_number_of_messages',
          'ReceiveMessage',
          { QueueUrl, MaxNumberOfMessages: 11 },
          invalid(
            'Value 11 for parameter MaxNumberOfMessages is invalid. Reason: Must be between 1 and 10, if provided.',
          ),
        ),
      ],
    },
    {
      test: 'TestSqsProvider::test_send_oversized_message[sqs]',
      date: '2025-08-19',
      ...queue('oversized'),
      steps: [
        fact(
          'send_oversized_message',
          'SendMessage',
          { QueueUrl, MessageBody: 'a'.repeat(1_048_577) },
          invalid('One or more parameters are invalid. Reason: Message must be shorter than 1048576 bytes.'),
        ),
      ],
    },
    {
      test: 'TestSqsProvider::test_send_empty_message[sqs]',
      date: '2025-09-22',
      ...queue('no-body'),
      steps: [
        fact(
          'send_empty_message',
          'SendMessage',
          { QueueUrl, MessageBody: '' },
          refused('MissingParameter', 'The request must contain the parameter MessageBody.'),
        ),
      ],
    },
    {
      test: 'TestSqsProvider::test_non_existent_queue',
      date: '2024-04-30',
      steps: [fact('queue-does-not-exist-url', 'GetQueueUrl', { QueueName: 'nowhere' }, missing)],
    },
    {
      test: 'TestSqsProvider::test_receive_empty_queue[sqs]',
      date: '2025-02-10',
      ...queue('empty'),
      steps: [
        fact('empty_short_poll_resp_no_param', 'ReceiveMessage', { QueueUrl }, answered({})),
        fact('empty_short_poll_resp', 'ReceiveMessage', { QueueUrl, WaitTimeSeconds: 0 }, answered({})),
        fact('empty_long_poll_resp', 'ReceiveMessage', { QueueUrl, WaitTimeSeconds: 1 }, answered({})),
      ],
    },
    {
      test: 'TestSqsProvider::test_delete_after_visibility_timeout[sqs]',
      date: '2025-03-28',
      ...queue('timed-out'),
      steps: [
        call('SendMessage', { QueueUrl, MessageBody: 'foobar' }),
        call('ReceiveMessage', { QueueUrl, VisibilityTimeout: 1 }, { keep: { handle: 'Messages.0.ReceiptHandle' } }),
        fact('delete', 'DeleteMessage', { QueueUrl, ReceiptHandle: '$handle' }, answered({}), { afterAll: true }),
        fact('delete_after_timeout_queue_empty', 'ReceiveMessage', { QueueUrl }, answered({})),
      ],
    },
    {
      test: 'TestSqsProvider::test_send_receive_wait_time_seconds[sqs]',
      date: '2025-02-10',
      ...queue('wait-time'),
      steps: [
        fact('recieve_message_error_too_large', 'ReceiveMessage', { QueueUrl, WaitTimeSeconds: 21 }, wait(21)),
        fact('recieve_message_error_too_small', 'ReceiveMessage', { QueueUrl, WaitTimeSeconds: -1 }, wait(-1)),
        ...[{}, { WaitTimeSeconds: 0 }].flatMap((input, index) => [
          call('SendMessage', { QueueUrl, MessageBody: 'message' }),
          fact(
            index === 0 ? 'empty_short_poll_by_default_resp' : 'empty_short_poll_explicit_resp',
            'ReceiveMessage',
            { QueueUrl, ...input },
            answered({ Messages: [message('message', '78e731027d8fd50ed642340b7c9a63b3')] }),
          ),
        ]),
      ],
    },
    {
      test: 'TestSqsProvider::test_receive_message_attribute_names_filters[sqs]',
      date: '2024-06-04',
      ...queue('attributes'),
      steps: [
        call('SendMessage', {
          QueueUrl,
          MessageBody: 'msg',
          MessageAttributes: { Foo: { DataType: 'String', StringValue: 'Bar' } },
        }),
        ...system.map(([key, AttributeNames, more]) =>
          fact(key, 'ReceiveMessage', { QueueUrl, VisibilityTimeout: 0, AttributeNames }, shown(more)),
        ),
        fact(
          'all_system_and_message_attributes',
          'ReceiveMessage',
          { QueueUrl, VisibilityTimeout: 0, AttributeNames: ['All'], MessageAttributeNames: ['All'] },
          shown({
            Attributes: attributes(4),
            MD5OfMessageAttributes: 'ae7155c6026991b6d54b11589678bf9c',
            MessageAttributes: { Foo: { DataType: 'String', StringValue: 'Bar' } },
          }),
        ),
      ],
    },
  ],
};
